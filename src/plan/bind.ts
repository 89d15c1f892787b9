import { BellhopError } from '../core/errors.ts';
import type { DataObject } from '../wire/objects.ts';
import type { TemplateValues } from './reference.ts';
import { ReferenceProblem, fillTemplate } from './reference.ts';
import type { Settings, WrittenReference, WrittenValue } from './settings.ts';
import { policyFallbacks, referenceOf } from './settings-use.ts';
import type { Bound, LastGood, Reference } from './types.ts';

/** The store that holds the Secrets and ConfigMaps of the input. */
export const EMBEDDED = 'embedded';

export type ObjectKind = 'Secret' | 'ConfigMap';

/** What binding needs to know of the world; passed in. */
export interface BindingContext {
  readonly settings: Settings;
  readonly objects: readonly DataObject[];
  readonly namespace: string;
  readonly templates: TemplateValues;
  readonly hasVersions: (store: string) => boolean;
  readonly problems: BellhopError[];
  readonly warnings: string[];
  /** Values of annotations, by the names of Secrets that they stand as; undefined: a problem. */
  readonly standIns?: ReadonlyMap<string, Bound | undefined>;
}

/** Where an object's keys are: one reference for all, one a key, or nowhere. */
export type Binding =
  | { readonly kind: 'whole'; readonly to: Pick<Bound, 'reference' | 'fallbacks'> }
  | { readonly kind: 'keys'; readonly keys: ReadonlyMap<string, Bound> }
  | { readonly kind: 'none' };

/** `secret db` or `configmap params`, as messages call it. */
export function calledObject(kind: ObjectKind, name: string): string {
  return `${kind.toLowerCase()} ${name}`;
}

/**
 * Finds what holds an object. An exact binding in bellhop.yaml wins over an object of the input
 * (with a warning), and that over the binding `*`.
 */
export function bindObject(context: BindingContext, kind: ObjectKind, name: string): Binding {
  const { settings, namespace } = context;
  const bindings = (kind === 'Secret' ? settings.secrets : settings.configMaps) ?? {};
  const called = calledObject(kind, name);
  const embedded = context.objects.findLast((one) => {
    return one.kind === kind && one.name === name && (one.namespace ?? namespace) === namespace;
  });
  const exact = Object.hasOwn(bindings, name) && name !== '*' ? bindings[name] : undefined;
  if (exact !== undefined) {
    if (embedded !== undefined) {
      warn(context, `${called} is in the input and bound in bellhop.yaml; the binding wins`);
    }
    return readBinding(context, exact, { called, name });
  }
  if (embedded !== undefined) {
    const path = `${kind.toLowerCase()}/${namespace}/${name}`;
    return { kind: 'whole', to: { reference: { store: EMBEDDED, path } } };
  }
  const any = Object.hasOwn(bindings, '*') ? bindings['*'] : undefined;
  return any === undefined ? { kind: 'none' } : readBinding(context, any, { called, name });
}

function warn(context: BindingContext, text: string): void {
  if (!context.warnings.includes(text)) context.warnings.push(text);
}

type WrittenBinding = WrittenReference | Readonly<Record<string, WrittenValue>>;

function readBinding(
  context: BindingContext,
  written: WrittenBinding,
  of: { called: string; name: string },
): Binding {
  if (typeof written === 'string' || isSpelled(written)) {
    const reference = referenceFrom(context, written, of);
    if (reference === undefined) return { kind: 'none' };
    return { kind: 'whole', to: { reference, ...fallbackOf(context, reference) } };
  }
  const keys = new Map<string, Bound>();
  for (const key of Object.keys(written).toSorted()) {
    const one = written[key];
    const called = `${of.called}, key ${key}`;
    const bound = one === undefined ? undefined : bindValue(context, one, { ...of, called });
    if (bound !== undefined) keys.set(key, bound);
  }
  return { kind: 'keys', keys };
}

/** `{store, path}` is the object form of a reference where `store` is a store's name. */
function isSpelled(written: WrittenBinding): written is Exclude<WrittenReference, string> {
  if (typeof written === 'string') return false;
  const { store, path } = written as Readonly<Record<string, unknown>>;
  return typeof store === 'string' && typeof path === 'string' && !store.includes(':');
}

/** Reads one value of bellhop.yaml: a reference, with what else it says. */
export function bindValue(
  context: BindingContext,
  written: WrittenValue,
  of: { called: string; name: string },
): Bound | undefined {
  const governed = typeof written !== 'string' && 'from' in written ? written : undefined;
  const reference = referenceFrom(context, governed?.from ?? (written as WrittenReference), of);
  if (reference === undefined) return undefined;
  return { reference, called: of.called, ...governing(context, governed, { of, reference }) };
}

type GovernedValue = Exclude<WrittenValue, WrittenReference>;

/** What a value says beyond where it is; `fallback` of its own goes before the policy's. */
function governing(
  context: BindingContext,
  governed: GovernedValue | undefined,
  { of, reference }: { of: { called: string; name: string }; reference: Reference },
): Omit<Bound, 'reference' | 'called'> {
  const policy = fallbackOf(context, reference);
  if (governed === undefined) return policy;
  const { optional, default: preset, defaultOn, fallback = [] } = governed;
  const own = fallback.map((one) => referenceFrom(context, one, of));
  const fallbacks = [...own.filter((one) => one !== undefined), ...(policy.fallbacks ?? [])];
  return {
    ...(optional === true ? { optional } : {}),
    ...(preset === undefined ? {} : { default: preset }),
    ...(defaultOn === undefined ? {} : { defaultOn }),
    ...(fallbacks.length === 0 ? {} : { fallbacks }),
  };
}

function fallbackOf(context: BindingContext, reference: Reference): Pick<Bound, 'fallbacks'> {
  const fallbacks = policyFallbacks(context.settings, reference);
  return fallbacks.length === 0 ? {} : { fallbacks };
}

/** Where the copy for outages goes, its references read; undefined where there is none. */
export function bindLastGood(context: BindingContext): LastGood | undefined {
  const { lastGood } = context.settings.policy ?? {};
  if (lastGood === undefined) return undefined;
  const of = { called: 'policy.lastGood', name: '' };
  const to = referenceFrom(context, lastGood.to, of);
  const { key } = lastGood;
  const age = 'age' in key ? referenceFrom(context, key.age, of) : undefined;
  const bound = 'kms' in key ? { kms: key.kms, store: key.store } : age && { age };
  if (to === undefined || bound === undefined) return undefined;
  return { to, key: bound, maxAgeSeconds: lastGood.maxAgeSeconds };
}

function referenceFrom(
  context: BindingContext,
  written: WrittenReference,
  of: { called: string; name: string },
): Reference | undefined {
  const values = { ...context.templates, name: of.name };
  const fill = (text: string): string => fillTemplate(text, values);
  try {
    const filled =
      typeof written === 'string' ? fill(written) : { ...written, path: fill(written.path) };
    const reference = referenceOf(filled, context.hasVersions);
    const { store } = reference;
    if (Object.hasOwn(context.settings.stores ?? {}, store)) return reference;
    // What was written is not repeated: it may be a value by mistake.
    const stores = Object.keys(context.settings.stores ?? {}).join(', ') || 'none';
    throw new ReferenceProblem(
      `names a store that bellhop.yaml does not declare (stores: ${stores})`,
    );
  } catch (error) {
    if (!(error instanceof ReferenceProblem)) throw error;
    const where = ['bellhop.yaml', of.called];
    context.problems.push(new BellhopError('BH_ERR_SETTINGS', { where, what: error.message }));
    return undefined;
  }
}
