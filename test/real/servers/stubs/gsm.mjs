// Stub of Google Secret Manager, REST v1 (no gRPC), with the two ways a workload gets its token. One port, plain HTTP, 127.0.0.1.
//   node gsm.mjs PORT
// Secrets:   /v1/projects/P[/locations/L]/secrets…  create, get, list, delete, :addVersion, versions/V[:access|:disable|:enable|:destroy]
// Tokens:    metadata server /computeMetadata/v1/… (header Metadata-Flavor: Google), OAuth POST /token, STS POST /v1/token;
//            the fixed token "testbed" is accepted too. Any project exists; answers name projects by number, as Google does.
// Not here:  IAM (use a fault of status 403), replication, CMEK, version aliases, etag checks, quotas (use the fault throttle), gRPC.
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { createStub, Refusal, seconds, serve } from './stub.mjs';

const PROJECT_NUMBER = '123456789012';
const MAX_PAYLOAD = 65536;
const TOKEN_SECONDS = 3599;
const STATUS = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const errorBody = (
  code,
  message = STATUS[code] ?? 'error',
  { status = STATUS[code] ?? 'UNKNOWN', details } = {},
) => ({
  error: { code, message, status, ...(details && { details }) },
});
const refuse = (code, message, more) => new Refusal(code, errorBody(code, message, more));
const info = (reason) => [
  {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason,
    domain: 'googleapis.com',
    metadata: { service: 'secretmanager.googleapis.com' },
  },
];

/** name (with the project's number) -> { createTime, labels, versions: [{ data, state, createTime, destroyTime }] } */
const secrets = new Map();
/** access token -> second of its expiry */
const tokens = new Map();

function crc32c(bytes) {
  let c = ~0;
  for (const b of bytes) {
    c ^= b;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  }
  return String(~c >>> 0);
}

function issueToken() {
  const token = `ya29.${randomBytes(30).toString('base64url')}`;
  tokens.set(token, seconds() + TOKEN_SECONDS);
  return { access_token: token, expires_in: TOKEN_SECONDS, token_type: 'Bearer' };
}

function authorize(headers) {
  const given = headers.authorization ?? '';
  if (!given)
    throw refuse(
      401,
      'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
      { details: info('CREDENTIALS_MISSING') },
    );
  const token = /^Bearer (.+)$/i.exec(given)?.[1];
  if (token !== 'testbed' && !(tokens.get(token) > seconds()))
    throw refuse(
      401,
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
      { details: info('ACCESS_TOKEN_TYPE_UNSUPPORTED') },
    );
}

function metadata({ path, headers }) {
  const flavor = { 'metadata-flavor': 'Google' };
  const text = (body, status = 200) => ({
    status,
    headers: { ...flavor, 'content-type': 'application/text' },
    body: Buffer.from(body),
  });
  if (path === '/') return text('computeMetadata/\n'); // how client libraries find out that they are on Google's platform
  if (headers['metadata-flavor'] !== 'Google')
    return text('Missing Metadata-Flavor:Google header.\n', 403);
  if (headers['x-forwarded-for']) return text('X-Forwarded-For is refused.\n', 403);
  const at = path.slice('/computeMetadata/v1/'.length).replace(/\/$/, '');
  if (at === 'instance') return text('attributes/\nservice-accounts/\n'); // what the vendor's client asks first
  if (at === 'universe/universe-domain') return text('googleapis.com');
  if (at === 'project/project-id') return text('testbed');
  if (at === 'project/numeric-project-id') return text(PROJECT_NUMBER);
  if (/^instance\/service-accounts\/(default|[^/]+@[^/]+)\/token$/.test(at))
    return { headers: flavor, body: issueToken() };
  if (/^instance\/service-accounts\/[^/]+\/email$/.test(at))
    return text('workload@testbed.iam.gserviceaccount.com');
  return text('not found\n', 404);
}

