import { BellhopError } from '../core/errors.ts';
import type { Container, EnvFrom, EnvVar } from '../wire/pod-types.ts';
import { pathText } from '../wire/read.ts';
import type { Binding, BindingContext } from './bind.ts';
import { bindObject, bindValue, calledObject } from './bind.ts';
import type { FieldContext } from './fields.ts';
import { fieldValue, resourceText } from './fields.ts';
import type { Bound, Placement, Source } from './types.ts';

/** Everything that planning reads. */
export interface PlanContext extends BindingContext {
  readonly field: FieldContext;
}

/** The container's envFrom and env as placements, in the kubelet's order. */
export function podVariables(context: PlanContext, container: Container): Placement[] {
  const from = container.envFrom.flatMap((one) => envFromPlacements(context, one));
  return [...from, ...container.env.flatMap((one) => envPlacement(context, one))];
}

function envFromPlacements(context: PlanContext, from: EnvFrom): Placement[] {
  // What has no name was told where it was read.
  if (from.name === '') return [];
  const rule = pathText(from.place);
  const binding = bindObject(context, from.kind, from.name);
  const called = calledObject(from.kind, from.name);
  switch (binding.kind) {
    case 'whole': {
      const one = governed({ ...binding.to, called }, from);
      return [{ kind: 'variables', layer: 'envFrom', prefix: from.prefix, bound: one, rule }];
    }
    case 'keys':
      return [...binding.keys].map(([key, bound]) => ({
        kind: 'variable',
        layer: 'envFrom',
        name: `${from.prefix}${key}`,
        source: { kind: 'value', bound: governed(bound, from) },
        rule,
      }));
    case 'none': {
      if (!from.optional) context.problems.push(unbound(context, called, rule));
      return [];
    }
  }
}

function governed(bound: Bound, of: { kind: string; optional: boolean }): Bound {
  const optional = of.optional ? { optional: true as const } : {};
  const textOnly = of.kind === 'ConfigMap' ? { textOnly: true as const } : {};
  return { ...bound, ...optional, ...textOnly };
}

/** The object is nowhere: not in the input, not bound. */
export function unbound(context: PlanContext, called: string, rule: string): BellhopError {
  const elsewhere = context.objects
    .filter((one) => calledObject(one.kind, one.name) === called.split(', key ')[0])
    .map((one) => one.namespace ?? context.namespace);
  const hint =
    elsewhere.length === 0
      ? ''
      : ` (namespace ${context.namespace}; the input has one in ${elsewhere.join(', ')})`;
  const what = `neither in the input nor bound to a store${hint}`;
  return new BellhopError('BH_ERR_UNBOUND', { where: [called, rule], what });
}

function envPlacement(context: PlanContext, variable: EnvVar): Placement[] {
  const source = envSource(context, variable);
  if (source === undefined) return [];
  const rule = pathText(variable.place);
  return [{ kind: 'variable', layer: 'env', name: variable.name, source, rule }];
}

function envSource(context: PlanContext, variable: EnvVar): Source | undefined {
  const { from } = variable;
  if (from === undefined) return { kind: 'template', text: variable.value };
  const rule = pathText(variable.place);
  switch (from.kind) {
    case 'secretKey':
    case 'configMapKey': {
      const kind = from.kind === 'secretKey' ? 'Secret' : 'ConfigMap';
      return keySource(context, { ...from, kind, rule });
    }
    case 'field':
      return known(context, fieldValue(context.field, from.path), rule);
    case 'resource': {
      const text = resourceText(context.field, from);
      const of = from.resource;
      return known(context, typeof text === 'string' ? { kind: 'text', text, of } : text, rule);
    }
  }
}

function known(
  context: PlanContext,
  source: Source | BellhopError,
  rule: string,
): Source | undefined {
  if (!(source instanceof BellhopError)) return source;
  context.problems.push(source.within(rule));
  return undefined;
}

/** One key of a Secret or ConfigMap, asked for by name. */
export interface KeyQuery {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key: string;
  readonly optional: boolean;
  readonly rule: string;
  /** Files may hold what is no text; variables may not (ConfigMaps only). */
  readonly bytes?: boolean;
}

/** The source of one key; undefined after a problem was reported. */
export function keySource(context: PlanContext, query: KeyQuery): Source | undefined {
  if (query.name === '' || query.key === '') return undefined;
  if (query.kind === 'Secret' && context.standIns?.has(query.name) === true) {
    const standIn = context.standIns.get(query.name);
    return standIn && { kind: 'value', bound: standIn };
  }
  const called = `${calledObject(query.kind, query.name)}, key ${query.key}`;
  const binding = bindObject(context, query.kind, query.name);
  const bound = boundKey(binding, query.key, called);
  if (bound !== undefined) {
    const kind = query.bytes === true ? '' : query.kind;
    return { kind: 'value', bound: governed(bound, { kind, optional: query.optional }) };
  }
  if (!query.optional) {
    const problem =
      binding.kind === 'none'
        ? unbound(context, called, query.rule)
        : noSuchKey(binding, called, query.rule);
    context.problems.push(problem);
    return undefined;
  }
  return { kind: 'absent', called };
}

function boundKey(binding: Binding, key: string, called: string): Bound | undefined {
  switch (binding.kind) {
    case 'whole':
      return { ...binding.to, member: key, called };
    case 'keys':
      return binding.keys.get(key);
    case 'none':
      return undefined;
  }
}

function noSuchKey(binding: Binding, called: string, rule: string): BellhopError {
  const keys = binding.kind === 'keys' ? [...binding.keys.keys()].join(', ') : '';
  const what = `bellhop.yaml binds other keys only (${keys || 'none'})`;
  return new BellhopError('BH_ERR_UNBOUND', { where: [called, rule], what });
}

/** bellhop.yaml's own variables: `env.from` in order, then the named ones. */
export function settingsVariables(context: PlanContext): Placement[] {
  const { from, ...named } = context.settings.env ?? {};
  const placements: Placement[] = [];
  (from ?? []).forEach((written, index) => {
    const rule = `bellhop.yaml env.from[${index}]`;
    const bound = bindValue(context, written, { called: rule, name: '' });
    if (bound === undefined) return;
    placements.push({ kind: 'variables', layer: 'settings', prefix: '', bound, rule });
  });
  for (const [name, written] of Object.entries(named)) {
    const bound = bindValue(context, written, { called: `variable ${name}`, name });
    if (bound === undefined) continue;
    const source: Source = { kind: 'value', bound };
    const rule = `bellhop.yaml env.${name}`;
    placements.push({ kind: 'variable', layer: 'settings', name, source, rule });
  }
  return placements;
}
