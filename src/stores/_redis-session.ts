// What is said to a Redis, and what its answers mean. Facts: Redis 7.0.15 (seen); redis.io,
// "Redis serialization protocol specification", for the words that errors begin with.
import type { Verdict } from '../core/call.ts';
import { refused } from '../core/call.ts';
import type { Code } from '../core/errors.ts';
import { BellhopError } from '../core/errors.ts';
import type { Connection, ConnectRequest } from '../core/io/net-types.ts';
import { NetError } from '../core/io/net-types.ts';
import { Sealed } from '../core/sealed.ts';
import type { Reply } from '../wire/resp.ts';
import { RespError, RespLimitError, encodeCommand, respDecoder } from '../wire/resp.ts';
import { textOf } from './_formats.ts';
import { failedAnswer, said } from './_rest.ts';
import type { Answer, StoreContext } from './_store.ts';

/** The largest value. */
export const VALUE_BYTES_MAX = 64 * 1024 * 1024;
/** What a connection gives for all of its keys, and so the largest hash. */
const CONNECTION_BYTES_MAX = 2 * VALUE_BYTES_MAX;

/** One database of one server, and as whom it is asked. */
export interface Database {
  readonly context: StoreContext;
  readonly server: ConnectRequest;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Its number; undefined is the first one. */
  readonly number: string | undefined;
}

type Command = readonly string[];

/** Sends commands all at once, and gives as many replies; the first `opening` let us in. */
type Exchange = (commands: readonly Command[], opening?: number) => Promise<readonly Reply[]>;

/**
 * Values of keys in one round trip, with logging in: GET for each, since MGET fails as a whole
 * where one key may not be read, and says nothing of hashes. Hashes take a second one.
 */
export async function readKeys(database: Database, keys: readonly string[]): Promise<Answer[]> {
  return converse<Answer[]>(database, `GET (${keys.length})`, async (exchange, opening) => {
    const replies = await exchange(
      [...opening, ...keys.map((key) => ['GET', key])],
      opening.length,
    );
    const problem = openingProblem(replies.slice(0, opening.length));
    if (problem !== undefined) return problem;
    const values = replies.slice(opening.length);
    const hashes = keys.filter((_, n) => isWrongType(values[n]));
    const maps = hashes.length === 0 ? [] : await exchange(hashes.map((key) => ['HGETALL', key]));
    const all = [...values, ...maps];
    const passing = all.map(passingProblem).find((one) => one !== undefined);
    if (passing !== undefined) return passing;
    const mapOf = new Map(hashes.map((key, n) => [key, maps[n]]));
    const value = keys.map((key, n) => answerOf(database, key, mapOf.get(key) ?? values[n]));
    return { kind: 'done', value };
  });
}

/** The user that the server takes us for; undefined where it does not tell. */
export async function whoAmI(database: Database): Promise<string | undefined> {
  return converse<string | undefined>(database, 'ACL WHOAMI', async (exchange, opening) => {
    const replies = await exchange([...opening, ['ACL', 'WHOAMI']], opening.length);
    const problem = openingProblem(replies.slice(0, opening.length));
    if (problem !== undefined) return problem;
    const name = replies.at(-1);
    return { kind: 'done', value: name?.kind === 'bytes' ? textOf(name.bytes) : undefined };
  });
}

type Talk<T> = (exchange: Exchange, opening: readonly Command[]) => Promise<Verdict<T>>;

/** One connection an attempt. */
async function converse<T>(database: Database, name: string, talk: Talk<T>): Promise<T> {
  const { context, server } = database;
  const { password } = database;
  return context.caller.work<T>({
    name,
    credentials: password === undefined ? [] : [password],
    attempt: async (_, signal) => {
      const connection = await context.io.net.connect(server, signal);
      try {
        return await talk(exchangeOn(connection), openingOf(database));
      } catch (error) {
        if (!(error instanceof RespError)) throw error;
        if (!(error instanceof RespLimitError))
          return { kind: 'again', why: 'it does not speak RESP' };
        return refused('BH_ERR_VALUE', `this is more than bellhop takes: ${error.message}`);
      } finally {
        connection.close();
      }
    },
  });
}

function openingOf({ user, password, number }: Database): Command[] {
  const login = user === undefined ? [] : [user];
  return [
    ...(password === undefined ? [] : [['AUTH', ...login, password]]),
    ...(number === undefined ? [] : [['SELECT', number]]),
  ];
}

function exchangeOn(connection: Connection): Exchange {
  const limits = { stringBytesMax: VALUE_BYTES_MAX, replyBytesMax: CONNECTION_BYTES_MAX };
  const decoder = respDecoder(limits);
  let bytesRead = 0;
  return async (commands, opening = 0) => {
    connection.write(Buffer.concat(commands.map(encodeCommand)));
    const replies: Reply[] = [];
    while (replies.length < commands.length) {
      const bytes = await connection.read();
      if (bytes === undefined) {
        // A server that will not have us says why before it closes; what one key is refused says
        // nothing of the others.
        const last = replies.at(-1);
        const isOfAll = last?.kind === 'error' && replies.length <= opening;
        if (last === undefined || !(isOfAll || passingProblem(last) !== undefined)) {
          throw new NetError('cut off', '');
        }
        return commands.map((_, n) => replies[n] ?? last);
      }
      bytesRead += bytes.length;
      if (bytesRead > CONNECTION_BYTES_MAX) {
        throw new RespLimitError(`answers over ${CONNECTION_BYTES_MAX} bytes`);
      }
      replies.push(...decoder.push(bytes));
    }
    return replies;
  };
}

