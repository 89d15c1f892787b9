// A pod that was handled, handled again: nothing may change.
import { isDeepStrictEqual } from 'node:util';
import { applyPatch } from '../../src/wire/json-patch.ts';
import type { PatchOperation } from '../../src/wire/json-patch.ts';
import { judged } from './_fuzzing.ts';
import type { Way } from './_fuzzing-managers.ts';
import type { AnswerJson } from './_reviews.ts';

interface Body {
  readonly request: { readonly object: { readonly spec?: { readonly containers?: unknown } } };
}

/** Throws where the patch of an answer does not fit its pod, or the pod is changed once more. */
export async function judgeAgain(body: Buffer, answer: string, way: Way): Promise<void> {
  const review = JSON.parse(body.toString()) as Body;
  const once = patched(review, answer);
  const { containers } = review.request.object.spec ?? {};
  // What has none is no pod; the API server refuses it.
  if (!Array.isArray(containers) || containers.length === 0) return;
  const again = Buffer.from(JSON.stringify(once));
  const { outcome, text } = await judged(again, way);
  if (outcome === 'patched' && isDeepStrictEqual(patched(once, text), once)) return;
  throw new Error(`changed again: ${outcome}\n${text}\n${body.toString('base64')}`);
}

/** The review with the pod as it comes out. */
function patched(review: Body, answer: string): Body {
  const { response } = JSON.parse(answer) as AnswerJson;
  const text = Buffer.from(response.patch ?? 'W10=', 'base64').toString();
  const patch = JSON.parse(text) as PatchOperation[];
  const object = applyPatch(review.request.object, patch) as Body['request']['object'];
  return { ...review, request: { ...review.request, object } };
}
