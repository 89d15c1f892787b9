// `bellhop submit` of a job, as a user calls it.
import { expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { CANARY, call, folder } from '../cli/_call.ts';

/** A Job of one container, with more of the pod and of the container. */
export const job = (spec: string, container = ''): string => `apiVersion: batch/v1
kind: Job
metadata: { name: train }
spec:
  template:
    spec:
${spec.replace(/^/gm, '      ')}
      containers:
      - name: main
        image: i
        command: [env]
${container.replace(/^/gm, '        ')}
`;

const TRAINING = `    sagemaker-training:
      CreateTrainingJob:
        RoleArn: arn:aws:iam::123456789012:role/r
        OutputDataConfig: { S3OutputPath: s3://b/o }
        ResourceConfig: { InstanceType: ml.m5.large, InstanceCount: 1, VolumeSizeInGB: 1 }
        StoppingCondition: { MaxRuntimeInSeconds: 60 }
`;

/** bellhop.yaml with a training job, and more below `submit.targets`. */
export const settings = (more = ''): string => `apiVersion: bellhop/v1
stores: { s3: { kind: s3, region: us-east-1 }, files: { kind: file, folder: ${folder}/spilled } }
submit:
  targets:
${TRAINING}${more}`;

/** What it says; never a canary. */
export function submit(
  target: string,
  {
    pod,
    yaml = settings(),
    flags = ['--dry-run'],
  }: { pod: string; yaml?: string; flags?: string[] },
) {
  writeFileSync(path.join(folder, 'job.yaml'), pod);
  writeFileSync(path.join(folder, 'submit.yaml'), yaml);
  const done = call(['submit', target, '-f', 'job.yaml', '-c', 'submit.yaml', ...flags]);
  expect(`${done.out}${done.err}`).not.toContain(CANARY);
  return done;
}
