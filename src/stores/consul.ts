import { refused } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import { isRecord } from '../wire/read.ts';
import { checkedAddress } from './_address.ts';
import type { Agent } from './_consul-reads.ts';
import { KEYS_A_REQUEST, agentTransport, judgeFailure } from './_consul-reads.ts';
import { provingHeaders, putKey, readFolder, readKeys } from './_consul-reads.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import { credentialText, jsonRecord, neededCredential, textIn } from './_rest.ts';
import type { Answer, Store, StoreContext, StoreKind, Wanted } from './_store.ts';
import { TLS_OPTIONS, isSkipping, settingsProblem, tlsOf } from './_tls-files.ts';

const VALUE_BYTES_MAX = 512 * 1024;

/** The key/value store of Consul: 128 keys a request, a folder is a map in one request. */
const consul: StoreKind = {
  kind: 'consul',
  summary: 'The key/value store of HashiCorp Consul',
  path: 'a key: `app/db/password`; with a slash at the end all keys below it as a map: `app/db/`',
  perCall: { paths: KEYS_A_REQUEST, inFlight: 16, valueBytes: VALUE_BYTES_MAX },
  options: {
    address: { type: 'text', help: 'http(s)://HOST[:PORT], or HOST:PORT; else CONSUL_HTTP_ADDR' },
    ...TLS_OPTIONS,
    token: { type: 'reference', help: 'the ACL token' },
    tokenFile: { type: 'text', help: 'a file that has it' },
    datacenter: { type: 'text', help: "another datacenter than the agent's own" },
    namespace: {
      type: 'text',
      help: 'the namespace, else CONSUL_NAMESPACE; only Enterprise heeds it',
    },
    partition: {
      type: 'text',
      help: 'the partition, else CONSUL_PARTITION; only Enterprise heeds it',
    },
  },
  auth: {
    token: 'an ACL token: `token`, `tokenFile`, CONSUL_HTTP_TOKEN_FILE, CONSUL_HTTP_TOKEN',
    none: 'nothing, where the anonymous token may read the keys',
  },
  variables: {
    CONSUL_HTTP_ADDR: 'the address; unix:// is not supported',
    CONSUL_HTTP_SSL: 'true: an address without http(s):// means https',
    CONSUL_HTTP_SSL_VERIFY: 'false is refused: bellhop never talks to a server unverified',
    CONSUL_HTTP_TOKEN: 'the ACL token',
    CONSUL_HTTP_TOKEN_FILE: 'a file that has it; counts before CONSUL_HTTP_TOKEN',
    CONSUL_HTTP_AUTH: 'USER:PASSWORD for a proxy before Consul: Basic authentication',
    CONSUL_CACERT: 'PEM file of the authorities to trust',
    CONSUL_CAPATH: 'a folder of such files, where CONSUL_CACERT is not set',
    CONSUL_CLIENT_CERT: 'PEM file of the client certificate',
    CONSUL_CLIENT_KEY: 'PEM file of its key',
    CONSUL_TLS_SERVER_NAME: "the name that the server's certificate must have",
    CONSUL_NAMESPACE: 'the namespace',
    CONSUL_PARTITION: 'the partition',
  },
  places: ['CONSUL_HTTP_ADDR', 'CONSUL_HTTP_SSL', 'CONSUL_NAMESPACE', 'CONSUL_PARTITION'],
  open: openConsul,
  rights(_, wanted) {
    return wanted.map(({ path }) => {
      const rule = path.endsWith('/') ? 'key_prefix' : 'key';
      return { system: 'other', text: `${rule} "${path}" { policy = "read" }` };
    });
  },
  writes: {
    // A transaction has at most 512 KiB (txn_max_req_len), the value in it in base 64.
    bytesMax: 380 * 1024,
    rights(_, path) {
      return [{ system: 'other', text: `key "${path}" { policy = "write" }` }];
    },
  },
};

export default consul;

