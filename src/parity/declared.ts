import { explainPlan } from '../plan/explain.ts';
import { planDigest } from '../plan/document.ts';
import { referencedNames } from '../plan/expand.ts';
import type { MadeSource, Plan, Source } from '../plan/types.ts';
import type { Declared, DeclaredFile, DeclaredMount, DeclaredVariable } from './types.ts';

/** What of a plan helps to tell where a difference comes from. */
export function declaredOf(plan: Plan): Declared {
  const { origin, policy } = plan;
  const { variables, files } = explainPlan(plan, () => undefined);
  const clusters = clusterVariables(plan);
  const odd = new Set(plan.placements.flatMap((one) => oddDollars(one)));
  const argv = plan.placements.find((one) => one.kind === 'argv');
  const words = [...(argv?.command ?? []), ...(argv?.args ?? [])];
  return {
    digest: planDigest(plan),
    workload: `${origin.kind} ${origin.namespace}/${origin.name}`,
    container: origin.container,
    variables: variables.map(({ name, from, rule }): DeclaredVariable => {
      const marks = {
        ...(clusters.has(name) ? { isClusters: true as const } : {}),
        ...(odd.has(name) ? { hasOddDollar: true as const } : {}),
      };
      return { name, from, rule, ...marks };
    }),
    files: files.map(({ path, from, rule }): DeclaredFile => {
      const isClusters = CLUSTERS.test(from);
      return { path, from, rule, ...(isClusters ? { isClusters: true as const } : {}) };
    }),
    mounts: mountsOf(plan),
    overImage: policy.overImage,
    identity: policy.identity,
    ...(words.some((one) => ODD_DOLLAR.test(one)) ? { hasOddDollarArgument: true as const } : {}),
  };
}

/** Fields that only a cluster knows: docs.kubernetes.io, "Downward API". */
const CLUSTERS = /^(status\.|spec\.nodeName|metadata\.uid|limits\.|requests\.|resource)/;
const ODD_DOLLAR = /\$[^\0-\x7F]/u;

function oddDollars(placement: Plan['placements'][number]): string[] {
  if (placement.kind !== 'variable' || placement.source.kind !== 'template') return [];
  return ODD_DOLLAR.test(placement.source.text) ? [placement.name] : [];
}

/** Variables of the cluster's fields, and those whose template names such a one. */
function clusterVariables(plan: Plan): Set<string> {
  const found = new Set<string>();
  for (const one of plan.placements) {
    if (one.kind === 'variable' && isClusters(one.source, found)) found.add(one.name);
  }
  return found;
}

function isClusters(source: Source | MadeSource, found: ReadonlySet<string>): boolean {
  if (source.kind === 'text') return CLUSTERS.test(source.of);
  return source.kind === 'template' && referencedNames(source.text).some((name) => found.has(name));
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
