// Reads of etcd: keys and prefixes in as few transactions as they fit into; and a write.
import type { Verdict } from '../core/call.ts';
import { refused } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import { Sealed } from '../core/sealed.ts';
import { fromBase64 } from '../wire/base64.ts';
import { isRecord } from '../wire/read.ts';
import { chunks } from './_chunks.ts';
import type { Cluster, Said } from './_etcd-calls.ts';
import { callAs } from './_etcd-calls.ts';
import { textOf } from './_formats.ts';
import type { Bearer, JsonRecord } from './_rest.ts';
import { failedAnswer, recordIn, textIn } from './_rest.ts';
import type { Answer, PutHow, Wanted } from './_store.ts';

/** etcd's own limit unless it was started with another (`--max-txn-ops`). */
export const PATHS_A_REQUEST = 128;

/** A cluster, asked by somebody. */
export interface Reader {
  readonly cluster: Cluster;
  readonly bearer: Bearer;
}

/** Answers for paths without a version; a transaction is one request. */
export async function readLatest(reader: Reader, paths: readonly string[]): Promise<Answer[]> {
  const parts = chunks(paths, PATHS_A_REQUEST).map(async (part) => readPart(reader, part));
  return (await Promise.all(parts)).flat();
}

const TOO_MANY = /too many operations/;

/**
 * One path that may not be read fails a transaction as a whole, and it does not tell which: the
 * halves are asked again. So is what is more than this server takes at once.
 */
async function readPart(reader: Reader, paths: readonly string[]): Promise<Answer[]> {
  const [only] = paths;
  if (only !== undefined && paths.length === 1) return [await readOne(reader, { path: only })];
  try {
    return await transact(reader, paths);
  } catch (error) {
    if (!(error instanceof BellhopError)) throw error;
    const isSplit = error.code === 'BH_ERR_STORE_DENIED' || TOO_MANY.test(error.what);
    if (!isSplit) return paths.map(() => failedAnswer(error));
    const half = Math.ceil(paths.length / 2);
    const halves = [paths.slice(0, half), paths.slice(half)];
    return (await Promise.all(halves.map(async (part) => readPart(reader, part)))).flat();
  }
}

async function transact({ cluster, bearer }: Reader, paths: readonly string[]): Promise<Answer[]> {
  return callAs<Answer[]>(cluster, bearer, {
    name: `txn (${paths.length})`,
    path: 'kv/txn',
    body: { success: paths.map((path) => ({ request_range: rangeOf({ path }) })) },
    judge: (answer) => {
      if (answer.code !== 0) return refusal(answer);
      const { responses } = answer.json;
      const list: unknown[] = Array.isArray(responses) ? responses : [];
      const answers = paths.map((path, n) => {
        const one = list[n];
        return isRecord(one) ? rangeAnswer({ path }, recordIn(one, 'response_range')) : undefined;
      });
      const whole = answers.filter((one) => one !== undefined);
      if (whole.length === paths.length) return { kind: 'done', value: whole };
      return { kind: 'again', why: 'an answer that makes no sense' };
    },
  });
}

/**
 * One path, at a revision where it has one. Not in a transaction: there a revision that is still to
 * come reads as nothing (3.4.23), and nothing would count as absent.
 */
export async function readOne({ cluster, bearer }: Reader, wanted: Wanted): Promise<Answer> {
  const { path, version } = wanted;
  try {
    if (path === '' || (version !== undefined && !/^[1-9]\d{0,18}$/.test(version))) {
      const what = path === '' ? 'a key has a name' : 'a version is a revision: a number from 1';
      const where = [`store ${cluster.context.name}`, path];
      throw new BellhopError('BH_ERR_SETTINGS', { where, what });
    }
    return await callAs<Answer>(cluster, bearer, {
      name: path,
      path: 'kv/range',
      body: rangeOf(wanted),
      judge: (answer) => {
        if (answer.code !== 0) return refusal(answer);
        const value = rangeAnswer(wanted, answer.json);
        if (value !== undefined) return { kind: 'done', value };
        return { kind: 'again', why: 'an answer that makes no sense' };
      },
    });
  } catch (error) {
    return failedAnswer(error);
  }
}

