// What each operation needs beside what is adapted.
import type { JsonObject } from '../../src/targets/_caps.ts';

const ROLE = 'arn:aws:iam::123456789012:role/r';
/** The image of every request. */
export const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1';

/** What each operation needs beside what is adapted. */
export const BASE: Readonly<Record<string, JsonObject>> = {
  CreateTrainingJob: {
    TrainingJobName: 'job-1',
    AlgorithmSpecification: { TrainingImage: IMAGE, TrainingInputMode: 'File' },
    RoleArn: ROLE,
    OutputDataConfig: { S3OutputPath: 's3://b/o' },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 1 },
    StoppingCondition: { MaxRuntimeInSeconds: 60 },
  },
  CreateProcessingJob: {
    ProcessingJobName: 'job-1',
    AppSpecification: { ImageUri: IMAGE },
    RoleArn: ROLE,
    ProcessingResources: {
      ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 1 },
    },
  },
  CreateHyperParameterTuningJob: {
    HyperParameterTuningJobName: 'tuning-1',
    HyperParameterTuningJobConfig: {
      Strategy: 'Bayesian',
      ResourceLimits: { MaxParallelTrainingJobs: 1 },
    },
    TrainingJobDefinition: {
      AlgorithmSpecification: { TrainingImage: IMAGE, TrainingInputMode: 'File' },
      RoleArn: ROLE,
      OutputDataConfig: { S3OutputPath: 's3://b/o' },
      ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 1 },
      StoppingCondition: { MaxRuntimeInSeconds: 60 },
    },
  },
  CreateTransformJob: {
    TransformJobName: 'transform-1',
    ModelName: 'model-1',
    TransformInput: { DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://b/i' } } },
    TransformOutput: { S3OutputPath: 's3://b/o' },
    TransformResources: { InstanceType: 'ml.m5.large', InstanceCount: 1 },
  },
  CreateModel: {
    ModelName: 'model-1',
    ExecutionRoleArn: ROLE,
    PrimaryContainer: { Image: IMAGE },
  },
  CreateFunction: {
    FunctionName: 'function-1',
    Role: ROLE,
    PackageType: 'Image',
    Code: { ImageUri: IMAGE },
  },
  RegisterJobDefinition: {
    jobDefinitionName: 'definition-1',
    type: 'container',
    containerProperties: {
      image: IMAGE,
      executionRoleArn: ROLE,
      resourceRequirements: [
        { type: 'VCPU', value: '1' },
        { type: 'MEMORY', value: '512' },
      ],
      secrets: [{ name: 'ITS_OWN', valueFrom: '/its/own' }],
    },
    retryStrategy: { attempts: 2 },
  },
  SubmitJob: {
    jobName: 'job-1',
    jobQueue: 'queue-1',
    jobDefinition: 'definition-1:3',
    parameters: { input: 'the input' },
    containerOverrides: { resourceRequirements: [{ type: 'VCPU', value: '2' }] },
  },
  RunTask: {
    taskDefinition: 'family-1',
    cluster: 'cluster-1',
    launchType: 'FARGATE',
    overrides: { taskRoleArn: ROLE, containerOverrides: [{ name: 'web', cpu: 256 }] },
  },
  RegisterTaskDefinition: {
    family: 'family-1',
    executionRoleArn: ROLE,
    requiresCompatibilities: ['EC2', 'FARGATE'],
    networkMode: 'awsvpc',
    cpu: '256',
    memory: '512',
    containerDefinitions: [
      {
        name: 'web',
        image: IMAGE,
        essential: true,
        secrets: [{ name: 'ITS_OWN', valueFrom: '/its/own' }],
      },
    ],
  },
};
