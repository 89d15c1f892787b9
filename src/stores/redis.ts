import { BellhopError } from '../core/errors.ts';
import { askInChunks } from './_chunks.ts';
import type { Options } from './_options.ts';
import { numberOption, textOption } from './_options.ts';
import type { Database } from './_redis-session.ts';
import { VALUE_BYTES_MAX, readKeys, whoAmI } from './_redis-session.ts';
import { credentialText, neededCredential } from './_rest.ts';
import type { Answer, Store, StoreContext, StoreKind, Wanted } from './_store.ts';
import { TLS_OPTIONS, settingsProblem, tlsOf } from './_tls-files.ts';

const KEYS_A_REQUEST = 1000;
const PORT = 6379;

/** Redis and its kin: all keys in one round trip, a hash is a map. */
const redis: StoreKind = {
  kind: 'redis',
  summary: 'Redis and Valkey: strings are values, hashes are maps; no clusters',
  path: 'a key: `app:db:password`; where it is a hash, its fields: `app:db#password`',
  perCall: { paths: KEYS_A_REQUEST, inFlight: 4, valueBytes: VALUE_BYTES_MAX },
  options: {
    url: {
      type: 'text',
      help: 'redis://HOST[:PORT][/DB], or rediss:// for TLS; without a password; else REDIS_URL',
    },
    ...TLS_OPTIONS,
    user: { type: 'text', help: "the user, where it is not Redis's own `default`" },
    password: { type: 'reference', help: 'the password' },
    passwordFile: { type: 'text', help: 'a file that has it' },
    db: { type: 'number', help: 'the number of the database; 0 by default' },
  },
  auth: {
    password: 'a password, and a user: `password` or `passwordFile`, REDIS_URL, REDISCLI_AUTH',
    none: 'nothing, where the server takes everybody',
  },
  variables: {
    REDIS_URL: 'redis[s]://[USER:PASSWORD@]HOST[:PORT][/DB]',
    REDISCLI_AUTH: 'the password',
  },
  places: ['REDIS_URL'],
  open: openRedis,
  rights(_, wanted) {
    return wanted.map(({ path }) => ({
      system: 'other',
      text: `ACL SETUSER … %R~${path} +get +hgetall`,
    }));
  },
};

export default redis;

function openRedis(options: Options, context: StoreContext): Store {
  const address = addressOf(options, context);
  const facts = tlsOf(options, context);
  if (facts !== undefined && address.url.protocol !== 'rediss:') {
    throw settingsProblem(context, 'TLS has settings, and the address is not rediss://');
  }
  const tls = address.url.protocol === 'rediss:' ? { tls: facts ?? {} } : {};
  const server = { host: address.host, port: Number(address.url.port || PORT), ...tls };
  const number = numberOption(options, 'db') ?? address.db;
  const { user: ofUrl, password: passwordOfUrl } = address;
  const user = textOption(options, 'user') ?? ofUrl;
  const database = async (): Promise<Database> => {
    const password = await passwordOf(options, context, passwordOfUrl);
    if (user !== undefined && password === undefined) {
      const where = [`store ${context.name}`, 'password'];
      const what = `there is no password for the user ${user}`;
      throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
    }
    return { context, server, user, password, number: number === 0 ? undefined : String(number) };
  };
  return {
    fetch: async (wanted) => (wanted.length === 0 ? [] : fetchAll(await database(), wanted)),
    identity: async () => {
      const asked = await database();
      return `user ${(await whoAmI(asked)) ?? user ?? 'default'}`;
    },
  };
}

interface Address {
  readonly url: URL;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

function addressOf(options: Options, context: StoreContext): Address {
  const option = textOption(options, 'url');
  const given = option ?? context.variable('REDIS_URL');
  if (given === undefined) {
    throw settingsProblem(context, 'it has no address', 'set `url` of the store, or REDIS_URL');
  }
  const url = URL.parse(given);
  const db = /^\/?(\d{0,9})$/.exec(url?.pathname ?? '');
  if (url === null || db === null || !isServer(url)) {
    throw settingsProblem(context, 'its address must be redis[s]://HOST[:PORT][/DB]');
  }
  if (url.search !== '') {
    const what = 'its address has settings behind `?`, and none of them is known';
    throw settingsProblem(context, what);
  }
  if (option !== undefined && url.password !== '') {
    const help = 'name where it is: `password: STORE:PATH`, or give all of it as REDIS_URL';
    throw settingsProblem(context, '`url` has a password in it', help);
  }
  return {
    url,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    user: decoded(context, url.username),
    password: decoded(context, url.password),
    db: Number(db[1]),
  };
}

function isServer({ protocol, hostname, hash }: URL): boolean {
  return /^rediss?:$/.test(protocol) && hostname !== '' && hash === '';
}

function decoded(context: StoreContext, text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw settingsProblem(context, 'user or password of its address are not percent-encoded');
  }
}

async function passwordOf(
  options: Options,
  context: StoreContext,
  ofUrl: string | undefined,
): Promise<string | undefined> {
  if (options['password'] !== undefined) {
    return credentialText(await context.secret(options['password']));
  }
  const file = textOption(options, 'passwordFile');
  const where = [`store ${context.name}`, 'passwordFile'];
  if (file !== undefined) return neededCredential(context.io.fs, file, where);
  return ofUrl ?? context.variable('REDISCLI_AUTH');
}

async function fetchAll(database: Database, wanted: readonly Wanted[]): Promise<readonly Answer[]> {
  const keys = [...new Set(wanted.map(({ path }) => path))];
  const answers = await askInChunks(keys, KEYS_A_REQUEST, async (part) => readKeys(database, part));
  const byKey = new Map(keys.map((key, n) => [key, answers[n]]));
  return wanted.flatMap(({ path }) => byKey.get(path) ?? []);
}
