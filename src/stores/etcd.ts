import { refused } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import { checkedAddress } from './_address.ts';
import type { Cluster } from './_etcd-calls.ts';
import { call, callAs, clusterTransport } from './_etcd-calls.ts';
import type { Reader } from './_etcd-reads.ts';
import { PATHS_A_REQUEST, putKey, readLatest, readOne } from './_etcd-reads.ts';
import type { Options } from './_options.ts';
import { textOption, textsOption } from './_options.ts';
import { credentialText, neededCredential, openBearer, textIn } from './_rest.ts';
import type { Answer, Store, StoreContext, StoreKind, Wanted } from './_store.ts';
import { TLS_OPTIONS, isSkipping, settingsProblem, tlsOf } from './_tls-files.ts';

/** etcd by the JSON gateway on its client port: 128 paths a request. */
const etcd: StoreKind = {
  kind: 'etcd',
  summary: 'etcd 3.4 and later, by the JSON gateway on its client port',
  path: 'a key: `/app/db/password`; with a slash at the end all below it as a map: `/app/db/`',
  version: 'the revision to read at, the whole store being as it was then: `/app/key@1453`',
  perCall: { paths: PATHS_A_REQUEST, inFlight: 16, valueBytes: 1536 * 1024 },
  options: {
    endpoints: {
      type: 'texts',
      help: 'http(s)://HOST:PORT of one or more members; the next is asked where one is down',
    },
    ...TLS_OPTIONS,
    user: { type: 'text', help: 'the user' },
    password: { type: 'reference', help: "the user's password" },
    passwordFile: { type: 'text', help: 'a file that has it' },
  },
  auth: {
    password: 'a user and a password: `user` with `password` or `passwordFile`, or ETCDCTL_USER',
    none: 'nothing, where authentication is off; the gateway takes no client certificate for it',
  },
  variables: {
    ETCDCTL_ENDPOINTS: 'members, separated by commas',
    ETCDCTL_USER: 'USER:PASSWORD, or USER',
    ETCDCTL_PASSWORD: 'the password, where ETCDCTL_USER is a user alone',
    ETCDCTL_CACERT: 'PEM file of the authorities to trust',
    ETCDCTL_CERT: 'PEM file of the client certificate',
    ETCDCTL_KEY: 'PEM file of its key',
    ETCDCTL_INSECURE_SKIP_TLS_VERIFY: 'refused: bellhop never talks to a server unverified',
  },
  places: ['ETCDCTL_ENDPOINTS'],
  open: openEtcd,
  writes: {
    // A request has at most 1.5 MiB (--max-request-bytes), the value in it as bytes.
    bytesMax: 1024 * 1024,
    rights(_, path) {
      const text = `etcdctl role grant-permission ROLE readwrite ${JSON.stringify(path)}`;
      return [{ system: 'other', text }];
    },
  },
  rights(_, wanted) {
    return wanted.map(({ path }) => {
      const prefix = path.endsWith('/') ? '--prefix=true ' : '';
      const text = `etcdctl role grant-permission ROLE ${prefix}read ${JSON.stringify(path)}`;
      return { system: 'other', text };
    });
  },
};

export default etcd;

function openEtcd(options: Options, context: StoreContext): Store {
  if (isSkipping(context, 'ETCDCTL_INSECURE_SKIP_TLS_VERIFY')) {
    const what =
      'ETCDCTL_INSECURE_SKIP_TLS_VERIFY is set, and bellhop never talks to a server unverified';
    const help = "unset it, and give the server's authority by `ca`, or ETCDCTL_CACERT";
    throw settingsProblem(context, what, help);
  }
  const { ca, cert, key, serverName } = options;
  const variables = { ca: 'ETCDCTL_CACERT', cert: 'ETCDCTL_CERT', key: 'ETCDCTL_KEY' };
  const tls = tlsOf(options, context, variables);
  const endpoints = endpointsOf(options, context, tls === undefined ? 'http' : 'https');
  const cluster: Cluster = { context, endpoints, tls, at: 0 };
  context.caller.warm({ url: endpoints[0] ?? '', ...clusterTransport(tls) });
  const user = userOf(options, context);
  const { password, passwordFile } = options;
  const server = [endpoints, ca, cert, key, serverName];
  const whose = JSON.stringify(['etcd', server, user, password, passwordFile]);
  const reader = async (): Promise<Reader> => {
    const bearer = await context.once(whose, async () => {
      return openBearer(async (asking) => {
        if (user.name === undefined) return '';
        const secret = await passwordOf(options, asking, user);
        return login({ ...cluster, context: asking }, user.name, secret);
      });
    });
    await bearer.token(context);
    return { cluster, bearer };
  };
  return {
    fetch: async (wanted) => (wanted.length === 0 ? [] : fetchAll(await reader(), wanted)),
    put: async (path, content, how) => putKey(await reader(), { path, content, ...how }),
    identity: async () => identityOf(await reader(), user.name),
  };
}

