import { BellhopError } from '../core/errors.ts';
import { readConfigMap, readSecret, readService } from '../wire/objects.ts';
import type { DataObject, Service } from '../wire/objects.ts';
import { checkJob } from '../wire/job-checks.ts';
import { readPod } from '../wire/pod.ts';
import type { Pod } from '../wire/pod-types.ts';
import type { At, Path, Source } from '../wire/read.ts';
import { isRecord, member } from '../wire/read.ts';
import { indexed } from './completion-index.ts';
import type { Runs } from './runs.ts';
import { jobPathOf, runsOf } from './runs.ts';

/** One document of the input, read as JSON values. */
export interface InputDocument {
  readonly value: unknown;
  readonly source: Source;
}

/** Something that runs pods, not read yet. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly place: At;
  /** Where the pod or its template stands in the document. */
  readonly template: Path;
}

export interface Declaration {
  readonly workloads: readonly Workload[];
  readonly objects: readonly DataObject[];
  readonly services: readonly Service[];
  readonly problems: readonly BellhopError[];
}

const TEMPLATES: Readonly<Record<string, Path>> = {
  Pod: [],
  PodTemplate: ['template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
};

/** Sorts the documents: workloads, embedded objects, services; other kinds are not our business. */
export function readDeclaration(documents: readonly InputDocument[]): Declaration {
  const problems: BellhopError[] = [];
  const workloads: Workload[] = [];
  const objects: DataObject[] = [];
  const services: Service[] = [];
  for (const place of documents.flatMap((one) => itemsOf(one, problems))) {
    const kind = kubernetesKind(place.value);
    const template = Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined;
    if (template !== undefined) workloads.push(workloadOf({ kind, place, template }));
    else if (kind === 'Secret') objects.push(readSecret(place));
    else if (kind === 'ConfigMap') objects.push(readConfigMap(place));
    else if (kind === 'Service') services.push(readService(place));
  }
  return { workloads, objects, services, problems };
}

/** API groups of kinds that are not in the core group; others have kinds of the same names. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Job: ['batch'],
  CronJob: ['batch'],
  Deployment: ['apps', 'extensions'],
  StatefulSet: ['apps'],
  DaemonSet: ['apps', 'extensions'],
  ReplicaSet: ['apps', 'extensions'],
};

/** The kind, or '' where the apiVersion says that it is somebody else's (Knative's Service). */
function kubernetesKind(value: unknown): string {
  if (!isRecord(value)) return '';
  const { kind, apiVersion } = value;
  if (typeof kind !== 'string') return '';
  if (typeof apiVersion !== 'string') return kind;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const groups = Object.hasOwn(GROUPS, kind) ? (GROUPS[kind] ?? []) : [''];
  return groups.includes(group) ? kind : '';
}

function itemsOf(document: InputDocument, problems: BellhopError[]): At[] {
  const { value, source } = document;
  if (value === null || value === undefined) return [];
  const at: At = { value, path: [], source, subject: '', problems };
  return listItems(at, 0);
}

const LIST_DEPTH_MAX = 8;

function listItems(at: At, depth: number): At[] {
  const { value } = at;
  const kind = isRecord(value) ? value['kind'] : undefined;
  if (!isRecord(value) || typeof kind !== 'string' || kind === '') {
    const { line, column } = at.source.locate(at.path);
    const where = [`${at.source.name}:${line}:${column}`];
    const what = 'not a Kubernetes object: it has no kind';
    at.problems.push(new BellhopError('BH_ERR_POD_INVALID', { where, what }));
    return [];
  }
  const { items } = value;
  if (kind.endsWith('List') && Array.isArray(items) && depth < LIST_DEPTH_MAX) {
    return items.flatMap((one: unknown, index) =>
      listItems({ ...at, value: one, path: [...at.path, 'items', index] }, depth + 1),
    );
  }
  return [{ ...at, subject: `${kind} ${metadataText(value, 'name')}` }];
}

function metadataText(value: Record<string, unknown>, member: string): string {
  const { metadata } = value;
  const found = isRecord(metadata) ? metadata[member] : undefined;
  return typeof found === 'string' ? found : '';
}

function workloadOf(of: { kind: string; place: At; template: Path }): Workload {
  const value = isRecord(of.place.value) ? of.place.value : {};
  const name = metadataText(value, 'name') || metadataText(value, 'generateName');
  return { ...of, name, namespace: metadataText(value, 'namespace') };
}

/** The workload that `--workload KIND/NAME` names, or the only one. */
export function chooseWorkload(
  workloads: readonly Workload[],
  wanted: string | undefined,
): Workload {
  const matching = wanted === undefined ? workloads : workloads.filter((one) => named(one, wanted));
  const [only] = matching;
  if (matching.length === 1 && only !== undefined) return only;
  const there =
    workloads.map((one) => `${one.kind.toLowerCase()}/${one.name}`).join(', ') || 'none';
  const which = wanted === undefined ? 'workloads' : `workloads called ${wanted}`;
  const what = `the input has ${matching.length} ${which}, one is needed (there: ${there})`;
  const kinds = Object.keys(TEMPLATES).join(', ');
  const help =
    workloads.length === 0 ? `give a manifest of one of these kinds: ${kinds}` : undefined;
  throw new BellhopError('BH_ERR_WORKLOAD', {
    where: ['input'],
    what,
    ...(help === undefined ? {} : { help }),
  });
}

function named(workload: Workload, wanted: string): boolean {
  const slash = wanted.indexOf('/');
  if (slash < 0) return workload.name === wanted;
  const kind = wanted.slice(0, slash).toLowerCase();
  return workload.kind.toLowerCase() === kind && workload.name === wanted.slice(slash + 1);
}

/** Where the workload's pod, or its template, stands. */
export function templateOf(workload: Workload): At {
  let { place } = workload;
  for (const step of workload.template) {
    const value = isRecord(place.value) ? place.value[String(step)] : undefined;
    place = { ...place, value: value ?? {}, path: [...place.path, step] };
  }
  return place;
}

/** Reads the workload's pod; problems go to the workload's list. */
export function podOf(workload: Workload, place = templateOf(workload)): Pod {
  checkJob(jobOf(workload));
  const read = readPod(place, claimNames(workload));
  const runs = runsOf(workload, place.value);
  const pod = indexed({ ...read, ...deadlineOf(runs) }, runs);
  if (workload.kind === 'Pod') return pod;
  return { ...pod, ...templated(workload, pod) };
}

/** Where a Job's own spec stands; undefined where nothing of the workload is a Job. */
function jobOf(workload: Workload): At | undefined {
  return jobPathOf(workload)?.reduce<At | undefined>((at, step) => {
    return at === undefined ? undefined : member(at, String(step));
  }, workload.place);
}

/** A StatefulSet's controller adds a volume for each of its claims, of the same name. */
function claimNames({ kind, place }: Workload): string[] {
  const { spec } = isRecord(place.value) ? place.value : {};
  const claims = kind === 'StatefulSet' && isRecord(spec) ? spec['volumeClaimTemplates'] : [];
  if (!Array.isArray(claims)) return [];
  return claims.map((one) => (isRecord(one) ? metadataText(one, 'name') : '')).filter(Boolean);
}

/** How long Kubernetes lets it run: the pod's own word, or the Job's, whichever is less. */
function deadlineOf({ attemptSecondsMax, jobSecondsMax }: Runs): Partial<Pod> {
  const seconds = [attemptSecondsMax, jobSecondsMax].filter((one) => one !== undefined);
  return seconds.length === 0 ? {} : { activeDeadlineSeconds: Math.min(...seconds) };
}

/** A template's pods have names that their controller makes up; a Job also labels them. */
function templated(workload: Workload, pod: Pod): Partial<Pod> {
  const job = workload.kind === 'Job' ? workload.name : '';
  // batch/v1 Job controller, k8s.io/kubernetes v1.33.13 pkg/registry/batch/job/strategy.go.
  const labels =
    job === ''
      ? []
      : ([
          ['batch.kubernetes.io/job-name', job],
          ['job-name', job],
        ] as const);
  return { name: '', labels: new Map([...labels, ...pod.labels]) };
}
