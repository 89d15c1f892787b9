import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { Sealed } from '../core/sealed.ts';
import { fromBase64 } from '../wire/base64.ts';
import { crc32c } from '../wire/crc32c.ts';
import { checkedAddress } from './_address.ts';
import { askEach } from './_each.ts';
import type { Google } from './_google.ts';
import { GOOGLE_AUTH, GOOGLE_OPTIONS, GOOGLE_VARIABLES } from './_google.ts';
import { googleHeaders, openGoogle } from './_google.ts';
import type { SecretName } from './_google-names.ts';
import { isProject, readSecretName, resourceOf } from './_google-names.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import type { Doubted, JsonRecord } from './_rest.ts';
import { doubted, jsonRecord, recordIn } from './_rest.ts';
import { said, sendDoubting, textIn, unknownBody, unknownError } from './_rest.ts';
import type { Answer, StoreContext, StoreKind, Wanted } from './_store.ts';

const VALUE_BYTES_MAX = 64 * 1024;
/** The payload in Base64 and what stands around it. */
const BODY_BYTES_MAX = 4 * VALUE_BYTES_MAX;

/** Secrets of Google Secret Manager, one request each. */
const secretManager: StoreKind = {
  kind: 'gcp-secret-manager',
  summary: 'Google Secret Manager, global and regional secrets',
  path: 'the secret: `db-password`, or `projects/P/secrets/S`, `projects/P/locations/L/secrets/S`',
  version: 'a number, an alias, or `latest` (the default)',
  perCall: { paths: 1, inFlight: 250, valueBytes: VALUE_BYTES_MAX },
  options: {
    project: { type: 'text', help: 'the project of secrets that are named without' },
    location: { type: 'text', help: 'the location of regional secrets that are named without' },
    endpoint: {
      type: 'text',
      help: 'the address of the API, where it is not `https://secretmanager.googleapis.com`',
    },
    ...GOOGLE_OPTIONS,
  },
  auth: GOOGLE_AUTH,
  variables: GOOGLE_VARIABLES,
  places: ['GOOGLE_CLOUD_PROJECT', 'GCLOUD_PROJECT'],
  open(options, context) {
    const named = textOption(options, 'endpoint');
    const endpoint =
      named === undefined ? undefined : checkedAddress(context, named, { called: '`endpoint`' });
    const google = async (): Promise<Google> => openGoogle(context, options);
    return {
      fetch: async (wanted) => fetchAll(wanted, { context, options, endpoint, google }),
      identity: async () => (await google()).who(),
    };
  },
  rights(options, wanted) {
    return wanted.map(({ path }) => {
      const name = readSecretName(path, textOption(options, 'location'));
      const project = textOption(options, 'project') ?? 'PROJECT';
      const scope = typeof name === 'string' ? path : resourceOf({ project, ...name });
      return { system: 'google', role: 'roles/secretmanager.secretAccessor', scope };
    });
  },
};

export default secretManager;

interface Opened {
  readonly context: StoreContext;
  readonly options: Options;
  readonly endpoint: string | undefined;
  google(): Promise<Google>;
}

async function fetchAll(wanted: readonly Wanted[], opened: Opened): Promise<readonly Answer[]> {
  if (wanted.length === 0) return [];
  const { context, options, endpoint = 'https://secretmanager.googleapis.com' } = opened;
  context.caller.warm({ url: endpoint, proxy: 'environment', protocol: 'h2' });
  const named = wanted.map((one) => {
    return { one, name: readSecretName(one.path, textOption(options, 'location')) };
  });
  const needsProject = named.some(({ name }) => {
    return typeof name !== 'string' && name.project === undefined;
  });
  const google = await opened.google();
  const [project] = await Promise.all([
    needsProject ? (textOption(options, 'project') ?? google.project()) : undefined,
    // Whoever has no credentials has none for any path.
    google.bearer.token(context),
  ]);
  const targets = named.map((asked) => targetOf(opened, { ...asked, project }));
  return askEach(context.caller, targets, {
    keyOf: (target) => (target instanceof BellhopError ? target.message : target.resource),
    ask: async (target) => {
      if (target instanceof BellhopError) throw target;
      return access(opened, google, target);
    },
  });
}

/** What is asked for, by which host. */
interface Target {
  readonly resource: string;
  readonly host: string;
  readonly where: readonly string[];
}

interface Asked {
  readonly one: Wanted;
  readonly name: SecretName | string;
  readonly project: string | undefined;
}

const VERSION = /^(?:\d+|[A-Za-z][A-Za-z0-9_-]{0,62})$/;

