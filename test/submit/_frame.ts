// A job as a target is given it, with everything that it wants of the user.
import type { Frame } from '../../src/submit/split.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import type { Target } from '../../src/targets/_target.ts';

/** What the operations of the targets need beside the pod. */
export const GIVEN: Readonly<Record<string, JsonObject>> = {
  CreateTrainingJob: {
    RoleArn: 'arn:aws:iam::123456789012:role/job',
    OutputDataConfig: { S3OutputPath: 's3://bucket/output' },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
  },
  CreateProcessingJob: {
    RoleArn: 'arn:aws:iam::123456789012:role/job',
    ProcessingResources: {
      ClusterConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 },
    },
  },
  CreateModel: { ExecutionRoleArn: 'arn:aws:iam::123456789012:role/job' },
  RegisterJobDefinition: {
    containerProperties: { executionRoleArn: 'arn:aws:iam::123456789012:role/agent' },
  },
  SubmitJob: { jobQueue: 'queue' },
  RegisterTaskDefinition: { executionRoleArn: 'arn:aws:iam::123456789012:role/agent' },
  RunTask: { cluster: 'default' },
  CreateFunction: { Role: 'arn:aws:iam::123456789012:role/job' },
  CreateCustomJob: {
    parent: 'projects/p/locations/us-central1',
    jobSpec: { workerPoolSpecs: [{ machineSpec: { machineType: 'n1-standard-4' } }] },
  },
  CreateJob: { parent: 'projects/p/locations/us-central1' },
  CreateCommandJob: {
    resource:
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w',
    properties: { computeId: '/subscriptions/s/computes/c' },
  },
  SubmitRun: {
    tasks: [
      {
        new_cluster: { spark_version: '16.4.x-scala2.12', node_type_id: 'm5.large' },
        spark_python_task: { python_file: '/Workspace/Shared/bellhop.py' },
      },
    ],
  },
  CreateOrUpdateJob: {
    resource: '/subscriptions/s/resourceGroups/g',
    location: 'westeurope',
    properties: { environmentId: '/subscriptions/s/resourceGroups/g/env' },
  },
};

export const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1';

/** The frame of a job called `train`. */
export function frameFor(target: Target): Frame {
  const digest = '0123456789abcdef'.repeat(4);
  return {
    name: target.nameOf('train', digest),
    digest,
    image: IMAGE,
    container: 'main',
    start: target.start === 'image' ? [] : ['bellhop', 'run'],
    needs: { cpus: 0.5, memoryMiB: 2048 },
    given: (operation) => GIVEN[operation] ?? {},
  };
}
