import type { ExplainedArgv } from './explain-program.ts';
import { argvOf, identityText } from './explain-program.ts';
import { formatReference } from './reference.ts';
import { referencedNames } from './expand.ts';
import type { Unless } from './unless.ts';
import { isSetElsewhere, unlessNotes } from './unless.ts';
import type {
  Bound,
  Content,
  DirectoryPlacement,
  Layer,
  MadeSource,
  Placement,
  Plan,
  Source,
} from './types.ts';
import { isMade } from './types.ts';

/** Key names of what a reference stands for; undefined where only the store knows them. */
export type KeysOf = (bound: Bound) => readonly string[] | undefined;

/** Why a variable is there. Never a value. */
export interface ExplainedVariable {
  readonly name: string;
  readonly from: string;
  readonly rule: string;
  /** Rules that this one overrides, oldest first. */
  readonly overrides: readonly string[];
  readonly notes: readonly string[];
}

/** Why a file is there. */
export interface ExplainedFile {
  readonly path: string;
  /** Octal, as `0400`; '' for a folder whose files are not known yet. */
  readonly mode: string;
  readonly from: string;
  readonly rule: string;
  readonly notes: readonly string[];
}

export interface Explanation {
  readonly origin: Plan['origin'];
  readonly argv: ExplainedArgv;
  readonly identity: string;
  readonly variables: readonly ExplainedVariable[];
  readonly files: readonly ExplainedFile[];
}

/** Explains every variable and file of a plan: which rule put it there, from which reference. */
export function explainPlan(plan: Plan, keysOf: KeysOf): Explanation {
  return {
    origin: plan.origin,
    argv: argvOf(plan),
    identity: identityText(plan),
    variables: explainVariables(plan.placements, keysOf),
    files: plan.placements.flatMap((placement) => filesOf(plan, placement, keysOf)),
  };
}

interface Draft extends Omit<ExplainedVariable, 'overrides'>, Unless {
  readonly layer: Layer;
  readonly template?: string;
}

const ORDER: readonly (readonly Layer[])[] = [['settings'], ['service'], ['envFrom', 'env']];

/** Later layers override earlier ones; envFrom and env are one layer in which later entries win. */
function explainVariables(placements: readonly Placement[], keysOf: KeysOf): ExplainedVariable[] {
  const found = new Map<string, ExplainedVariable>();
  // What a template sees: services, envFrom and the entries before it; never the settings.
  const seen: Seen = { names: new Set(), hasWild: false };
  const drafts = ORDER.flatMap((layers) => {
    return placements
      .filter((one) => one.kind === 'variable' || one.kind === 'variables')
      .filter(({ layer }) => layers.includes(layer))
      .flatMap((one) => draftsOf(one, keysOf));
  });
  const rules = Map.groupBy(drafts, ({ name }) => name);
  for (const draft of drafts) {
    const rulesOf = (name: string) => (rules.get(name) ?? []).map(({ rule }) => rule);
    if (isSetElsewhere(draft, rulesOf)) continue;
    const before = found.get(draft.name);
    const overrides = before === undefined ? [] : [...before.overrides, before.rule];
    found.delete(draft.name);
    const { name, from, rule } = draft;
    found.set(name, { name, from, rule, overrides, notes: notesOf(draft, seen) });
    if (draft.layer !== 'settings') note(seen, draft.name);
  }
  return [...found.values()];
}

function draftsOf(
  placement: Extract<Placement, { kind: 'variable' | 'variables' }>,
  keysOf: KeysOf,
): Draft[] {
  const { rule, layer } = placement;
  if (placement.kind === 'variable') {
    const { name, source, unless } = placement;
    if (source.kind === 'absent' || isAbsent(source, keysOf)) return [];
    const template = source.kind === 'template' ? { template: source.text } : {};
    return [
      {
        name,
        from: sourceText(source),
        rule,
        layer,
        notes: [...sourceNotes(source), ...unlessNotes(placement)],
        ...(unless === undefined ? {} : { unless }),
        ...template,
      },
    ];
  }
  const { bound, prefix } = placement;
  const keys = keysOf(bound);
  const from = boundText(bound);
  if (keys === undefined) {
    const name = `${prefix}*`;
    return [{ name, from, rule, layer, notes: [`every key of ${bound.called}`] }];
  }
  return keys.map((key) => ({
    name: `${prefix}${key}`,
    from: `${from}, key ${key}`,
    rule,
    layer,
    notes: [],
  }));
}

/** An optional key that is known not to be there leaves the variable out. */
function isAbsent(source: Source, keysOf: KeysOf): boolean {
  if (source.kind !== 'value' || source.bound.member === undefined) return false;
  const keys = keysOf(source.bound);
  const { optional, member } = source.bound;
  return optional === true && keys !== undefined && !keys.includes(member);
}

function madeText(source: MadeSource): string {
  switch (source.kind) {
    case 'start':
    case 'envFile':
      return `variables of containers (${source.kind})`;
    case 'launcher':
      return 'bellhop itself';
    case 'hyperparameters':
      return keyText(source.bound);
  }
}

