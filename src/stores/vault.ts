import { BellhopError } from '../core/errors.ts';
import { AWS_OPTIONS, AWS_VARIABLES } from './_aws-options.ts';
import { roleRights } from './_aws-rights.ts';
import { askEach, pathProblem, wantedKey } from './_each.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { groupOption, textOption } from './_options.ts';
import { recordIn, textIn } from './_rest.ts';
import { openShared } from './_shared.ts';
import type { Answer, Right, Store, StoreContext, StoreKind, Wanted } from './_store.ts';
import { TLS_OPTIONS, settingsProblem } from './_tls-files.ts';
import { METHODS } from './_vault-login.ts';
import type { Finding, Mount } from './_vault-mounts.ts';
import { declaredMounts, mountAbove, mountsOf } from './_vault-mounts.ts';
import type { Logical } from './_vault-reads.ts';
import { logicalOf, readOf } from './_vault-reads.ts';
import { encodedPath, transportOf, vaultServer } from './_vault-server.ts';
import type { Authorized, Entering, Identity } from './_vault-session.ts';
import { askAs, openSession } from './_vault-session.ts';

const { auth: awsAuth } = AWS_OPTIONS;
const AWS_AUTH_OPTIONS = awsAuth?.type === 'group' ? awsAuth.members : {};

const AUTH: OptionSpecs = {
  method: {
    type: 'choice',
    of: ['token', 'wrapped', 'approle', 'kubernetes', 'jwt', 'aws', 'cert'],
    help: 'how to log in; `token` by default',
  },
  mount: { type: 'text', help: "where the method is mounted below `auth/`; the method's own name" },
  role: { type: 'text', help: 'the role to log in as: kubernetes, jwt, aws, cert' },
  token: { type: 'reference', help: 'the token, or the wrapping token: token, wrapped' },
  tokenFile: { type: 'text', help: 'a file that has it' },
  roleId: { type: 'reference', help: 'the role id: approle' },
  roleIdFile: { type: 'text', help: 'a file that has it' },
  secretId: { type: 'reference', help: 'the secret id: approle' },
  secretIdFile: { type: 'text', help: 'a file that has it' },
  secretIdWrapped: {
    type: 'flag',
    help: 'what is given as secret id is the wrapping token that it was delivered in',
  },
  jwt: { type: 'reference', help: 'the JWT: jwt' },
  jwtFile: { type: 'text', help: "a file that has it: jwt, kubernetes (the pod's token)" },
  jwtVariable: { type: 'text', help: 'a variable that has it: jwt' },
  serverId: {
    type: 'text',
    help: 'the value of X-Vault-AWS-IAM-Server-ID, if Vault wants it: aws',
  },
  region: {
    type: 'text',
    help: 'the region whose STS Vault is configured for; the global STS where absent: aws',
  },
  stsEndpoint: { type: 'text', help: 'another address of STS, as Vault is configured for: aws' },
  aws: {
    type: 'group',
    help: 'who we are to AWS: aws; where absent, what the AWS SDKs find',
    members: AWS_AUTH_OPTIONS,
  },
};

