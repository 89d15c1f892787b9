import type { Budget } from '../core/budget.ts';
import { openBudget, within } from '../core/budget.ts';
import { BellhopError } from '../core/errors.ts';
import { barePlan } from '../plan/bare.ts';
import { readPlan } from '../plan/document.ts';
import { isBundle, readBundle } from '../plan/bundle.ts';
import { ReferenceProblem, parseReference } from '../plan/reference.ts';
import type { Plan, Reference, StoreOptions } from '../plan/types.ts';
import { DEFAULT_POLICY, START_MS_DEFAULT } from '../plan/types.ts';
import { STORE_KINDS } from '../stores/_all.gen.ts';
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

/** Where a plan is that `BELLHOP_PLAN` or `--plan` names. */
export interface PlanPlace {
  /** `inline:COUNT`, or `store:path`. */
  readonly named: string;
  /** The variable or flag that says so, for messages. */
  readonly by: string;
  readonly digest: string | undefined;
  /** bellhop's own variables on arrival. */
  readonly own: ReadonlyMap<string, string>;
}

const INLINE = /^inline:(\d{1,3})$/;

/** What was read, as a plan of its own or as a bundle. Its digest must fit where one is given. */
export function carriedPlan(bytes: Uint8Array, name: string, digest?: string): CarriedPlan {
  if (isBundle(bytes)) return readBundle(bytes, name, digest);
  return { plan: readPlan(new TextDecoder().decode(bytes), name, digest), objects: [] };
}

/** Reads it from the variables, or fetches it within the time of a start. */
export async function planElsewhere(
  place: PlanPlace,
  context: Pick<StoresContext, 'io' | 'trace' | 'platform'>,
): Promise<CarriedPlan> {
  const count = INLINE.exec(place.named)?.[1];
  if (count === undefined) return fetchedPlan(place, context);
  const { packing } = context.io;
  const chunks = Array.from({ length: Number(count) }, (_, index) => {
    return place.own.get(`BELLHOP_PLAN_${index + 1}`);
  });
  const lacking = chunks.findIndex((one) => one === undefined);
  const packed = Buffer.from(chunks.join(''), 'base64');
  const bytes = lacking >= 0 ? undefined : packing.inflate(packed);
  if (bytes !== undefined) return carriedPlan(bytes, place.by, place.digest);
  const what =
    lacking < 0
      ? `what BELLHOP_PLAN_1 and following hold is not what \`bellhop submit\` put there`
      : `there is no BELLHOP_PLAN_${lacking + 1}, and it has ${count} parts`;
  throw new BellhopError('BH_ERR_PLAN', { where: [place.by], what });
}

async function fetchedPlan(
  place: PlanPlace,
  { io, trace, platform }: Pick<StoresContext, 'io' | 'trace' | 'platform'>,
): Promise<CarriedPlan> {
  const reference = referenceOf(place);
  const stores = storesOf(place, reference);
  const startMs = Number(place.own.get('BELLHOP_START_MS_MAX') ?? START_MS_DEFAULT);
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
  const bytes = await within(budget, askFor({ plan, context, budget }, reference, place));
  budget.end();
  if (bytes !== undefined) return carriedPlan(bytes, place.named, place.digest);
  const what = `the plan could not be fetched within ${limitMs} ms`;
  throw new BellhopError('BH_ERR_STORE', { where: [place.by, place.named], what });
}

interface Asking {
  readonly plan: Plan;
  readonly context: StoresContext;
  readonly budget: Budget;
}

async function askFor(
  { plan, context, budget }: Asking,
  reference: Reference,
  { by, named }: PlanPlace,
): Promise<Uint8Array> {
  const opening = { name: reference.store, budget, attemptsMax: Infinity, waiting: [] };
  const store = await openStore(plan, context, opening);
  const [answer] = await store.fetch([reference]);
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

/** BELLHOP_PLAN_STORES, else a store of the kind that the reference names, without settings. */
function storesOf(
  { own }: PlanPlace,
  { store }: Reference,
): Readonly<Record<string, StoreOptions>> {
  const written = own.get('BELLHOP_PLAN_STORES');
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
  throw new BellhopError('BH_ERR_SETTINGS', { where: ['BELLHOP_PLAN_STORES'], what });
}

function isStore(value: unknown): boolean {
  return isRecord(value) && typeof value['kind'] === 'string';
}
