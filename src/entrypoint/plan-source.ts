import type { Budget } from '../core/budget.ts';
import { openBudget, within } from '../core/budget.ts';
import { BellhopError, BellhopErrors, invariant, judge, problemsOf } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { barePlan } from '../plan/bare.ts';
import type { Expected } from '../plan/document.ts';
import { readPlan } from '../plan/document.ts';
import { isBundle, readBundle } from '../plan/bundle.ts';
import { ReferenceProblem, parseReference } from '../plan/reference.ts';
import type { Plan, Reference, StoreOptions } from '../plan/types.ts';
import { DEFAULT_POLICY, START_MS_DEFAULT } from '../plan/types.ts';
import { STORE_KINDS } from '../stores/_all.gen.ts';
import type { Answer } from '../stores/_store.ts';
import type { DataObject } from '../wire/objects.ts';
import { isRecord } from '../wire/read.ts';
import type { StoresContext } from './open-store.ts';
import { openStore } from './open-store.ts';

// A plan that is no file of the container: in the variables that it was started with, or in a
// store. What is read here is written by src/submit/pointer.ts.

/** A plan, with the objects that came along with it. */
export interface CarriedPlan {
  readonly plan: Plan;
  readonly objects: readonly DataObject[];
}

/** Where a plan is that `BELLHOP_PLAN`, `--plan` or `BELLHOP_OVERRIDES` names. */
export interface PlanPlace {
  /** `inline:COUNT`, or `store:path`. */
  readonly named: string;
  /** The variable or flag that says so, for messages. */
  readonly by: string;
  /** How the variables begin that say more: its digest, its stores, its parts. */
  readonly variable: 'BELLHOP_PLAN' | 'BELLHOP_OVERRIDES';
  /** bellhop's own variables on arrival. */
  readonly own: ReadonlyMap<string, string>;
}

/** What fetching takes. */
export type PlanContext = Pick<StoresContext, 'io' | 'trace' | 'platform'>;

const INLINE = /^inline:(\d{1,3})$/;

/** What was read, as a plan of its own or as a bundle. Its digest must fit where one is given. */
export function carriedPlan(bytes: Uint8Array, name: string, expected?: Expected): CarriedPlan {
  if (isBundle(bytes)) return readBundle(bytes, name, expected);
  return { plan: readPlan(new TextDecoder().decode(bytes), name, expected), objects: [] };
}

function expectedOf({ own, variable }: PlanPlace): Expected | undefined {
  const by = `${variable}_DIGEST`;
  const digest = own.get(by);
  return digest === undefined ? undefined : { digest, by };
}

/** Reads it from the variables, or fetches it within the time of a start. */
export async function planElsewhere(place: PlanPlace, context: PlanContext): Promise<CarriedPlan> {
  const [plan] = await plansElsewhere([place], context);
  invariant(plan !== undefined, 'each place has a plan');
  return plan;
}

/**
 * The plans of several places, in their order. Those in stores are fetched together, each store
 * opened once; every problem of all of them is told.
 */
export async function plansElsewhere(
  places: readonly PlanPlace[],
  context: PlanContext,
): Promise<readonly CarriedPlan[]> {
  const groups = new Map<string, PlanPlace[]>();
  for (const place of places) {
    const { named, variable, own } = place;
    const store = JSON.stringify([named.split(':')[0], own.get(`${variable}_STORES`)]);
    const key = INLINE.test(named) ? variable : store;
    groups.set(key, [...(groups.get(key) ?? []), place]);
  }
  const done = await Promise.allSettled(
    [...groups.values()].map(async (group) => {
      const inline = group.find(({ named }) => INLINE.test(named));
      return inline === undefined ? fetchedPlans(group, context) : [inlinePlan(inline, context.io)];
    }),
  );
  judge(done.flatMap((one) => (one.status === 'rejected' ? problemsOf(one.reason) : [])));
  const plans = done.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const order = [...groups.values()].flat();
  return places.flatMap((place) => plans[order.indexOf(place)] ?? []);
}

function inlinePlan(place: PlanPlace, { packing }: Io): CarriedPlan {
  const { own, by, variable } = place;
  const count = INLINE.exec(place.named)?.[1] ?? '0';
  const chunks = Array.from({ length: Number(count) }, (_, index) => {
    return own.get(`${variable}_${index + 1}`);
  });
  const lacking = chunks.findIndex((one) => one === undefined);
  const packed = Buffer.from(chunks.join(''), 'base64');
  const bytes = lacking >= 0 ? undefined : packing.inflate(packed);
  if (bytes !== undefined) return carriedPlan(bytes, by, expectedOf(place));
  const what =
    lacking < 0
      ? `what ${variable}_1 and following hold is not what \`bellhop submit\` or \`adapt\` put there`
      : `there is no ${variable}_${lacking + 1}, and it has ${count} parts`;
  throw new BellhopError('BH_ERR_PLAN', { where: [by], what });
}

