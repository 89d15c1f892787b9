// Of a manifest nothing is lost without a word: what no request says is named. What requests say of
// attempts, time and tasks has tests of its own.
import { describe, expect, test } from 'bun:test';
import { job, settings, submit } from './_cli.ts';
import { told } from './_running.ts';

const OF_POD: readonly string[] = [
  'hostAliases: [{ ip: 10.1.2.3, hostnames: [db.local] }]',
  'dnsPolicy: None',
  'dnsConfig: { nameservers: [1.1.1.1] }',
  'hostname: trainer',
  'imagePullSecrets: [{ name: registry }]',
  'nodeSelector: { accelerator: a100 }',
  'affinity: { nodeAffinity: {} }',
  'runtimeClassName: gvisor',
  'terminationGracePeriodSeconds: 300',
  'restartPolicy: OnFailure',
  'resourceClaims: [{ name: gpu }]',
];

const OF_CONTAINER: readonly (readonly [string, string])[] = [
  ['lifecycle: { preStop: { exec: { command: [x] } } }', 'lifecycle.preStop'],
  ['lifecycle: { postStart: { exec: { command: [x] } } }', 'lifecycle.postStart'],
  ['livenessProbe: { exec: { command: [x] } }', 'livenessProbe'],
  ['readinessProbe: { exec: { command: [x] } }', 'readinessProbe'],
  ['startupProbe: { exec: { command: [x] } }', 'startupProbe'],
  ...[
    'ephemeral-storage',
    'google.com/tpu',
    'vpc.amazonaws.com/efa',
    'aws.amazon.com/neuron',
    'nvidia.com/mig-1g.5gb',
  ].map((one): [string, string] => [
    `resources: { limits: { ${one}: 1 }, requests: { ${one}: 1 } }`,
    `resources: ${one}`,
  ]),
];

const HEAD = `apiVersion: batch/v1
kind: Job
metadata: { name: train }
spec:
`;

const OF_JOB: readonly (readonly [string, string])[] = [
  ['parallelism: 4', 'spec.parallelism'],
  ['completions: 8', 'spec.completions'],
  ['backoffLimit: 3', 'spec.backoffLimit'],
  ['podFailurePolicy: { rules: [] }', 'spec.podFailurePolicy'],
  [
    'completionMode: Indexed\n  completions: 1\n  backoffLimitPerIndex: 1\n  maxFailedIndexes: 1',
    'spec.maxFailedIndexes',
  ],
  ['suspend: true', 'spec.suspend'],
];

const OF_CRON_JOB: readonly string[] = [
  'suspend: true',
  'concurrencyPolicy: Forbid',
  'startingDeadlineSeconds: 60',
  'timeZone: Europe/Berlin',
];

/** A CronJob with a field of its own. */
const cronJob = (field: string): string =>
  job('')
    .replace('kind: Job', 'kind: CronJob')
    .replace(/spec:\n([^]*)$/, (_, rest: string) => {
      const own = rest.replace(/^/gm, '    ');
      return `spec:\n  schedule: "@daily"\n  ${field}\n  jobTemplate:\n    spec:\n${own}`;
    });

const barePod = (restartPolicy: string): string => `apiVersion: v1
kind: Pod
metadata: { name: train }
spec: { restartPolicy: ${restartPolicy}, containers: [{ name: main, image: i, command: [env] }] }
`;

const said = (pod: string, target = 'sagemaker-training'): string => {
  const { code, err } = submit(target, { pod });
  expect(code).toBe(0);
  return err;
};

describe('what no request says is named, with where it stands', () => {
  test.each([...OF_POD])('%s', (field) => {
    const [name = ''] = field.split(':');
    expect(said(job(field))).toContain(`warning: spec.template.spec.${name}: sagemaker-training`);
  });
  test.each([...OF_CONTAINER])('%s', (field, name) => {
    expect(said(job('', field))).toContain(`spec.template.spec.containers[0].${name}: `);
  });
  test.each([...OF_JOB])('%s', (field, where) => {
    expect(said(job('').replace(HEAD, `${HEAD}  ${field}\n`))).toContain(`${where}: `);
  });
  test('the time of a CronJob', () => {
    expect(said(cronJob(''))).toContain('spec.schedule: ');
  });
  test.each([...OF_CRON_JOB])('of a CronJob: %s', (field) => {
    const [name = ''] = field.split(':');
    const err = said(cronJob(field));
    expect(err).toContain(`spec.${name}`);
    const words = ['schedule', name].toSorted((one, other) => one.localeCompare(other));
    expect(err).toContain(`without: [${words.join(', ')}]`);
  });
  test.each(['local', 'databricks-job', 'cloud-run-job'])(
    'a pod that is to run until it succeeds, on %s',
    async (target) => {
      const seen = await told(target, barePod('OnFailure'));
      expect(seen.code).toBe(0);
      expect(seen.err).toContain(`warning: spec.restartPolicy: ${target} is told nothing`);
      const more = { without: ['restartPolicy'] };
      expect((await told(target, barePod('OnFailure'), { more })).err).toBe('');
    },
  );
  test('the replicas of a Deployment', () => {
    const pod = job('').replace('batch/v1', 'apps/v1').replace('kind: Job', 'kind: Deployment');
    expect(said(pod.replace('spec:\n', 'spec:\n  replicas: 3\n'))).toContain('spec.replicas: ');
    expect(said(pod.replace('spec:\n', 'spec:\n  replicas: 1\n'))).toBe('');
  });
  test('all in one sentence, on every target', () => {
    const pod = job('dnsPolicy: None\nhostname: trainer');
    expect(said(pod, 'local').match(/warning/g)).toHaveLength(1);
  });
});

describe('nothing is said', () => {
  test.each([
    'terminationGracePeriodSeconds: 30',
    'dnsPolicy: ClusterFirst',
    'restartPolicy: Never',
    'hostAliases: []',
    'tolerations: [{ operator: Exists }]',
  ])('of what means nothing there: %s', (field) => {
    expect(said(job(field))).toBe('');
  });
  test.each([
    'suspend: false',
    'ttlSecondsAfterFinished: 60',
    'podReplacementPolicy: Failed',
    'managedBy: example.com/queue',
    'manualSelector: false',
  ])('of what means nothing there, of a Job: %s', (field) => {
    expect(said(job('').replace(HEAD, `${HEAD}  ${field}\n`))).toBe('');
  });
  test('of a CronJob that runs as any other', () => {
    const err = said(cronJob('concurrencyPolicy: Allow\n  suspend: false'));
    expect(err).toContain('without: [schedule]');
  });
  test.each(['Never', 'Always'])('of a pod whose restartPolicy is %s', async (policy) => {
    expect((await told('databricks-job', barePod(policy))).err).toBe('');
  });
  test('of what the job can do without', () => {
    const yaml = settings('  without: [hostname, livenessProbe, google.com/tpu, preStop]\n');
    const pod = job(
      'hostname: trainer',
      `livenessProbe: { exec: { command: [x] } }
lifecycle: { preStop: { exec: { command: [x] } } }
resources: { limits: { google.com/tpu: 8 } }`,
    );
    const { code, err } = submit('sagemaker-training', { pod, yaml });
    expect([code, err]).toEqual([0, '']);
  });
});