/** HashiCorp Vault and OpenBao: each path is one request and gives a map of keys. */
const vault: StoreKind = {
  kind: 'vault',
  summary: 'HashiCorp Vault and OpenBao: KV version 1 and 2, and every engine that is read',
  path: 'a path as the CLI has it, mount first: `secret/db`, `database/creds/app`; gives a map',
  version: 'the version of a KV 2 secret: `secret/db#password@3`',
  perCall: { paths: 1, inFlight: 250 },
  options: {
    address: { type: 'text', help: 'https://HOST[:PORT]; else VAULT_ADDR' },
    namespace: { type: 'text', help: 'the namespace that paths start in; else VAULT_NAMESPACE' },
    ...TLS_OPTIONS,
    mounts: {
      type: 'record',
      help:
        'engines by mount (kv2, kv1 or other), e.g. `{ secret: kv2 }`: what is named here ' +
        'is not asked for, which saves a request a mount',
    },
    write: {
      type: 'texts',
      help:
        'paths that answer updates only, e.g. `pki/issue`: what stands behind `?` in ' +
        '`pki/issue/web?common_name=app.example` goes along as fields',
    },
    auth: { type: 'group', help: 'how to log in', members: AUTH },
  },
  auth: {
    token: 'a token: `token`, `tokenFile`, VAULT_TOKEN, ~/.vault-token, in this order',
    wrapped: 'the same places hold a response-wrapping token that a token is unwrapped with',
    approle: 'AppRole; the secret id may be wrapped',
    kubernetes: "the pod's service account token",
    jwt: 'a JWT of any issuer that the server trusts',
    aws: "the AWS identity there is, by a signed request to STS (the method's type `iam`)",
    cert: 'the client certificate of `cert` and `key`',
  },
  variables: {
    ...AWS_VARIABLES,
    VAULT_ADDR: 'the address',
    VAULT_TOKEN: 'the token, or with `method: wrapped` the wrapping token',
    VAULT_NAMESPACE: 'the namespace',
    VAULT_CACERT: 'PEM file of the authorities to trust',
    VAULT_CACERT_BYTES: 'the same as PEM text',
    VAULT_CAPATH: 'a folder of such files, where neither of these is set',
    VAULT_CLIENT_CERT: 'PEM file of the client certificate',
    VAULT_CLIENT_KEY: 'PEM file of its key',
    VAULT_TLS_SERVER_NAME: "the name that the server's certificate must have",
    VAULT_SKIP_VERIFY: 'refused: bellhop never talks to a server unverified',
    VAULT_PROXY_ADDR: 'refused: set HTTPS_PROXY',
    VAULT_HTTP_PROXY: 'refused: set HTTPS_PROXY',
  },
  places: ['VAULT_ADDR', 'VAULT_NAMESPACE'],
  open: openVault,
  rights(options, wanted) {
    const declared = declaredMounts(options);
    const auth = groupOption(options, 'auth');
    return [
      ...wanted.flatMap((one) => rightsOf(options, declared, plainly(one))),
      ...(textOption(auth, 'method') === 'aws'
        ? roleRights({ auth: groupOption(auth, 'aws') })
        : []),
    ];
  },
};

export default vault;

/** Where the engine is not declared, both places where a KV secret may be. */
function rightsOf(options: Options, declared: readonly Mount[], wanted: Wanted): Right[] {
  const logicalAt = (one: Wanted, mount: Mount): Logical => logicalOf(one, mount, options);
  const mount = mountAbove(declared, wanted.path);
  if (mount !== undefined) return [rightTo(logicalAt(wanted, mount))];
  const path = wanted.path.replace(/(?<=\/).*/s, '');
  const plain = logicalAt(wanted, { path, engine: 'other' });
  // Only `write` gives anything else than reading, and a KV secret is read.
  if (plain.capability !== 'read') return [rightTo(plain)];
  const versioned = logicalAt({ ...wanted, path: plain.path }, { path, engine: 'kv2' });
  return [rightTo(versioned), rightTo(plain)];
}

/** Policies have no way to write a `*` at the end, or a segment `+`, that stands for itself. */
function rightTo({ path, capability }: Logical): Right {
  const pattern = path.endsWith('*')
    ? 'the * at its end'
    : path.split('/').includes('+')
      ? 'the segment +'
      : undefined;
  if (pattern === undefined) return { system: 'vault', path, capabilities: [capability] };
  const why = `${pattern} is a pattern to it`;
  const text = `${capability} on ${path}: no policy can allow this path alone, as ${why}`;
  return { system: 'other', text };
}

/** A path without the slash that some write in front. */
function plainly(wanted: Wanted): Wanted {
  return { ...wanted, path: wanted.path.replace(/^\/+/, '') };
}