/** Plans of one store. */
async function fetchedPlans(
  places: readonly PlanPlace[],
  { io, trace, platform }: PlanContext,
): Promise<CarriedPlan[]> {
  const wanted = places.map((place) => ({ place, reference: referenceOf(place) }));
  const [first] = wanted;
  invariant(first !== undefined, 'a store is asked for something');
  const stores = storesOf(first.place, first.reference);
  const startMs = Number(first.place.own.get('BELLHOP_START_MS_MAX') ?? START_MS_DEFAULT);
  const limitMs = Number.isFinite(startMs) ? startMs : START_MS_DEFAULT;
  const budget = openBudget(io.clock, limitMs - io.clock.monotonicMs());
  const origin = { name: 'plan', namespace: 'default', container: 'main' };
  const plan = barePlan({ origin, stores, policy: DEFAULT_POLICY, placements: [] });
  const context: StoresContext = {
    io,
    trace,
    objects: [],
    made: new Map(),
    ...(platform === undefined ? {} : { platform }),
  };
  const all = await within(budget, askFor({ plan, context, budget }, wanted));
  budget.end();
  if (all !== undefined) return all;
  const what = `the plan could not be fetched within ${limitMs} ms`;
  const problems = places.map(({ by, named }) => {
    return new BellhopError('BH_ERR_STORE', { where: [by, named], what });
  });
  throw new BellhopErrors(problems);
}

interface Asking {
  readonly plan: Plan;
  readonly context: StoresContext;
  readonly budget: Budget;
}

interface Wanted {
  readonly place: PlanPlace;
  readonly reference: Reference;
}

async function askFor(
  { plan, context, budget }: Asking,
  wanted: readonly Wanted[],
): Promise<CarriedPlan[]> {
  const name = wanted[0]?.reference.store ?? '';
  const opening = { name, budget, attemptsMax: Infinity, waiting: [] };
  const store = await openStore(plan, context, opening);
  const answers = await store.fetch(wanted.map(({ reference }) => reference));
  const read = wanted.map(({ place }, index): CarriedPlan | readonly BellhopError[] => {
    try {
      return carriedPlan(bytesOf(answers[index], place), place.named, expectedOf(place));
    } catch (error) {
      return problemsOf(error);
    }
  });
  judge(read.flatMap((one) => ('plan' in one ? [] : one)));
  return read.flatMap((one) => ('plan' in one ? [one] : []));
}

function bytesOf(answer: Answer | undefined, { by, named }: PlanPlace): Uint8Array {
  if (answer?.kind === 'failed') throw answer.problem.within(`${by} ${named}`);
  if (answer?.kind === 'value') return answer.value.reveal();
  const what = answer?.kind === 'absent' ? answer.what : 'several values are no plan';
  const help = 'submit the job again: what was spilled may have expired';
  throw new BellhopError('BH_ERR_MISSING', { where: [by, named], what, help });
}

/** Before the stores are known, a version is what a kind of that name would have. */
function referenceOf({ named, by }: PlanPlace): Reference {
  try {
    return parseReference(named, (store) => STORE_KINDS.get(store)?.hasVersions === true);
  } catch (error) {
    if (!(error instanceof ReferenceProblem)) throw error;
    throw new BellhopError('BH_ERR_USAGE', { where: [by], what: error.message });
  }
}

/** The variable with its stores, else a store of the reference's kind, without settings. */
function storesOf(
  { own, variable }: PlanPlace,
  { store }: Reference,
): Readonly<Record<string, StoreOptions>> {
  const by = `${variable}_STORES`;
  const written = own.get(by);
  if (written === undefined) return { [store]: { kind: store } };
  let parsed: unknown;
  try {
    // In Base64 where the platform's shell would change JSON.
    const isJson = written.trimStart().startsWith('{');
    parsed = JSON.parse(isJson ? written : Buffer.from(written, 'base64').toString());
  } catch {
    parsed = undefined;
  }
  const isFit = isRecord(parsed) && Object.values(parsed).every((one) => isStore(one));
  // Each was looked at just now.
  if (isFit) return parsed as Readonly<Record<string, StoreOptions>>;
  const what = 'must be a JSON object of stores as in bellhop.yaml';
  throw new BellhopError('BH_ERR_SETTINGS', { where: [by], what });
}

function isStore(value: unknown): boolean {
  return isRecord(value) && typeof value['kind'] === 'string';
}
