import type { Budget } from '../core/budget.ts';
import { within } from '../core/budget.ts';
import { canonicalJson, digestOf } from '../core/canonical.ts';
import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { Sealed } from '../core/sealed.ts';
import { formatReference } from '../plan/reference.ts';
import type { Bound, LastGood, Plan, Reference } from '../plan/types.ts';
import { ALL_STORES } from '../stores/_all.gen.ts';
import type { Answer, Store } from '../stores/_store.ts';
import type { CopyEntry } from '../wire/last-good.ts';
import { COPY_FORMAT, headerLine, readEntries, splitCopy } from '../wire/last-good.ts';
import type { Answers, Given } from './answers.ts';
import { answerKey, levelsOf } from './answers.ts';
import { isDown, ownTimeMs } from './ask.ts';
import { openDataKey, makeDataKey } from './data-key.ts';
import type { StoresContext } from './open-store.ts';
import { openStore } from './open-store.ts';
import { lackOf } from './select.ts';
import { variablesOf } from './platform.ts';

/** What reading and writing the copy takes. */
export interface CopyContext {
  readonly plan: Plan;
  readonly stores: StoresContext;
  readonly budget: Budget;
}

/** What stands in the copy of what no store could say. */
export interface FromCopy {
  /** By `answerKey`. */
  readonly copied: ReadonlyMap<string, Given>;
  /** How old it is, or why it is of no use; absent where it was not read. */
  readonly note?: string;
}

const NONCE_BYTES = 12;
const MS_PER_SECOND = 1000;
/** Clocks differ a little; a copy from later than that would serve for longer than its age. */
const AHEAD_MS_MAX = 5 * 60 * MS_PER_SECOND;

/**
 * Looks up what could not be had. Only where all stores are down: what one has refused or does not
 * have is never answered from here, so that taking a right away works.
 */
export async function fromCopy(
  context: CopyContext,
  lastGood: LastGood,
  { bounds, given }: { readonly bounds: readonly Bound[]; readonly given: Answers },
): Promise<FromCopy> {
  const wanted = new Map<string, Bound[]>();
  for (const bound of bounds) {
    const key = answerKey(bound);
    const one = given.get(key);
    if (one === undefined || !isDown(one.answer)) continue;
    wanted.set(key, [...(wanted.get(key) ?? []), bound]);
  }
  if (wanted.size === 0) return { copied: new Map() };
  const of = formatReference(lastGood.to);
  try {
    const copy = await inTime(context, lastGood);
    if (copy === undefined) return nothing(`the copy ${of} could not be read in time`);
    const ageMs = context.stores.io.clock.now() - copy.writtenMs;
    const useless = agedOut(ageMs, lastGood);
    if (useless !== undefined) return nothing(`the copy ${of} is ${useless}`);
    const copied = await lookedUp(context, copy, { wanted, given });
    const missing = wanted.size - copied.size;
    const lacks = `; it lacks ${missing} of ${wanted.size} values: ${WHY_LACKING}`;
    const note = `the last good copy ${of} was used; it is ${ageText(ageMs)} old`;
    return { copied, note: missing === 0 ? note : `${note}${lacks}` };
  } catch (error) {
    if (!(error instanceof BellhopError)) throw error;
    return nothing(`the copy ${of} could not be read: ${error.message}`);
  }
}

/** The copy does not say of what it lacks which of these it is. */
const WHY_LACKING = 'they are lent, were not there, or are of another plan or place';

function nothing(note: string): FromCopy {
  return { copied: new Map(), note };
}

/** A moment before its time is over the store still says what each attempt met. */
async function inTime(context: CopyContext, lastGood: LastGood): Promise<Copy | undefined> {
  const budget = context.budget.part(ownTimeMs(context.budget.remainingMs()));
  const copy = await within(context.budget, openCopy({ ...context, budget }, lastGood));
  budget.end();
  return copy;
}

