import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { Sealed } from '../core/sealed.ts';
import { fromBase64 } from '../wire/base64.ts';
import { dnsLabelProblem, dnsSubdomainProblem } from '../wire/names.ts';
import { askEach, pathProblem } from './_each.ts';
import type { Kube } from './_kube.ts';
import { KUBE_AUTH, KUBE_OPTIONS, KUBE_VARIABLES, openKube } from './_kube.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import type { Doubted, JsonRecord } from './_rest.ts';
import { doubted, jsonRecord, recordIn } from './_rest.ts';
import { said, sendDoubting, textIn, unknownBody, unknownError } from './_rest.ts';
import type { Answer, StoreContext, StoreKind, Wanted } from './_store.ts';

/** An object has at most 1 MiB of data; Base64, annotations and managed fields stand around it. */
const VALUE_BYTES_MAX = 1024 * 1024;
const BODY_BYTES_MAX = 16 * VALUE_BYTES_MAX;

/**
 * Secrets and ConfigMaps by the API, one GET each: a LIST would be fewer requests, but reads what
 * nobody asked for, and a Role cannot allow it for named objects only.
 */
const kubernetes: StoreKind = {
  kind: 'kubernetes',
  summary: 'Secrets and ConfigMaps of a cluster, by its API server',
  path: '`secret/NAMESPACE/NAME` or `configmap/NAMESPACE/NAME`; without a namespace the own one',
  perCall: { paths: 1, inFlight: 50, valueBytes: VALUE_BYTES_MAX },
  options: KUBE_OPTIONS,
  auth: KUBE_AUTH,
  variables: KUBE_VARIABLES,
  places: ['KUBECONFIG', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'],
  open(options, context) {
    const opened = { context, kube: async () => openKube(context, options) };
    return {
      fetch: async (wanted) => fetchAll(wanted, opened),
      identity: async () => whoAmI(opened),
    };
  },
  rights(options: Options, wanted: readonly Wanted[]) {
    return wanted.flatMap(({ path }) => {
      const object = readPath(path, textOption(options, 'namespace') ?? '');
      if (typeof object === 'string') return [];
      const { namespace, resource, name } = object;
      return [{ system: 'kubernetes', namespace, resource, name }];
    });
  },
};

export default kubernetes;

interface Opened {
  readonly context: StoreContext;
  kube(): Promise<Kube>;
}

/** What a path names. */
interface ObjectName {
  readonly resource: 'secrets' | 'configmaps';
  readonly namespace: string;
  readonly name: string;
}

/** What a path names; what is wrong with it as text. */
function readPath(path: string, ownNamespace: string): ObjectName | string {
  const [, kind, namespace = ownNamespace, name = ''] =
    /^(secret|configmap)\/(?:([^/]*)\/)?([^/]*)$/.exec(path) ?? [];
  if (kind === undefined) return 'a path is secret/NAMESPACE/NAME or configmap/NAMESPACE/NAME';
  const problem = dnsSubdomainProblem(name);
  if (problem !== undefined) return `its name ${problem}`;
  const wrong = namespace === ownNamespace ? undefined : dnsLabelProblem(namespace);
  if (wrong !== undefined) return `its namespace ${wrong}`;
  return { resource: kind === 'secret' ? 'secrets' : 'configmaps', namespace, name };
}

async function fetchAll(wanted: readonly Wanted[], opened: Opened): Promise<readonly Answer[]> {
  if (wanted.length === 0) return [];
  const { context } = opened;
  const kube = await opened.kube();
  context.caller.warm(kube.request('/'));
  // Whoever has no token has none for any path.
  await kube.ready();
  const objects = wanted.map(({ path, version }) => {
    const object = readPath(path, kube.namespace);
    if (typeof object === 'string' || version === undefined) return { path, object };
    return { path, object: 'objects of Kubernetes have no versions to ask for' };
  });
  return askEach(context.caller, objects, {
    keyOf: ({ path, object }) =>
      typeof object === 'string' ? `${path}\n${object}` : pathOf(object),
    ask: async ({ path, object }) => {
      if (typeof object !== 'string') return getObject(context, kube, object);
      throw pathProblem(context, path, object);
    },
  });
}

function pathOf({ namespace, resource, name }: ObjectName): string {
  return `/api/v1/namespaces/${namespace}/${resource}/${name}`;
}

async function getObject(context: StoreContext, kube: Kube, object: ObjectName): Promise<Answer> {
  const authorization = kube.authorization();
  return sendDoubting<Answer>(context.caller, {
    name: `GET ${object.resource} ${object.namespace}/${object.name}`,
    request: async (attempt) => ({
      method: 'GET',
      ...kube.request(pathOf(object)),
      headers: { accept: 'application/json', ...(await authorization(attempt)) },
      bodyBytesMax: BODY_BYTES_MAX,
    }),
    judge: (answer) => {
      const body = judgeStatus(answer, context.io.clock.now());
      if ('kind' in body) return body;
      return objectOf(body.record, object);
    },
  });
}

type Judged = Verdict<Answer> | Doubted;

/** The body of a good answer; what any other one means. */
function judgeStatus(answer: HttpAnswer, nowMs: number): Judged | { record: JsonRecord } {
  const afterMs = retryAfterMs(answer.headers['retry-after'], nowMs);
  // Priority and fairness, and servers that are going down, answer with text.
  const passing = verdictOfStatus(answer, afterMs);
  if (passing !== undefined) return passing;
  const record = jsonRecord(answer.body);
  if (record === undefined) return unknownBody(answer);
  const isGood = answer.status === 200 || answer.status === 201;
  return isGood ? { record } : errorOf(record, answer);
}

/** metav1.Status: what the server says by its `reason`. */
function errorOf(status: JsonRecord, answer: HttpAnswer): Judged {
  const reason = textIn(status, 'reason');
  const what = `${reason ?? `HTTP ${answer.status}`}: ${said(textIn(status, 'message'))}`;
  switch (reason) {
    case 'NotFound':
      // Without details it is the path that is unknown: no API server, or not its root.
      return textIn(recordIn(status, 'details'), 'name') === undefined
        ? unknownError(answer, what)
        : { kind: 'done', value: { kind: 'absent', what: 'there is no such object' } };
    case 'Unauthorized': {
      const help = 'look at the token or certificate: it may have ended, or be of another cluster';
      return doubted(refused('BH_ERR_CREDENTIALS', what, help), { times: 1, renew: true });
    }
    case 'Forbidden': {
      const help =
        'let a Role `get` it (resources and resourceNames), and bind it to this identity';
      return refused('BH_ERR_STORE_DENIED', what, help);
    }
    case 'Expired':
    case 'Gone':
    case 'Conflict':
      return { kind: 'again', why: reason };
    case undefined:
    default:
      return unknownError(answer, what);
  }
}

/** Keys with their bytes, sorted as the API server prints them. */
function objectOf(record: JsonRecord, { resource, name }: ObjectName): Verdict<Answer> {
  const kind = resource === 'secrets' ? 'Secret' : 'ConfigMap';
  const isIt = record['kind'] === kind && textIn(recordIn(record, 'metadata'), 'name') === name;
  if (!isIt) return { kind: 'again', why: `an answer that is not this ${kind}` };
  const entries = new Map<string, Sealed>();
  for (const [key, value] of Object.entries(recordIn(record, 'data'))) {
    const bytes = resource === 'secrets' ? base64(value) : utf8(value);
    if (bytes === undefined) return { kind: 'again', why: 'an answer whose data is no text' };
    entries.set(key, new Sealed(bytes));
  }
  const binaryData = resource === 'secrets' ? {} : recordIn(record, 'binaryData');
  for (const [key, value] of Object.entries(binaryData)) {
    const bytes = base64(value);
    if (bytes === undefined) return { kind: 'again', why: 'an answer whose data is no Base64' };
    entries.set(key, new Sealed(bytes, { binary: true }));
  }
  const sorted = new Map([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { kind: 'done', value: { kind: 'map', entries: sorted } };
}

/** A key without a value is printed as null, or as ''. */
function base64(value: unknown): Uint8Array | undefined {
  if (value === null) return new Uint8Array();
  return typeof value === 'string' ? fromBase64(value) : undefined;
}

function utf8(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? new TextEncoder().encode(value) : undefined;
}

/** The user that the server takes us for: `system:serviceaccount:NAMESPACE:NAME`. */
async function whoAmI(opened: Opened): Promise<string> {
  const { context } = opened;
  const kube = await opened.kube();
  const authorization = kube.authorization();
  const api = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  return sendDoubting<string>(context.caller, {
    name: 'SelfSubjectReview',
    request: async (attempt) => ({
      method: 'POST',
      ...kube.request('/apis/authentication.k8s.io/v1/selfsubjectreviews'),
      headers: { 'content-type': 'application/json', ...(await authorization(attempt)) },
      body: JSON.stringify(api),
      bodyBytesMax: VALUE_BYTES_MAX,
    }),
    judge: (answer) => {
      const body = judgeStatus(answer, context.io.clock.now());
      if ('record' in body) {
        const user = recordIn(recordIn(body.record, 'status'), 'userInfo');
        return { kind: 'done', value: textIn(user, 'username') ?? 'nobody' };
      }
      const isNone = body.kind === 'done';
      return isNone ? refused('BH_ERR_STORE_ANSWER', 'it does not say who we are') : body;
    },
  });
}