function refusal({ message }: Said): Verdict<never> {
  if (message.includes('has been compacted')) {
    const what = 'this revision is gone: etcd has compacted its history';
    return refused('BH_ERR_SETTINGS', what, 'name a newer revision, or none');
  }
  if (message.includes('future revision')) {
    return refused(
      'BH_ERR_SETTINGS',
      'this revision is still to come',
      'name an older one, or none',
    );
  }
  return refused('BH_ERR_SETTINGS', message);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A key; with a slash at its end all up to where the slash is its next character, `0`. */
function rangeOf({ path, version }: Wanted): JsonRecord {
  const end = path.endsWith('/') ? { range_end: base64(`${path.slice(0, -1)}0`) } : {};
  return { key: base64(path), ...end, ...(version === undefined ? {} : { revision: version }) };
}

interface Pair {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: string;
}

/** Undefined where the answer makes no sense. No `kvs` at all is an answer: nothing is there. */
function rangeAnswer({ path }: Wanted, range: JsonRecord): Answer | undefined {
  if (!isRecord(range['header'])) return undefined;
  const { kvs } = range;
  const list: unknown[] = Array.isArray(kvs) ? kvs : [];
  const pairs = list.map((one) => (isRecord(one) ? pairOf(one) : undefined));
  const whole = pairs.filter((one) => one !== undefined);
  if (whole.length < pairs.length || Number(range['count'] ?? 0) !== pairs.length) return undefined;
  if (path.endsWith('/')) return folderAnswer(path, whole);
  const [found] = whole;
  if (found === undefined) return { kind: 'absent', what: 'there is no such key' };
  if (found.key !== path) return undefined;
  const facts = { version: found.revision };
  return { kind: 'value', value: new Sealed(found.value), facts };
}

/** A value that is empty is left out of the JSON. */
function pairOf(one: JsonRecord): Pair | undefined {
  const { key, value = '', mod_revision: revision } = one;
  if (typeof key !== 'string' || typeof value !== 'string') return undefined;
  const [name, bytes] = [fromBase64(key), fromBase64(value)];
  const text = name === undefined ? undefined : textOf(name);
  if (text === undefined || bytes === undefined) return undefined;
  return { key: text, value: bytes, revision: String(revision) };
}

function folderAnswer(path: string, pairs: readonly Pair[]): Answer {
  const below = pairs.filter(({ key }) => key !== path);
  if (below.length === 0) return { kind: 'absent', what: 'there is no key below it' };
  const entries = below.map(({ key, value }): [string, Sealed] => {
    return [key.slice(path.length), new Sealed(value)];
  });
  return { kind: 'map', entries: new Map(entries) };
}

/** One key on its way to the cluster. */
export interface KeyPut extends PutHow {
  readonly path: string;
  readonly content: Uint8Array;
}

const DAY_SECONDS = 86_400;

/** Writes one key; a lease ends it, where it is said for how long it is needed. */
export async function putKey({ cluster, bearer }: Reader, put: KeyPut): Promise<void> {
  const { path, content, expireDays } = put;
  const judge = <T>(of: (json: JsonRecord) => T) => {
    return ({ json, code, message }: Said): Verdict<T> => {
      if (code === 0) return { kind: 'done', value: of(json) };
      return refused('BH_ERR_SETTINGS', `gRPC error ${code}: ${message}`);
    };
  };
  const lease =
    expireDays === undefined
      ? undefined
      : await callAs<string>(cluster, bearer, {
          name: 'lease/grant',
          path: 'lease/grant',
          body: { TTL: String(expireDays * DAY_SECONDS) },
          judge: judge((json) => textIn(json, 'ID') ?? ''),
        });
  const value = Buffer.from(content).toString('base64');
  await callAs<true>(cluster, bearer, {
    name: `put ${path}`,
    verb: 'written',
    path: 'kv/put',
    body: { key: base64(path), value, ...(lease === undefined ? {} : { lease }) },
    judge: judge((): true => true),
  });
}
