import type { Container } from '../wire/pod-types.ts';
import { isRecord, nodeAt, pathText } from '../wire/read.ts';
import type { Path } from '../wire/read.ts';
import { isGpu } from './needs.ts';
import type { Runs } from './runs.ts';

// What a manifest says of a cluster that the plan does not bring: hosts files, probes, hooks. What
// it says of attempts, time and tasks a request may bring: who knows the target judges. What
// schedules among other pods (tolerations, priority) means nothing elsewhere, and containers that
// are not started are told as such.

/** One field that is left behind, and the word by which the job can do without it. */
export interface Left {
  readonly where: string;
  readonly word: string;
  /** What it is about where a request may bring it. */
  readonly says?: Saying;
}

/** What a manifest says of how its program is run. */
export type Saying = 'retries' | 'attemptTime' | 'jobTime' | 'completions' | 'parallelism';

/** A manifest, where its pod stands in it, and which container is started. */
export interface LeftInput {
  readonly value: unknown;
  readonly template: Path;
  readonly container: Container;
  readonly runs: Runs;
}

/** What a field says where it says nothing; `[]` stands for any that is there. */
type Silent = readonly unknown[];

/** Of the pod's spec; k8s.io/api v0.33.13 core/v1, with the defaults of the API server. */
const POD: Readonly<Record<string, Silent>> = {
  activeDeadlineSeconds: [],
  affinity: [],
  dnsConfig: [],
  dnsPolicy: ['ClusterFirst', 'Default'],
  hostAliases: [],
  hostname: [],
  imagePullSecrets: [],
  nodeSelector: [],
  resourceClaims: [],
  runtimeClassName: [],
  terminationGracePeriodSeconds: [30],
};

const CONTAINER: Readonly<Record<string, Silent>> = {
  livenessProbe: [],
  readinessProbe: [],
  startupProbe: [],
};

const HOOKS: Readonly<Record<string, Silent>> = { postStart: [], preStop: [] };

/**
 * Of what runs pods: jobs; the Job of a CronJob and its times; what keeps several running. Who
 * looks after a Job in the cluster, and when it is removed there (managedBy, manualSelector,
 * podReplacementPolicy, ttlSecondsAfterFinished), means nothing elsewhere.
 */
const JOB: Readonly<Record<string, Silent>> = {
  activeDeadlineSeconds: [],
  // 0 is what every platform does that is told nothing, or is told by the target.
  backoffLimitPerIndex: [0],
  completions: [1],
  maxFailedIndexes: [],
  podFailurePolicy: [],
  successPolicy: [],
  suspend: [false],
};
const CRON_JOB: Readonly<Record<string, Silent>> = {
  concurrencyPolicy: ['Allow'],
  schedule: [],
  startingDeadlineSeconds: [],
  suspend: [false],
  timeZone: [],
};
const RUNNING: Readonly<Record<string, Silent>> = { replicas: [1] };

const OF_POD: Readonly<Record<string, Saying>> = {
  activeDeadlineSeconds: 'attemptTime',
  restartPolicy: 'retries',
};
const OF_JOB: Readonly<Record<string, Saying>> = {
  activeDeadlineSeconds: 'jobTime',
  backoffLimit: 'retries',
  backoffLimitPerIndex: 'retries',
  completions: 'completions',
};

/** Every field of the manifest that no plan brings to another platform. Pure. */
export function leftOf({ value, template, container, runs }: LeftInput): Left[] {
  const spec: Path = [...template, 'spec'];
  const { place } = container;
  return [
    ...ofWorkload(value, template, runs),
    ...said(value, spec, POD).map((one) => saying(one, OF_POD)),
    ...said(value, spec, restarts(value, template, runs)).map((one) => saying(one, OF_POD)),
    ...said(value, place, CONTAINER),
    ...said(value, [...place, 'lifecycle'], HOOKS),
    ...resources(container, place),
  ];
}

function saying(one: Left, of: Readonly<Record<string, Saying>>): Left {
  const says = of[one.word];
  return says === undefined ? one : { ...one, says };
}

/** A job's pods are started again, or not; those of what is to run for ever always are. */
function restarts(value: unknown, template: Path, runs: Runs): Readonly<Record<string, Silent>> {
  // Every pod that was exported says Always, meant or not.
  if (template.length === 0) return { restartPolicy: ['Never', 'Always'] };
  return isEndless(value) || runs.retries === 0 ? {} : { restartPolicy: ['Never'] };
}

function isEndless(value: unknown): boolean {
  return isRecord(value) && value['kind'] !== 'Job' && value['kind'] !== 'CronJob';
}

function ofWorkload(value: unknown, template: Path, runs: Runs): Left[] {
  if (template.length === 0) return [];
  const above = template.slice(0, -1);
  const outer = template.slice(0, 1);
  if (isEndless(value)) return said(value, above, RUNNING);
  return [
    ...(above.length > 1 ? said(value, outer, CRON_JOB) : []),
    ...said(value, above, JOB).map((one) => saying(one, OF_JOB)),
    ...backoffLimit(value, above, runs),
    ...parallelism(value, above, runs),
  ];
}

/** What Kubernetes has beside a limit of each index: k8s.io/kubernetes v1.33.13 defaults.go. */
const NO_BACKOFF_LIMIT = 2_147_483_647;

/** Beside a limit of each index it is a second one, of all together, which nothing can say. */
function backoffLimit(value: unknown, above: Path, runs: Runs): Left[] {
  const word = 'backoffLimit';
  const isSecond = runs.retriesBy === 'backoffLimitPerIndex';
  if (isSecond) return said(value, above, { [word]: [NO_BACKOFF_LIMIT] });
  // One of several pods that fails is then the end of all of them.
  const silent = runs.completions === undefined ? [0] : [];
  return said(value, above, { [word]: silent }).map((one) => saying(one, OF_JOB));
}

/** Without a number of completions it is another kind of job: done when one pod has succeeded. */
function parallelism(value: unknown, above: Path, runs: Runs): Left[] {
  const word = 'parallelism';
  if (runs.completions === undefined) return said(value, above, { [word]: [1] });
  if (runs.parallelism === undefined) return [];
  const at = [...above, word];
  const isWritten = typeof nodeAt(value, at) === 'number';
  const where = `${pathText(at)}${isWritten ? '' : ' (1 where nothing is said)'}`;
  return [{ where, word, says: word }];
}

function said(value: unknown, at: Path, fields: Readonly<Record<string, Silent>>): Left[] {
  const node = nodeAt(value, at);
  if (!isRecord(node)) return [];
  return Object.entries(fields).flatMap(([name, silent]) => {
    const written = node[name];
    const isEmpty = Array.isArray(written) && written.length === 0;
    const isSilent = written === undefined || written === null || written === '' || isEmpty;
    if (isSilent || silent.includes(written)) return [];
    return [{ where: pathText([...at, name]), word: name }];
  });
}

const DELIVERED: ReadonlySet<string> = new Set(['cpu', 'memory']);

function resources({ resources: { limits, requests } }: Container, place: Path): Left[] {
  const names = new Set([...limits.keys(), ...requests.keys()]);
  return [...names]
    .filter((name) => !DELIVERED.has(name) && !isGpu(name))
    .map((name) => ({ where: `${pathText(place)}.resources: ${name}`, word: name }));
}
