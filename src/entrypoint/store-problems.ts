import { BellhopError } from '../core/errors.ts';
import { EMBEDDED } from '../plan/bind.ts';
import type { Settings } from '../plan/settings.ts';
import { storesNamed } from '../plan/settings-use.ts';
import type { StoreOptions } from '../plan/types.ts';
import { STORE_KINDS } from '../stores/_all.gen.ts';
import { optionProblems, referencesIn } from '../stores/_options.ts';
import type { StoreFacts } from '../stores/_store.ts';
import type { Path, Source } from '../wire/read.ts';
import { pathText } from '../wire/read.ts';

/**
 * What the schema of bellhop.yaml cannot know: kinds and options of stores, which would be carried
 * in the plan, and references to stores that are not declared. All of it at once, with positions.
 */
export function storeProblems(settings: Settings, source: Source | undefined): BellhopError[] {
  const refuse = (path: Path, what: string): BellhopError => {
    const at = source?.locate(path);
    const position = at === undefined ? '' : `${source?.name}:${at.line}:${at.column}`;
    return new BellhopError('BH_ERR_SETTINGS', { where: [position, pathText(path)], what });
  };
  const stores = settings.stores ?? {};
  const declared = Object.keys(stores).join(', ') || 'none';
  return [
    ...Object.entries(stores).flatMap(([name, options]) =>
      kindProblems(name, options).map(([step, what]) => refuse(['stores', name, ...step], what)),
    ),
    ...lastGoodProblems(settings).map(([step, what]) => refuse(['policy', 'lastGood', step], what)),
    ...[...storesNamed(settings), ...optionStores(stores)]
      .filter(({ store }) => !Object.hasOwn(stores, store))
      // What was written is not repeated: it may be a value by mistake.
      .map(({ path }) => refuse(path, `names a store that is not declared (stores: ${declared})`)),
  ];
}

type KindProblem = readonly [step: Path, what: string];

function kindProblems(
  name: string,
  { kind, ...options }: { readonly kind: string },
): KindProblem[] {
  const known = STORE_KINDS.get(kind);
  if (name === EMBEDDED) return [[[], 'this name is taken: it is the store of the input itself']];
  if (known === undefined) {
    return [[['kind'], `its kind is none of ${[...STORE_KINDS.keys()].join(', ')}`]];
  }
  return optionProblems(known.options, options, kind).map(({ path, what }) => [path, what]);
}

/** What no start could do: it would only warn, each time, that there is no copy. */
function lastGoodProblems({ policy, stores = {} }: Settings): (readonly [string, string])[] {
  const { to, key } = policy?.lastGood ?? {};
  const kindIn = (name: string) => {
    const { kind, ...options } = (Object.hasOwn(stores, name) ? stores[name] : undefined) ?? {};
    const facts = STORE_KINDS.get(kind ?? '');
    return facts === undefined ? undefined : { kind, options, facts };
  };
  const place = to === undefined ? undefined : kindIn(storeOf(to));
  const keys = key === undefined || !('kms' in key) ? undefined : kindIn(key.store);
  return [
    ...(place === undefined ? [] : placeProblems(place)),
    ...(keys === undefined || keys.facts.hasKeys
      ? []
      : [
          ['key', `a store of kind ${keys.kind} has no KMS, only ${kindsThat('hasKeys')}`] as const,
        ]),
  ];
}

interface Place {
  readonly kind: string | undefined;
  readonly options: object;
  readonly facts: StoreFacts;
}

function placeProblems({ kind, options, facts: { writes } }: Place): [string, string][] {
  if (writes === undefined) {
    const what = `nothing can be written to a store of kind ${kind}, only to ${kindsThat('writes')}`;
    return [['to', what]];
  }
  const { needs } = writes;
  if (needs === undefined || Object.hasOwn(options, needs)) return [];
  return [['to', `a store of kind ${kind} can be written to only with \`${needs}\``]];
}

function kindsThat(can: 'writes' | 'hasKeys'): string {
  return [...STORE_KINDS].flatMap(([kind, facts]) => (facts[can] ? [kind] : [])).join(', ');
}

/** The stores that a store's options refer to, for its credentials. */
export function storesBehind({ kind, ...options }: StoreOptions): string[] {
  const specs = STORE_KINDS.get(kind)?.options ?? {};
  return referencesIn(specs, options).map(({ reference }) => storeOf(reference));
}

function optionStores(stores: Settings['stores'] & {}) {
  return Object.entries(stores).flatMap(([name, { kind, ...options }]) => {
    const specs = STORE_KINDS.get(kind)?.options ?? {};
    return referencesIn(specs, options).map(({ path, reference }) => {
      return { path: ['stores', name, ...path], store: storeOf(reference) };
    });
  });
}

/** Of a reference in either form. */
function storeOf(reference: unknown): string {
  if (typeof reference === 'string') return reference.split(':')[0] ?? '';
  const { store } = reference as { store?: unknown };
  return String(store);
}
