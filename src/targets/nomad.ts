// Nomad jobs in JSON: hashicorp/nomad@aa026cc (2026-08-21).
import type { Json } from '../core/canonical.ts';
import { countIn, objectIn, objectsIn } from './_fields.ts';
import type { JsonObject } from './_caps.ts';
import { ENTRYPOINT_FEATURES, SHELL_NAME, indexFrom } from './_entrypoint.ts';
import { asMap, digestName, over } from './_request.ts';
import type { Job, Request, Target } from './_target.ts';

const OPERATION = 'RegisterJob';
const INDEX = 'NOMAD_ALLOC_INDEX';
const GROUP = 'Job.TaskGroups[]';
const ATTEMPTS = `${GROUP}.RestartPolicy.Attempts`;
const VARIABLES = `${GROUP}.Tasks[].Env`;
const CODE = {
  source: 'hashicorp/nomad@aa026cc (2026-08-21)',
  readOn: '2026-11-21',
  sure: 'service model',
} as const;

/** HashiCorp Nomad: a batch job of one task. */
const target: Target = {
  name: 'nomad',
  summary: 'HashiCorp Nomad batch jobs (job in JSON, by `nomad job run -json`)',
  variablesAt: { operation: OPERATION, at: VARIABLES },
  operations: [OPERATION],
  caps: [
    // job_max_source_size; the setting is the cluster's.
    { kind: 'limit', operation: OPERATION, at: '', counts: 'json', max: 1_000_000, ...CODE },
    // RestartPolicy.Validate: all delays must fit into the interval, here 90 days. A delay is 15 s
    // where nothing is said (NewRestartPolicy of a batch job).
    { kind: 'limit', operation: OPERATION, at: ATTEMPTS, counts: 'number', max: 518_400, ...CODE },
    // helper.CleanEnvVar makes an underscore of every other character.
    { kind: 'form', operation: OPERATION, at: VARIABLES, of: 'name', pattern: SHELL_NAME, ...CODE },
  ],
  reserved: [
    {
      pattern: 'NOMAD_[\\s\\S]*',
      why: 'names that begin with NOMAD_ are set by Nomad',
      ...CODE,
    },
  ],
  features: {
    ...ENTRYPOINT_FEATURES,
    variables: { by: 'request', how: 'Env; what Nomad would interpolate by the entrypoint' },
    secretVariables: {
      by: 'entrypoint',
      how: 'template blocks are not used: they read lines, trim them and take quotes away',
    },
    command: { by: 'request', how: "the driver's entrypoint starts bellhop" },
    user: {
      by: 'request',
      how: 'User is root where bellhop has to become another than the USER of the image (docker, podman)',
    },
    cpuAndMemory: {
      by: 'request',
      how: 'Resources.MemoryMB; CPU (MHz) or Cores are given in `submit.targets`',
    },
    gpu: { by: 'request', how: 'Resources.Devices (nvidia/gpu)' },
    isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
    sidecars: {
      by: 'nobody',
      how: 'give them as further Tasks in `submit.targets`, and remove them',
    },
    persistentVolume: {
      by: 'nobody',
      how: 'give Volumes and VolumeMounts in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostPath: {
      by: 'nobody',
      how: 'give a host volume in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostNamespaces: {
      by: 'nobody',
      how: 'give Config.network_mode in `submit.targets`, and remove it',
    },
    privileged: { by: 'nobody', how: 'give Config.privileged in `submit.targets`, and remove it' },
    devices: { by: 'nobody', how: 'give Config.devices in `submit.targets`, and remove it' },
    stdin: { by: 'request', how: 'Config.interactive (docker)' },
    tty: { by: 'request', how: 'Config.tty (docker)' },
    retries: {
      by: 'request',
      how: 'RestartPolicy, and no rescheduling; 3 restarts and once on another node where the manifest does not say',
    },
    completions: { by: 'request', how: 'Count of the group; all run at the same time' },
    completionIndex: { by: 'entrypoint', how: `from ${INDEX}` },
  },
  start: 'request',
  stop: 'SIGTERM, SIGKILL after 30 s (KillSignal and KillTimeout of the request)',
  rank: 1,
  gives: [
    {
      pattern: 'NOMAD_[A-Za-z0-9_]+',
      source: 'hashicorp/nomad@aa026cc (2026-08-21)',
      readOn: '2026-11-22',
      sure: 'documented',
    },
  ],
  indexVariable: INDEX,
  detect(inside) {
    if (inside.variable('NOMAD_ALLOC_ID') === undefined) return undefined;
    const job = inside.variable('NOMAD_JOB_ID');
    return { ...(job === undefined ? {} : { job }), ...indexFrom(inside, INDEX) };
  },
  // The agent replaces `${NAME}` and has no escape for it; `%{` is a directive where HCL reads it.
  literal: (value) => (/[$%]\{/.test(value) ? undefined : value),
  userAt: { operation: OPERATION, at: 'Job.TaskGroups[].Tasks[].User' },
  mounts: ({ given }) => {
    const [group = {}] = objectsIn(objectIn(given(OPERATION), 'Job'), 'TaskGroups');
    const [task = {}] = objectsIn(group, 'Tasks');
    const { privileged, cap_add: added } = objectIn(task, 'Config');
    return privileged !== true && added === undefined ? false : undefined;
  },
  nodes: ({ given }) => {
    const [group = {}] = objectsIn(objectIn(given(OPERATION), 'Job'), 'TaskGroups');
    return countIn(group, 'Count');
  },
  running: {
    retries: {
      operation: OPERATION,
      at: ATTEMPTS,
      or: [{ operation: OPERATION, at: `${GROUP}.Tasks[].RestartPolicy.Attempts` }],
    },
    tasks: { operation: OPERATION, at: `${GROUP}.Count` },
  },
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [registration(job)],
  wants: {
    [OPERATION]: {
      'Job.TaskGroups[].Tasks[].Config.image': "the image: the container's `image`",
    },
  },
};

export default target;

const NAME_LENGTH_MAX = 63;
const KILL_TIMEOUT_NS = 30_000_000_000;
/** 90 days: the longest that is exact in JSON. */
const RESTARTS_WITHIN_NS = 7_776_000_000_000_000;

function registration(job: Job): Request {
  const given = job.given(OPERATION);
  const own = objectIn(given, 'Job');
  const [group = {}, ...groups] = objectsIn(own, 'TaskGroups');
  const [task = {}, ...others] = objectsIn(group, 'Tasks');
  const { tasks } = job.needs;
  const input = over(given, {
    Job: over(own, {
      ID: job.name,
      Name: job.name,
      Type: own['Type'] ?? 'batch',
      Meta: { 'bellhop.digest': job.digest },
      TaskGroups: [
        over(group, {
          Name: group['Name'] ?? 'main',
          Count: tasks,
          ...restartsOf(job, group),
          Tasks: [over(task, taskOf(job, task)), ...others],
        }),
        ...groups,
      ],
    }),
  });
  const argv = ['nomad', 'job', 'run', '-detach', '-json', '-'];
  return {
    operation: OPERATION,
    input,
    send: { by: 'command', argv, stdin: JSON.stringify(input) },
  };
}

/**
 * Attempts are counted within an interval, which is longer than a job takes; DefaultBatchJob… of
 * nomad/structs has one of a day, and tries once more on another node.
 */
function restartsOf({ needs }: Job, group: JsonObject): { readonly [name: string]: JsonObject } {
  if (needs.retries === undefined) return {};
  const own = objectIn(group, 'ReschedulePolicy');
  return {
    RestartPolicy: { Attempts: needs.retries, Interval: RESTARTS_WITHIN_NS, Mode: 'fail' },
    ...(Object.keys(own).length > 0 ? {} : { ReschedulePolicy: { Attempts: 0, Unlimited: false } }),
  };
}

function taskOf(job: Job, given: JsonObject): { readonly [name: string]: Json | undefined } {
  const [command, ...args] = job.start.map(unevaluated);
  return {
    Name: given['Name'] ?? job.container,
    // Of drivers that run images; others have no `image`, and refuse the job.
    Driver: given['Driver'] ?? 'docker',
    Config: over(objectIn(given, 'Config'), {
      image: job.image,
      entrypoint: command === undefined ? undefined : [command],
      args: command === undefined ? undefined : args,
      interactive: job.needs.stdin,
      tty: job.needs.tty,
    }),
    User: job.user,
    Env: asMap(job.variables),
    // As a kubelet ends a container.
    KillSignal: given['KillSignal'] ?? 'SIGTERM',
    KillTimeout: given['KillTimeout'] ?? KILL_TIMEOUT_NS,
    Resources: resourcesOf(job),
  };
}

function resourcesOf({ needs: { memoryMiB, gpus } }: Job): JsonObject | undefined {
  const resources = {
    ...(memoryMiB === undefined ? {} : { MemoryMB: memoryMiB }),
    ...(gpus === undefined ? {} : { Devices: [{ Name: 'nvidia/gpu', Count: gpus }] }),
  };
  return Object.keys(resources).length === 0 ? undefined : resources;
}

/** The driver's configuration is a template of HCL, which has an escape. */
function unevaluated(word: string): string {
  return word.replaceAll('${', '$$${').replaceAll('%{', '%%{');
}
