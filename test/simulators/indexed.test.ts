// Jobs of several tasks, by `bellhop submit`: each task sees its index where Kubernetes gives it,
// and a program that fails is started as often as the Job says.
import { afterAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { yardFolder } from './_container.ts';
import { shellImage } from './_probe.ts';
import { BELLHOP, tools } from './_ranker.ts';
import { IMAGE, type Way, request } from './_road.ts';
import { submitBy } from './_submit.ts';
import type { Outcome } from './_types.ts';
import { FURTHER, WAYS } from './_ways.ts';
import { openWeb } from './_web.ts';
import { awsStage } from './_worlds.ts';
import type { CloudRunJob } from './cloud-run-job.ts';
import type { NomadJob } from './nomad.ts';
import { optionsOf } from './slurm-apptainer.ts';

const TEST_MS_MAX = 120_000;
const stage = await awsStage('Jobs of several tasks');
const lacks = built().kind === 'launcher' ? [] : ['the launcher is not built (cc)'];
if (lacks.length > 0) skipVisibly('Jobs of several tasks', lacks);
const isHere = stage.isHere && lacks.length === 0;
const web = openWeb();
afterAll(() => {
  web.close();
  stage.close();
});

type Requests = Readonly<Record<string, unknown>>;

/** How many tasks a platform makes of a request, and how often it runs each that fails. */
interface Reading {
  readonly tasks: number;
  readonly attempts: number;
}

interface Batch {
  readonly retryStrategy?: { readonly attempts?: number };
  readonly arrayProperties?: { readonly size?: number };
}

/** As each platform's documents have it, with its own defaults. */
const READ: Readonly<Record<string, (requests: Requests) => Reading>> = {
  'aws-batch': (requests) => {
    const { arrayProperties } = request<Batch>(requests, 'SubmitJob');
    const { retryStrategy } = request<Batch>(requests, 'RegisterJobDefinition');
    return { tasks: arrayProperties?.size ?? 1, attempts: retryStrategy?.attempts ?? 1 };
  },
  'cloud-run-job': (requests) => {
    const { template } = request<CloudRunJob>(requests, 'CreateJob');
    return { tasks: template.taskCount ?? 1, attempts: 1 + (template.template.maxRetries ?? 3) };
  },
  nomad: (requests) => {
    const [group] = request<NomadJob>(requests, 'RegisterJob').Job.TaskGroups;
    const restarts = group?.RestartPolicy?.Attempts ?? 3;
    const places = group?.ReschedulePolicy?.Attempts ?? 1;
    return { tasks: group?.Count ?? 1, attempts: (1 + restarts) * (1 + places) };
  },
  'slurm-apptainer': (requests) => {
    const { script } = request<{ readonly script: string }>(requests, 'sbatch');
    const [, last = '0'] = /^0-(\d+)/.exec(optionsOf(script).get('array') ?? '') ?? [];
    return { tasks: Number(last) + 1, attempts: 1 };
  },
};

const ways = [...WAYS, ...FURTHER].filter(({ name }) => Object.hasOwn(READ, name));

/** What Kubernetes gives the pod of an index, by every way in which a program may look for it. */
const INFO = '/tmp/info';
const KEY = 'batch.kubernetes.io/job-completion-index';
const LOOK = `echo "$JOB_COMPLETION_INDEX $OF_ANNOTATION $1"; cat ${INFO}/one; echo; cat ${INFO}/labels`;
const seenBy = (index: number): string => {
  const labels = [`${KEY}="${index}"`, 'batch.kubernetes.io/job-name="train"', 'job-name="train"'];
  return [`${index} ${index} at-${index}`, String(index), ...labels].join('\n');
};

function jobOf(spec: object, script: string): object {
  const fieldRef = { fieldPath: `metadata.annotations['${KEY}']` };
  const items = [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'one', fieldRef: { fieldPath: `metadata.labels['${KEY}']` } },
  ];
  const container = {
    name: 'main',
    image: IMAGE,
    command: ['sh', '-c', script, 'sh'],
    args: ['at-$(JOB_COMPLETION_INDEX)'],
    env: [{ name: 'OF_ANNOTATION', valueFrom: { fieldRef } }],
    volumeMounts: [{ name: 'info', mountPath: INFO }],
  };
  const volumes = [{ name: 'info', downwardAPI: { items } }];
  const template = { spec: { restartPolicy: 'Never', containers: [container], volumes } };
  const metadata = { name: 'train' };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { ...spec, template } };
}

