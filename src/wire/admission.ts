// AdmissionReview v1 and v1beta1: what the API server asks, and every answer of Flyte's webhook
// (flyteorg/flyte@6fadb90d65, executor/pkg/webhook; its handler is that of
// sigs.k8s.io/controller-runtime 0.24.1, pkg/webhook/admission/http.go), code by code.
import type { PatchOperation } from './json-patch.ts';
import { podProblem } from './admission-pod.ts';
import { isRecord, kindOf } from './read.ts';

/** From this size on a body is refused unread; controller-runtime's limit. */
export const REVIEW_BYTES_MAX = 7_340_032;

/** What of a request stands in its answer again. */
export interface Echo {
  readonly uid: string;
  /** Absent where the request could not be understood: such answers have no kind. */
  readonly type?: { readonly kind: string; readonly apiVersion: string };
}

/** What the API server says about a pod; all of the right types. */
export interface PodReview {
  readonly echo: Echo;
  /**
   * As it came, with all members. Where `podProblem` names a type, the member has it or is null or
   * absent; elements of lists and values of annotations are never null.
   */
  readonly pod: Readonly<Record<string, unknown>>;
  /** The request's, else the pod's own; empty where neither says. */
  readonly namespace: string;
  readonly dryRun: boolean;
  readonly user: { readonly name: string; readonly groups: readonly string[] };
}

/** A request that is answered without looking at the pod. */
export interface Refusal {
  readonly echo: Echo;
  readonly code: 400 | 413;
  /** Never a piece of the body but names of kinds and versions. */
  readonly message: string;
}

export type ReadReview =
  | { readonly kind: 'pod'; readonly review: PodReview }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const NOBODY: Echo = { uid: '' };
const PARSE = "couldn't get version/kind; json parse error:";
const NAME_CHARACTERS_MAX = 100;

/** The answer to a body of REVIEW_BYTES_MAX or more. */
export const TOO_LARGE: Refusal = {
  echo: NOBODY,
  code: 413,
  message: `request entity is too large; limit is ${REVIEW_BYTES_MAX} bytes`,
};

/**
 * Reads the body of a request. Differs from Flyte's in these: a content type may have parameters or
 * be absent, and a body that is JSON is answered with its uid even where something else is wrong
 * with it. Bytes are read as Go's encoding/json reads them: bytes in strings that are no UTF-8
 * become U+FFFD, a byte order mark and UTF-16 are no JSON. Known differences: of a member that
 * stands there twice the last counts, where Go merges two objects into one; of broken UTF-8 a
 * truncated sequence is one U+FFFD, where Go has one a byte; nesting has no limit of its own.
 */
export function readReview(body: Uint8Array, contentType: string | undefined): ReadReview {
  if (body.byteLength === 0) return refused(NOBODY, 'request body is empty');
  if (body.byteLength >= REVIEW_BYTES_MAX) return { kind: 'refused', refusal: TOO_LARGE };
  if (!isJson(contentType)) {
    return refused(NOBODY, `contentType=${contentType}, expected application/json`);
  }
  const document = parsed(body);
  if (document === undefined) return refused(NOBODY, `${PARSE} the body is no JSON`);
  if (!isRecord(document)) {
    return refused(NOBODY, `${PARSE} must be an object, is ${kindOf(document)}`);
  }
  return readDocument(document);
}

function isJson(contentType: string | undefined): boolean {
  return contentType === undefined || /^application\/json[ \t]*(?:;|$)/i.test(contentType);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    return undefined;
  }
}

type Members = Readonly<Record<string, unknown>>;

/** The member of this name; undefined where it is null. */
function own(object: Members, name: string): unknown {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}

function readDocument(document: Members): ReadReview {
  const request = own(document, 'request');
  const uid = isRecord(request) ? own(request, 'uid') : undefined;
  // As Go prints it again: half of a surrogate pair cannot be told.
  const asked: Echo = { uid: typeof uid === 'string' ? uid.toWellFormed() : '' };
  const kind = own(document, 'kind') ?? 'AdmissionReview';
  const apiVersion = own(document, 'apiVersion') ?? 'admission.k8s.io/v1';
  if (typeof kind !== 'string') return refused(asked, `${PARSE} ${mustBe('kind', 'text', kind)}`);
  if (typeof apiVersion !== 'string') {
    return refused(asked, `${PARSE} ${mustBe('apiVersion', 'text', apiVersion)}`);
  }
  const type = { kind: kind.toWellFormed(), apiVersion: apiVersion.toWellFormed() };
  if (request === undefined) return refused({ uid: '', type }, 'there is no content to decode');
  if (!isRecord(request)) return refused(asked, mustBe('request', 'an object', request));
  const problem = requestProblem(request);
  if (problem !== undefined) return refused(asked, problem);
  return readRequest(request, { ...asked, type });
}