/** What a path asks for, or BH_ERR_SETTINGS where it can be nothing. */
function targetOf(
  { context, endpoint }: Opened,
  { one, name, project }: Asked,
): Target | BellhopError {
  const where = [`store ${context.name}`, one.path];
  const wrong = (what: string, help?: string): BellhopError => {
    const facts = { where, what, ...(help === undefined ? {} : { help }) };
    return new BellhopError('BH_ERR_SETTINGS', facts);
  };
  if (typeof name === 'string') return wrong(name);
  const owner = name.project ?? project;
  if (owner === undefined) {
    const help =
      'set the option `project`, or GOOGLE_CLOUD_PROJECT, or write `projects/P/secrets/S`';
    return wrong('no project is known for it', help);
  }
  if (!isProject(owner)) return wrong(`${owner} is no project`);
  const version = one.version ?? name.version ?? 'latest';
  if (!VERSION.test(version)) return wrong(`${version} is no version: a number, an alias, latest`);
  const regional = `https://secretmanager.${name.location}.rep.googleapis.com`;
  const global = 'https://secretmanager.googleapis.com';
  return {
    resource: `${resourceOf({ ...name, project: owner })}/versions/${version}`,
    host: endpoint ?? (name.location === undefined ? global : regional),
    where,
  };
}

async function access({ context }: Opened, google: Google, target: Target): Promise<Answer> {
  const { caller, io } = context;
  const headers = googleHeaders(google, context);
  return sendDoubting<Answer>(caller, {
    name: `access ${target.resource}`,
    request: async (attempt) => ({
      method: 'GET',
      url: `${target.host}/v1/${target.resource}:access`,
      headers: await headers(attempt),
      proxy: 'environment',
      protocol: 'h2',
      bodyBytesMax: BODY_BYTES_MAX,
    }),
    judge: (answer) => judge(answer, io.clock.now()),
  });
}

function judge(answer: HttpAnswer, nowMs: number): Verdict<Answer> | Doubted {
  const body = jsonRecord(answer.body);
  if (answer.status === 200 && body !== undefined) return payloadOf(body);
  const afterMs = retryAfterMs(answer.headers['retry-after'], nowMs);
  const passing = verdictOfStatus(answer, afterMs);
  if (passing !== undefined) return passing;
  if (body === undefined) return unknownBody(answer);
  return errorOf(recordIn(body, 'error'), answer);
}

function payloadOf(body: JsonRecord): Verdict<Answer> {
  const { payload } = body;
  if (typeof payload !== 'object' || payload === null) {
    return { kind: 'again', why: 'an answer without a payload' };
  }
  const { data = '', dataCrc32c } = recordIn(body, 'payload');
  const bytes = typeof data === 'string' ? fromBase64(data) : undefined;
  // A number where a 64 bit integer is printed so, a string by the rules of protobuf's JSON.
  const isWhole = dataCrc32c === undefined || Number(dataCrc32c) === crc32c(bytes ?? Buffer.of());
  if (bytes === undefined || !isWhole) {
    return { kind: 'again', why: 'a payload that does not have its checksum' };
  }
  const version = textIn(body, 'name')?.split('/').at(-1);
  const facts = version === undefined ? {} : { facts: { version } };
  return { kind: 'done', value: { kind: 'value', value: new Sealed(bytes), ...facts } };
}

/** google.rpc.Code names of failures that pass. */
const PASSING = new Set(['UNAVAILABLE', 'INTERNAL', 'DEADLINE_EXCEEDED', 'ABORTED', 'CANCELLED']);

function errorOf(error: JsonRecord, answer: HttpAnswer): Verdict<Answer> | Doubted {
  const status = textIn(error, 'status') ?? `HTTP ${answer.status}`;
  const message = textIn(error, 'message') ?? '';
  const what = `${status}: ${said(message)}`;
  switch (status) {
    case 'RESOURCE_EXHAUSTED':
      return { kind: 'throttled', why: status };
    case 'NOT_FOUND': {
      const isVersion = /\bversion \[/i.test(message);
      return absent(isVersion ? 'there is no such version' : 'there is no such secret');
    }
    case 'FAILED_PRECONDITION':
      return unavailable(message, what);
    case 'UNAUTHENTICATED':
      return doubted(refused('BH_ERR_CREDENTIALS', what), { times: 1, renew: true });
    case 'PERMISSION_DENIED':
      return denied(message, what);
    case 'INVALID_ARGUMENT':
      return refused('BH_ERR_SETTINGS', what);
    default:
      if (PASSING.has(status)) return { kind: 'again', why: status };
      return unknownError(answer, what);
  }
}

/** Other preconditions are of the key that it is encrypted under: nothing is known of the value. */
function unavailable(message: string, what: string): Verdict<Answer> {
  const state = /\bis in (DESTROYED|DISABLED) state/.exec(message)?.[1];
  if (state !== undefined) return absent(`its version is ${state.toLowerCase()}`);
  return refused('BH_ERR_STORE_DENIED', what);
}

function absent(what: string): Verdict<Answer> {
  return { kind: 'done', value: { kind: 'absent', what } };
}

/** Two more tries: a right that was given a moment ago reaches all of their servers by and by. */
const DENIED_AGAIN = 2;

/** The same answer for a missing right and for a missing secret where one may not list them. */
function denied(message: string, what: string): Verdict<Answer> | Doubted {
  if (!/may not exist/.test(message)) return refused('BH_ERR_STORE_DENIED', what);
  const help =
    'grant roles/secretmanager.secretAccessor on it, or correct its name: Google says the same where it does not exist';
  return doubted(refused('BH_ERR_STORE_DENIED', what, help), { times: DENIED_AGAIN });
}
