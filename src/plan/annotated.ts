// Values that the annotations of a pod ask for, and that no Secret of the pod has.
import { BellhopError } from '../core/errors.ts';
import type { BindingContext } from './bind.ts';
import { bindValue } from './bind.ts';
import type { Settings, WrittenValue } from './settings.ts';
import { policyFallbacks } from './settings-use.ts';
import type { Bound, FilePlacement, Reference } from './types.ts';

/** A secret of Flyte, as far as bindings look at it; text that was not given is empty. */
export interface FlyteName {
  readonly group: string;
  readonly key: string;
  readonly version: string;
}

/** A value that an annotation asks for. */
export interface AnnotatedValue {
  /** The name of a Secret, which variables of the pod refer to; no real Secret can have it. */
  readonly standsAs: string;
  readonly called: string;
  readonly rule: string;
  /** Where it is, or how bellhop.yaml binds it. */
  readonly from:
    | { readonly reference: Reference }
    | { readonly written: WrittenValue; readonly secret: FlyteName };
  /** Where the container finds it beside its variables; absolute. */
  readonly files: readonly string[];
}

/** Files are as the webhook's init container writes them: everybody may read them. */
const FILE_MODE = 0o444;

/** How bellhop.yaml calls a secret in its section `flyte`. */
export function flyteBindingName({ group, key }: Pick<FlyteName, 'group' | 'key'>): string {
  return [group, key].filter((part) => part !== '').join('/');
}

/** What the section `flyte` says of a secret: its own binding, else `*`. */
export function flyteBinding(settings: Settings, secret: FlyteName): WrittenValue | undefined {
  const bindings = settings.flyte ?? {};
  const own = flyteBindingName(secret);
  const name = Object.hasOwn(bindings, own) ? own : '*';
  return Object.hasOwn(bindings, name) ? bindings[name] : undefined;
}

/** The values, bound; one that cannot be bound has its problem in the context. */
export function bindAnnotated(
  context: BindingContext,
  values: readonly AnnotatedValue[],
): ReadonlyMap<string, Bound | undefined> {
  return new Map(values.map((one) => [one.standsAs, boundOf(context, one)]));
}

function boundOf(context: BindingContext, { called, from }: AnnotatedValue): Bound | undefined {
  if ('written' in from) {
    const templates = { ...context.templates, ...from.secret };
    return bindValue({ ...context, templates }, from.written, { called, name: '' });
  }
  const { reference } = from;
  const fallbacks = policyFallbacks(context.settings, reference);
  return { reference, called, ...(fallbacks.length === 0 ? {} : { fallbacks }) };
}

/** Their files. */
export function annotatedFiles(
  { standIns, problems }: BindingContext,
  values: readonly AnnotatedValue[],
): FilePlacement[] {
  return values.flatMap(({ standsAs, files, rule }) => {
    const bound = standIns?.get(standsAs);
    if (bound === undefined) return [];
    const source = { kind: 'value', bound } as const;
    return files.flatMap((path): FilePlacement[] => {
      if (!path.includes('\0')) {
        return [{ kind: 'file', path, mode: FILE_MODE, medium: 'memory', source, rule }];
      }
      const what = 'its path would contain a NUL byte';
      problems.push(new BellhopError('BH_ERR_POD_INVALID', { where: [rule], what }));
      return [];
    });
  });
}
