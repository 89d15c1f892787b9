// A legal request for each platform, to be changed by tests.
import type { BatchRequests, ContainerProperties, SubmitJob } from './aws-batch.ts';
import type { CloudRunRequests } from './cloud-run-job.ts';
import type {
  ContainerDefinition,
  RunTask,
  TaskDefinition,
  TaskRequests,
} from './_ecs-requests.ts';
import type { CreateFunction, LambdaRequests } from './lambda-image.ts';
import type { ModelRequests } from './sagemaker-model.ts';
import type { CreateProcessingJob } from './sagemaker-processing.ts';
import type { CreateTrainingJob } from './sagemaker-training.ts';
import type { CustomJob } from './vertex-custom-job.ts';

export const ROLE = 'arn:aws:iam::123456789012:role/trainer';
export const IMAGE = 'image';

const RESOURCES = { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 };

/** CreateTrainingJob. */
export function training(changes: Partial<CreateTrainingJob> = {}): CreateTrainingJob {
  return {
    TrainingJobName: 'job-1',
    AlgorithmSpecification: { TrainingImage: IMAGE, TrainingInputMode: 'File' },
    RoleArn: ROLE,
    OutputDataConfig: { S3OutputPath: 's3://bucket/out' },
    ResourceConfig: RESOURCES,
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    ...changes,
  };
}

/** CreateProcessingJob. */
export function processing(changes: Partial<CreateProcessingJob> = {}): CreateProcessingJob {
  const cluster = { InstanceCount: 1, InstanceType: 'ml.m5.large', VolumeSizeInGB: 10 };
  return {
    ProcessingJobName: 'job-1',
    AppSpecification: { ImageUri: IMAGE },
    ProcessingResources: { ClusterConfig: cluster },
    RoleArn: ROLE,
    ...changes,
  };
}

/** CreateModel with variables, and a transform job's. */
export function model(
  variables: Readonly<Record<string, string>>,
  transform?: Readonly<Record<string, string>>,
): ModelRequests {
  return {
    model: {
      ModelName: 'model-1',
      ExecutionRoleArn: ROLE,
      PrimaryContainer: { Image: IMAGE, Environment: variables },
    },
    ...(transform === undefined ? {} : { transform: { Environment: transform } }),
  };
}

/** RegisterTaskDefinition of one container, and RunTask. */
export function task(
  container: Partial<ContainerDefinition> = {},
  run: Partial<RunTask> = {},
  more: Partial<TaskDefinition> = {},
): TaskRequests {
  return {
    register: {
      family: 'family',
      executionRoleArn: ROLE,
      taskRoleArn: ROLE,
      containerDefinitions: [{ name: 'main', image: IMAGE, memory: 512, ...container }],
      ...more,
    },
    run: { taskDefinition: 'family', launchType: 'EC2', ...run },
  };
}

/** RegisterJobDefinition of a container, and SubmitJob. */
export function batch(
  container: Partial<ContainerProperties> = {},
  submit: Partial<SubmitJob> = {},
): BatchRequests {
  return {
    register: {
      jobDefinitionName: 'job',
      type: 'container',
      containerProperties: {
        image: IMAGE,
        jobRoleArn: ROLE,
        executionRoleArn: ROLE,
        resourceRequirements: [
          { type: 'VCPU', value: '1' },
          { type: 'MEMORY', value: '512' },
        ],
        ...container,
      },
    },
    submit: { jobName: 'job-1', jobQueue: 'queue', jobDefinition: 'job', ...submit },
  };
}

/** CreateFunction of an image. */
export function lambda(changes: Partial<CreateFunction> = {}): LambdaRequests {
  return {
    create: {
      FunctionName: 'function-1',
      Role: ROLE,
      PackageType: 'Image',
      Code: { ImageUri: IMAGE },
      ...changes,
    },
  };
}

type VertexSpec = NonNullable<CustomJob['jobSpec']['workerPoolSpecs'][number]['containerSpec']>;

/** A CustomJob of one replica. */
export function vertex(spec: Partial<VertexSpec> = {}): CustomJob {
  const machineSpec = { machineType: 'n1-standard-4' };
  const pool = { machineSpec, replicaCount: '1', containerSpec: { imageUri: IMAGE, ...spec } };
  return { displayName: 'job', jobSpec: { workerPoolSpecs: [pool] } };
}

type RunContainer = CloudRunRequests['job']['template']['template']['containers'][number];

/** A Cloud Run job of one container. */
export function cloudRun(
  container: Partial<RunContainer> = {},
  more: Partial<CloudRunRequests> = {},
): CloudRunRequests {
  return {
    jobId: 'job',
    job: { template: { template: { containers: [{ image: IMAGE, ...container }] } } },
    ...more,
  };
}

/** So many variables of one value, as a map. */
export function many(count: number, value: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`K${at}`, value]));
}

/** The same as a list of pairs. */
export function pairs(count: number, value: string): { name: string; value: string }[] {
  return Object.entries(many(count, value)).map(([name, one]) => ({ name, value: one }));
}