function endpointsOf(options: Options, context: StoreContext, scheme: string): readonly string[] {
  const listed = textsOption(options, 'endpoints');
  const given =
    listed.length > 0 ? listed : (context.variable('ETCDCTL_ENDPOINTS') ?? '').split(',');
  const named = given.map((one) => one.trim()).filter((one) => one !== '');
  if (named.length === 0) {
    const help = 'set `endpoints` of the store, or ETCDCTL_ENDPOINTS';
    throw settingsProblem(context, 'it has no endpoints', help);
  }
  // As the vendor's client has it: an address without a scheme is TLS where files for it are named.
  return named.map((one) => {
    return checkedAddress(context, one.includes('://') ? one : `${scheme}://${one}`);
  });
}

/** Who logs in; the password where a variable has both. */
interface User {
  readonly name: string | undefined;
  readonly password?: string;
}

function userOf(options: Options, context: StoreContext): User {
  const name = textOption(options, 'user');
  if (name !== undefined) return { name };
  const both = context.variable('ETCDCTL_USER');
  const at = both?.indexOf(':') ?? -1;
  if (both === undefined || at === -1) {
    const password = context.variable('ETCDCTL_PASSWORD');
    return { name: both, ...(password === undefined ? {} : { password }) };
  }
  return { name: both.slice(0, at), password: both.slice(at + 1) };
}

async function passwordOf(options: Options, context: StoreContext, user: User): Promise<string> {
  const where = [`store ${context.name}`, 'password'];
  const file = textOption(options, 'passwordFile');
  if (options['password'] !== undefined) {
    return credentialText(await context.secret(options['password']));
  }
  if (file !== undefined) return neededCredential(context.io.fs, file, where);
  if (user.password !== undefined) return user.password;
  const what = `there is no password for the user ${user.name ?? ''}`;
  const help = 'set `password` or `passwordFile`, or ETCDCTL_USER=USER:PASSWORD';
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what, help });
}

/** The token of a user; none where the server has authentication off, as the vendor's client. */
async function login(cluster: Cluster, name: string, password: string): Promise<string> {
  return call<string>(cluster, {
    name: 'authenticate',
    path: 'auth/authenticate',
    body: { name, password },
    kind: 'credentials',
    judge: ({ json, code, message }) => {
      if (message.includes('authentication is not enabled')) return { kind: 'done', value: '' };
      const token = textIn(json, 'token');
      const isToken = token !== undefined && /^[\x21-\x7e]+$/.test(token);
      if (code === 0 && isToken) return { kind: 'done', value: token };
      if (code === 0) return { kind: 'again', why: 'an answer without a token' };
      const isKnown = message.includes('authentication failed');
      const what = isKnown ? `the user ${name} or its password is wrong` : `gRPC error ${code}`;
      return refused('BH_ERR_CREDENTIALS', what);
    },
  });
}

async function fetchAll(reader: Reader, wanted: readonly Wanted[]): Promise<readonly Answer[]> {
  const isOfBatch = ({ path, version }: Wanted): boolean => version === undefined && path !== '';
  const latest = [...new Set(wanted.filter(isOfBatch).map(({ path }) => path))];
  const others = new Map(
    wanted.filter((one) => !isOfBatch(one)).map((one) => [JSON.stringify(one), one]),
  );
  const [batched, ...single] = await Promise.all([
    readLatest(reader, latest),
    ...[...others].map(async ([key, one]) => [key, await readOne(reader, one)] as const),
  ]);
  const byPath = new Map(latest.map((path, n) => [path, batched[n]]));
  const byVersion = new Map(single);
  return wanted.flatMap((one) => {
    return (isOfBatch(one) ? byPath.get(one.path) : byVersion.get(JSON.stringify(one))) ?? [];
  });
}

async function identityOf({ cluster, bearer }: Reader, name: string | undefined): Promise<string> {
  if (name === undefined) return 'nobody: no user is given';
  return callAs<string>(cluster, bearer, {
    name: 'user',
    path: 'auth/user/get',
    body: { name },
    judge: ({ json }) => {
      const { roles } = json;
      const names = Array.isArray(roles) ? roles.map(String).join(', ') : '';
      return { kind: 'done', value: `user ${name} (roles: ${names === '' ? 'none' : names})` };
    },
  });
}
