import { BellhopError } from '../core/errors.ts';
import { fileFindings } from './diff-files.ts';
import {
  argumentFindings,
  descriptorFindings,
  limitFindings,
  mountFindings,
  processFindings,
  signalFindings,
  surroundingFindings,
  variableFindings,
} from './diff-process.ts';
import type { Difference, Finding } from './diff-types.ts';
import { KINDS } from './diff-types.ts';
import { NO_TEXT } from './normalise.ts';
import type { Moved } from './reasons.ts';
import { adviceOf, movedOf } from './reasons.ts';
import { DIFFERENCE_RULES } from './rules.ts';
import type { Pair, PlatformVariables, Side } from './side.ts';
import { lookedAt, pairOf } from './side.ts';
import type { Snapshot } from './types.ts';

/** How two snapshots differ. */
export interface Comparison {
  /** By kind, then as they are named; those that must not be are among the others. */
  readonly differences: readonly Difference[];
  /** What could not be compared: equality is not shown while there is any. */
  readonly incomplete: readonly string[];
  readonly pair: Pair;
}

/** Compares two snapshots that were taken under one key; throws where they were not. */
export function diff(left: Snapshot, right: Snapshot, isPlatforms?: PlatformVariables): Comparison {
  if (left.key !== right.key) {
    const what = `the digests of the two sides were made under different keys (${left.key} and ${right.key}), so no value can be compared`;
    throw new BellhopError('BH_ERR_SNAPSHOT_KEYS', { where: [], what });
  }
  const pair = pairOf(left, right, isPlatforms);
  const moved = movedOf(pair);
  const found = findings(pair).toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  return {
    differences: found.map((one) => judged(one, pair, moved)),
    incomplete: incompleteOf(pair),
    pair,
  };
}

function findings({ left, right }: Pair): Finding[] {
  const [one, other] = [left.snapshot.process, right.snapshot.process];
  return [
    ...variableFindings(one, other),
    ...argumentFindings(one, other),
    ...fileFindings(left, right),
    ...mountFindings(left, right),
    ...processFindings(one, other),
    ...signalFindings(one, other),
    ...descriptorFindings(one, other),
    ...limitFindings(one, other),
    ...surroundingFindings(left, right),
  ];
}

function judged(finding: Finding, pair: Pair, moved: Moved): Difference {
  const rule = DIFFERENCE_RULES.find((one) => one.matches(finding, pair));
  if (rule !== undefined) {
    const { group, name, why } = rule;
    return { ...finding, group, rule: name, reason: why, remedy: '' };
  }
  return { ...finding, group: 'must-not-differ', ...adviceOf(finding, pair, moved) };
}

function incompleteOf({ left, right }: Pair): string[] {
  return [
    ...left.snapshot.cuts.map((one) => cutText('left', one)),
    ...right.snapshot.cuts.map((one) => cutText('right', one)),
    ...noText(left, 'left'),
    ...noText(right, 'right'),
    ...unseen(left, right, 'left'),
    ...unseen(right, left, 'right'),
    ...unknown(left.snapshot, right.snapshot),
  ];
}

function cutText(side: string, { limit, max, path }: Snapshot['cuts'][number]): string {
  return `the ${side} stopped at ${path}, at its limit ${limit}=${max} (raise it with --limit)`;
}

/** What a snapshot, a document of text, could not write down. */
function noText({ entries }: Side, side: string): string[] {
  const why: readonly unknown[] = Object.values(NO_TEXT);
  return [...entries]
    .filter(([, { entry }]) => why.includes(entry.error))
    .map(([path, { entry }]) => `${path}: ${entry.error} (on the ${side})`);
}

/** Trees that only one side looked at. */
function unseen(one: Side, other: Side, side: string): string[] {
  return [...one.trees.values()]
    .filter(({ path }) => lookedAt(other, path) === undefined)
    .map(
      ({ path }) =>
        `${path} was looked at on the ${side} only (take both with --path ${path}, or with one --plan)`,
    );
}

const FACTS = {
  argv: 'the command line',
  signals: 'signals',
  descriptors: 'open descriptors',
  cwd: 'the directory',
  umask: 'the umask',
  noNewPrivileges: 'no_new_privs',
} as const;

/** Facts that a snapshot could not have: taken without the launcher, or without the right. */
function unknown({ process: one }: Snapshot, { process: other }: Snapshot): string[] {
  const facts = Object.entries(FACTS).flatMap(([name, called]) => {
    const [ours, theirs] = [one, other].map((seen) => seen[name as keyof typeof FACTS]);
    // Where neither side starts a program there is no command line to compare.
    const isNone = name === 'argv' && ours === undefined && theirs === undefined;
    return isNone ? [] : unknownOf(called, ours, theirs);
  });
  const limits = new Set([OPEN_FILES, ...Object.keys(one.limits), ...Object.keys(other.limits)]);
  return [
    ...facts,
    ...[...limits].flatMap((name) =>
      unknownOf(`limit ${name}`, one.limits[name], other.limits[name]),
    ),
  ];
}

/** What the runtime alone cannot know of itself. */
const OPEN_FILES = 'open files';

function unknownOf(called: string, ours: unknown, theirs: unknown): string[] {
  if (ours === undefined && theirs === undefined) return [`${called}: known on neither side`];
  const side = ours === undefined ? 'left' : theirs === undefined ? 'right' : undefined;
  return side === undefined ? [] : [`${called}: not known on the ${side}`];
}
