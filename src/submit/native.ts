import type { Bound, Placement, Plan, Reference, Source } from '../plan/types.ts';
import type { NativeSecret, SecretWish, Target, Variable } from '../targets/_target.ts';

// What of a plan a platform could bring itself: texts that are known now, and secrets that it
// fetches in the same shape.

const RANK = { settings: 0, service: 1, envFrom: 2, env: 2 } as const;

type VariablePlacement = Extract<Placement, { kind: 'variable' }>;

/**
 * Variables whose value is certain before anything was fetched, in the order of the plan: texts,
 * and templates without references, that no placement with unknown keys may override.
 */
export function literalsOf(plan: Plan): readonly Variable[] {
  const winners = new Map<string, { readonly rank: number; readonly source: Source }>();
  const unknown: { readonly rank: number; readonly prefix: string }[] = [];
  const maybe = new Set<string>();
  for (const one of plan.placements) {
    if (one.kind === 'variables') {
      const rank = RANK[one.layer];
      unknown.push({ rank, prefix: one.prefix });
      for (const [name, winner] of winners) {
        if (winner.rank <= rank && name.startsWith(one.prefix)) maybe.add(name);
      }
    } else if (one.kind === 'variable') placeOne(one, { winners, unknown, maybe });
  }
  return [...winners].flatMap(([name, { source }]): Variable[] => {
    const text = maybe.has(name) ? undefined : textOf(source);
    return text === undefined ? [] : [[name, text]];
  });
}

interface Placing {
  readonly winners: Map<string, { readonly rank: number; readonly source: Source }>;
  readonly unknown: readonly { readonly rank: number; readonly prefix: string }[];
  readonly maybe: Set<string>;
}

function placeOne({ name, layer, source }: VariablePlacement, placing: Placing): void {
  const { winners, unknown, maybe } = placing;
  const rank = RANK[layer];
  const before = winners.get(name);
  if (before !== undefined && before.rank > rank) return;
  // Optional and not there: it may leave what was there before.
  if (source.kind === 'absent') return;
  const isOver = unknown.some((one) => one.rank > rank && name.startsWith(one.prefix));
  const isOptional = source.kind === 'value' && source.bound.optional === true;
  winners.set(name, { rank, source });
  if (isOver || isOptional) maybe.add(name);
  else maybe.delete(name);
}

/** Undefined where it must be fetched, or expanded. */
function textOf(source: Source): string | undefined {
  if (source.kind === 'text') return source.text;
  if (source.kind !== 'template') return undefined;
  return /\$[($]/.test(source.text) ? undefined : source.text;
}

/** A plan that reads what the platform brings from its own variables, and what it is to bring. */
export interface Natively {
  readonly plan: Plan;
  readonly secrets: readonly NativeSecret[];
}

/** What decides beside the plan and the target. */
export interface NativeOf {
  readonly given: SecretWish['given'];
  /** False for a variable that has no room in the request. */
  readonly allows: (name: string) => boolean;
  /** One key of a secret too: its value must be a text, which nobody knows here. */
  readonly keys?: boolean;
}

/**
 * Leaves to the platform what it brings in the same shape: one whole value for one variable, and
 * where `keys` says so one key of it, without a default or a fallback. The plan reads it from the
 * variable of that name.
 */
export function nativeSecrets(plan: Plan, target: Target, of: NativeOf): Natively {
  const { given, allows, keys = false } = of;
  const { secret } = target;
  if (secret === undefined) return { plan, secrets: [] };
  const once = namesOnce(plan.placements);
  const store = freeName(plan.stores);
  const secrets: NativeSecret[] = [];
  const placements = plan.placements.map((one): Placement => {
    const bound = one.kind === 'variable' && once.has(one.name) ? plainOf(one.source) : undefined;
    if (one.kind !== 'variable' || bound === undefined || !allows(one.name)) return one;
    const { called } = bound;
    const reference = wholeReference(bound);
    if (reference === undefined || (reference.key !== undefined && !keys)) return one;
    const options = plan.stores[reference.store];
    const from = options && secret({ name: one.name, reference, store: options, given });
    if (from === undefined) return one;
    secrets.push({ name: one.name, from });
    const own: Bound = { reference: { store, path: one.name }, called };
    return { ...one, source: { kind: 'value', bound: own } };
  });
  if (secrets.length === 0) return { plan, secrets };
  // What these needed of other stores is not followed here: a store too many does no harm.
  const stores = { ...plan.stores, [store]: { kind: 'env' } };
  return { plan: { ...plan, stores, placements }, secrets };
}

/** Names that one placement alone gives. */
function namesOnce(placements: readonly Placement[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const one of placements) {
    if (one.kind === 'variable') counts.set(one.name, (counts.get(one.name) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count === 1).map(([name]) => name));
}

/** The bound value, where nothing but a reference and a key of it is said of it. */
function plainOf(source: Source): Bound | undefined {
  if (source.kind !== 'value') return undefined;
  const { reference: _, called: __, member: ___, ...more } = source.bound;
  return Object.keys(more).length === 0 ? source.bound : undefined;
}

/** The reference with the key of the Secret that it stands for; none where it has one already. */
function wholeReference({ reference, member }: Bound): Reference | undefined {
  if (member === undefined) return reference;
  return reference.key === undefined ? { ...reference, key: member } : undefined;
}

function freeName(stores: Plan['stores']): string {
  let name = 'platform';
  while (Object.hasOwn(stores, name)) name += '-env';
  return name;
}
