import { BellhopError } from '../core/errors.ts';
import type { Sealed } from '../core/sealed.ts';
import { expand } from '../plan/expand.ts';
import type { Layer, Placement, Plan, Source } from '../plan/types.ts';
import { isSetElsewhere } from '../plan/unless.ts';
import { INDEX_KEY } from '../plan/completion-index.ts';
import { mapText } from '../plan/fields.ts';
import { replaceInvalidUtf8 } from '../wire/go-text.ts';
import { variableNameProblem } from '../wire/names.ts';
import type { Answers } from './answers.ts';
import { selectAll, selectValue } from './select.ts';

/**
 * Bytes kept as a string with one character a byte (latin1), so that expansion is exact for any
 * bytes. Never printed.
 */
export type ByteText = string;

export interface Delivered {
  readonly value: ByteText;
  readonly rule: string;
  /** Rules that this one overrode, oldest first. */
  readonly overrides: readonly string[];
}

export interface Environment {
  /** Every variable that the declaration gives, by name. */
  readonly variables: ReadonlyMap<string, Delivered>;
  /** What $(VAR) in command, args and subPathExpr sees. */
  readonly lookup: (name: string) => ByteText | undefined;
  readonly problems: readonly BellhopError[];
}

/** What the variables are computed from. */
export interface EnvironmentInput {
  readonly plan: Plan;
  readonly answers: Answers;
  /** The API server's variables, where the platform has them: the kubelet's references see them. */
  readonly inherited: ReadonlyMap<string, ByteText>;
  /** The names of all variables on arrival that the program will have. */
  readonly arrived?: ReadonlySet<string>;
  /** Milliseconds since the epoch; part of the annotations file. */
  readonly nowMs: number;
  /** The completion index of this task, where the plan needs one. */
  readonly index?: string;
}

