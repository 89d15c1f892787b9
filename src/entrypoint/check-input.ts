import type { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { bindObject, bindValue } from '../plan/bind.ts';
import type { BindingContext, ObjectKind } from '../plan/bind.ts';
import type { WantedBound } from '../plan/bounds.ts';
import { boundsOf } from '../plan/bounds.ts';
import type { Settings } from '../plan/settings.ts';
import { storesOf } from '../plan/settings-use.ts';
import type { Plan } from '../plan/types.ts';
import { STORE_KINDS } from '../stores/_all.gen.ts';
import type { DataObject } from '../wire/objects.ts';
import type { DeclareOptions } from './declare.ts';
import { declare } from './declare.ts';
import { readSettingsFile } from './inputs.ts';

/** What is to be checked. */
export interface CheckInput {
  /** With all stores that are to be checked, used or not. */
  readonly plan: Plan;
  readonly objects: readonly DataObject[];
  readonly wanted: readonly WantedBound[];
  /** References that only a manifest completes. */
  readonly unchecked: readonly string[];
  readonly warnings: readonly string[];
}

/** What a plan asks for. */
export function inputOfPlan(plan: Plan, objects: readonly DataObject[]): CheckInput {
  const wanted = boundsOf(plan.placements);
  return { plan, objects, wanted, unchecked: [], warnings: [] };
}

/** What manifests ask for; with bellhop.yaml alone, everything that it names. */
export async function declaredInput(io: Io, options: DeclareOptions): Promise<CheckInput> {
  const { plan, objects, warnings } = await declare(io, options);
  const input = { ...inputOfPlan(plan, objects), warnings };
  if (options.manifests.length > 0) return input;
  const { settings } = await readSettingsFile(io, options.settings);
  const { bounds, unchecked } = boundBy(settings, plan.origin.namespace);
  const stores = { ...storesOf(settings), ...plan.stores };
  return { ...input, plan: { ...plan, stores }, wanted: [...input.wanted, ...bounds], unchecked };
}

interface Bounds {
  readonly bounds: readonly WantedBound[];
  readonly unchecked: readonly string[];
}

/** Bindings of objects that no manifest is there to ask for. */
function boundBy(settings: Settings, namespace: string): Bounds {
  const problems: BellhopError[] = [];
  const context: BindingContext = {
    settings,
    objects: [],
    namespace,
    templates: { namespace },
    hasVersions: (store) => {
      return STORE_KINDS.get(settings.stores?.[store]?.kind ?? '')?.hasVersions === true;
    },
    problems,
    warnings: [],
  };
  const bounds = [
    ...objectBounds(context, 'Secret', settings.secrets),
    ...objectBounds(context, 'ConfigMap', settings.configMaps),
    ...namedBounds(context, settings.tokens, 'token for'),
    ...namedBounds(context, settings.flyte, 'secret of Flyte'),
  ];
  const any = (['secrets', 'configMaps', 'tokens', 'flyte'] as const).flatMap((section) => {
    const bindings = settings[section];
    return bindings !== undefined && Object.hasOwn(bindings, '*') ? [`${section}.*`] : [];
  });
  // What was written is not repeated: the message names the binding.
  return { bounds, unchecked: [...any, ...problems.map(({ where }) => where.join(', '))] };
}

function objectBounds(
  context: BindingContext,
  kind: ObjectKind,
  bindings: Settings['secrets'],
): WantedBound[] {
  const names = Object.keys(bindings ?? {}).filter((name) => name !== '*');
  return names.flatMap((name): WantedBound[] => {
    const binding = bindObject(context, kind, name);
    const called = `${kind.toLowerCase()} ${name}`;
    switch (binding.kind) {
      case 'none':
        return [];
      case 'whole':
        return [{ bound: { ...binding.to, called }, all: true }];
      case 'keys':
        return [...binding.keys.values()].map((bound) => ({ bound, all: false }));
    }
  });
}

function namedBounds(
  context: BindingContext,
  bindings: Settings['tokens'],
  what: string,
): WantedBound[] {
  const named = Object.entries(bindings ?? {}).filter(([name]) => name !== '*');
  return named.flatMap(([name, written]) => {
    const bound = bindValue(context, written, { called: `${what} ${name}`, name });
    return bound === undefined ? [] : [{ bound, all: false }];
  });
}