function openConsul(options: Options, context: StoreContext): Store {
  const address = addressOf(options, context);
  const tls = tlsOf(options, context, {
    ca: 'CONSUL_CACERT',
    caFolder: 'CONSUL_CAPATH',
    cert: 'CONSUL_CLIENT_CERT',
    key: 'CONSUL_CLIENT_KEY',
    serverName: 'CONSUL_TLS_SERVER_NAME',
  });
  const datacenter = textOption(options, 'datacenter');
  const namespace = textOption(options, 'namespace') ?? context.variable('CONSUL_NAMESPACE');
  const partition = textOption(options, 'partition') ?? context.variable('CONSUL_PARTITION');
  context.caller.warm({ url: address, ...agentTransport(tls) });
  const agent = async (): Promise<Agent> => ({
    context,
    address,
    tls,
    query: datacenter === undefined ? '' : `?dc=${encodeURIComponent(datacenter)}`,
    place: {
      ...(namespace === undefined ? {} : { Namespace: namespace }),
      ...(partition === undefined ? {} : { Partition: partition }),
    },
    token: await tokenOf(options, context),
    basic: basicOf(context),
  });
  return {
    fetch: async (wanted) => (wanted.length === 0 ? [] : fetchAll(await agent(), wanted)),
    put: async (path, content) => putKey(await agent(), path, content),
    identity: async () => identityOf(await agent()),
  };
}

function addressOf(options: Options, context: StoreContext): string {
  const given = textOption(options, 'address') ?? context.variable('CONSUL_HTTP_ADDR');
  if (given === undefined) {
    const help = 'set `address` of the store, or CONSUL_HTTP_ADDR';
    throw settingsProblem(context, 'it has no address', help);
  }
  if (given.startsWith('unix:')) {
    throw settingsProblem(context, 'sockets are not supported: its address must be http(s)://…');
  }
  const verify = context.variable('CONSUL_HTTP_SSL_VERIFY');
  if (verify !== undefined && !/^(?:1|t|true)$/i.test(verify)) {
    const what = 'CONSUL_HTTP_SSL_VERIFY is off, and bellhop never talks to a server unverified';
    const help = "unset it, and give the server's authority by `ca`, or CONSUL_CACERT";
    throw settingsProblem(context, what, help);
  }
  const scheme = isSkipping(context, 'CONSUL_HTTP_SSL') ? 'https' : 'http';
  return checkedAddress(context, given.includes('://') ? given : `${scheme}://${given}`);
}

/** As the vendor's client reads it (api/api.go): a user alone has an empty password. */
function basicOf(context: StoreContext): string | undefined {
  const given = context.variable('CONSUL_HTTP_AUTH');
  return given === undefined || given.includes(':') ? given : `${given}:`;
}

/** The order of the vendor's client: a file counts before CONSUL_HTTP_TOKEN. */
async function tokenOf(options: Options, context: StoreContext): Promise<string | undefined> {
  const where = [`store ${context.name}`, 'token'];
  const { token: reference } = options;
  const file = textOption(options, 'tokenFile') ?? context.variable('CONSUL_HTTP_TOKEN_FILE');
  const token =
    reference !== undefined
      ? credentialText(await context.secret(reference))
      : file === undefined
        ? context.variable('CONSUL_HTTP_TOKEN')
        : neededCredential(context.io.fs, file, where);
  // It becomes a header.
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token;
  const what = 'what is given as token is empty, or has characters that no token has';
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
}

async function fetchAll(agent: Agent, wanted: readonly Wanted[]): Promise<readonly Answer[]> {
  const paths = [...new Set(wanted.map(({ path }) => path))];
  const folders = paths.filter((path) => path.endsWith('/'));
  const [keys, ...maps] = await Promise.all([
    readKeys(
      agent,
      paths.filter((path) => !path.endsWith('/')),
    ),
    ...folders.map(async (folder) => [folder, await readFolder(agent, folder)] as const),
  ]);
  const answers = new Map([...keys, ...maps]);
  return wanted.flatMap(({ path }) => answers.get(path) ?? []);
}

/** The token's accessor is no credential: it is what Consul's own messages name it by. */
async function identityOf(agent: Agent): Promise<string> {
  const { token, address, tls, query, context } = agent;
  if (token === undefined) return 'the anonymous token';
  return context.caller.send<string>({
    name: 'token self',
    request: () => ({
      method: 'GET',
      url: `${address}/v1/acl/token/self${query}`,
      headers: provingHeaders(agent),
      ...agentTransport(tls),
    }),
    judge: (answer) => {
      if (answer.status !== 200) return judgeFailure(answer, agent);
      const json = jsonRecord(answer.body) ?? {};
      const accessor = textIn(json, 'AccessorID');
      if (accessor === undefined) return refused('BH_ERR_STORE_ANSWER', 'it names no token');
      const { Policies: policies } = json;
      const list: unknown[] = Array.isArray(policies) ? policies : [];
      const names = list.filter(isRecord).map((policy) => textIn(policy, 'Name') ?? 'unnamed');
      return { kind: 'done', value: `token ${accessor} (policies: ${names.join(', ') || 'none'})` };
    },
  });
}
