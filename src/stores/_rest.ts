// What stores behind a bearer token and JSON share: tokens, doubts about a refusal, small readers.
import type { Attempt, Call, Caller, Verdict } from '../core/call.ts';
import { notJson, refusedByStatus } from '../core/call.ts';
import { BellhopError, isOutage } from '../core/errors.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import type { Fs } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { Sealed } from '../core/sealed.ts';
import { isRecord } from '../wire/read.ts';
import { openShared } from './_shared.ts';
import type { StoreContext } from './_store.ts';

/** A JSON object of a server. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** The body as a JSON object; undefined where it is none: cut off, HTML, other JSON. */
export function jsonRecord(body: Uint8Array | string): JsonRecord | undefined {
  try {
    const text =
      typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body);
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** A member that is an object; empty where it is anything else. */
export function recordIn(record: JsonRecord, name: string): JsonRecord {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  return isRecord(value) ? value : {};
}

/** A member that is a string and not empty. */
export function textIn(record: JsonRecord, name: string): string | undefined {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const SAID_MAX = 400;

/** What a server said, fit for a message: one line, printable, not long. */
export function said(text: string | undefined): string {
  const line = (text ?? '').replace(/[^\x20-\x7e]+/g, ' ').trim();
  if (line === '') return 'no reason was given';
  return line.length > SAID_MAX ? `${line.slice(0, SAID_MAX)} …` : line;
}

/** A form as `application/x-www-form-urlencoded`; members that are undefined are left out. */
export function formBody(members: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(members)
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
    )
    .join('&');
}

/** A credential as the text that goes to the server that it is for; white space around it not. */
export function credentialText(sealed: Sealed): string {
  return new TextDecoder().decode(sealed.reveal()).trim();
}

const CREDENTIAL_BYTES_MAX = 1024 * 1024;

/** A file's text, or what keeps us from reading it (an errno name). */
export function readCredential(fs: Fs, path: string): { text: string } | { errno: string } {
  try {
    return { text: new TextDecoder().decode(fs.read(path, CREDENTIAL_BYTES_MAX)).trim() };
  } catch (error) {
    if (error instanceof FsError) return { errno: error.errno };
    throw error;
  }
}

/** The text of a file that must be there; BH_ERR_CREDENTIALS where it cannot be read. */
export function neededCredential(fs: Fs, path: string, where: readonly string[]): string {
  const read = readCredential(fs, path);
  if ('text' in read) return read.text;
  const what = `${path} cannot be read (${read.errno})`;
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
}

/** A token that is shared by all stores and requests of a start. */
export interface Bearer {
  /** The token; a new one where `ended` is what we have. All who ask wait for one making. */
  token(context: StoreContext, ended?: string): Promise<string>;
}

/** Makes the token when it is first asked for, and again when the server says that it has ended. */
export function openBearer(make: (context: StoreContext) => Promise<string>): Bearer {
  const shared = openShared(make);
  return { token: async (context, ended) => shared.get(context, (token) => token !== ended) };
}

/** The header of each attempt: the shared token, made anew once the server has refused ours. */
export function bearerHeader(
  bearer: Bearer,
  context: StoreContext,
): (attempt: Attempt) => Promise<string> {
  let sent: string | undefined;
  return async ({ renew }) => {
    sent = await bearer.token(context, renew ? sent : undefined);
    return `Bearer ${sent}`;
  };
}

type Refused = Extract<Verdict<never>, { kind: 'refused' }>;

/** A refusal that is asked again `times` times before it is believed. */
export interface Doubted {
  readonly kind: 'doubted';
  readonly refusal: Refused;
  readonly times: number;
  /** With new credentials. */
  readonly renew?: boolean;
}

/** A call whose refusals may be doubted. */
export type DoubtingCall<T> = Omit<Call<T>, 'judge'> & {
  judge(answer: HttpAnswer): Verdict<T> | Doubted;
};

/**
 * Sends it. What was refused stays refused where the attempts or the time end before the server
 * says otherwise: an outage may be covered by another store or by last good, a refusal never.
 */
export async function sendDoubting<T>(caller: Caller, call: DoubtingCall<T>): Promise<T> {
  let doubts = 0;
  let refusal: Refused | undefined;
  const judge = (answer: HttpAnswer): Verdict<T> => {
    const verdict = call.judge(answer);
    if (verdict.kind !== 'doubted') return verdict;
    refusal = verdict.refusal;
    doubts += 1;
    if (doubts > verdict.times) return refusal;
    return { kind: 'again', why: refusal.what, renew: verdict.renew === true };
  };
  try {
    return await caller.send({ ...call, judge });
  } catch (error) {
    const isOpen = error instanceof BellhopError && isOutage(error);
    if (refusal === undefined || !isOpen) throw error;
    const { code, what, help } = refusal;
    const better = help === undefined ? {} : { help };
    throw new BellhopError(code, { where: error.where, what, ...better });
  }
}

/** A refusal that is asked again before it is believed. */
export function doubted(
  verdict: Verdict<never>,
  how: Pick<Doubted, 'times' | 'renew'>,
): Verdict<never> | Doubted {
  return verdict.kind === 'refused' ? { kind: 'doubted', refusal: verdict, ...how } : verdict;
}

/** What a status means whose body has no code that we know: never absence. */
export function unknownError({ status }: HttpAnswer, what: string): Verdict<never> | Doubted {
  return renewedOn401(status, refusedByStatus(status, what));
}

/** What an answer means whose body is no JSON. */
export function unknownBody(answer: HttpAnswer): Verdict<never> | Doubted {
  return renewedOn401(answer.status, notJson(answer));
}

/** A gateway says it of a token that has ended, too. */
function renewedOn401(status: number, verdict: Verdict<never>): Verdict<never> | Doubted {
  return status === 401 ? doubted(verdict, { times: 1, renew: true }) : verdict;
}

/** A path's own answer where it cannot be had; what is no problem of ours is thrown on. */
export function failedAnswer(error: unknown): { kind: 'failed'; problem: BellhopError } {
  if (error instanceof BellhopError) return { kind: 'failed', problem: error };
  throw error;
}
