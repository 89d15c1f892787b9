import type { Comparison } from './diff.ts';
import type { Aspect, Difference, Group } from './diff-types.ts';
import type { Snapshot, Text, Value } from './types.ts';
import { plainText } from './values.ts';

/** The version of `bellhop diff -o json`. */
const DIFF_VERSION = 'bellhop/diff/v1';

/** What is told of one side. */
export interface SideFacts {
  readonly file: string;
  readonly takenAt: string;
  readonly of: Snapshot['of'];
  readonly bellhop: string;
  readonly plan?: string;
  readonly workload?: string;
}

/** The comparison as data. */
export interface DiffReport {
  readonly format: typeof DIFF_VERSION;
  readonly left: SideFacts;
  readonly right: SideFacts;
  /** Whether the exit code is 0. */
  readonly equal: boolean;
  readonly counts: Readonly<Record<Group, number>>;
  readonly differences: readonly Difference[];
  readonly incomplete: readonly string[];
}

/** How it is judged, and whether values may be told. */
export interface ReportOptions {
  readonly files: readonly [string, string];
  /** Also the platform's own and what policy allows count. */
  readonly strict: boolean;
  /** Values that both snapshots were taken with are told. */
  readonly show: boolean;
}

/** All groups, in the order in which they are told. */
export const GROUPS: readonly Group[] = ['must-not-differ', 'platform', 'policy'];

/** Each group as people read it. */
export const GROUP_NAMES: Readonly<Record<Group, string>> = {
  'must-not-differ': 'Must not differ',
  platform: "The platform's own",
  policy: 'Allowed by policy',
};

/** The report of a comparison. */
export function reportOf(
  { differences, incomplete, pair }: Comparison,
  { files, strict, show }: ReportOptions,
): DiffReport {
  const count = (group: Group): number => differences.filter((one) => one.group === group).length;
  const counts = {
    'must-not-differ': count('must-not-differ'),
    platform: count('platform'),
    policy: count('policy'),
  };
  const failing = strict ? differences.length : counts['must-not-differ'];
  return {
    format: DIFF_VERSION,
    left: factsOf(pair.left.snapshot, files[0]),
    right: factsOf(pair.right.snapshot, files[1]),
    equal: failing === 0 && incomplete.length === 0,
    counts,
    differences: differences.map((one) => told(one, show)),
    incomplete,
  };
}

function factsOf({ takenAt, of, bellhop, plan }: Snapshot, file: string): SideFacts {
  const declared = plan === undefined ? {} : { plan: plan.digest, workload: plan.workload };
  return { file, takenAt, of, bellhop, ...declared };
}

/** Without values, unless they may be told; then in the place of digests. */
function told({ values, ...difference }: Difference, show: boolean): Difference {
  if (!show || values === undefined) return difference;
  const { left, right } = values;
  return {
    ...difference,
    left: left === undefined ? undefined : shownText(left, difference.left),
    right: right === undefined ? undefined : shownText(right, difference.right),
  };
}

function shownText({ shown }: Value, otherwise: string | undefined): string | undefined {
  return shown === undefined ? otherwise : quoted(shown);
}

function quoted(text: Text): string {
  return typeof text === 'string' ? JSON.stringify(text) : plainText(text);
}

/** The aspect as it stands behind a name, e.g. `mode of /etc/creds/token`. */
export const ASPECT_NAMES: Readonly<Record<Aspect, string>> = {
  presence: '',
  value: 'value',
  count: 'number of entries',
  type: 'type',
  mode: 'mode',
  owner: 'owner',
  target: 'leads to',
  through: 'reached by a link',
  content: 'content',
  normalised: 'left out',
  unread: 'readable',
  medium: 'medium',
  options: 'options',
  size: 'size',
  readOnly: 'writing',
  access: 'access',
  state: '',
};

/** The last line: what it comes to. */
export function verdictOf({ counts, incomplete, equal, differences }: DiffReport): string {
  const must = counts['must-not-differ'];
  const first =
    must === 0
      ? 'No difference that must not be'
      : must === 1
        ? '1 difference that must not be'
        : `${must} differences that must not be`;
  const rest = [
    ...(counts.platform === 0 ? [] : [`${counts.platform} of the platform's own`]),
    ...(counts.policy === 0 ? [] : [`${counts.policy} allowed by policy`]),
  ];
  const whole = differences.length === 0 ? 'No differences' : [first, ...rest].join(', ');
  if (incomplete.length === 0) {
    return must === 0 && !equal ? `${whole}; with --strict all of them count.` : `${whole}.`;
  }
  return `${whole}; not everything could be compared.`;
}