function openVault(options: Options, context: StoreContext): Store {
  const server = vaultServer(options, context);
  const declared = declaredMounts(options, context);
  const auth = groupOption(options, 'auth');
  const { ca, cert, serverName } = options;
  const { address, namespace } = server;
  const key = JSON.stringify(['vault', address, namespace, auth, ca, cert, serverName]);
  const method = METHODS[textOption(auth, 'method') ?? 'token'];
  if (method === undefined) throw settingsProblem(context, '`auth.method` is none that is known');
  // The connection is made while a credential is still being fetched from another store.
  context.caller.warm(transportOf(server));
  const entering = { server, auth, key };
  const finding = async (): Promise<Finding> => {
    const session = await context.once(key, async () => openSession(method));
    await session.login(entering);
    return { identity: { session, entering }, declared };
  };
  return {
    fetch: async (wanted) => {
      if (wanted.length === 0) return [];
      return fetchAll(await finding(), options, wanted.map(plainly));
    },
    identity: async () => identityOf(await finding()),
  };
}

async function fetchAll(
  finding: Finding,
  options: Options,
  wanted: readonly Wanted[],
): Promise<readonly Answer[]> {
  const paths = wanted.map(({ path }) => path).filter(isPath);
  const mounts = await mountsOf(finding, paths);
  return askEach(finding.identity.entering.server.context.caller, wanted, {
    keyOf: wantedKey,
    ask: async (one) => {
      const mount = mounts.get(one.path) ?? notAPath(finding, one);
      return answerFor(finding, { wanted: one, mount, options });
    },
  });
}

/** True for what can be asked about: a mount and something below it. */
function isPath(path: string): boolean {
  const [plain = ''] = path.split('?', 1);
  return plain.includes('/') && encodedPath(plain) !== undefined;
}

function notAPath({ identity }: Finding, { path }: Wanted): BellhopError {
  const what = 'a path is MOUNT/NAME, without empty segments, `.` or `..`';
  return new BellhopError('BH_ERR_SETTINGS', {
    where: [`store ${identity.entering.server.context.name}`, path],
    what,
  });
}

interface Reading {
  readonly wanted: Wanted;
  readonly mount: Mount | BellhopError;
  readonly options: Options;
}

async function answerFor(
  { identity }: Finding,
  { wanted, mount, options }: Reading,
): Promise<Answer> {
  if (mount instanceof BellhopError) throw mount;
  const read = readOf(wanted, mount, options);
  if (!('wrong' in read))
    return read.once === true ? askOnce(identity, read) : askAs(identity, read);
  throw pathProblem(identity.entering.server.context, wanted.path, read.wrong);
}

/** Asked once for all stores with this server and login: each asking would lend another thing. */
async function askOnce({ session, entering }: Identity, read: Authorized<Answer>): Promise<Answer> {
  const { method, path, body } = read;
  const key = `${entering.key} read ${JSON.stringify([method, path, body])}`;
  const shared = await entering.server.context.once(key, async () => {
    return openShared(async (by: Entering) => askAs({ session, entering: by }, read));
  });
  return shared.get(entering);
}

/** The token's display name and policies, as `vault token lookup` shows them. */
async function identityOf({ identity }: Finding): Promise<string> {
  return askAs<string>(identity, {
    name: 'token lookup',
    method: 'GET',
    path: 'auth/token/lookup-self',
    right: 'path "auth/token/lookup-self" { capabilities = ["read"] }',
    judge: ({ json, status }) => {
      const data = recordIn(json, 'data');
      const { policies } = data;
      const named = Array.isArray(policies) ? policies.map(String).join(', ') : 'unknown';
      const name = status === 200 ? textIn(data, 'display_name') : undefined;
      return { kind: 'done', value: `${name ?? 'a token'} (policies: ${named})` };
    },
  });
}
