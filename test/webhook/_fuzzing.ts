// Broken reviews, made of recorded ones: bytes that are changed, members that are, and what pods
// ask for; and broken annotations.
import { deadlineBy } from '../../src/webhook/deadline.ts';
import type { Reviewed } from '../../src/webhook/review.ts';
import { review } from '../../src/webhook/review.ts';
import {
  Base32Problem,
  decodeFlyteBase32,
  encodeFlyteBase32,
} from '../../src/wire/flyte-base32.ts';
import { EncodeProblem, decodeSecret, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { TextProblem } from '../../src/wire/flyte-text.ts';
import type { Way } from './_fuzzing-managers.ts';
import { MUTATES } from './_fuzzing-managers.ts';
import { VECTORS, bodyText } from './_reviews.ts';
import { mutateFiles, vectorsOf } from './_vectors.ts';

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

/** Pods of Flyte's vectors, which ask every manager for something. */
export const POD_SEEDS: readonly Buffer[] = mutateFiles()
  .flatMap((file) => vectorsOf(file))
  .map(({ pod }) => Buffer.from(JSON.stringify(withPod(pod))))
  .filter((one) => one.byteLength < BODY_BYTES_MAX);

function withPod(object: unknown): object {
  return { ...SMALL, request: { ...SMALL.request, object } };
}

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

interface PodBody {
  readonly request: { readonly object: { readonly metadata: { annotations?: Texts } } };
}
type Texts = Record<string, string>;

/** What one annotation says, changed before it is encoded; the seed is a good review. */
export function byAsking(seed: Buffer, next: Next): Buffer {
  const body = JSON.parse(seed.toString()) as PodBody;
  const { annotations = {} } = body.request.object.metadata;
  const names = Object.keys(annotations).filter((name) => name.startsWith('flyte.secrets/s'));
  const name = names[next(Math.max(1, names.length))];
  if (name === undefined) return byMembers(seed, next);
  annotations[name] = askingOtherwise(annotations[name] ?? '', next);
  return Buffer.from(JSON.stringify(body));
}

const FIELDS = ['group: ', 'group_version: ', 'key: ', 'env_var: ', 'mount_requirement: '];
const ASKED = [
  '""',
  '"A/../b"',
  '"' + 'x'.repeat(70) + '"',
  '"\\377"',
  "'$(id)'",
  'FILE',
  '1',
  '-7',
];

/** Bytes of its text, or of its Base32, or one more field. */
export function askingOtherwise(annotation: string, next: Next): string {
  const how = next(4);
  if (how === 0) return byBytes(Buffer.from(annotation), next).toString('latin1');
  const text = textOf(annotation);
  if (how !== 1) return encodeFlyteBase32(byBytes(text, next));
  const [field = '', value = ''] = [FIELDS[next(FIELDS.length)], ASKED[next(ASKED.length)]];
  const rest = text
    .toString('latin1')
    .split('\n')
    .filter((line) => !line.startsWith(field));
  return encodeFlyteBase32(Buffer.from([...rest, `${field}${value}`].join('\n'), 'latin1'));
}

function textOf(annotation: string): Buffer {
  try {
    return Buffer.from(decodeFlyteBase32(annotation));
  } catch {
    return Buffer.from(annotation);
  }
}

/** Throws where the codec does not say cleanly what is in it, or does not write what it read. */
export function judgeAnnotation(annotation: string): string {
  try {
    const read = decodeSecret(annotation);
    const again = decodeSecret(encodeSecret(read));
    if (JSON.stringify(again) === JSON.stringify(read)) return 'read';
    throw new Error(`read otherwise after writing: ${annotation}`);
  } catch (error) {
    if (error instanceof EncodeProblem) return `not written: ${error.message}`;
    if (error instanceof TextProblem || error instanceof Base32Problem) return error.message;
    throw error;
  }
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

const signal = new AbortController().signal;

/** Throws where the answer to this body is not clean. */
export async function judge(body: Buffer, way: Way = 'k8s'): Promise<Reviewed['outcome']> {
  return (await judged(body, way)).outcome;
}

/** The same, with all that is told of it. */
export async function judged(body: Buffer, way: Way): Promise<Reviewed> {
  const input = { body, contentType: 'application/json', deadline: deadlineBy(signal) };
  const reviewed = await review(input, MUTATES[way]);
  const { response } = JSON.parse(reviewed.text) as {
    response: { uid: string; allowed: boolean; status: { code: number; message?: string } };
  };
  const uid = uidIn(body) ?? '';
  const hasReason = response.allowed || (response.status.message ?? '') !== '';
  const codes = [200, 400, 413];
  if (response.uid !== uid || !hasReason || !codes.includes(response.status.code)) {
    throw new Error(`${reviewed.reason ?? ''}\n${reviewed.text}\n${body.toString('base64')}`);
  }
  return reviewed;
}