/** UTF-8 bytes of a text, one character a byte. */
export function byteText(text: string): ByteText {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The bytes of a value, one character a byte. */
export function bytesToText(bytes: Uint8Array): ByteText {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

interface Work {
  readonly input: EnvironmentInput;
  readonly layers: Readonly<Record<Layer, Map<string, Delivered>>>;
  readonly problems: BellhopError[];
  readonly lookup: (name: string) => ByteText | undefined;
}

/** Computes every variable as the kubelet does: settings < services < envFrom < env. */
export function computeEnvironment(input: EnvironmentInput): Environment {
  const declared = new Map<string, Delivered>();
  // envFrom and env fill one map, as in the kubelet: a later entry of either wins.
  const layers = { settings: new Map(), service: new Map(), envFrom: declared, env: declared };
  const lookup = (name: string): ByteText | undefined =>
    declared.get(name)?.value ?? layers.service.get(name)?.value ?? input.inherited.get(name);
  const work: Work = { input, layers, problems: [], lookup };
  for (const placement of input.plan.placements) placeVariable(work, placement);
  leaveOut(input, layers);
  const variables = new Map<string, Delivered>();
  for (const layer of [layers.settings, layers.service, declared]) {
    for (const [name, one] of layer) put(variables, name, one);
  }
  return { variables, lookup, problems: work.problems };
}

/** What is given only where nobody else sets it, nor another of its kind. */
function leaveOut({ plan, arrived }: EnvironmentInput, layers: Work['layers']): void {
  for (const one of plan.placements) {
    if (one.kind !== 'variable' || one.unless === undefined) continue;
    const rulesOf = (name: string): readonly string[] => [
      ...[layers[one.layer], layers.service, layers.env].flatMap(
        (layer) => layer.get(name)?.rule ?? [],
      ),
      ...(arrived?.has(name) === true ? ['arrival'] : []),
    ];
    if (isSetElsewhere(one, rulesOf) && layers[one.layer].get(one.name)?.rule === one.rule) {
      layers[one.layer].delete(one.name);
    }
  }
}

function put(map: Map<string, Delivered>, name: string, one: Delivered): void {
  const before = map.get(name);
  const overrides = before === undefined ? [] : [...before.overrides, before.rule];
  map.set(name, { ...one, overrides: [...overrides, ...one.overrides] });
}

function placeVariable(work: Work, placement: Placement): void {
  if (placement.kind === 'variable') {
    const value = sourceText(work, placement);
    if (value !== undefined) deliver(work, placement, { name: placement.name, value });
  } else if (placement.kind === 'variables') {
    const all = selectAll(work.input.answers, placement.bound);
    if (all instanceof BellhopError) work.problems.push(all.within(placement.rule));
    else if (all !== 'absent') {
      for (const [key, value] of all) {
        const name = `${placement.prefix}${key}`;
        deliver(work, placement, { name, value: valueText(work, value) });
      }
    }
  }
}

function deliver(
  work: Work,
  placement: { readonly layer: Layer; readonly rule: string },
  variable: { readonly name: string; readonly value: ByteText },
): void {
  const { name, value } = variable;
  const where = [`variable ${name}`, placement.rule];
  const problem = variableNameProblem(name);
  if (problem !== undefined) {
    work.problems.push(new BellhopError('BH_ERR_VALUE', { where, what: problem }));
  } else if (value.includes('\0')) {
    const what = 'its value has a NUL byte, which no variable can hold';
    const help = 'deliver it as a file: a volume, or `files:` in bellhop.yaml';
    work.problems.push(new BellhopError('BH_ERR_VALUE', { where, what, help }));
  } else {
    put(work.layers[placement.layer], name, { value, rule: placement.rule, overrides: [] });
  }
}

function sourceText(
  work: Work,
  { source, rule }: { readonly source: Source; readonly rule: string },
): ByteText | undefined {
  switch (source.kind) {
    case 'template':
      return expand(byteText(source.text), work.lookup);
    case 'text':
      return byteText(source.text);
    case 'index':
    case 'annotations':
    case 'labels':
      return byteText(ownText(source, work.input));
    case 'absent':
      return undefined;
    case 'value': {
      const value = selectValue(work.input.answers, source.bound);
      if (value instanceof BellhopError) work.problems.push(value.within(rule));
      return value === 'absent' || value instanceof BellhopError
        ? undefined
        : valueText(work, value);
    }
  }
}

/** As the recorded kubelet: what is not UTF-8 becomes U+FFFD, unless the policy says bytes. */
function valueText(work: Work, value: Sealed): ByteText {
  const bytes = value.reveal();
  const exact = work.input.plan.policy.nonUtf8Env === 'bytes';
  return bytesToText(exact ? bytes : replaceInvalidUtf8(bytes));
}

/** What the texts of a pod's own fields are made from. */
interface OwnFacts {
  readonly nowMs: number;
  readonly index?: string;
}

/** The text of what is only known of this pod, at its start. */
export function ownText(
  source: Extract<Source, { kind: 'index' | 'annotations' | 'labels' }>,
  { nowMs, index }: OwnFacts,
): string {
  if (source.kind === 'index') return index ?? '';
  // The Job controller writes over what a template has there.
  const own = index === undefined ? {} : { [INDEX_KEY]: index };
  const entries = { ...source.entries, ...own };
  if (source.kind === 'labels') return mapText(new Map(Object.entries(entries)));
  return annotationsText(entries, nowMs);
}

/**
 * The annotations file: the kubelet adds when and from where it saw the pod
 * (k8s.io/kubernetes v1.33.13 pkg/kubelet/config; golden vector downward-annotations).
 */
export function annotationsText(entries: Readonly<Record<string, string>>, nowMs: number): string {
  const seen = new Date(nowMs).toISOString().replace('Z', '000000Z');
  const kubelet = { 'kubernetes.io/config.seen': seen, 'kubernetes.io/config.source': 'api' };
  return mapText(new Map(Object.entries({ ...entries, ...kubelet })));
}
