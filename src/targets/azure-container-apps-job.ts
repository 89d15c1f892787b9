// Azure Container Apps jobs: azure-mgmt-appcontainers 5.1.0 (api-version 2026-07-01).
import type { Json } from '../core/canonical.ts';
import type { Needs } from '../plan/needs.ts';
import { countIn, objectIn, objectsIn } from './_fields.ts';
import { READ_ON, RESOURCE, arm, identityOf, within } from './_azure.ts';
import type { JsonObject } from './_caps.ts';
import { ENTRYPOINT_FEATURES } from './_entrypoint.ts';
import { started } from './_google.ts';
import { appended, asList, digestName, over } from './_request.ts';
import type { Job, NativeSecret, Request, SecretWish, Target } from './_target.ts';

const OPERATION = 'CreateOrUpdateJob';
const START = 'StartJob';
const ENV = 'properties.template.containers[].env';
const CONFIGURATION = 'properties.configuration';
const MANUAL = `${CONFIGURATION}.manualTriggerConfig`;
const VERSION = '2026-07-01';

/** Azure Container Apps: a job that is started by hand. */
const target: Target = {
  name: 'azure-container-apps-job',
  summary: 'Azure Container Apps jobs (PUT of Microsoft.App/jobs and start, by `az rest`)',
  variablesAt: { operation: OPERATION, at: ENV },
  operations: [OPERATION, START],
  // The model has no limits.
  caps: [
    {
      kind: 'form',
      operation: OPERATION,
      at: `${CONFIGURATION}.triggerType`,
      of: 'text',
      pattern: 'Manual',
      why: 'must be Manual, since the job is started as soon as it is there',
      source: 'azure-mgmt-appcontainers 5.1.0',
      readOn: '2026-11-22',
      sure: 'documented',
    },
  ],
  reserved: [
    {
      pattern: 'CONTAINER_APP_[\\s\\S]*|IDENTITY_ENDPOINT|IDENTITY_HEADER',
      why: 'the platform sets this name itself',
      source: 'azure-identity 1.27.0 (IDENTITY_*); vendor page (CONTAINER_APP_*)',
      readOn: READ_ON,
      sure: 'documented',
    },
  ],
  features: {
    ...ENTRYPOINT_FEATURES,
    variables: {
      by: 'request',
      how: 'containers[].env; what a cluster would expand by the entrypoint',
    },
    secretVariables: {
      by: 'request',
      how: 'secretRef to a secret of Key Vault, where the job has one identity; others by the entrypoint',
    },
    command: { by: 'request', how: 'containers[].command starts bellhop' },
    cpuAndMemory: { by: 'request', how: 'resources: the smallest size that has as much' },
    gpu: { by: 'nobody', how: 'give a workloadProfileName that has them, and remove it' },
    isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
    sidecars: {
      by: 'nobody',
      how: 'give them as further containers in `submit.targets`, and remove them',
    },
    persistentVolume: {
      by: 'nobody',
      how: 'give volumes (AzureFile) and volumeMounts in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostPath: { by: 'nobody', how: 'there is no host: put the data into the image or AzureFile' },
    hostNamespaces: { by: 'nobody', how: 'there is no host: remove it' },
    privileged: { by: 'nobody', how: 'no container is privileged: remove it' },
    devices: { by: 'nobody', how: 'there are none: remove it' },
    retries: { by: 'request', how: 'replicaRetryLimit' },
    timeLimit: {
      by: 'request',
      how: 'replicaTimeout, of each replica; a day where the manifest does not say',
    },
    completions: { by: 'request', how: 'replicaCompletionCount and parallelism' },
  },
  start: 'request',
  stop: 'SIGTERM; how long it has is not documented for jobs',
  rank: 2,
  gives: [
    {
      pattern: 'CONTAINER_APP_[A-Z_]+',
      source: 'azure-identity 1.27.0 (IDENTITY_*); vendor page (CONTAINER_APP_*)',
      readOn: '2026-11-22',
      sure: 'documented',
    },
    {
      pattern: 'IDENTITY_(ENDPOINT|HEADER)',
      source: 'azure-identity 1.27.0 (IDENTITY_*)',
      readOn: '2026-11-22',
      sure: 'documented',
      isCommon: true,
    },
  ],
  detect(inside) {
    const job =
      inside.variable('CONTAINER_APP_JOB_EXECUTION_NAME') ??
      inside.variable('CONTAINER_APP_JOB_NAME');
    return job === undefined ? undefined : { job };
  },
  // What runs the container is a cluster: that it does not expand as one is not documented.
  literal: (value) => (/\$[($]/.test(value) ? undefined : value),
  secret: vaultUrl,
  nodes: ({ given }) => {
    const configuration = objectIn(objectIn(given(OPERATION), 'properties'), 'configuration');
    return countIn(objectIn(configuration, 'manualTriggerConfig'), 'parallelism');
  },
  running: {
    retries: { operation: OPERATION, at: `${CONFIGURATION}.replicaRetryLimit` },
    time: { operation: OPERATION, at: `${CONFIGURATION}.replicaTimeout`, of: 'attempt' },
    tasks: { operation: OPERATION, at: `${MANUAL}.replicaCompletionCount` },
    parallel: { operation: OPERATION, at: `${MANUAL}.parallelism` },
  },
  nameOf: (name, digest) => {
    const made = digestName(name, digest, NAME_LENGTH_MAX - 1).toLowerCase();
    return /^[a-z]/.test(made) ? made : `j${made}`;
  },
  render: (job) => [creation(job), start(job)],
  wants: {
    [OPERATION]: {
      [RESOURCE]: 'the resource group: /subscriptions/…/resourceGroups/NAME',
      location: 'the region, e.g. westeurope',
      'properties.environmentId': 'the environment that it runs in, by its resource id',
      'properties.template.containers[].image': "the image: the container's `image`",
    },
  },
};

export default target;

const NAME_LENGTH_MAX = 32;
const REPLICA_TIMEOUT_SECONDS = 86_400;

function jobPath({ name, given }: Job): string {
  const { resource } = within(given(OPERATION));
  return `${resource}/providers/Microsoft.App/jobs/${name}`;
}

function creation(job: Job): Request {
  const { body } = within(job.given(OPERATION));
  const { retries, secondsMax } = job.needs;
  const properties = objectIn(body, 'properties');
  const template = objectIn(properties, 'template');
  const [first = {}, ...others] = objectsIn(template, 'containers');
  const configuration = objectIn(properties, 'configuration');
  const input = over(body, {
    properties: over(properties, {
      configuration: over(configuration, {
        triggerType: configuration['triggerType'] ?? 'Manual',
        replicaTimeout: secondsMax ?? configuration['replicaTimeout'] ?? REPLICA_TIMEOUT_SECONDS,
        replicaRetryLimit: retries,
        manualTriggerConfig: triggerOf(job.needs, objectIn(configuration, 'manualTriggerConfig')),
        secrets:
          job.secrets.length === 0
            ? undefined
            : appended(configuration['secrets'], job.secrets.map(asSecret), 'name'),
      }),
      template: over(template, { containers: [over(first, containerOf(job, first)), ...others] }),
    }),
    tags: over(objectIn(body, 'tags'), { 'bellhop-digest': job.digest }),
  });
  return arm(OPERATION, input, { method: 'put', path: jobPath(job), version: VERSION });
}

/** How many, and how many at the same time: all of them where nobody says otherwise. */
function triggerOf({ tasks, parallel }: Needs, given: JsonObject): JsonObject | undefined {
  if (tasks === undefined && parallel === undefined) return undefined;
  const atOnce = parallel ?? given['parallelism'] ?? tasks;
  return over({}, { replicaCompletionCount: tasks, parallelism: atOnce });
}

function start(job: Job): Request {
  const path = `${jobPath(job)}/start`;
  return arm(START, job.given(START), { method: 'post', path, version: VERSION });
}

function containerOf(job: Job, given: JsonObject): { readonly [name: string]: Json | undefined } {
  const secrets = job.secrets.map((one): JsonObject => {
    return { name: one.name, secretRef: secretId(one) };
  });
  const size = sizeFor(job.needs);
  return {
    name: given['name'] ?? job.container,
    image: job.image,
    ...started(job),
    env: appended(given['env'], [...asList(job.variables), ...secrets], 'name'),
    resources: given['resources'] ?? size,
  };
}

/** Names have lower-case letters, digits and dashes: the variable's, made unmistakable. */
function secretId({ name }: NativeSecret): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const hex = Buffer.from(name).toString('hex');
  return `v-${plain.replaceAll(/^-+|-+$/g, '')}-${hex}`;
}

function asSecret(one: NativeSecret): JsonObject {
  const [identity = '', keyVaultUrl = ''] = one.from.split(' ');
  return { name: secretId(one), keyVaultUrl, identity };
}

const VAULTS = String.raw`\.vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)`;
const NAMES = '[0-9a-z-]{1,127}(?:/[0-9a-z]{1,64})?';
const VAULT_SECRET = new RegExp(`^https://[a-z0-9-]+${VAULTS}/secrets/${NAMES}$`, 'i');

/** Identity and address of a whole secret, where the job has the one identity to read it with. */
function vaultUrl({ reference, store, given }: SecretWish): string | undefined {
  const { path, key, version } = reference;
  if (store.kind !== 'azure-key-vault' || key !== undefined) return undefined;
  if (['auth', 'url', 'resource'].some((name) => store[name] !== undefined)) return undefined;
  const identity = identityOf(given(OPERATION));
  if (identity === undefined) return undefined;
  const vault = typeof store['vault'] === 'string' ? store['vault'] : '';
  const address = path.includes('/') ? path : `https://${vault}.vault.azure.net/secrets/${path}`;
  const url = version === undefined ? address : `${address}/${version}`;
  return VAULT_SECRET.test(url) ? `${identity} ${url}` : undefined;
}

const CPU_STEP = 0.25;
const CPUS_MAX = 4;
const MIB_PER_CPU = 2048;

/**
 * The smallest size of the Consumption plan that has as much: a quarter of a CPU and half a GiB up
 * to 4 and 8 (learn.microsoft.com/azure/container-apps/containers, read 2026-11-21).
 */
function sizeFor({ cpus, memoryMiB }: Needs): JsonObject | undefined {
  if (cpus === undefined && memoryMiB === undefined) return undefined;
  const wanted = Math.max(cpus ?? 0, (memoryMiB ?? 0) / MIB_PER_CPU);
  const cpu = Math.max(CPU_STEP, Math.ceil(wanted / CPU_STEP) * CPU_STEP);
  return cpu > CPUS_MAX ? undefined : { cpu, memory: `${cpu * 2}Gi` };
}
