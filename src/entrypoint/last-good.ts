import type { Budget } from '../core/budget.ts';
import { within } from '../core/budget.ts';
import { canonicalJson, digestOf } from '../core/canonical.ts';
import { BellhopError } from '../core/errors.ts';
import { Sealed } from '../core/sealed.ts';
import { formatReference } from '../plan/reference.ts';
import type { LastGood, Plan, Reference } from '../plan/types.ts';
import type { Answer, Store } from '../stores/_store.ts';
import type { CopyEntry } from '../wire/last-good.ts';
import { COPY_FORMAT, headerLine, readEntries, splitCopy } from '../wire/last-good.ts';
import { ownTimeMs } from './ask.ts';
import { openDataKey, makeDataKey } from './data-key.ts';
import type { StoresContext } from './open-store.ts';
import { openStore } from './open-store.ts';

/** What reading and writing the copy takes. */
export interface CopyContext {
  readonly plan: Plan;
  readonly stores: StoresContext;
  readonly budget: Budget;
}

/** What the copy gives for references that no store could say. */
export interface FromCopy {
  readonly answers: ReadonlyMap<Reference, Answer>;
  /** How old it is, or why it is of no use. */
  readonly note: string;
}

const NONCE_BYTES = 12;
const MS_PER_SECOND = 1000;

/**
 * Looks up references in the copy. Only for references whose stores are all down: what a store has
 * refused or does not have is never answered from here, so that taking a right away works.
 */
export async function readCopy(
  context: CopyContext,
  lastGood: LastGood,
  references: readonly Reference[],
): Promise<FromCopy> {
  const of = formatReference(lastGood.to);
  try {
    const budget = context.budget.part(ownTimeMs(context.budget.remainingMs()));
    const copy = await within(context.budget, openCopy({ ...context, budget }, lastGood));
    budget.end();
    if (copy === undefined) return nothing(`the copy ${of} could not be read in time`);
    const ageMs = context.stores.io.clock.now() - copy.writtenMs;
    const age = ageText(ageMs);
    if (ageMs > lastGood.maxAgeSeconds * MS_PER_SECOND) {
      return nothing(`the copy ${of} is ${age} old, more than its policy allows`);
    }
    const entries = new Map(copy.entries.map((one) => [one.of, one]));
    const answers = new Map<Reference, Answer>();
    for (const reference of references) {
      const entry = entries.get(entryKey(context.plan, reference));
      if (entry !== undefined) answers.set(reference, answerOf(entry));
    }
    return { answers, note: `the last good copy ${of} was used; it is ${age} old` };
  } catch (error) {
    if (!(error instanceof BellhopError)) throw error;
    return nothing(`the copy ${of} could not be read: ${error.message}`);
  }
}

function nothing(note: string): FromCopy {
  return { answers: new Map(), note };
}

interface Copy {
  readonly writtenMs: number;
  readonly entries: readonly CopyEntry[];
}

async function openCopy(context: CopyContext, lastGood: LastGood): Promise<Copy> {
  const { to, key } = lastGood;
  const { io } = context.stores;
  const refuse = (what: string): BellhopError => {
    return new BellhopError('BH_ERR_STORE_ANSWER', { where: [formatReference(to)], what });
  };
  const store = await storeOf(context, to.store);
  const [answer] = await store.fetch([to]);
  if (answer?.kind === 'failed') throw answer.problem;
  if (answer?.kind !== 'value') throw refuse('there is no copy');
  const parts = splitCopy(answer.value.reveal());
  if (parts === undefined) throw refuse('is no copy of ours');
  const { header, line, sealed } = parts;
  const dataKey = await openDataKey(context, key, bytesOf(header.wrapped));
  const gcm = { key: dataKey, nonce: bytesOf(header.nonce), aad: line };
  const plain = await io.crypto.openAesGcm(gcm, sealed);
  const entries = plain === undefined ? undefined : readEntries(plain);
  if (entries === undefined) throw refuse('does not open under its key: it was changed');
  return { writtenMs: header.writtenMs, entries };
}

function bytesOf(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64');
}

async function storeOf({ plan, stores, budget }: CopyContext, name: string): Promise<Store> {
  return openStore(plan, stores, { name, budget, attemptsMax: Infinity, waiting: [] });
}

/** A value is only taken for what the same store, with the same settings, was asked for. */
function entryKey(plan: Plan, { store, path, version }: Reference): string {
  const settings = digestOf(canonicalJson(plan.stores[store] ?? {}));
  return JSON.stringify([store, settings, path, version ?? null]);
}

function answerOf({ value, entries }: CopyEntry): Answer {
  if (value !== undefined) return { kind: 'value', value: new Sealed(bytesOf(value)) };
  const pairs = (entries ?? []).map(([key, one]) => [key, new Sealed(bytesOf(one))] as const);
  return { kind: 'map', entries: new Map(pairs) };
}

/** Writes the copy of a complete success; what went wrong is a warning, never a failed start. */
export async function writeCopy(
  context: CopyContext,
  lastGood: LastGood,
  answers: readonly (readonly [Reference, Answer])[],
): Promise<string | undefined> {
  const of = formatReference(lastGood.to);
  try {
    const written = await within(context.budget, sealCopy(context, lastGood, answers));
    return written === true ? undefined : `the last good copy ${of} was not written in time`;
  } catch (error) {
    if (!(error instanceof BellhopError)) throw error;
    return `the last good copy ${of} was not written: ${error.message}`;
  }
}

async function sealCopy(
  context: CopyContext,
  lastGood: LastGood,
  answers: readonly (readonly [Reference, Answer])[],
): Promise<true> {
  const { io } = context.stores;
  const { to } = lastGood;
  const store = await storeOf(context, to.store);
  if (store.put === undefined) {
    const what = 'this kind of store cannot be written to';
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${to.store}`], what });
  }
  const { key, wrapped } = await makeDataKey(context, lastGood.key);
  const nonce = io.random(NONCE_BYTES);
  const line = headerLine({
    format: COPY_FORMAT,
    writtenMs: io.clock.now(),
    wrapped: Buffer.from(wrapped).toString('base64'),
    nonce: Buffer.from(nonce).toString('base64'),
  });
  const entries = answers.flatMap(([reference, answer]) =>
    entryOf(context.plan, reference, answer),
  );
  const plain = new TextEncoder().encode(JSON.stringify(entries));
  const sealed = await io.crypto.sealAesGcm({ key, nonce, aad: line }, plain);
  await store.put(to.path, Buffer.concat([line, sealed]));
  return true;
}

function entryOf(plan: Plan, reference: Reference, answer: Answer): CopyEntry[] {
  const of = entryKey(plan, reference);
  const text = (value: Sealed): string => Buffer.from(value.reveal()).toString('base64');
  if (answer.kind === 'value') return [{ of, value: text(answer.value) }];
  if (answer.kind !== 'map') return [];
  return [{ of, entries: [...answer.entries].map(([key, value]) => [key, text(value)] as const) }];
}

/** `3 h 12 min`, `4 d 1 h`, `12 s`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / MS_PER_SECOND));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}
