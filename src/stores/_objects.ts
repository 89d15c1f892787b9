// What stores of objects share: an object as an answer, and writing one that its path tells all of.
import type { Verdict } from '../core/call.ts';
import { refused } from '../core/call.ts';
import { Sealed } from '../core/sealed.ts';
import { dotenvMap } from './_formats.ts';
import type { Options } from './_options.ts';
import type { Answer, AnswerFacts } from './_store.ts';

/** An object becomes a value in memory: the largest. Ours. */
export const OBJECT_BYTES_MAX = 64 * 1024 * 1024;

/** The body of an error, or the description of an object. */
export const TOLD_BYTES_MAX = 256 * 1024;

export const DOTENV_OPTION = {
  type: 'flag',
  help: 'false: an object whose key ends in .env is one value, like any other, not a map',
} as const;

/** An object's bytes as the answer: a map where its key says that it is NAME=value lines. */
export function objectAnswer(
  { key, body, version }: { readonly key: string; readonly body: Uint8Array; version?: string },
  options: Options,
): Verdict<Answer> {
  const facts: { facts?: AnswerFacts } = version === undefined ? {} : { facts: { version } };
  const isDotenv = key.endsWith('.env') && options['dotenv'] !== false;
  if (!isDotenv) {
    return { kind: 'done', value: { kind: 'value', value: new Sealed(body), ...facts } };
  }
  const entries = dotenvMap(body);
  if (entries !== undefined) return { kind: 'done', value: { kind: 'map', entries, ...facts } };
  const help = 'correct the object, or set `dotenv: false` to have it as one value';
  return refused('BH_ERR_VALUE', 'the object is not NAME=value lines, as its key says', help);
}

/** Bucket and key, or container and name; undefined where the path is none. */
export function readObject(path: string): { bucket: string; key: string } | undefined {
  const [, bucket, key] = /^([^/]+)\/([^]+)$/.exec(path) ?? [];
  return bucket === undefined || key === undefined ? undefined : { bucket, key };
}

/** An object that is there: the digest that it was written with, and what tells it from others. */
export interface ThereObject {
  readonly kind: 'object';
  readonly sha256: string | undefined;
  readonly mark: string;
  /** Until when it is needed, as far as it says so. */
  readonly until?: string;
}

/** What is there where something is to be written. */
export type There =
  | ThereObject
  | { readonly kind: 'absent' }
  /** We may write there, and not look. */
  | { readonly kind: 'hidden' };

/** What an object may be written over. */
export type Over = 'anything' | 'nothing' | ThereObject;

/** How one object is looked at and written. */
export interface ObjectHands {
  look(): Promise<There>;
  write(over: Over): Promise<void>;
  /** Tells again how long the object that is there is needed; never moves its end back. */
  renew(there: ThereObject): Promise<void>;
}

/**
 * Writes an object whose path says what its content is. An equal one that is there stays as it is,
 * and only its end is put off; another one is replaced.
 */
export async function putNamed(hands: ObjectHands, sha256: string): Promise<void> {
  const there = await hands.look();
  if (there.kind !== 'object') return hands.write('nothing');
  return there.sha256 === sha256 ? hands.renew(there) : hands.write(there);
}