const GRANTS = [
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:token-exchange',
];
function exchange(request) {
  const given = /json/.test(request.headers['content-type'] ?? '')
    ? request.json()
    : Object.fromEntries(request.form());
  const grant = given.grant_type ?? given.grantType;
  if (!GRANTS.includes(grant))
    throw new Refusal(400, {
      error: 'unsupported_grant_type',
      error_description: `Invalid grant_type: ${grant}`,
    });
  if (!(given.assertion ?? given.refresh_token ?? given.subject_token ?? given.subjectToken))
    throw new Refusal(400, { error: 'invalid_grant', error_description: 'Bad Request' });
  return {
    body: {
      ...issueToken(),
      ...(grant === GRANTS[2] && {
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    },
  };
}

const showSecret = (name) => ({
  name,
  replication: { automatic: {} },
  createTime: secrets.get(name).createTime,
  labels: secrets.get(name).labels,
  etag: '"1"',
});
const showVersion = (name, v, i) => ({
  name: `${name}/versions/${i + 1}`,
  createTime: v.createTime,
  ...(v.destroyTime && { destroyTime: v.destroyTime }),
  state: v.state,
  replicationStatus: { automatic: {} },
  etag: '"1"',
});

function find(name, version) {
  const secret = secrets.get(name);
  if (!secret) throw refuse(404, `Secret [${name}] not found or has no versions.`);
  const i = version === 'latest' ? secret.versions.length - 1 : Number(version) - 1; // latest: the newest, whatever its state
  const v = secret.versions[i];
  if (!v)
    throw refuse(
      404,
      version === 'latest'
        ? `Secret [${name}] not found or has no versions.`
        : `Secret Version [${name}/versions/${version}] not found.`,
    );
  return [v, i];
}

const CHANGES = { disable: 'DISABLED', enable: 'ENABLED', destroy: 'DESTROYED' };
const NOT_FOUND = () => refuse(404, 'The requested URL was not found on this server.');

function known(name) {
  const secret = secrets.get(name);
  if (!secret) throw refuse(404, `Secret [${name}] not found.`);
  return secret;
}

function create(parent, { query, json }) {
  const id = query.get('secretId') ?? '';
  const name = `${parent}/secrets/${id}`;
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(id)) {
    throw refuse(400, 'The provided Secret ID does not match the expected format [[a-zA-Z_0-9]+].');
  }
  if (secrets.has(name)) throw refuse(409, `Secret [${name}] already exists.`);
  secrets.set(name, {
    createTime: new Date().toISOString(),
    labels: json().labels ?? {},
    versions: [],
  });
  return { body: showSecret(name) };
}

/** The secrets of a project or a place. */
function collection(parent, request) {
  if (request.method === 'POST') return create(parent, request);
  if (request.method !== 'GET') throw NOT_FOUND();
  const own = [...secrets.keys()].filter((name) => name.startsWith(`${parent}/secrets/`));
  return { body: { secrets: own.map(showSecret), totalSize: own.length } };
}

function addVersion(name, { payload = {} }) {
  const { versions } = known(name);
  const data = Buffer.from(payload.data ?? '', 'base64');
  if (data.length > MAX_PAYLOAD) {
    throw refuse(
      400,
      `The provided payload is ${data.length} bytes, the maximum is ${MAX_PAYLOAD} bytes.`,
    );
  }
  if (![undefined, crc32c(data)].includes(payload.dataCrc32c)) {
    throw refuse(400, 'The provided checksum does not match the payload.');
  }
  versions.push({ data, state: 'ENABLED', createTime: new Date().toISOString() });
  return { body: showVersion(name, versions.at(-1), versions.length - 1) };
}

/** One version: shown, its value read, or its state changed. */
function oneVersion(name, version, doing) {
  const [v, i] = find(name, version);
  const full = `${name}/versions/${i + 1}`;
  const refused = () =>
    refuse(400, `Secret Version [${full}] is in ${v.state} state.`, {
      status: 'FAILED_PRECONDITION',
    });
  if (doing === 'GET') return { body: showVersion(name, v, i) };
  if (doing === 'GET access') {
    if (v.state !== 'ENABLED') throw refused();
    return {
      body: {
        name: full,
        payload: { data: v.data.toString('base64'), dataCrc32c: crc32c(v.data) },
      },
    };
  }
  const state = CHANGES[/^POST (\w+)$/.exec(doing)?.[1]];
  if (!state) throw NOT_FOUND();
  if (v.state === 'DESTROYED') throw refused();
  v.state = state;
  if (state === 'DESTROYED')
    Object.assign(v, { data: Buffer.alloc(0), destroyTime: new Date().toISOString() });
  return { body: showVersion(name, v, i) };
}

function allVersions(name) {
  const { versions } = known(name);
  const shown = versions.map((v, i) => showVersion(name, v, i)).toReversed();
  return { body: { versions: shown, totalSize: versions.length } };
}

function oneSecret(name, method) {
  known(name);
  if (method === 'GET') return { body: showSecret(name) };
  if (method !== 'DELETE') throw NOT_FOUND();
  secrets.delete(name);
  return { body: {} };
}

const PATH =
  /^\/v1\/projects\/[^/]+(\/locations\/[^/]+)?\/secrets(?:\/([A-Za-z0-9_-]{1,255})(.*))?$/;
const VERSION = /^\/versions\/(latest|\d+)(?::(\w+))?$/;

function api(request) {
  authorize(request.headers);
  const { method } = request;
  const [found, location = '', id, rest] = PATH.exec(request.path) ?? [];
  if (!found) throw NOT_FOUND();
  const parent = `projects/${PROJECT_NUMBER}${location}`;
  if (!id) return collection(parent, request);
  const name = `${parent}/secrets/${id}`;
  if (rest === '') return oneSecret(name, method);
  if (rest === ':addVersion' && method === 'POST') return addVersion(name, request.json());
  return versions(name, rest, method);
}

/** What is below `/versions` of a secret. */
function versions(name, rest, method) {
  if (rest === '/versions' && method === 'GET') return allVersions(name);
  const [, version, verb] = VERSION.exec(rest) ?? [];
  if (!version) throw NOT_FOUND();
  return oneVersion(name, version, verb ? `${method} ${verb}` : method);
}

function handle(request) {
  if (request.path === '/' || request.path.startsWith('/computeMetadata/'))
    return metadata(request);
  if (request.method === 'POST' && (request.path === '/token' || request.path === '/v1/token'))
    return exchange(request);
  return api(request);
}

const stub = createStub({
  errorBody,
  throttled: () =>
    refuse(
      429,
      `Quota exceeded for quota metric 'Access requests' and limit 'Access requests per minute' of service 'secretmanager.googleapis.com' for consumer 'project_number:${PROJECT_NUMBER}'.`,
      { details: info('RATE_LIMIT_EXCEEDED') },
    ),
  reset: () => {
    secrets.clear();
    tokens.clear();
  },
});
serve(http.createServer(stub(handle)), Number(process.argv[2]));
