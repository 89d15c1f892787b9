// What the Job controller gives each pod of an Indexed Job: k8s.io/kubernetes v1.33.13
// pkg/controller/job/indexed_job_utils.go (addCompletionIndexEnvVariable, …Annotation, …Label).
import { BellhopError } from '../core/errors.ts';
import type { Container, Pod } from '../wire/pod-types.ts';
import type { Path } from '../wire/read.ts';
import { pathText } from '../wire/read.ts';
import type { FieldContext } from './fields.ts';
import type { Ask } from './needs.ts';
import type { Runs } from './runs.ts';
import type { Content, Placement, Plan } from './types.ts';

/** The annotation and the label that have it. */
export const INDEX_KEY = 'batch.kubernetes.io/job-completion-index';

/** The variable that has it; also read on arrival, where no platform tells the index. */
export const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';

/** What a reader of plans must know for it. */
const INDEX_FEATURE = 'completion-index';

const LABEL = `metadata.labels['${INDEX_KEY}']`;
const FIELDS = [LABEL, `metadata.annotations['${INDEX_KEY}']`];

/** The pod as the controller makes it: each container has the variable, behind all others. */
export function indexed(pod: Pod, { indexAt, completions = 1 }: Runs): Pod {
  if (indexAt === undefined) return pod;
  const containers = pod.containers.map((one) => withVariable(one, indexAt));
  const initContainers = pod.initContainers.map((one) => withVariable(one, indexAt));
  return { ...pod, completions, containers, initContainers };
}

/** A variable of this name that the author wrote stays. */
function withVariable(container: Container, place: Path): Container {
  const { env } = container;
  if (env.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const from = { kind: 'field', path: LABEL } as const;
  return { ...container, env: [...env, { name: INDEX_VARIABLE, value: '', from, place }] };
}

/** Why this is no index of a Job of so many pods; undefined where it is one, as it is written. */
export function indexProblem(written: string, below = Infinity): string | undefined {
  if (!/^(0|[1-9]\d{0,9})$/.test(written)) {
    return 'what is told here as the index is no whole number from 0 on';
  }
  if (Number(written) < below) return undefined;
  return `the index that is told here is not below the Job's ${below} completions`;
}

/** What is wrong with an index that is given with the fields: for a pod of an Indexed Job only. */
export function givenIndexProblems({
  pod,
  fields,
}: Pick<FieldContext, 'pod' | 'fields'>): BellhopError[] {
  if (pod.completions === undefined) return [];
  return FIELDS.flatMap((field) => {
    const given = fields.get(field);
    const what = given === undefined ? undefined : indexProblem(given, pod.completions);
    return what === undefined ? [] : [new BellhopError('BH_ERR_INDEX', { where: [field], what })];
  });
}

/** The index as `--field` or `fields:` gives it: then it is no task among others. */
export function givenIndex(fields: ReadonlyMap<string, string>): string | undefined {
  return FIELDS.map((field) => fields.get(field)).find((one) => one !== undefined);
}

/** Whether the pod has an index that is only known at the start. */
export function hasOpenIndex({ pod, fields }: Pick<FieldContext, 'pod' | 'fields'>): boolean {
  return pod.completions !== undefined && givenIndex(fields) === undefined;
}

/** Whether this field is that index. */
export function isOpenIndex(context: FieldContext, path: string): boolean {
  return FIELDS.includes(path) && hasOpenIndex(context);
}

/** What the pod has on labels and annotations: an index that was given is among them. */
export function withGivenIndex(pod: Pod, fields: ReadonlyMap<string, string>): Pod {
  const index = pod.completions === undefined ? undefined : givenIndex(fields);
  if (index === undefined) return pod;
  const own = [INDEX_KEY, index] as const;
  return {
    ...pod,
    labels: new Map([...pod.labels, own]),
    annotations: new Map([...pod.annotations, own]),
  };
}

/**
 * The plan with how the index is found, where a placement needs it. Nothing is as good as none for
 * a job that can do without, or that has one pod.
 */
export function withIndex(
  plan: Plan,
  context: Pick<FieldContext, 'pod' | 'fields'>,
  { without = [] }: { readonly without?: readonly string[] | undefined } = {},
): Plan {
  if (!hasOpenIndex(context) || !plan.placements.some(needsIndex)) return plan;
  const isOne = context.pod.completions === 1 || WORDS.some((one) => without.includes(one));
  const { completions: below = 1 } = context.pod;
  const index = { ...(isOne ? { otherwise: '0' } : {}), below };
  return { ...plan, requires: [...plan.requires, INDEX_FEATURE], index };
}

const WORDS = ['completions', 'completionMode'];
const OPEN: ReadonlySet<string> = new Set(['index', 'labels', 'annotations']);

function needsIndex(placement: Placement): boolean {
  if (placement.kind === 'variable') return OPEN.has(placement.source.kind);
  if (placement.kind !== 'directory') return false;
  return placement.contents.some((one: Content) => {
    return one.kind === 'file' && OPEN.has(one.source.kind);
  });
}

/** What a job asks for whose pods tell themselves apart by it. */
export function indexAsks(runs: Runs, without: readonly string[]): Ask[] {
  const { indexAt, completions } = runs;
  if (indexAt === undefined || completions === undefined) return [];
  if (without.includes('completions')) return [];
  const what = `each of its ${completions} pods has an index of its own`;
  const where = pathText(indexAt);
  return [{ of: 'completionIndex', where, what, word: 'completionMode' }];
}
