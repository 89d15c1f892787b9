import type { Budget } from '../core/budget.ts';
import { openCaller } from '../core/caller.ts';
import { BellhopError } from '../core/errors.ts';
import { openHedging } from '../core/hedge.ts';
import type { Io } from '../core/io/types.ts';
import type { Sealed } from '../core/sealed.ts';
import { openSlots } from '../core/slots.ts';
import type { Trace } from '../core/trace.ts';
import { ReferenceProblem } from '../plan/reference.ts';
import type { WrittenReference } from '../plan/settings.ts';
import { referenceOf } from '../plan/settings-use.ts';
import type { Plan, Reference } from '../plan/types.ts';
import { ALL_STORES, STORE_KINDS } from '../stores/_all.gen.ts';
import { optionProblems } from '../stores/_options.ts';
import type { Store, StoreContext, StoreKind } from '../stores/_store.ts';
import type { DataObject } from '../wire/objects.ts';
import { variablesOf } from './platform.ts';
import { oneOf } from './select.ts';

/** What opening the stores of a plan takes. */
export interface StoresContext {
  readonly io: Io;
  readonly objects: readonly DataObject[];
  readonly trace: Trace;
  /** What the container was found to be; asked where a store must know its region. */
  readonly platform?: () => Promise<
    { readonly region?: string; readonly index?: string } | undefined
  >;
  /** Made once for all stores of this start, by key: credentials and the like. */
  readonly made: Map<string, Promise<unknown>>;
}

/** Which store is opened, and how long it may take. */
export interface Opening {
  readonly name: string;
  readonly budget: Budget;
  /** Failures of a request for another reason than throttling, at most. */
  readonly attemptsMax: number;
  /** The stores that wait for this one, for a credential of theirs. */
  readonly waiting: readonly string[];
}

/** Opens a store of the plan; makes no request. Throws what is wrong with its options. */
export async function openStore(
  plan: Plan,
  context: StoresContext,
  opening: Opening,
): Promise<Store> {
  const { name } = opening;
  const declared = Object.hasOwn(plan.stores, name) ? plan.stores[name] : undefined;
  const { kind, ...options } = declared ?? { kind: '' };
  const storeKind = await kindOf(name, kind);
  const [problem] = optionProblems(storeKind.options, options, kind);
  if (problem !== undefined) {
    const where = [`store ${name}`, problem.path.join('.')];
    throw new BellhopError('BH_ERR_SETTINGS', { where, what: problem.what });
  }
  return storeKind.open(options, await storeContext({ plan, context, opening }, storeKind));
}

/** What a store is opened with: the budget's caller, variables, and values of other stores. */
export async function storeContext(
  { plan, context, opening }: Wanting,
  storeKind: Pick<StoreKind, 'perCall' | 'places'>,
): Promise<StoreContext> {
  const { io, made } = context;
  const variables = await placedVariables(context, storeKind);
  return {
    name: opening.name,
    io,
    objects: context.objects,
    namespace: plan.origin.namespace,
    caller: callerFor(plan, context, { opening, storeKind }),
    variable: (wanted) => variables.get(wanted) || undefined,
    secret: async (written) => secretFrom({ plan, context, opening }, written),
    once: async <T>(key: string, make: () => Promise<T>) => {
      // What is under a key was put there by the same kind of store, with the same type.
      const before = made.get(key) as Promise<T> | undefined;
      if (before !== undefined) return before;
      const now = make();
      now.catch(() => undefined);
      made.set(key, now);
      return now;
    },
  };
}

/** Where no variable says which region this is, the platform may. */
async function placedVariables(
  { io, platform }: StoresContext,
  { places }: Pick<StoreKind, 'places'>,
): Promise<ReadonlyMap<string, string>> {
  const variables = variablesOf(io);
  const isKnown = variables.has(REGION) || variables.has('AWS_DEFAULT_REGION');
  if (isKnown || platform === undefined || !places.includes(REGION)) return variables;
  const region = (await platform())?.region;
  return region === undefined ? variables : new Map([...variables, [REGION, region]]);
}

const REGION = 'AWS_REGION';

async function kindOf(name: string, kind: string): Promise<StoreKind> {
  const load = Object.hasOwn(ALL_STORES, kind) ? ALL_STORES[kind] : undefined;
  if (load === undefined) {
    const kinds = Object.keys(ALL_STORES).join(', ');
    const what =
      kind === '' ? 'the plan does not declare it' : `there is no kind ${kind} (${kinds})`;
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${name}`], what });
  }
  return (await load()).default;
}

function callerFor(
  plan: Plan,
  { io, trace }: StoresContext,
  { opening, storeKind }: { opening: Opening; storeKind: Pick<StoreKind, 'perCall'> },
) {
  return openCaller({
    store: opening.name,
    net: io.net,
    clock: io.clock,
    random: () => new DataView(io.random(4).buffer).getUint32(0) / 2 ** 32,
    budget: opening.budget,
    trace,
    attemptsMax: opening.attemptsMax,
    hedging: openHedging(plan.policy.hedgeAfterMs),
    slots: openSlots(storeKind.perCall.inFlight),
  });
}

/** Who wants a value of another store. */
export interface Wanting {
  readonly plan: Plan;
  readonly context: StoresContext;
  readonly opening: Opening;
}

/** The value that a store's option refers to. */
async function secretFrom(wanting: Wanting, written: unknown): Promise<Sealed> {
  return secretOf(wanting, storeReference(wanting.plan, wanting.opening.name, written));
}

/**
 * The value of a reference that a store, or what `opening.name` calls, needs for itself. That it is
 * absent says nothing of the values behind it: it throws a problem of credentials.
 */
export async function secretOf(wanting: Wanting, reference: Reference): Promise<Sealed> {
  const { plan, context, opening } = wanting;
  const { name, waiting } = opening;
  const chain = [...waiting, name];
  if (chain.includes(reference.store)) {
    const circle = [...chain, reference.store].join(' → ');
    const what = `its credential comes from a store that waits for it: ${circle}`;
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${name}`], what });
  }
  const inner = { ...opening, name: reference.store, waiting: chain };
  const store = await openStore(plan, context, inner);
  const [answer] = await store.fetch([reference]);
  const called = `credential of ${name}`;
  const bound = { reference, called };
  const value = answer === undefined ? 'absent' : oneOf({ answer, level: 0 }, bound);
  if (value instanceof BellhopError)
    throw value.code === 'BH_ERR_MISSING' ? notGiven(value) : value;
  if (value !== 'absent') return value;
  const where = [called, `store ${reference.store}`];
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what: 'gave no answer' });
}

/** Of what is behind the credential nothing is known: its store was not asked. */
function notGiven({ where, what, cause }: BellhopError): BellhopError {
  const help = "put it there, or correct its reference in the store's settings";
  return new BellhopError('BH_ERR_CREDENTIALS', { where, what, help, cause });
}

function storeReference(plan: Plan, name: string, written: unknown): Reference {
  const hasVersions = (store: string): boolean => {
    return STORE_KINDS.get(plan.stores[store]?.kind ?? '')?.hasVersions === true;
  };
  try {
    // Checked as a reference by the kind's options.
    return referenceOf(written as WrittenReference, hasVersions);
  } catch (error) {
    if (!(error instanceof ReferenceProblem)) throw error;
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${name}`], what: error.message });
  }
}