/** The word that an error begins with; '' where it is none. */
function wordOf(reply: Reply | undefined): string {
  return reply?.kind === 'error' ? (reply.text.split(' ', 1)[0] ?? '') : '';
}

function isWrongType(reply: Reply | undefined): boolean {
  return wordOf(reply) === 'WRONGTYPE';
}

const PASSING = new Set(['LOADING', 'BUSY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'UNBLOCKED']);
const CLUSTER = new Set(['MOVED', 'ASK', 'CROSSSLOT']);

/** What holds for all keys at once: trouble that passes, or a server that is of another kind. */
function passingProblem(reply: Reply): Verdict<never> | undefined {
  const word = wordOf(reply);
  if (word === '' || reply.kind !== 'error') return undefined;
  if (PASSING.has(word)) return { kind: 'again', why: said(reply.text) };
  if (/max(?:imum)? number of clients/.test(reply.text)) {
    return { kind: 'throttled', why: 'the server has as many clients as it takes' };
  }
  if (CLUSTER.has(word)) {
    const help = 'give the address of a proxy, or of a Redis that is not a cluster';
    return refused('BH_ERR_SETTINGS', 'this is a member of a Redis Cluster: not supported', help);
  }
  if (word === 'NOAUTH') {
    const help = 'set `password` or `passwordFile`, REDIS_URL or REDISCLI_AUTH';
    return refused('BH_ERR_CREDENTIALS', 'the server wants a password, and none is given', help);
  }
  if (word !== 'DENIED') return undefined;
  return refused(
    'BH_ERR_CREDENTIALS',
    'the server takes nobody from here: it is in protected mode',
  );
}

/** What AUTH and SELECT said; never in the server's words, for they may repeat what was sent. */
function openingProblem(replies: readonly Reply[]): Verdict<never> | undefined {
  const [first] = replies.filter(({ kind }) => kind === 'error');
  if (first?.kind !== 'error') return undefined;
  const passing = passingProblem(first);
  if (passing !== undefined) return passing;
  if (first.text.includes('DB index')) {
    return refused('BH_ERR_SETTINGS', 'there is no database of this number');
  }
  if (/without any password configured|no password is set/.test(first.text)) {
    return refused(
      'BH_ERR_CREDENTIALS',
      'a password is given, and the server has none for this user',
    );
  }
  const isWrong = wordOf(first) === 'WRONGPASS' || first.text.includes('invalid password');
  const what = isWrong ? 'the user or the password is wrong' : 'the server does not let us in';
  return refused('BH_ERR_CREDENTIALS', what);
}

function answerOf(database: Database, key: string, reply: Reply | undefined): Answer {
  switch (reply?.kind) {
    case 'bytes':
      return { kind: 'value', value: new Sealed(reply.bytes) };
    case 'null':
      return { kind: 'absent', what: 'there is no such key' };
    case 'list':
      return hashAnswer(database, key, reply.items);
    case 'error':
      return errorAnswer(database, key, reply);
    case 'text':
    case 'integer':
    case undefined:
      return failed(database, key, { code: 'BH_ERR_STORE_ANSWER', what: 'an answer of no use' });
  }
}

function hashAnswer(database: Database, key: string, items: readonly Reply[]): Answer {
  // It was removed between the two round trips.
  if (items.length === 0) return { kind: 'absent', what: 'there is no such key' };
  const entries = new Map<string, Sealed>();
  for (let n = 0; n < items.length; n += 2) {
    const [field, value] = [items[n], items[n + 1]];
    const name = field?.kind === 'bytes' ? textOf(field.bytes) : undefined;
    if (name === undefined || value?.kind !== 'bytes') {
      const what = 'it is a hash with a field whose name is not UTF-8';
      return failed(database, key, { code: 'BH_ERR_VALUE', what });
    }
    entries.set(name, new Sealed(value.bytes));
  }
  return { kind: 'map', entries };
}

function errorAnswer(database: Database, key: string, reply: Reply): Answer {
  const word = wordOf(reply);
  if (word === 'NOPERM') {
    const help = `the user needs: ACL SETUSER … %R~${key} +get +hgetall`;
    return failed(database, key, { code: 'BH_ERR_STORE_DENIED', what: 'it may not be read', help });
  }
  if (word === 'WRONGTYPE') {
    const what = 'it is neither a string nor a hash';
    return failed(database, key, { code: 'BH_ERR_VALUE', what });
  }
  return failed(database, key, { code: 'BH_ERR_SETTINGS', what: `the server says ${word}` });
}

interface Failure {
  readonly code: Code;
  readonly what: string;
  readonly help?: string;
}

function failed({ context }: Database, key: string, { code, ...facts }: Failure): Answer {
  const where = [`store ${context.name}`, key];
  return failedAnswer(new BellhopError(code, { where, ...facts }));
}
