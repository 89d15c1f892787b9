// Jobs submitted to moto by the built executable, and started from what it was given.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';
import type { Spawned } from '../support/spawned.ts';
import { spawned } from '../support/spawned.ts';
import { moto, python } from './_botocore.ts';

const CANARY = 'canary-5b1c77';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-submit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const name = `b${path
  .basename(folder)
  .toLowerCase()
  .replaceAll(/[^a-z0-9]/g, '')}`;

const BIG = Array.from({ length: 4000 }, (_, n) => `P${n}-${(n * 7919) % 10_007}`).join(' ');
const variables = Array.from({ length: 300 }, (_, n) => {
  return `        - { name: V${n}, value: "value ${n}" }`;
});
const POD = `apiVersion: batch/v1
kind: Job
metadata: { name: train, namespace: ml }
spec:
  template:
    spec:
      containers:
      - name: main
        image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1
        command: [sh, -c, 'env; echo "arg=$0"', "$(V7)"]
        resources: { requests: { cpu: 250m, memory: 512Mi } }
        envFrom: [{ configMapRef: { name: params } }]
        env:
        - { name: DB_PASSWORD, valueFrom: { secretKeyRef: { name: db, key: password } } }
${variables.join('\n')}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: params, namespace: ml }
data: { BIG: "${BIG}" }
`;

interface World {
  readonly role: string;
  readonly subnet: string;
  readonly secret: string;
}

let world: World;
beforeAll(async () => {
  if (moto.missing !== undefined) return;
  const endpoint = moto.get('AWS_ENDPOINT_URL');
  const secret = JSON.stringify({ password: CANARY });
  world = (await python('moto_world.py', { endpoint, name, secret })) as World;
  writeFileSync(path.join(folder, 'pod.yaml'), POD);
  writeFileSync(path.join(folder, 'bellhop.yaml'), settings(world));
  built();
}, 300_000);

function settings({ role, subnet, secret }: World): string {
  return `apiVersion: bellhop/v1
stores:
  sm: { kind: aws-secrets-manager, region: us-east-1 }
  s3: { kind: s3, region: us-east-1 }
secrets: { db: "sm:${secret}" }
submit:
  spill: s3:${name}/jobs/{job}
  expireDays: 7
  targets:
    sagemaker-training:
      CreateTrainingJob:
        RoleArn: ${role}
        OutputDataConfig: { S3OutputPath: s3://${name}/output }
        ResourceConfig: { InstanceType: ml.m5.large, InstanceCount: 1, VolumeSizeInGB: 10 }
        StoppingCondition: { MaxRuntimeInSeconds: 3600 }
    sagemaker-processing:
      CreateProcessingJob:
        RoleArn: ${role}
        ProcessingResources:
          ClusterConfig: { InstanceType: ml.m5.large, InstanceCount: 1, VolumeSizeInGB: 10 }
    sagemaker-model: { CreateModel: { ExecutionRoleArn: ${role} } }
    ecs:
      RegisterTaskDefinition: { executionRoleArn: ${role} }
      RunTask:
        cluster: ${name}
        launchType: FARGATE
        networkConfiguration: { awsvpcConfiguration: { subnets: [${subnet}] } }
    aws-batch:
      RegisterJobDefinition:
        platformCapabilities: [FARGATE]
        containerProperties: { executionRoleArn: ${role} }
      SubmitJob: { jobQueue: ${name} }
    lambda-image: { CreateFunction: { Role: ${role} } }
`;
}

/** Revisions of a family that moto has. */
async function revisions(family: string): Promise<readonly string[]> {
  const answer = await fetch(moto.get('AWS_ENDPOINT_URL'), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonEC2ContainerServiceV20141113.ListTaskDefinitions',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIATESTBED/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ familyPrefix: family }),
  });
  return ((await answer.json()) as { taskDefinitionArns: string[] }).taskDefinitionArns;
}

const FLAGS = ['-f', 'pod.yaml', '-c', 'bellhop.yaml'];

