// Broken reviews, made of recorded ones: bytes that are changed, and members that are.
import type { Reviewed } from '../../src/webhook/review.ts';
import { review } from '../../src/webhook/review.ts';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { mutateByK8s } from './_mutate.ts';
import { VECTORS, bodyText } from './_reviews.ts';

/** xorshift32: numbers below `limit`, the same for the same seed. */
export function numbersFrom(seed: number): (limit: number) => number {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const secret = encodeSecret({
  group: 'g',
  groupVersion: '',
  key: 'k',
  mountRequirement: 2,
  envVar: 'V',
});
const SMALL = {
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    uid: 'u-1',
    namespace: 'n',
    dryRun: false,
    userInfo: { username: 'a', groups: ['b'] },
    object: {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'p', labels: { l: 'm' }, annotations: { 'flyte.secrets/s0': secret } },
      spec: {
        containers: [{ name: 'c', env: [{ name: 'E', value: 'v' }], volumeMounts: [] }],
        initContainers: [{ name: 'i', env: [] }],
        volumes: [{ name: 'v', secret: { secretName: 'g', items: [{ key: 'k', path: 'k' }] } }],
      },
    },
  },
};

const BODY_BYTES_MAX = 20_000;
/** What mutations start from. */
export const SEEDS: readonly Buffer[] = [
  Buffer.from(JSON.stringify(SMALL)),
  Buffer.from(JSON.stringify(SMALL)),
  Buffer.from(JSON.stringify(SMALL)),
  ...VECTORS.map((one) => Buffer.from(bodyText(one) ?? '')).filter(
    (one) => one.byteLength < BODY_BYTES_MAX,
  ),
];

type Next = (limit: number) => number;

const PIECES = ['{', '}', '[', ']', '"', ':', ',', 'null', '-1e999', '\\ud800', '\u0000', '{"a":['];

/** Some bytes changed, cut, doubled or brought in. */
export function byBytes(seed: Buffer, next: Next): Buffer {
  let bytes = Buffer.from(seed);
  for (let changes = 1 + next(4); changes > 0 && bytes.byteLength > 0; changes--) {
    const at = next(bytes.byteLength);
    const end = at + next(Math.min(64, bytes.byteLength - at) + 1);
    const piece = PIECES[next(PIECES.length)] ?? '';
    switch (next(6)) {
      case 0:
        bytes[at] = next(256);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
        break;
      case 3:
        bytes = bytes.subarray(0, at);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(piece), bytes.subarray(at)]);
    }
  }
  return bytes;
}

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1.5,
  '',
  'x',
  '\u0000\n"',
  'é\ud800',
  '__proto__',
  [],
  {},
  [null],
  { a: 1 },
  [[]],
  { length: 5 },
  { toString: 1 },
  'flyte.secrets/s0',
];

const NAMES = ['uid', 'metadata', 'env', '__proto__', 'constructor', '', 'flyte.secrets/s9'];

/** Some members, at any depth, taken away or with other values and names. */
export function byMembers(seed: Buffer, next: Next): Buffer {
  const root = { body: JSON.parse(seed.toString()) as unknown };
  for (let changes = 1 + next(3); changes > 0; changes--) {
    let holder: Record<string, unknown> = root;
    let name = 'body';
    for (let depth = next(10); depth > 0; depth--) {
      const inner = holder[name];
      if (typeof inner !== 'object' || inner === null) break;
      const names = Object.keys(inner);
      if (names.length === 0) break;
      holder = inner as Record<string, unknown>;
      name = names[next(names.length)] ?? '';
    }
    const way = next(8);
    if (way === 0) delete holder[name];
    else if (way === 1) holder[NAMES[next(NAMES.length)] ?? ''] = structuredClone(holder[name]);
    else holder[name] = structuredClone(VALUES[next(VALUES.length)]);
  }
  return Buffer.from(JSON.stringify(root.body) ?? '');
}

/** The uid that the answer must have, read in the plainest way; undefined where there is none. */
function uidIn(body: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
    const document = JSON.parse(text) as { request?: { uid?: unknown } | null } | null;
    if (Array.isArray(document) || Array.isArray(document?.request)) return undefined;
    const uid = document?.request?.uid;
    return typeof uid === 'string' ? uid.toWellFormed() : undefined;
  } catch {
    return undefined;
  }
}

const mutate = mutateByK8s();
const signal = new AbortController().signal;

/** Throws where the answer to this body is not clean. */
export async function judge(body: Buffer): Promise<Reviewed['outcome']> {
  const reviewed = await review({ body, contentType: 'application/json', signal }, mutate);
  const { response } = JSON.parse(reviewed.text) as {
    response: { uid: string; allowed: boolean; status: { code: number; message?: string } };
  };
  const uid = uidIn(body) ?? '';
  const hasReason = response.allowed || (response.status.message ?? '') !== '';
  const codes = [200, 400, 413];
  if (response.uid !== uid || !hasReason || !codes.includes(response.status.code)) {
    throw new Error(`${reviewed.reason ?? ''}\n${reviewed.text}\n${body.toString('base64')}`);
  }
  return reviewed.outcome;
}
