// Stub of Azure Key Vault secrets with everything that hands out its tokens. 127.0.0.1 only.
//   node akv.mjs VAULT_PORT IDENTITY_PORT TLS_FOLDER     (TLS_FOLDER holds server.key and server.pem)
// TLS, VAULT_PORT:     /secrets…  get, set, patch, list, versions, delete;  Entra: POST /TENANT/oauth2/v2.0/token and its openid-configuration
// Plain, IDENTITY_PORT: IMDS /metadata/identity/oauth2/token (header Metadata: true); App Service /msi/token (header X-IDENTITY-HEADER: testbed)
// Not here: role assignments (use a fault of status 403), soft-deleted secrets, certificates and keys, firewalls, quotas (use the fault throttle).
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { createStub, Refusal, requestId, seconds, serve } from './stub.mjs';

const [vaultPort, identityPort, tls] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  process.argv[4],
];
const TENANT = '00000000-0000-0000-0000-000000000001';
const RESOURCE = 'https://vault.azure.net';
const [MAX_VALUE, TOKEN_SECONDS] = [25 * 1024, 3599];
const CODES = {
  400: 'BadParameter',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'SecretNotFound',
  409: 'Conflict',
  429: 'Throttled',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
};

const errorBody = (
  status,
  message = CODES[status] ?? 'error',
  { code = CODES[status] ?? 'Error', inner } = {},
) => ({
  error: { code, message, ...(inner && { innererror: { code: inner } }) },
});
const refuse = (status, message, more = {}) =>
  new Refusal(status, errorBody(status, message, more), more.headers);

/** lower-case name (names are case-insensitive) -> versions, oldest first */
const secrets = new Map();
/** access token -> { resource, expires } */
const tokens = new Map();

function issue(resource) {
  const now = seconds();
  // What Azurite reads of a token; nobody here checks its signature.
  const times = { iat: now, nbf: now, exp: now + TOKEN_SECONDS };
  const claims = { aud: resource, iss: `https://sts.windows.net/${TENANT}/`, ...times };
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const token = `eyJ0eXAiOiJKV1QifQ.${payload}.${randomBytes(20).toString('base64url')}`;
  tokens.set(token, { resource, expires: times.exp });
  return token;
}

function authorize({ headers }) {
  const where = `https://localhost:${vaultPort}/${TENANT}`;
  const challenge = {
    headers: { 'www-authenticate': `Bearer authorization="${where}", resource="${RESOURCE}"` },
  };
  const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (!token) throw refuse(401, 'AKV10000: Request is missing a Bearer or PoP token.', challenge);
  const known = tokens.get(token);
  if (!known || known.expires <= seconds())
    throw refuse(401, '[BearerReadAccessTokenFailed] Error validating token: S2S12005', challenge);
  if (known.resource !== RESOURCE)
    throw refuse(
      401,
      `AKV10022: Invalid audience. Expected ${RESOURCE}, found: ${known.resource}.`,
      challenge,
    );
}

const attributes = (x) => ({
  enabled: x.enabled,
  ...(x.nbf && { nbf: x.nbf }),
  ...(x.exp && { exp: x.exp }),
  created: x.created,
  updated: x.updated,
  recoveryLevel: 'Recoverable+Purgeable',
  recoverableDays: 90,
});
const base = `https://localhost:${vaultPort}/secrets`;
const item = (x, id = `${base}/${x.name}/${x.id}`) => ({
  id,
  ...(x.contentType && { contentType: x.contentType }),
  attributes: attributes(x),
  tags: x.tags ?? {},
});

const bad = (message) => refuse(400, message);
const isNow = ({ nbf }) => !(nbf > seconds());

function list(query) {
  const size = Math.min(Number(query.get('maxresults') ?? 25), 25);
  const from = Number(query.get('$skiptoken') ?? 0);
  const all = [...secrets.values()].map((v) => v.at(-1));
  const next = `${base}?api-version=${query.get('api-version')}&maxresults=${size}&$skiptoken=${from + size}`;
  const value = all.slice(from, from + size).map((x) => item(x, `${base}/${x.name}`));
  return { body: { value, nextLink: from + size < all.length ? next : null } };
}

function put(name, { value, contentType, tags, attributes: { enabled = true, nbf, exp } = {} }) {
  if (typeof value !== 'string') throw bad('Property  value is required.');
  if (value.length > MAX_VALUE)
    throw bad(`The secret value exceeds the maximum length of ${MAX_VALUE} characters.`);
  const key = name.toLowerCase();
  const now = seconds();
  const id = randomBytes(16).toString('hex');
  const known = secrets.get(key) ?? [];
  const x = {
    name: known[0]?.name ?? name,
    id,
    value,
    contentType,
    tags,
    enabled,
    nbf,
    exp,
    created: now,
    updated: now,
  };
  secrets.set(key, [...known, x]);
  return { body: { value, ...item(x) } };
}

function read(x) {
  const refused = (what, inner) =>
    refuse(403, `Operation get is not allowed on a ${what}.`, { inner });
  if (!x.enabled) throw refused('disabled secret', 'SecretDisabled');
  if (!isNow(x)) throw refused('secret that is not yet valid', 'SecretNotYetValid');
  return { body: { value: x.value, ...item(x) } };
}

function change(x, { attributes: { enabled = x.enabled } = {}, tags = x.tags }) {
  Object.assign(x, { enabled, tags, updated: seconds() });
  return { body: item(x) };
}

function remove(x) {
  secrets.delete(x.name.toLowerCase());
  const recoveryId = `https://localhost:${vaultPort}/deletedsecrets/${x.name}`;
  const now = seconds();
  return {
    body: { recoveryId, deletedDate: now, scheduledPurgeDate: now + 90 * 86400, ...item(x) },
  };
}