function keyText(bound: Bound): string {
  const { member } = bound;
  return `${boundText(bound)}${member === undefined ? '' : `, key ${member}`}`;
}

function sourceText(source: Source | MadeSource): string {
  if (isMade(source)) return madeText(source);
  switch (source.kind) {
    case 'template':
      return referencedNames(source.text).length > 0 ? source.text : 'literal';
    case 'text':
    case 'index':
      return source.of;
    case 'annotations':
    case 'labels':
      return `metadata.${source.kind}`;
    case 'absent':
      return source.called;
    case 'value':
      return keyText(source.bound);
  }
}

function boundText({ reference }: Bound): string {
  return formatReference(reference);
}

function sourceNotes(source: Source | MadeSource): string[] {
  if (source.kind !== 'value') return [];
  const { optional, default: byDefault, defaultOn, fallbacks = [] } = source.bound;
  const covers = defaultOn === 'outage' ? 'has a default, in outages too' : 'has a default';
  return [
    ...(optional === true ? ['optional'] : []),
    ...(byDefault === undefined ? [] : [covers]),
    ...fallbacks.map((one) => `else ${formatReference(one)}`),
  ];
}

/** The names that a template sees; some of them unknown until they are fetched. */
interface Seen {
  readonly names: Set<string>;
  hasWild: boolean;
}

function note(seen: Seen, name: string): void {
  seen.names.add(name);
  seen.hasWild ||= name.endsWith('*');
}

function notesOf({ name, template, notes }: Draft, seen: Seen): string[] {
  const unknown = referencedNames(template ?? '').filter(
    (one) => !seen.names.has(one) && !seen.hasWild,
  );
  return [
    ...notes,
    ...[...new Set(unknown)].map((one) => `$(${one}) is not known here and stays as written`),
    ...(/^([A-Za-z_][A-Za-z0-9_]*)?\*?$/.test(name) ? [] : ['a POSIX shell cannot read this name']),
  ];
}

function filesOf(plan: Plan, placement: Placement, keysOf: KeysOf): ExplainedFile[] {
  if (placement.kind === 'file') {
    const { path, mode, source, rule } = placement;
    return [
      { path, mode: octal(mode), from: sourceText(source), rule, notes: sourceNotes(source) },
    ];
  }
  if (placement.kind !== 'directory') return [];
  return placement.mounts.flatMap((mount) => {
    const part = mount.subPath ?? mount.subPathExpr;
    if (part !== undefined) {
      const notes = [`subPath ${part} of volume ${placement.volume}`];
      return [
        { path: mount.path, mode: '', from: `volume ${placement.volume}`, rule: mount.rule, notes },
      ];
    }
    if (placement.shape === 'plain') {
      const from = `emptyDir ${placement.volume}${placement.medium === 'memory' ? ' in memory' : ''}`;
      return [{ path: `${mount.path}/`, mode: '', from, rule: mount.rule, notes: [] }];
    }
    const all = placement.contents.flatMap((one) =>
      contentOf({ plan, placement, path: mount.path }, one, keysOf),
    );
    if (all.length > 0) return all;
    const from = `volume ${placement.volume}`;
    return [
      { path: `${mount.path}/`, mode: '', from, rule: placement.rule, notes: ['empty: optional'] },
    ];
  });
}

interface Place {
  readonly plan: Plan;
  readonly placement: DirectoryPlacement;
  readonly path: string;
}

function contentOf(place: Place, content: Content, keysOf: KeysOf): ExplainedFile[] {
  const { placement, path, plan } = place;
  const { mode, rule } = content;
  const real = placement.fsGroup === undefined ? mode : mode | 0o440;
  const shared = { mode: octal(real), rule };
  const unreadable = readingNotes(plan, placement, real);
  if (content.kind === 'file') {
    if (content.source.kind === 'absent' || isAbsent(content.source, keysOf)) return [];
    const notes = [...sourceNotes(content.source), ...unreadable];
    return [
      { ...shared, path: `${path}/${content.path}`, from: sourceText(content.source), notes },
    ];
  }
  const { bound } = content;
  const keys = keysOf(bound);
  const from = boundText(bound);
  if (keys === undefined) {
    return [
      {
        ...shared,
        path: `${path}/*`,
        from,
        notes: [`every key of ${bound.called}`, ...unreadable],
      },
    ];
  }
  return keys.map((key) => ({
    ...shared,
    path: `${path}/${key}`,
    from: `${from}, key ${key}`,
    notes: unreadable,
  }));
}

/** Kubernetes' own surprise: files belong to root, whoever the program is. */
function readingNotes(plan: Plan, placement: DirectoryPlacement, mode: number): string[] {
  const { user } = plan.identity;
  const readable = user === undefined || user === 0 || (mode & 0o004) !== 0;
  const byGroup = placement.fsGroup !== undefined && (mode & 0o040) !== 0;
  return readable || byGroup
    ? []
    : [`user ${user} cannot read it: it belongs to root (set fsGroup)`];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
