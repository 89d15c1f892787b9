// Reads of Consul's key/value store by its transaction API: many keys are one request, and names
// of any characters go in the body. Facts: Consul 1.20.1 (seen) and its CHANGELOG.
import type { Verdict } from '../core/call.ts';
import { notJson, refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { HttpAnswer, TlsFacts } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { Sealed } from '../core/sealed.ts';
import { fromBase64 } from '../wire/base64.ts';
import { isRecord } from '../wire/read.ts';
import { askInChunks } from './_chunks.ts';
import { failedAnswer, jsonRecord, recordIn, said, textIn } from './_rest.ts';
import type { JsonRecord } from './_rest.ts';
import type { Answer, StoreContext } from './_store.ts';
import { transport } from './_tls-files.ts';

/** Since 1.14, as `get-or-empty`. */
export const KEYS_A_REQUEST = 128;
/** What older ones take. */
const KEYS_A_REQUEST_OLD = 64;
/** 128 values of 512 KiB in base 64, and what stands around them. */
const BODY_BYTES_MAX = 128 * 1024 * 1024;

/** One agent, and as whom it is asked. */
export interface Agent {
  readonly context: StoreContext;
  readonly address: string;
  readonly tls: TlsFacts | undefined;
  /** `?dc=…`, or nothing. */
  readonly query: string;
  /** Namespace and partition, which this API takes with each key (agent/txn_endpoint.go 1.20.1). */
  readonly place: { readonly Namespace?: string; readonly Partition?: string };
  readonly token: string | undefined;
  /** USER:PASSWORD for what stands before the agent. */
  readonly basic: string | undefined;
}

/** Answers by what was asked for. */
export type Answers = ReadonlyMap<string, Answer>;

/** Reads single keys. A key that may not be read is missing in the answer; one not there is not. */
export async function readKeys(agent: Agent, keys: readonly string[]): Promise<Answers> {
  const answers = await askInChunks(keys, KEYS_A_REQUEST, async (part) => readNew(agent, part));
  return new Map(
    keys.flatMap((key, n) => {
      const answer = answers[n];
      return answer === undefined ? [] : [[key, answer] as const];
    }),
  );
}

async function readNew(agent: Agent, keys: readonly string[]): Promise<readonly Answer[]> {
  const reply = await transact(agent, 'get-or-empty', keys);
  if (reply.errors.length === 0) return keys.map((key) => keyAnswer(agent, key, reply));
  // Consul before 1.14 does not know `get-or-empty`.
  return askInChunks(keys, KEYS_A_REQUEST_OLD, async (part) => readOld(agent, part));
}

/**
 * `get` fails for all where one is not there, and says which: the others are asked once more, and
 * again where one of them has gone since.
 */
async function readOld(agent: Agent, keys: readonly string[]): Promise<readonly Answer[]> {
  const answers = new Map<string, Answer>();
  for (let left = keys; left.length > 0; left = keys.filter((key) => !answers.has(key))) {
    const reply = await transact(agent, 'get', left);
    for (const { index, what } of reply.errors) {
      const gone = left[index];
      const isGone = gone !== undefined && what.includes("doesn't exist");
      if (!isGone) throw badTransaction(agent, what);
      answers.set(gone, absentKey());
    }
    if (reply.errors.length > 0) continue;
    for (const key of left) answers.set(key, keyAnswer(agent, key, reply));
  }
  return keys.flatMap((key) => answers.get(key) ?? []);
}

function badTransaction({ context }: Agent, what: string): BellhopError {
  return new BellhopError('BH_ERR_STORE', {
    where: [`store ${context.name}`, 'txn'],
    what: said(what),
  });
}

/** Reads everything below a folder, in one request; a folder's own key is no part of it. */
export async function readFolder(agent: Agent, folder: string): Promise<Answer> {
  try {
    const reply = await transact(agent, 'get-tree', [folder]);
    const [error] = reply.errors;
    if (error !== undefined) throw badTransaction(agent, error.what);
    // A part of a folder is no answer: what is missing in it would count as absent.
    if (reply.isFiltered) return denied(agent, folder, 'some keys below it may not be read');
    const entries = reply.entries
      .filter(({ key }) => key.startsWith(folder) && key !== folder)
      .map(({ key, bytes }): [string, Sealed] => [key.slice(folder.length), new Sealed(bytes)]);
    if (entries.length > 0) return { kind: 'map', entries: new Map(entries) };
    // Without a token Consul does not tell that it has left keys out: a single key tells.
    if (agent.token === undefined) {
      const probe = (await readKeys(agent, [folder])).get(folder);
      if (probe?.kind === 'failed') return probe;
    }
    return { kind: 'absent', what: 'there is no key below it' };
  } catch (error) {
    return failedAnswer(error);
  }
}

interface Entry {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** 0 for a key that is not there. */
  readonly createIndex: number;
  readonly modifyIndex: number;
}

interface Reply {
  readonly entries: readonly Entry[];
  readonly errors: readonly { readonly index: number; readonly what: string }[];
  readonly isFiltered: boolean;
}

type Verb = 'get-or-empty' | 'get' | 'get-tree';

async function transact(agent: Agent, verb: Verb, keys: readonly string[]): Promise<Reply> {
  const { context, address, query, place } = agent;
  return context.caller.send({
    name: `txn ${verb} (${keys.length})`,
    request: () => ({
      method: 'PUT',
      url: `${address}/v1/txn${query}`,
      headers: { 'content-type': 'application/json', ...provingHeaders(agent) },
      body: JSON.stringify(keys.map((key) => ({ KV: { Verb: verb, Key: key, ...place } }))),
      ...agentTransport(agent.tls),
    }),
    judge: (answer) => judge(answer, agent),
  });
}

/** Writes one key by the transaction API. Nothing of Consul's ends a key by itself. */
export async function putKey(agent: Agent, key: string, content: Uint8Array): Promise<void> {
  const { context, address, query, place, tls } = agent;
  const value = Buffer.from(content).toString('base64');
  const body = JSON.stringify([{ KV: { Verb: 'set', Key: key, Value: value, ...place } }]);
  await context.caller.send<true>({
    name: `txn set ${key}`,
    request: () => ({
      method: 'PUT',
      url: `${address}/v1/txn${query}`,
      headers: { 'content-type': 'application/json', ...provingHeaders(agent) },
      body,
      ...agentTransport(tls),
    }),
    judge: (answer) => {
      if (answer.status === 200) return { kind: 'done', value: true };
      if (answer.status !== 409) return judgeFailure(answer, agent);
      return refused('BH_ERR_STORE_DENIED', 'it may not be written, or not with this token');
    },
  });
}

/** How every request to an agent goes. */
export function agentTransport(tls: TlsFacts | undefined) {
  return transport(tls, BODY_BYTES_MAX);
}

/** Who we are to Consul, and to what stands before it. */
export function provingHeaders({ token, basic }: Agent): Readonly<Record<string, string>> {
  return {
    ...(token === undefined ? {} : { 'x-consul-token': token }),
    ...(basic === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
  };
}

/** What an answer means that is no success: errors are plain text. */
export function judgeFailure(answer: HttpAnswer, { context, basic }: Agent): Verdict<never> {
  const text = wordsIn(answer);
  if (text.includes('No path to datacenter')) {
    return refused('BH_ERR_SETTINGS', 'it knows no way to this datacenter', 'correct `datacenter`');
  }
  const afterMs = retryAfterMs(answer.headers['retry-after'], context.io.clock.now());
  const usual = verdictOfStatus(answer, afterMs);
  if (usual !== undefined) return usual;
  if (answer.status === 401 && basic !== undefined) {
    return refused('BH_ERR_CREDENTIALS', 'HTTP 401: CONSUL_HTTP_AUTH or the token is wrong');
  }
  if (answer.status === 401 || (answer.status === 403 && text.includes('ACL not found'))) {
    const help = 'give a token that this Consul knows: `token`, `tokenFile` or CONSUL_HTTP_TOKEN';
    return refused('BH_ERR_CREDENTIALS', 'the server does not know the token', help);
  }
  if (answer.status === 403) return refused('BH_ERR_STORE_DENIED', `HTTP 403, ${text}`);
  if (answer.status === 400 && text.includes('HTTPS server')) {
    const what = 'the server speaks TLS, and the address says http';
    return refused('BH_ERR_SETTINGS', what, 'write its address with https://');
  }
  return refused('BH_ERR_SETTINGS', `HTTP ${answer.status}, ${text}`);
}

/** Errors are plain text; a page or a document is of something else, and helps nobody. */
function wordsIn({ body }: HttpAnswer): string {
  const text = new TextDecoder().decode(body.subarray(0, 2000));
  return /^\s*[<{[]/.test(text) ? 'with a body that is not of Consul' : said(text);
}

function judge(answer: HttpAnswer, agent: Agent): Verdict<Reply> {
  // 409: what was asked for is not there, or the verb is not known; the body tells.
  if (answer.status !== 200 && answer.status !== 409) return judgeFailure(answer, agent);
  const json = jsonRecord(answer.body);
  if (json === undefined) return notJson(answer);
  const errors = recordsIn(json, 'Errors').map(({ OpIndex: index, What: what }) => {
    return { index: Number(index), what: String(what) };
  });
  const entries = recordsIn(json, 'Results').map((one) => entryOf(recordIn(one, 'KV')));
  const whole = entries.filter((one) => one !== undefined);
  if (whole.length < entries.length || (answer.status === 409 && errors.length === 0)) {
    return { kind: 'again', why: `HTTP ${answer.status} with an answer that makes no sense` };
  }
  const isFiltered = json['ResultsFilteredByACLs'] === true;
  return { kind: 'done', value: { entries: whole, errors, isFiltered } };
}

function recordsIn(json: JsonRecord, name: string): readonly JsonRecord[] {
  const { [name]: list } = json;
  return Array.isArray(list) ? list.map((one: unknown) => (isRecord(one) ? one : {})) : [];
}

function entryOf(kv: JsonRecord): Entry | undefined {
  const { Value: value, CreateIndex: createIndex, ModifyIndex: modifyIndex } = kv;
  const key = textIn(kv, 'Key');
  // An empty value is null.
  const bytes =
    value === null ? new Uint8Array() : fromBase64(typeof value === 'string' ? value : '?');
  if (key === undefined || bytes === undefined) return undefined;
  return { key, bytes, createIndex: Number(createIndex), modifyIndex: Number(modifyIndex) };
}

function keyAnswer(agent: Agent, key: string, reply: Reply): Answer {
  const found = reply.entries.find((one) => one.key === key);
  if (found === undefined) return denied(agent, key, 'it may not be read');
  if (found.createIndex === 0) return absentKey();
  const facts = { version: String(found.modifyIndex) };
  return { kind: 'value', value: new Sealed(found.bytes), facts };
}

function absentKey(): Answer {
  return { kind: 'absent', what: 'there is no such key' };
}

function denied({ context, token }: Agent, path: string, what: string): Answer {
  const rule = path.endsWith('/') ? 'key_prefix' : 'key';
  const whose = token === undefined ? 'no token was given; a policy' : 'a policy of the token';
  const help = `${whose} must have: ${rule} "${path}" { policy = "read" }`;
  const where = [`store ${context.name}`, path];
  return {
    kind: 'failed',
    problem: new BellhopError('BH_ERR_STORE_DENIED', { where, what, help }),
  };
}