function agedOut(ageMs: number, { maxAgeSeconds }: LastGood): string | undefined {
  if (ageMs > maxAgeSeconds * MS_PER_SECOND) {
    return `${ageText(ageMs)} old, more than its policy allows`;
  }
  return ageMs < -AHEAD_MS_MAX ? `dated ${ageText(-ageMs)} in the future` : undefined;
}

async function lookedUp(
  { plan, stores }: CopyContext,
  copy: Copy,
  { wanted, given }: { wanted: ReadonlyMap<string, readonly Bound[]>; given: Answers },
): Promise<ReadonlyMap<string, Given>> {
  const entries = new Map(copy.entries.map((one) => [one.of, one]));
  const keyOf = entryKeys(plan, stores.io);
  const copied = new Map<string, Given>();
  for (const [key, bounds] of wanted) {
    const [first] = bounds;
    const levels = first === undefined ? [] : levelsOf(first);
    for (const [level, reference] of levels.entries()) {
      // What a fallback says now that it lacks, its copy does not know better.
      const isLacking = given.get(key)?.lacks?.includes(level) === true;
      const entry = isLacking ? undefined : entries.get(await keyOf(reference));
      if (entry === undefined || copied.has(key)) continue;
      const one: Given = { answer: answerOf(entry), level, isCopied: true };
      if (bounds.every((bound) => mayLack(bound) || lackOf(one, bound) === undefined)) {
        copied.set(key, one);
      }
    }
  }
  return copied;
}

/** What must be there is asked of its store again: the copy does not say what exists now. */
function mayLack(bound: Bound): boolean {
  return bound.optional === true || bound.default !== undefined;
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

/**
 * A value is only taken for what the same store was asked for: with the same settings, at the place
 * that the same variables name, and for the same namespace. Who we are makes no difference.
 */
function entryKeys(plan: Plan, io: Io): (reference: Reference) => Promise<string> {
  const variables = variablesOf(io);
  const places = new Map<string, Promise<string>>();
  const placeOf = async (store: string): Promise<string> => {
    const settings = plan.stores[store];
    const load = ALL_STORES[settings?.kind ?? ''];
    const names = load === undefined ? [] : (await load()).default.places;
    const values = names.map((name) => [name, withoutUser(variables.get(name) ?? '')]);
    return digestOf(canonicalJson([settings ?? {}, values, plan.origin.namespace]));
  };
  return async ({ store, path, version }) => {
    const place = places.get(store) ?? placeOf(store);
    places.set(store, place);
    return JSON.stringify([store, await place, path, version ?? null]);
  };
}

/** An address may have a user and a password in it: who we are, not where. */
function withoutUser(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.username === '' && url.password === '')) return text;
  url.username = '';
  url.password = '';
  return url.href;
}

const ABSENT_THEN = 'it was not there when the last good copy was written';

function answerOf({ value, entries, absent }: CopyEntry): Answer {
  if (absent === true) return { kind: 'absent', what: ABSENT_THEN };
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
  const keyOf = entryKeys(context.plan, io);
  const entries: CopyEntry[] = [];
  for (const [reference, answer] of answers) {
    const content = contentOf(answer);
    if (content !== undefined) entries.push({ of: await keyOf(reference), ...content });
  }
  const plain = new TextEncoder().encode(JSON.stringify(entries));
  const sealed = await io.crypto.sealAesGcm({ key, nonce, aad: line }, plain);
  await store.put(to.path, Buffer.concat([line, sealed]));
  return true;
}

/** What is lent ends by itself: a copy of it would be given out with nobody to say for how long. */
function contentOf(answer: Answer): Omit<CopyEntry, 'of'> | undefined {
  if (answer.kind === 'failed') return undefined;
  if (answer.kind === 'absent') return { absent: true };
  if (answer.facts?.leaseMs !== undefined) return undefined;
  const text = (value: Sealed): string => Buffer.from(value.reveal()).toString('base64');
  if (answer.kind === 'value') return { value: text(answer.value) };
  return { entries: [...answer.entries].map(([key, value]) => [key, text(value)] as const) };
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