async function rendered(way: Way, job: object): Promise<Requests> {
  const dir = yardFolder(stage.yard);
  const settings = {
    apiVersion: 'bellhop/v1',
    policy: way.policy ?? {},
    submit: {
      bellhop: '/opt/bellhop/bellhop',
      ...(way.entrypoint === 'image' ? { startedBy: 'image' } : {}),
      targets: { [way.name]: way.given },
    },
  };
  writeFileSync(path.join(dir, 'pod.yaml'), JSON.stringify(job));
  writeFileSync(path.join(dir, 'bellhop.yaml'), JSON.stringify(settings));
  using submit = submitBy(BELLHOP, stage.aws);
  const come = await submit({ dir, flags: [] }, way.name);
  if ('refused' in come) throw new Error(come.refused);
  return come.requests;
}

/** One attempt of one task. */
async function ran(way: Way, requests: Requests, which: { node: number; attempt: number }) {
  const entrypoint = way.entrypoint === 'image' ? ['/opt/bellhop/bellhop', 'run', '--'] : null;
  const image = shellImage(stage.yard, { entrypoint });
  const wish = { ...which, mounts: tools() };
  const come = await way.run(requests, { yard: stage.yard, aws: stage.aws, web, image, wish });
  if (come.kind !== 'ended') throw new Error(JSON.stringify(come));
  return come.outcome;
}

/** Every attempt of a task, as long as it fails and the request allows another. */
async function attempts(way: Way, requests: Requests, node: number): Promise<Outcome[]> {
  const most = READ[way.name]?.(requests).attempts ?? 1;
  const outcomes: Outcome[] = [];
  while (outcomes.length < most && outcomes.at(-1)?.exit !== 0) {
    outcomes.push(await ran(way, requests, { node, attempt: outcomes.length + 1 }));
  }
  return outcomes;
}

describe.skipIf(!isHere)('an Indexed Job', () => {
  const spec = {
    completions: 3,
    parallelism: 3,
    completionMode: 'Indexed',
    backoffLimitPerIndex: 0,
  };
  test.each(ways.map((way) => [way.name, way] as const))(
    '%s: each task sees its index as on Kubernetes',
    async (_, way) => {
      const requests = await rendered(way, jobOf(spec, LOOK));
      const { tasks } = READ[way.name]?.(requests) ?? expect.unreachable();
      expect(tasks).toBe(3);
      const all = [0, 1, 2].map(async (node) => ran(way, requests, { node, attempt: 1 }));
      const outcomes = await Promise.all(all);
      expect(outcomes.map(({ exit, stderr }) => [exit, stderr])).toEqual(
        outcomes.map(() => [0, '']),
      );
      expect(outcomes.map(({ stdout }) => stdout)).toEqual([0, 1, 2].map(seenBy));
    },
    TEST_MS_MAX,
  );
  test.each(ways.map((way) => [way.name, way] as const))(
    '%s: one task has the index 0',
    async (_, way) => {
      const requests = await rendered(way, jobOf({ ...spec, completions: 1 }, LOOK));
      const outcome = await ran(way, requests, { node: 0, attempt: 1 });
      expect([outcome.exit, outcome.stderr, outcome.stdout]).toEqual([0, '', seenBy(0)]);
    },
    TEST_MS_MAX,
  );
});

describe.skipIf(!isHere)('a program that fails', () => {
  const again = ways.filter(({ name }) => name !== 'slurm-apptainer');
  test.each(again.map((way) => [way.name, way] as const))(
    '%s: is started again as often as the Job says',
    async (_, way) => {
      const runs = async (spec: object): Promise<number[]> => {
        const requests = await rendered(way, jobOf(spec, 'exit 7'));
        return (await attempts(way, requests, 0)).map(({ exit }) => exit);
      };
      expect(await runs({ backoffLimit: 2 })).toEqual([7, 7, 7]);
      expect(await runs({ backoffLimit: 0 })).toEqual([7]);
    },
    TEST_MS_MAX,
  );
  test.each(ways.map((way) => [way.name, way] as const))(
    '%s: runs once in a pod that is never started again',
    async (_, way) => {
      const container = { name: 'main', image: IMAGE, command: ['sh', '-c', 'exit 7'] };
      const spec = { restartPolicy: 'Never', containers: [container] };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'train' }, spec };
      const requests = await rendered(way, pod);
      expect((await attempts(way, requests, 0)).map(({ exit }) => exit)).toEqual([7]);
    },
    TEST_MS_MAX,
  );
});
