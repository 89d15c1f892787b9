import type { Container } from '../wire/pod-types.ts';
import { isRecord, pathText } from '../wire/read.ts';
import type { Path } from '../wire/read.ts';
import { isGpu } from './needs.ts';

// What a manifest says of a cluster that neither the plan nor a request brings: hosts files,
// probes, hooks, retries. What schedules among other pods (tolerations, priority) means nothing
// elsewhere, and containers that are not started are told as such.

/** One field that is left behind, and the word by which the job can do without it. */
export interface Left {
  readonly where: string;
  readonly word: string;
}

/** A manifest, where its pod stands in it, and which container is started. */
export interface LeftInput {
  readonly value: unknown;
  readonly template: Path;
  readonly container: Container;
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

/** Of what runs pods: jobs; the Job of a CronJob and its times; what keeps several running. */
const JOB: Readonly<Record<string, Silent>> = {
  activeDeadlineSeconds: [],
  backoffLimit: [0],
  backoffLimitPerIndex: [],
  completionMode: ['NonIndexed'],
  completions: [1],
  parallelism: [1],
  podFailurePolicy: [],
  successPolicy: [],
};
const CRON_JOB: Readonly<Record<string, Silent>> = { schedule: [] };
const RUNNING: Readonly<Record<string, Silent>> = { replicas: [1] };

/** Every field of the manifest that nothing brings to another platform. Pure. */
export function leftOf({ value, template, container }: LeftInput): Left[] {
  const spec: Path = [...template, 'spec'];
  const { place } = container;
  const isOfJob = template.length > 0 && !isEndless(value);
  return [
    ...ofWorkload(value, template),
    ...said(value, spec, POD),
    // A job's pods are started again, or not; those of what is to run for ever always are.
    ...said(value, spec, isOfJob ? { restartPolicy: ['Never'] } : {}),
    ...said(value, place, CONTAINER),
    ...said(value, [...place, 'lifecycle'], HOOKS),
    ...resources(container, place),
  ];
}

function isEndless(value: unknown): boolean {
  return isRecord(value) && value['kind'] !== 'Job' && value['kind'] !== 'CronJob';
}

function ofWorkload(value: unknown, template: Path): Left[] {
  if (template.length === 0) return [];
  const above = template.slice(0, -1);
  const outer = template.slice(0, 1);
  if (isEndless(value)) return said(value, above, RUNNING);
  return [...(above.length > 1 ? said(value, outer, CRON_JOB) : []), ...said(value, above, JOB)];
}

function said(value: unknown, at: Path, fields: Readonly<Record<string, Silent>>): Left[] {
  const node = at.reduce<unknown>((one, step) => {
    const isList = Array.isArray(one) && typeof step === 'number';
    if (isList) return (one as readonly unknown[])[step];
    return isRecord(one) ? one[String(step)] : undefined;
  }, value);
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
