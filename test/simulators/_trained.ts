// A training job of a test's own: `bellhop submit` renders and uploads it, the simulator of
// SageMaker runs it in an image that has this machine's tools and bellhop.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { s3Bucket } from './_aws.ts';
import { yardFolder } from './_container.ts';
import { ROLE } from './_legal.ts';
import { shellImage } from './_probe.ts';
import { BELLHOP, tools } from './_ranker.ts';
import type { AwsPlatform } from './_sagemaker.ts';
import { submitBy } from './_submit.ts';
import type { Ran, Wish } from './_types.ts';
import { type CreateTrainingJob, sagemakerTraining } from './sagemaker-training.ts';

/** What a test says of its job. */
export interface Wanted {
  readonly command: readonly string[];
  readonly container?: object;
  readonly pod?: object;
  /** Documents beside the pod. */
  readonly objects?: readonly object[];
  /** More of bellhop.yaml, and of its section `submit`. */
  readonly settings?: object;
  readonly submit?: object;
  /** More of CreateTrainingJob. */
  readonly given?: object;
}

/** The platform of a test, without its images. */
export type Trainer = Pick<AwsPlatform, 'yard' | 'aws'> & { readonly bucket: string };

export const IMAGE = 'image';

/** The request that is made of it; what it spills is uploaded. */
export async function requestOf(trainer: Trainer, wanted: Wanted): Promise<CreateTrainingJob> {
  const { aws, bucket, yard } = trainer;
  await s3Bucket(aws, bucket);
  const dir = yardFolder(yard);
  const container = { name: 'main', image: IMAGE, command: wanted.command, ...wanted.container };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'train', namespace: 'ml' },
    spec: { containers: [container], ...wanted.pod },
  };
  const documents = [pod, ...(wanted.objects ?? [])].map((one) => JSON.stringify(one));
  writeFileSync(path.join(dir, 'pod.yaml'), documents.join('\n---\n'));
  const { endpoint } = aws.s3;
  const given = {
    RoleArn: ROLE,
    OutputDataConfig: { S3OutputPath: `s3://${bucket}/out` },
    ResourceConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    ...wanted.given,
  };
  const settings = {
    apiVersion: 'bellhop/v1',
    stores: { s3: { kind: 's3', region: aws.region, endpoint, pathStyle: true } },
    ...wanted.settings,
    submit: {
      spill: `s3:${bucket}/spill`,
      bellhop: '/opt/bellhop/bellhop',
      targets: { 'sagemaker-training': { CreateTrainingJob: given } },
      ...wanted.submit,
    },
  };
  writeFileSync(path.join(dir, 'bellhop.yaml'), JSON.stringify(settings));
  using render = submitBy(BELLHOP, aws);
  const came = await render({ dir, flags: [] }, 'sagemaker-training');
  if ('refused' in came) throw new Error(came.refused);
  return came.requests['CreateTrainingJob'] as CreateTrainingJob;
}

/** Runs it to its end. */
export async function trained(
  { yard, aws }: Trainer,
  request: CreateTrainingJob,
  wish: Wish = {},
): Promise<Ran & { kind: 'ended' }> {
  const images = { [IMAGE]: shellImage(yard) };
  const mounts = [...tools(), ...(wish.mounts ?? [])];
  const ran = await sagemakerTraining.run(request, { yard, aws, images }, { ...wish, mounts });
  if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
  return ran;
}
