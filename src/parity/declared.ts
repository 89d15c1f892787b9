import { explainPlan } from '../plan/explain.ts';
import { planDigest } from '../plan/document.ts';
import { referencedNames } from '../plan/expand.ts';
import type { MadeSource, Plan, Source } from '../plan/types.ts';
import type {
  Declared,
  DeclaredArgument,
  DeclaredFile,
  DeclaredMount,
  DeclaredVariable,
} from './types.ts';

/** What of a plan helps to tell where a difference comes from. */
export function declaredOf(plan: Plan): Declared {
  const { origin, policy } = plan;
  const { variables, files } = explainPlan(plan, () => undefined);
  const marked = markedVariables(plan);
  const told = toldOf(plan);
  return {
    digest: planDigest(plan),
    workload: `${origin.kind} ${origin.namespace}/${origin.name}`,
    container: origin.container,
    variables: variables.map(({ name, from, rule }): DeclaredVariable => {
      return { name, from: told.get(from) ?? from, rule, ...marked.get(name) };
    }),
    arguments: argumentsOf(plan, marked),
    files: files.map(({ path, from, rule }): DeclaredFile => {
      const isClusters = CLUSTERS.test(from);
      return { path, from, rule, ...(isClusters ? { isClusters: true as const } : {}) };
    }),
    mounts: mountsOf(plan),
    overImage: policy.overImage,
    identity: policy.identity,
  };
}

/** Fields that only a cluster knows: docs.kubernetes.io, "Downward API". */
const CLUSTERS = /^(status\.|spec\.nodeName|metadata\.uid|limits\.|requests\.|resource)/;
const ODD_DOLLAR = /\$[^\0-\x7F]/u;

type Marks = Pick<DeclaredArgument, 'isClusters' | 'hasOddDollar'>;

/** Variables of the cluster's fields, those with an odd `$`, and those that refer to such a one. */
function markedVariables(plan: Plan): Map<string, Marks> {
  const found = new Map<string, Marks>();
  for (const one of plan.placements) {
    if (one.kind === 'variable') found.set(one.name, marksOf(one.source, found));
  }
  return found;
}

function marksOf(source: Source | MadeSource, found: ReadonlyMap<string, Marks>): Marks {
  if (source.kind === 'text') return CLUSTERS.test(source.of) ? { isClusters: true } : {};
  return source.kind === 'template' ? marksOfText(source.text, found) : {};
}

function marksOfText(text: string, found: ReadonlyMap<string, Marks>): Marks {
  const named = referencedNames(text).map((name) => found.get(name));
  const isClusters = named.some((one) => one?.isClusters === true);
  const isOdd = ODD_DOLLAR.test(text) || named.some((one) => one?.hasOddDollar === true);
  return {
    ...(isClusters ? { isClusters: true as const } : {}),
    ...(isOdd ? { hasOddDollar: true as const } : {}),
  };
}

/** Of the pod's own words: those of the image are never expanded. */
function argumentsOf(plan: Plan, found: ReadonlyMap<string, Marks>): DeclaredArgument[] {
  const argv = plan.placements.find((one) => one.kind === 'argv');
  const { command = [], args = [] } = argv ?? {};
  // The image's CMD stands behind its own ENTRYPOINT only.
  const words = [...command, ...args].toReversed();
  return words
    .map((text, fromLast) => ({ fromLast, ...marksOfText(text, found) }))
    .filter((one) => Object.keys(one).length > 1)
    .toReversed();
}

/** Templates without their literals: who can read a snapshot need not know those. */
function toldOf(plan: Plan): Map<string, string> {
  const templates = plan.placements.flatMap((one) =>
    one.kind === 'variable' && one.source.kind === 'template' ? [one.source.text] : [],
  );
  return new Map(
    templates
      .map((text): [string, string[]] => [text, [...new Set(referencedNames(text))]])
      .filter(([, names]) => names.length > 0)
      .map(([text, names]) => [
        text,
        `literal with ${names.map((one) => `$(${one})`).join(' and ')}`,
      ]),
  );
}

function mountsOf(plan: Plan): DeclaredMount[] {
  return plan.placements.flatMap((placement) => {
    if (placement.kind !== 'directory') return [];
    const { volume, medium, shape } = placement;
    return placement.mounts.map(({ path, subPath, subPathExpr, rule }): DeclaredMount => {
      const isPart = (subPath ?? subPathExpr ?? '') !== '';
      return { path, volume, medium, shape, isPart, rule };
    });
  });
}

/** Paths that a plan delivers to: its mounts, and files of their own. */
export function declaredPaths(plan: Plan): string[] {
  return plan.placements.flatMap((one) => {
    if (one.kind === 'directory') return one.mounts.map(({ path }) => path);
    return one.kind === 'file' ? [one.path] : [];
  });
}