async function bellhop(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Spawned> {
  const variables = { PATH: process.env['PATH'] ?? '', ...moto.env, ...env };
  const done = await spawned([built().bellhop, ...words], { cwd: folder, env: variables });
  expect(done.err).not.toContain(CANARY);
  return done;
}

interface DryRun {
  readonly name: string;
  readonly spilled?: { readonly path: string; readonly bytes: number };
  readonly requests: readonly { readonly operation: string; readonly input: unknown }[];
}

async function dryRun(target: string): Promise<DryRun> {
  const { code, out, err } = await bellhop(['submit', target, ...FLAGS, '--dry-run']);
  expect([code, err.replace(/^bellhop: warning: .*\n/gm, '')]).toEqual([0, '']);
  expect(out).not.toContain(CANARY);
  return JSON.parse(out) as DryRun;
}

describe.skipIf(moto.missing !== undefined)('submitted to moto', () => {
  const TARGETS = [
    'sagemaker-training',
    'sagemaker-processing',
    'sagemaker-model',
    'aws-batch',
    'lambda-image',
  ];
  test.each(TARGETS)(
    '%s: it is made, and made once however often it is submitted',
    async (target) => {
      const planned = await dryRun(target);
      const first = await bellhop(['submit', target, ...FLAGS]);
      expect([first.code, first.err.replace(/^bellhop: warning: .*\n/gm, '')]).toEqual([0, '']);
      expect(first.out).toContain(`${target} ${planned.name}: `);
      expect(first.out).not.toContain('there already');
      const second = await bellhop(['submit', target, ...FLAGS]);
      expect(second.code).toBe(0);
      expect(second.out).toContain('there already');
    },
    60_000,
  );

  test('ecs: the definition is registered once; the task needs a cluster with room', async () => {
    for (const _ of [1, 2]) {
      const { code, err, out } = await bellhop(['submit', 'ecs', ...FLAGS]);
      if (code !== 0) expect(err).toContain('RunTask');
      else expect(out).toContain('ecs train-');
    }
    const definitions = await revisions((await dryRun('ecs')).name);
    expect(definitions).toHaveLength(1);
  }, 60_000);

  test('--wait follows a job to its end', async () => {
    const words = ['submit', 'sagemaker-training', ...FLAGS, '--name', `${name}-wait`, '--wait'];
    const { code, out } = await bellhop(words);
    expect([code, out]).toEqual([0, expect.stringMatching(/; Completed\n$/)]);
  }, 60_000);

  // moto does not tell a job's Environment, so that even the same job is told apart from nothing.
  test('a name of the user that is taken by something else is refused', async () => {
    const named = ['submit', 'sagemaker-training', ...FLAGS, '--name', `${name}-named`];
    expect((await bellhop(named)).out).not.toContain('there already');
    writeFileSync(path.join(folder, 'other.yaml'), POD.replace('value 7"', 'value 8"'));
    const other = named.map((word) => (word === 'pod.yaml' ? 'other.yaml' : word));
    const { code, err } = await bellhop(other);
    expect([code, err]).toEqual([69, expect.stringContaining('this name is taken')]);
  }, 60_000);

  test('started from the request it fetches the object and the secret, and misses nothing', async () => {
    const planned = await dryRun('sagemaker-training');
    expect(planned.spilled?.bytes).toBeGreaterThan(40_000);
    const [{ input } = { input: {} }] = planned.requests;
    const { Environment, AlgorithmSpecification } = input as {
      Environment: Record<string, string>;
      AlgorithmSpecification: { ContainerEntrypoint: string[] };
    };
    expect(Object.keys(Environment)).toHaveLength(100);
    expect(AlgorithmSpecification.ContainerEntrypoint).toEqual(['bellhop', 'run']);
    expect((await bellhop(['submit', 'sagemaker-training', ...FLAGS])).code).toBe(0);
    const started = await bellhop(['run'], Environment);
    expect([started.code, started.err]).toEqual([0, '']);
    const lines = started.out.split('\n');
    expect(lines).toContain(`DB_PASSWORD=${CANARY}`);
    expect(lines).toContain(`BIG=${BIG}`);
    expect(lines).toContain('arg=value 7');
    for (let n = 0; n < 300; n += 1) expect(lines).toContain(`V${n}=value ${n}`);
    expect(started.out).not.toContain('BELLHOP_');
  }, 60_000);

  test('an object that was changed is refused: its digest stands in the request', async () => {
    const planned = await dryRun('sagemaker-training');
    const [{ input } = { input: {} }] = planned.requests;
    const { Environment } = input as { Environment: Record<string, string> };
    const digest = `sha256:${'0'.repeat(64)}`;
    const { code, err } = await bellhop(['run'], { ...Environment, BELLHOP_PLAN_DIGEST: digest });
    expect([code, err]).toEqual([65, expect.stringContaining('BELLHOP_PLAN_DIGEST')]);
  }, 60_000);

  test('what the service refuses is told in its own words', async () => {
    const words = ['submit', 'aws-batch', '-f', 'pod.yaml', '-c', 'bad.yaml'];
    const text = settings(world).replace(`jobQueue: ${name}`, 'jobQueue: nosuch-queue');
    writeFileSync(path.join(folder, 'bad.yaml'), text);
    const { code, err } = await bellhop(words);
    expect([code, err]).toEqual([69, expect.stringMatching(/aws-batch, (ListJobs|SubmitJob): /)]);
    expect(err).toContain('BH_ERR_API');
  }, 60_000);
});
