// Inputs that fuzzing has found to be answered in ways of their own, kept and tried again.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Reviewed } from '../../src/webhook/review.ts';
import type { Way } from './_fuzzing-managers.ts';

/** A body that was reviewed, or an annotation that was decoded, and what came of it. */
export interface Kept {
  readonly way: Way | 'codec';
  /** What came of it, without what differs from input to input. */
  readonly said: string;
  /** As text, where it is UTF-8. */
  readonly text?: string;
  readonly base64?: string;
}

const FILE = path.join(import.meta.dir, 'corpus/kept.jsonl');

export function readCorpus(): readonly Kept[] {
  if (!existsSync(FILE)) return [];
  const lines = readFileSync(FILE, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Kept);
}

export function writeCorpus(all: readonly Kept[]): void {
  const lines = all.map((one) => `${JSON.stringify(one)}\n`).toSorted();
  writeFileSync(FILE, lines.join(''));
}

export function bytesOf({ text, base64 }: Kept): Buffer {
  return text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
}

export function keeping(way: Kept['way'], said: string, bytes: Buffer): Kept {
  const text = bytes.toString();
  const isText = Buffer.from(text).equals(bytes);
  return { way, said, ...(isText ? { text } : { base64: bytes.toString('base64') }) };
}

/** What is said of a review, in its own words: what is quoted from the input is left out. */
export function saidOf({ outcome, reason = '', delivered, warnings }: Reviewed): string {
  const by = [...new Set(delivered.map((one) => one.by))].toSorted();
  // The reasons of the managers stand behind Flyte's sentence, what the codec says behind `Error:`.
  const own = reason.split('an internal error occurred. ').at(-1)?.split(' Error: ')[0] ?? '';
  return [outcome, ownWords(own), by.join('+'), String(warnings.length > 0)].join(' | ');
}

const CHARACTERS_MAX = 240;
const TAIL = /(invalid (?:string|enum):|unable to decode|unknown escape|requires|contains) .*/g;
const NAMED = /((?:Secret|file|path|volume|container|kind|label|Kind)[ =])\S+/g;

export function ownWords(text: string): string {
  const plain = text
    .replaceAll(/\[[^\]]*\]?/g, '[]')
    .replaceAll(/"(?:[^"\\]|\\.)*"?/g, '""')
    .replaceAll(TAIL, '$1')
    .replaceAll(NAMED, '$1')
    .replaceAll(/[^\x20-\x7e]+/g, '?')
    .replaceAll(/\b0x[0-9a-f]+\b|\d+/g, 'N');
  return plain.slice(0, CHARACTERS_MAX);
}
