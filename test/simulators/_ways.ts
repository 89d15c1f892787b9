// The platforms of the round trip: what a user gives beside the pod, and how a simulator runs it.
import { type BatchRequests, awsBatch } from './aws-batch.ts';
import type { TaskRequests } from './_ecs-requests.ts';
import { ecsTask } from './ecs.ts';
import { accountOf } from './_image.ts';
import { ROLE } from './_legal.ts';
import { type LocalRequest, local } from './local.ts';
import { IMAGE, request, type Way } from './_road.ts';
import { type CreateModel, sagemakerModel } from './sagemaker-model.ts';
import { type CreateProcessingJob, sagemakerProcessing } from './sagemaker-processing.ts';
import { type CreateTrainingJob, sagemakerTraining } from './sagemaker-training.ts';
import { azureMl, cloudRun, containerApps, lambda, vertex } from './_ways-clouds.ts';
import { databricks, nomad, slurm } from './_ways-machines.ts';

const training: Way = {
  name: 'sagemaker-training',
  given: {
    CreateTrainingJob: {
      RoleArn: ROLE,
      OutputDataConfig: { S3OutputPath: 's3://sim-round-trip/out' },
      ResourceConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
      StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    },
  },
  entrypoint: 'request',
  run: (requests, { yard, aws, image, wish }) => {
    const job = request<CreateTrainingJob>(requests, 'CreateTrainingJob');
    return sagemakerTraining.run(job, { yard, aws, images: { [IMAGE]: image } }, wish);
  },
};

const batch: Way = {
  name: 'aws-batch',
  given: {
    RegisterJobDefinition: {
      containerProperties: {
        jobRoleArn: ROLE,
        executionRoleArn: ROLE,
        resourceRequirements: [
          { type: 'VCPU', value: '1' },
          { type: 'MEMORY', value: '512' },
        ],
      },
    },
    SubmitJob: { jobQueue: 'queue' },
  },
  entrypoint: 'image',
  run: (requests, { yard, aws, image, wish }) => {
    const both: BatchRequests = {
      register: request(requests, 'RegisterJobDefinition'),
      submit: request(requests, 'SubmitJob'),
    };
    return awsBatch.run(both, { yard, aws, images: { [IMAGE]: image } }, wish);
  },
};

const task: Way = {
  name: 'ecs',
  given: {
    RegisterTaskDefinition: {
      taskRoleArn: ROLE,
      executionRoleArn: ROLE,
      containerDefinitions: [{ memory: 512 }],
    },
    RunTask: { launchType: 'EC2' },
  },
  entrypoint: 'request',
  run: (requests, { yard, aws, image, wish }) => {
    const both: TaskRequests = {
      register: request(requests, 'RegisterTaskDefinition'),
      run: request(requests, 'RunTask'),
    };
    return ecsTask.run(both, { yard, aws, images: { [IMAGE]: image } }, wish);
  },
};

const plain: Way = {
  name: 'local',
  given: {},
  entrypoint: 'request',
  run: (requests, { yard, aws, image, wish }) => {
    const { key } = aws.s3;
    const pairs = (image.config.env ?? []).map((one) => one.split(/=(.*)/s, 2) as [string, string]);
    const machine = {
      yard,
      image,
      reachable: aws.reachable,
      ambient: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOSTNAME: 'machine',
        HOME: accountOf(image, image.config.user ?? '').home,
        ...Object.fromEntries(pairs),
        AWS_ACCESS_KEY_ID: key.id,
        AWS_SECRET_ACCESS_KEY: key.secret,
      },
    };
    return local.run(request<LocalRequest>(requests, 'execve'), machine, wish);
  },
};

const processing: Way = {
  name: 'sagemaker-processing',
  given: {
    CreateProcessingJob: {
      RoleArn: ROLE,
      ProcessingResources: {
        ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 },
      },
    },
  },
  entrypoint: 'request',
  run: (requests, { yard, aws, image, wish }) => {
    const job = request<CreateProcessingJob>(requests, 'CreateProcessingJob');
    return sagemakerProcessing.run(job, { yard, aws, images: { [IMAGE]: image } }, wish);
  },
};

const model: Way = {
  name: 'sagemaker-model',
  given: { CreateModel: { ExecutionRoleArn: ROLE } },
  entrypoint: 'image',
  run: (requests, { yard, aws, image, wish }) => {
    const one = { model: request<CreateModel>(requests, 'CreateModel') };
    return sagemakerModel.run(one, { yard, aws, images: { [IMAGE]: image } }, wish);
  },
};

const fargate: Way = {
  ...task,
  title: 'ecs on Fargate',
  given: {
    RegisterTaskDefinition: {
      taskRoleArn: ROLE,
      executionRoleArn: ROLE,
      requiresCompatibilities: ['FARGATE'],
      networkMode: 'awsvpc',
      cpu: '256',
      memory: '512',
      containerDefinitions: [{ memory: 512 }],
    },
    RunTask: { launchType: 'FARGATE' },
  },
};

/** A training job without a network: nothing may come from a store. */
export const ISOLATED: Way = {
  ...training,
  title: 'sagemaker-training without a network',
  given: {
    CreateTrainingJob: {
      ...(training.given['CreateTrainingJob'] as object),
      EnableNetworkIsolation: true,
    },
  },
};

/** Every platform that recorded pods are taken through. */
export const WAYS: readonly Way[] = [training, batch, task, plain];

/** And those that a few of them are taken through. */
export const MORE: readonly Way[] = [processing, model, fargate];

/** And the platforms that are not of AWS's kind, or hardly. */
export const FURTHER: readonly Way[] = [
  lambda,
  vertex,
  cloudRun,
  azureMl,
  containerApps,
  databricks,
  nomad,
  slurm,
];
