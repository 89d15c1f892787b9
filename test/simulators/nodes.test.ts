// Several nodes of one training job, and starts after starts in one container (spot, warm pools):
// each delivers everything, from clean.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { s3Bucket, s3Put } from './_aws.ts';
import { requestOf, trained, type Wanted } from './_trained.ts';
import { awsStage } from './_worlds.ts';
import type { CreateTrainingJob } from './sagemaker-training.ts';

const TEST_MS_MAX = 120_000;
const CANARY = 'canary-2f61';
const HYPERPARAMETERS = '/opt/ml/input/config/hyperparameters.json';
const stage = await awsStage('nodes and restarts');
const lacks = built().kind === 'launcher' ? [] : ['the launcher is not built (cc)'];
if (lacks.length > 0) skipVisibly('nodes and restarts', lacks);
const isHere = stage.isHere && lacks.length === 0;
afterAll(stage.close);
const trainer = { ...stage, bucket: `nodes-${crypto.randomUUID().slice(0, 8)}` };
beforeAll(async () => {
  if (!isHere) return;
  await s3Bucket(stage.aws, trainer.bucket);
  await s3Put(stage.aws, `s3://${trainer.bucket}/db.json`, JSON.stringify({ password: CANARY }));
});

/** A secret in a variable and a file, a ConfigMap, and hyperparameters by the channel. */
function wantedBy(script: string, given: object = {}): Wanted {
  const params = { name: 'params', namespace: 'ml' };
  return {
    command: ['sh', '-c', script],
    container: {
      env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
      volumeMounts: [
        { name: 'db', mountPath: '/etc/db' },
        { name: 'params', mountPath: '/etc/params' },
      ],
    },
    pod: {
      volumes: [
        { name: 'db', secret: { secretName: 'db' } },
        { name: 'params', configMap: { name: 'params' } },
      ],
    },
    objects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: params, data: { lr: '3e-4\n' } }],
    settings: { secrets: { db: `s3:${trainer.bucket}/db.json` } },
    submit: { hyperparameters: { values: { rate: 0.1, table: 'x'.repeat(3000) } } },
    given,
  };
}

/** What there is, and nothing of an earlier start: digests, so that no secret is printed. */
const LOOK = [
  'set -e; echo "== $(printf %s "$PASSWORD" | sha256sum | cut -c1-16)"',
  'for at in /etc/db /etc/params; do cd $at; echo $at $(ls -A | sed "s/^\\.\\.20.*/..TIME/"); done',
  `sha256sum /etc/db/password /etc/params/lr ${HYPERPARAMETERS} | cut -c1-16`,
  'stat -c %a /etc/params/lr; echo memory $(find /dev/shm -type f | wc -l)',
].join('\n');

const resources = (InstanceCount: number) => ({
  ResourceConfig: { InstanceCount, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
});

describe.skipIf(!isHere)('several nodes', () => {
  test(
    'each fetches and delivers for itself, after at most 5 ms for each node',
    async () => {
      const request = await requestOf(trainer, wantedBy(LOOK, resources(4)));
      expect(request.Environment).toMatchObject({ BELLHOP_JITTER_MS: '20' });
      const nodes = [0, 1, 2, 3].map(async (node) => trained(trainer, request, { node }));
      const outcomes = (await Promise.all(nodes)).map(({ outcome }) => outcome);
      expect(outcomes.map(({ exit, stderr }) => [exit, stderr])).toEqual(
        outcomes.map(() => [0, '']),
      );
      const [first, ...others] = outcomes.map(({ stdout }) => stdout);
      expect(first).toContain('== ');
      expect(others).toEqual([first, first, first] as string[]);
    },
    TEST_MS_MAX,
  );

  test('one node waits for nobody', async () => {
    const { Environment } = await requestOf(trainer, wantedBy(LOOK, resources(1)));
    expect(Environment).not.toHaveProperty('BELLHOP_JITTER_MS');
  });
});

/** The request with a shell before bellhop: several starts in one container. */
function startedBy(request: CreateTrainingJob, script: string): CreateTrainingJob {
  const AlgorithmSpecification = {
    ...request.AlgorithmSpecification,
    ContainerEntrypoint: ['sh', '-c', script],
  };
  return { ...request, AlgorithmSpecification };
}

describe.skipIf(!isHere)('another start in the same container', () => {
  const BELLHOP_RUN = '/opt/bellhop/bellhop run';
  const starts = async (script: string): Promise<readonly string[]> => {
    // The program leaves its own marks where it may write.
    const marks = 'echo junk >> /etc/params/lr; echo junk > /etc/params/more';
    const request = await requestOf(trainer, wantedBy(`${LOOK}\n${marks}`));
    const { outcome } = await trained(trainer, startedBy(request, script));
    expect([outcome.exit, outcome.stdout.includes(CANARY)]).toEqual([0, false]);
    return outcome.stdout.split(/^(?=== )/m);
  };

  test(
    'finds what the first found, and nothing of what it left',
    async () => {
      const seen = await starts(`${BELLHOP_RUN} && ${BELLHOP_RUN} && ${BELLHOP_RUN}`);
      expect(seen).toHaveLength(3);
      expect(new Set(seen).size).toBe(1);
    },
    TEST_MS_MAX,
  );

  test(
    'does so after starts that were killed at any moment',
    async () => {
      const killed = `timeout -s KILL $s ${BELLHOP_RUN} >/dev/null 2>&1`;
      const times = `for s in .002 .01 .03 .05 .08 .13; do ${killed}; done`;
      const script = `${BELLHOP_RUN}; ${times}; ${BELLHOP_RUN} && ${BELLHOP_RUN}`;
      const seen = await starts(script);
      expect(seen).toHaveLength(3);
      expect(new Set(seen).size).toBe(1);
    },
    TEST_MS_MAX,
  );
});
