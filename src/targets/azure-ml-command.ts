// Azure Machine Learning command jobs: azure-ai-ml 1.35.2 (its REST client of 2023-04-01).
import { countIn, objectIn, textIn } from './_fields.ts';
import { READ_ON, RESOURCE, arm, within } from './_azure.ts';
import {
  ENTRYPOINT_FEATURES,
  SHELL_NAME,
  SHELL_OWN,
  SHELL_NAME_FACT,
  plainly,
  shellWord,
} from './_entrypoint.ts';
import { asMap, digestName, over } from './_request.ts';
import type { Job, Request, Target } from './_target.ts';

const ENVIRONMENT = 'CreateEnvironmentVersion';
const OPERATION = 'CreateCommandJob';
const VARIABLES = 'properties.environmentVariables';
const VERSION = '2023-04-01';

/** Azure Machine Learning: a command job. */
const target: Target = {
  name: 'azure-ml-command',
  summary: 'Azure Machine Learning command jobs (PUT of a job, by `az rest`)',
  variablesAt: { operation: OPERATION, at: VARIABLES },
  operations: [ENVIRONMENT, OPERATION],
  caps: [
    {
      kind: 'form',
      operation: OPERATION,
      at: VARIABLES,
      of: 'name',
      pattern: SHELL_NAME,
      ...SHELL_NAME_FACT,
    },
    {
      kind: 'form',
      operation: OPERATION,
      at: 'properties.command',
      of: 'text',
      pattern: '[\\s\\S]+',
      source: 'azure-ai-ml 1.35.2 (CommandJob: command is required)',
      readOn: READ_ON,
      sure: 'service model',
    },
  ],
  reserved: [
    {
      pattern: 'AZUREML_[\\s\\S]*|MSI_ENDPOINT|MSI_SECRET',
      why: 'the platform sets this name itself',
      source: 'azure-identity 1.27.0 (MSI_*)',
      readOn: READ_ON,
      sure: 'public report',
    },
  ],
  features: {
    ...ENTRYPOINT_FEATURES,
    variables: {
      by: 'request',
      how: 'environmentVariables; what a shell might change by the entrypoint',
    },
    secretVariables: { by: 'entrypoint', how: 'command jobs have no secrets of their own' },
    command: {
      by: 'request',
      how: "command is a line of shell that becomes bellhop; the image's ENTRYPOINT is not run",
    },
    cpuAndMemory: { by: 'nobody', how: 'choose a compute (computeId) that has as much' },
    gpu: { by: 'nobody', how: 'choose a compute (computeId) that has as many' },
    isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
    sidecars: { by: 'nobody', how: 'give them as properties.services, or start them in the image' },
    persistentVolume: {
      by: 'nobody',
      how: 'give an input (uri_folder) in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostPath: {
      by: 'nobody',
      how: 'give an input (uri_folder); then `volumes: { NAME: present }`',
    },
    hostNamespaces: { by: 'nobody', how: 'the container has its own: remove it' },
    privileged: { by: 'nobody', how: 'no container is privileged: remove it' },
    devices: { by: 'nobody', how: 'only what the compute brings: remove it' },
    timeLimit: { by: 'request', how: 'limits.timeout' },
  },
  start: 'request',
  stop: 'not documented',
  rank: 2,
  gives: [
    {
      pattern: 'AZUREML_[A-Z_]+',
      source: 'names of the SDK azureml-core; no document of the vendor was read',
      readOn: '2026-11-22',
      sure: 'weak',
    },
    {
      pattern: 'MSI_(ENDPOINT|SECRET)',
      source: 'azure-identity 1.27.0 (MSI_*)',
      readOn: '2026-11-22',
      sure: 'documented',
      isCommon: true,
    },
  ],
  detect(inside) {
    // Neither name was seen in a vendor's document.
    const job = inside.variable('AZUREML_RUN_ID');
    if (job !== undefined) return { job };
    return inside.variable('AZUREML_ARM_WORKSPACE_NAME') === undefined ? undefined : {};
  },
  literal: plainly,
  running: { time: { operation: OPERATION, at: 'properties.limits.timeout', of: 'job' } },
  strips: SHELL_OWN,
  differs: ['the program is not PID 1: processes of Azure ML run beside it'],
  nodes: ({ given }) => {
    const properties = objectIn(given(OPERATION), 'properties');
    return countIn(objectIn(properties, 'resources'), 'instanceCount');
  },
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [environment(job), creation(job)],
  wants: {
    [OPERATION]: {
      [RESOURCE]: 'the workspace: /subscriptions/…/workspaces/NAME',
      'properties.computeId': 'the compute that it runs on, by its resource id',
    },
    [ENVIRONMENT]: { 'properties.image': "the image: the container's `image`" },
  },
};

export default target;

const NAME_LENGTH_MAX = 63;

function environmentName({ name }: Job): string {
  return `bellhop-${name}`;
}

/** The image as an environment of the workspace, which is what a job can name. */
function environment(job: Job): Request {
  const { resource } = within(job.given(OPERATION));
  const input = over(job.given(ENVIRONMENT), { properties: { image: job.image } });
  const path = `${resource}/environments/${environmentName(job)}/versions/1`;
  return arm(ENVIRONMENT, input, { method: 'put', path, version: VERSION });
}

function creation(job: Job): Request {
  const { resource, body } = within(job.given(OPERATION));
  const { secondsMax } = job.needs;
  const properties = objectIn(body, 'properties');
  const own = `${resource}/environments/${environmentName(job)}/versions/1`;
  const input = over(body, {
    properties: over(properties, {
      jobType: 'Command',
      displayName: properties['displayName'] ?? job.name,
      // The shell becomes bellhop, so that signals reach what it becomes.
      command: job.start.length === 0 ? undefined : `exec ${job.start.map(shellWord).join(' ')}`,
      environmentId: textIn(properties, 'environmentId') ?? own,
      environmentVariables: asMap(job.variables),
      limits:
        secondsMax === undefined
          ? undefined
          : { jobLimitsType: 'Command', timeout: `PT${secondsMax}S` },
      tags: over(objectIn(properties, 'tags'), { 'bellhop-digest': job.digest }),
    }),
  });
  return arm(OPERATION, input, {
    method: 'put',
    path: `${resource}/jobs/${job.name}`,
    version: VERSION,
  });
}