/** The members of a request that are read here, and what they must be. */
const REQUEST_TYPES = { uid: 'string', namespace: 'string', dryRun: 'boolean' } as const;
const SAID = { string: 'text', boolean: 'true or false' } as const;

function requestProblem(request: Members): string | undefined {
  for (const name of ['uid', 'namespace', 'dryRun'] as const) {
    const value = own(request, name);
    const wanted = REQUEST_TYPES[name];
    if (value !== undefined && typeof value !== wanted) {
      return mustBe(`request.${name}`, SAID[wanted], value);
    }
  }
  const user = own(request, 'userInfo');
  if (user === undefined) return undefined;
  if (!isRecord(user)) return mustBe('request.userInfo', 'an object', user);
  const name = own(user, 'username');
  if (name !== undefined && typeof name !== 'string') {
    return mustBe('request.userInfo.username', 'text', name);
  }
  const groups = own(user, 'groups') ?? [];
  const areTexts = Array.isArray(groups) && groups.every((one) => typeof one === 'string');
  return areTexts ? undefined : 'request.userInfo.groups must be a list of texts';
}

function readRequest(request: Members, echo: Echo): ReadReview {
  const object = own(request, 'object');
  if (object === undefined) return refused(echo, 'there is no content to decode');
  if (!isRecord(object)) {
    return refused(echo, `${PARSE} ${mustBe('request.object', 'an object', object)}`);
  }
  const problem = kindProblem(object) ?? podProblem(object);
  if (problem !== undefined) return refused(echo, problem);
  const user = own(request, 'userInfo');
  const review: PodReview = {
    echo,
    pod: object,
    namespace: textOf(request, 'namespace') || textOf(own(object, 'metadata'), 'namespace'),
    dryRun: own(request, 'dryRun') === true,
    user: { name: textOf(user, 'username'), groups: textsOf(user, 'groups') },
  };
  return { kind: 'pod', review };
}

function textOf(object: unknown, name: string): string {
  const value = isRecord(object) ? own(object, name) : undefined;
  return typeof value === 'string' ? value : '';
}

function textsOf(object: unknown, name: string): readonly string[] {
  const value = isRecord(object) ? own(object, name) : undefined;
  const elements: readonly unknown[] = Array.isArray(value) ? value : [];
  return elements.filter((one) => typeof one === 'string');
}

/** Kind and version are a pod's where they are not said. */
function kindProblem(object: Members): string | undefined {
  const kind = own(object, 'kind') ?? 'Pod';
  const version = own(object, 'apiVersion') ?? 'v1';
  if (typeof kind !== 'string') return mustBe('pod.kind', 'text', kind);
  if (typeof version !== 'string') return mustBe('pod.apiVersion', 'text', version);
  if ((kind === 'Pod' || kind === '') && (version === 'v1' || version === '')) return undefined;
  const shown = (text: string): string => text.slice(0, NAME_CHARACTERS_MAX).toWellFormed();
  return `unable to decode ${shown(version)}, Kind=${shown(kind)} into a v1 Pod`;
}

function mustBe(where: string, wanted: string, value: unknown): string {
  return `${where} must be ${wanted}, is ${kindOf(value)}`;
}

function refused(echo: Echo, message: string): ReadReview {
  return { kind: 'refused', refusal: { echo, code: 400, message } };
}

/** What is answered; `warnings` reach whoever creates the pod. */
export type Answer =
  | {
      readonly allowed: true;
      readonly message?: string;
      readonly patch?: readonly PatchOperation[];
      readonly warnings?: readonly string[];
    }
  | { readonly allowed: false; readonly code: number; readonly message: string };

/**
 * The text of an answer, its members in Flyte's order and with its line break at the end. The patch
 * is laid in as it is: Base64 has nothing that JSON escapes, and is most of the text.
 */
export function answerText({ uid, type }: Echo, answer: Answer): string {
  const { allowed, message } = answer;
  const code = answer.allowed ? 200 : answer.code;
  const status = { metadata: {}, ...(message === undefined ? {} : { message }), code };
  const response = JSON.stringify({ uid, allowed, status }).slice(0, -1);
  const more = answer.allowed ? patchMembers(answer) : '';
  const names = type === undefined ? '' : `${JSON.stringify(type).slice(1, -1)},`;
  return `{${names}"response":${response}${more}}}\n`;
}

function patchMembers({ patch = [], warnings = [] }: Answer & { allowed: true }): string {
  const base64 = patch.length === 0 ? '' : Buffer.from(JSON.stringify(patch)).toString('base64');
  return (
    (base64 === '' ? '' : `,"patch":"${base64}","patchType":"JSONPatch"`) +
    (warnings.length === 0 ? '' : `,"warnings":${JSON.stringify(warnings)}`)
  );
}
