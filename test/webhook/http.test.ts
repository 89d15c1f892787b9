// The recorded requests once more, decided about for real: the pods that come out are Flyte's.
import { expect, test } from 'bun:test';
import { deadlineBy } from '../../src/webhook/deadline.ts';
import { review } from '../../src/webhook/review.ts';
import type { PatchOperation } from '../../src/wire/json-patch.ts';
import { applyPatch } from '../../src/wire/json-patch.ts';
import { mutateByK8s } from './_mutate.ts';
import type { Json } from './_vectors.ts';
import { comparable, vectorsOf } from './_vectors.ts';

interface Answered {
  readonly response: { readonly allowed: boolean; readonly patch?: string };
}
interface HttpVector {
  readonly id: string;
  readonly request: { readonly body?: { readonly request?: { readonly object?: Json } } };
  readonly expected: { readonly json?: Answered };
}

const patched = vectorsOf<HttpVector>('http.json').filter(({ request, expected }) => {
  return request.body !== undefined && expected.json?.response.patch !== undefined;
});

function podOf(object: Json, { response }: Answered): unknown {
  const text = Buffer.from(response.patch ?? '', 'base64').toString();
  return comparable(applyPatch(object, JSON.parse(text) as readonly PatchOperation[]) as Json);
}

test('there are some', () => expect(patched.length).toBeGreaterThan(2));

test.each(patched.map((one) => [one.id, one] as const))('%s', async (_, { request, expected }) => {
  const body = Buffer.from(JSON.stringify(request.body));
  const { signal } = new AbortController();
  const { text } = await review(
    { body, contentType: 'application/json', deadline: deadlineBy(signal) },
    mutateByK8s(),
  );
  const object = request.body?.request?.object ?? {};
  const wanted = expected.json ?? expect.unreachable();
  expect(podOf(object, JSON.parse(text) as Answered)).toEqual(podOf(object, wanted));
});