/** One secret: its newest version, the one that is named, or (rest is `versions`) all. */
function secret({ method, json }, name, rest) {
  if (method === 'PUT' && !rest) return put(name, json());
  const versions = secrets.get(name.toLowerCase()) ?? [];
  const isOne = rest && rest !== 'versions';
  const x = isOne ? versions.find((v) => v.id === rest) : versions.at(-1);
  const about = `${name}${isOne ? `/${rest}` : ''}`;
  if (!x) throw refuse(404, `A secret with (name/id) ${about} was not found in this key vault.`);
  switch (method) {
    case 'GET':
      return rest === 'versions'
        ? { body: { value: versions.map((v) => item(v)), nextLink: null } }
        : read(x);
    case 'PATCH':
      return change(x, json());
    case 'DELETE':
      return remove(x);
    default:
      throw refuse(405, 'The request method is not allowed.', { code: 'MethodNotAllowed' });
  }
}

const SECRET = /^\/secrets\/([0-9A-Za-z-]{1,127})(?:\/(versions|[0-9a-f]{32})?)?$/;

function vault(request) {
  authorize(request);
  const { method, path: at, query } = request;
  if (!query.get('api-version'))
    throw bad('AKV10046: Unable to determine the API version. api-version must be specified.');
  if (/^\/secrets\/?$/.test(at) && method === 'GET') return list(query);
  const [, name, rest] = SECRET.exec(at) ?? [];
  if (name) return secret(request, name, rest);
  if (at.startsWith('/secrets')) throw bad('The request URI contains an invalid name.');
  throw refuse(404, 'Resource not found.', { code: 'NotFound' });
}

function entra(request) {
  const [, tenant, what] =
    /^\/([^/]+)\/(oauth2\/v2\.0\/token|v2\.0\/\.well-known\/openid-configuration)$/.exec(
      request.path,
    ) ?? [];
  if (!tenant) return undefined;
  const url = `https://localhost:${vaultPort}/${tenant}`;
  if (what.startsWith('v2.0'))
    return {
      body: {
        issuer: `${url}/v2.0`,
        authorization_endpoint: `${url}/oauth2/v2.0/authorize`,
        token_endpoint: `${url}/oauth2/v2.0/token`,
        jwks_uri: `${url}/discovery/v2.0/keys`,
      },
    };
  const form = request.form();
  const fail = (error, code, text) =>
    new Refusal(error === 'invalid_client' ? 401 : 400, {
      error,
      error_description: `AADSTS${code}: ${text}`,
      error_codes: [code],
      trace_id: requestId(),
      correlation_id: requestId(),
      timestamp: new Date().toISOString(),
    });
  if (form.get('grant_type') !== 'client_credentials')
    throw fail('unsupported_grant_type', 70003, 'The app requested an unsupported grant type.');
  if (!form.get('scope')?.endsWith('/.default'))
    throw fail(
      'invalid_scope',
      1002012,
      'The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.',
    );
  if (!form.get('client_assertion') && form.get('client_secret') !== 'testbed')
    throw fail('invalid_client', 7000215, 'Invalid client secret provided.');
  return {
    body: {
      token_type: 'Bearer',
      expires_in: TOKEN_SECONDS,
      ext_expires_in: TOKEN_SECONDS,
      access_token: issue(form.get('scope').slice(0, -'/.default'.length)),
    },
  };
}

function identity(request) {
  const now = seconds();
  const resource = request.query.get('resource');
  const at = request.path.replace(/\/$/, ''); // the vendor's client ends it with a slash
  const common = () => ({
    access_token: issue(resource.replace(/\/$/, '')),
    expires_on: String(now + TOKEN_SECONDS),
    resource,
    token_type: 'Bearer',
  });
  if (at === '/metadata/identity/oauth2/token') {
    if (request.headers.metadata !== 'true')
      throw new Refusal(400, {
        error: 'invalid_request',
        error_description: 'Required metadata header not specified',
      });
    if (!resource || !request.query.get('api-version'))
      throw new Refusal(400, {
        error: 'invalid_request',
        error_description: 'Required query variable missing',
      });
    return {
      body: {
        ...common(),
        client_id: request.query.get('client_id') ?? requestId(),
        expires_in: String(TOKEN_SECONDS),
        ext_expires_in: String(TOKEN_SECONDS),
        not_before: String(now),
      },
    };
  }
  if (at === '/msi/token') {
    if (request.headers['x-identity-header'] !== 'testbed')
      throw new Refusal(401, { statusCode: 401, message: 'Unauthorized' });
    if (!resource || !request.query.get('api-version'))
      throw new Refusal(400, { statusCode: 400, message: 'resource and api-version are required' });
    return { body: { ...common(), client_id: request.query.get('client_id') ?? requestId() } };
  }
  throw new Refusal(404, { error: 'not found' });
}

const stub = createStub({
  errorBody,
  throttled: () =>
    refuse(
      429,
      'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
      { headers: { 'retry-after': '1' } },
    ),
  reset: () => {
    secrets.clear();
    tokens.clear();
  },
  headers: () => ({
    'x-ms-request-id': requestId(),
    'x-ms-keyvault-region': 'testbed',
    'x-ms-keyvault-service-version': '1.9.0.0',
  }),
});
const files = {
  key: fs.readFileSync(path.join(tls, 'server.key')),
  cert: fs.readFileSync(path.join(tls, 'server.pem')),
};
const vaultServer = https.createServer(
  files,
  stub((request) => entra(request) ?? vault(request)),
);
serve(vaultServer, vaultPort, () => serve(http.createServer(stub(identity)), identityPort));
