// The recorded requests of test/golden/flyte/http.json, and decisions that are given.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Decision, Mutate } from '../../src/webhook/decision.ts';
import { SECRET_ANNOTATION } from '../../src/wire/flyte-names.ts';

/** The members of an AdmissionReview that tests look at. */
export interface AnswerJson {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status: {
      readonly metadata: object;
      readonly message?: string;
      readonly code: number;
    };
    readonly patch?: string;
    readonly patchType?: string;
    readonly warnings?: readonly string[];
  };
}

export interface HttpVector {
  readonly id: string;
  readonly stand: 'compatible' | 'option';
  readonly messageMatch?: 'free';
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly rawBody?: string;
    readonly bodyFrom?: string;
    readonly addAnnotation?: {
      readonly name: string;
      readonly repeat: string;
      readonly count: number;
    };
    readonly appendText?: string;
  };
  readonly expected: {
    readonly status: number;
    readonly json?: AnswerJson;
    readonly text?: string;
  };
}

const FILE = path.join(import.meta.dir, '../golden/flyte/http.json');

export const VECTORS = (
  JSON.parse(readFileSync(FILE, 'utf8')) as { vectors: readonly HttpVector[] }
).vectors;

export function vector(id: string): HttpVector {
  const found = VECTORS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
}

interface ReviewJson {
  request: { object: { metadata: { annotations: Record<string, string> } } };
}

/** The body of a vector's request as it is sent; undefined where there is none. */
export function bodyText({ request }: HttpVector): string | undefined {
  if (request.rawBody !== undefined) return request.rawBody;
  if (request.body !== undefined) return JSON.stringify(request.body);
  if (request.bodyFrom === undefined) return undefined;
  const body = structuredClone(vector(request.bodyFrom).request.body) as ReviewJson;
  const { addAnnotation: add, appendText = '' } = request;
  if (add !== undefined) {
    body.request.object.metadata.annotations[add.name] = add.repeat.repeat(add.count);
  }
  return JSON.stringify(body) + appendText;
}

/** A recorded request with its members changed. */
export function bodyWith(change: (review: Record<string, unknown>) => void): string {
  const body = structuredClone(vector('http/ok-v1').request.body) as Record<string, unknown>;
  change(body);
  return JSON.stringify(body);
}

export const PATCHED: Decision = {
  kind: 'patched',
  patch: [{ op: 'add', path: '/metadata/labels/x', value: 'é' }],
  delivered: [{ secret: 'group:"bench" key:"k"', by: 'K8s' }],
  warnings: [],
};

/** Gives this decision where the pod has a secret. */
export function deciding(decision: Decision): Mutate {
  return async ({ pod }) => {
    const { annotations } = pod['metadata'] as { annotations?: object };
    const asks = Object.keys(annotations ?? {}).some((name) => name.startsWith(SECRET_ANNOTATION));
    return await Promise.resolve(asks ? decision : { kind: 'unchanged' });
  };
}

/** What the recorded answer says of the pod, as a decision. */
export function decisionOf({ expected }: HttpVector): Decision {
  const message = expected.json?.response.status.message;
  if (expected.json?.response.allowed !== false || message === undefined) return PATCHED;
  return { kind: 'denied', message, delivered: [] };
}

/** A patch that is only compared by being there: the pods are compared elsewhere. */
export function withoutPatch(answer: AnswerJson): object {
  const { patch, ...response } = answer.response;
  return { ...answer, response: { ...response, ...(patch === undefined ? {} : { patch: '…' }) } };
}
