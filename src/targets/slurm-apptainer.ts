// Slurm with Apptainer: manual pages of slurm-client 22.05.8; apptainer/apptainer-userdocs@94391c5.
import type { Json } from '../core/canonical.ts';
import type { Needs } from '../plan/needs.ts';
import { countIn, objectIn } from './_fields.ts';
import type { JsonObject } from './_caps.ts';
import {
  ENTRYPOINT_FEATURES,
  SHELL_NAME,
  SHELL_NAME_FACT,
  indexFrom,
  plainly,
  shellWord,
} from './_entrypoint.ts';
import { asMap, digestName, over } from './_request.ts';
import type { Job, Request, Target } from './_target.ts';

const OPERATION = 'sbatch';
const INDEX = 'SLURM_ARRAY_TASK_ID';
const READ_ON = '2026-11-21';
const SLURM = {
  source: 'slurm-client 22.05.8, manual pages',
  readOn: READ_ON,
  sure: 'documented',
} as const;
const APPTAINER = {
  source: 'apptainer/apptainer-userdocs@94391c5, environment and metadata',
  readOn: READ_ON,
  sure: 'documented',
} as const;
const EXECVE = {
  source: 'measured by bisection, Linux 6.18',
  readOn: READ_ON,
  sure: 'measured',
} as const;
const PREFIX = 'APPTAINERENV_';

/** Slurm: a batch script that starts the image by Apptainer. */
const target: Target = {
  name: 'slurm-apptainer',
  summary: 'Slurm batch jobs in an Apptainer container (a script for `sbatch`)',
  variablesAt: { operation: OPERATION, at: 'environment' },
  operations: [OPERATION],
  caps: [
    { kind: 'limit', operation: OPERATION, at: 'script', counts: 'text', max: 4_194_304, ...SLURM },
    {
      kind: 'form',
      operation: OPERATION,
      at: 'environment',
      of: 'name',
      pattern: SHELL_NAME,
      ...SHELL_NAME_FACT,
    },
    // The script's variables reach Apptainer by execve, under a longer name.
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'environment',
      counts: 'entry',
      max: 131_072 - PREFIX.length,
      ...EXECVE,
    },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'environment',
      counts: 'environment',
      // 2 MiB are for what the script exports and for what the node has besides.
      max: 1_048_576,
      ...EXECVE,
    },
    {
      kind: 'form',
      operation: OPERATION,
      at: 'options',
      of: 'name',
      pattern: '[a-z][a-z0-9-]*',
      ...SLURM,
    },
    {
      kind: 'form',
      operation: OPERATION,
      at: 'options',
      of: 'value',
      pattern: "[^'\\\\\\n\\r]*",
      ...SLURM,
    },
  ],
  reserved: [
    {
      pattern: 'PATH|LD_LIBRARY_PATH|HOME|PS1|PROMPT_COMMAND',
      why: 'Apptainer sets or rewrites this name itself',
      ...APPTAINER,
    },
    {
      pattern: '(?:APPTAINER|SINGULARITY|SLURM|SBATCH|SRUN)[\\s\\S]*',
      why: 'the name is one of Slurm or Apptainer',
      ...APPTAINER,
    },
  ],
  features: {
    ...ENTRYPOINT_FEATURES,
    variables: {
      by: 'request',
      how: 'APPTAINERENV_NAME in the script; what its shell might change by the entrypoint',
    },
    secretVariables: { by: 'entrypoint', how: 'Slurm has no secrets of its own' },
    command: { by: 'request', how: '`apptainer exec` starts bellhop' },
    files: {
      by: 'entrypoint',
      how: 'written where the user may write; elsewhere give `apptainer: [--fakeroot]` in `submit.targets`',
    },
    user: { by: 'nobody', how: 'it is the user who submits: `policy: { identity: keep }`' },
    cpuAndMemory: { by: 'request', how: '--cpus-per-task and --mem' },
    gpu: { by: 'request', how: '--gpus-per-task, and --nv of Apptainer' },
    isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
    sidecars: { by: 'nobody', how: 'one container a task: start what is needed from the image' },
    persistentVolume: {
      by: 'nobody',
      how: 'give `apptainer: [--bind, SOURCE:PATH]` in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostPath: {
      by: 'nobody',
      how: 'give `apptainer: [--bind, SOURCE:PATH]` in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostNamespaces: {
      by: 'nobody',
      how: 'give flags of Apptainer in `submit.targets`, and remove it',
    },
    privileged: { by: 'nobody', how: 'the container runs as the user: remove it' },
    devices: { by: 'nobody', how: 'give `apptainer: [--bind, /dev/…]` in `submit.targets`' },
    retries: {
      by: 'request',
      how: '0 as --no-requeue; a program that failed is never started again',
    },
    timeLimit: { by: 'request', how: '--time, of each task, in whole minutes' },
    completions: {
      by: 'request',
      how: '--array=0-N, and %P of them at the same time; how many is up to MaxArraySize of the cluster (1,001 by default)',
    },
    completionIndex: { by: 'entrypoint', how: `from ${INDEX}` },
  },
  start: 'request',
  stop: 'SIGTERM, SIGKILL after KillWait of the cluster (30 s)',
  rank: 1,
  gives: [
    {
      pattern: 'SLURM_[A-Z_]+',
      source: 'slurm-client 22.05.8, manual pages',
      readOn: '2026-11-22',
      sure: 'documented',
    },
    {
      pattern: '(APPTAINER|SINGULARITY)_[A-Z_]+',
      source: 'apptainer/apptainer-userdocs@94391c5, environment and metadata',
      readOn: '2026-11-22',
      sure: 'documented',
    },
  ],
  indexVariable: INDEX,
  detect(inside) {
    const job = inside.variable('SLURM_JOB_ID');
    if (job === undefined) return undefined;
    const nodes = Number(inside.variable('SLURM_NTASKS') ?? '1');
    const index = indexFrom(inside, INDEX);
    return { job, ...index, ...(Number.isSafeInteger(nodes) && nodes > 0 ? { nodes } : {}) };
  },
  literal: plainly,
  differs: [
    'the user and its HOME are those of the cluster, and the program is not PID 1',
    "where neither the pod nor `--image-workdir` names a folder, it starts in the user's home",
  ],
  // With --compat the root belongs to nobody who submits; with more rights it is not known.
  writable: ({ given }) => {
    const isOrdinary = !wordsOf(given(OPERATION)).includes('--fakeroot');
    const folders = ['/tmp', '/var/tmp', '/dev/shm'];
    return isOrdinary ? { folders, hasMemory: true, isAll: false } : undefined;
  },
  nodes: ({ given }) => {
    const options = objectIn(given(OPERATION), 'options');
    return Math.max(countIn(options, 'ntasks'), countIn(options, 'nodes'));
  },
  running: {
    retries: {
      operation: OPERATION,
      at: 'options.no-requeue',
      or: [{ operation: OPERATION, at: 'options.requeue' }],
      max: 0,
    },
    time: { operation: OPERATION, at: 'options.time', of: 'attempt' },
    tasks: { operation: OPERATION, at: 'options.array' },
    parallel: { operation: OPERATION, at: 'options.array' },
  },
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [submission(job)],
  wants: { [OPERATION]: { image: "the image: the container's `image`" } },
};

export default target;

const NAME_LENGTH_MAX = 63;

/**
 * The job's own variables of Slurm go along, since they are what a distributed program looks for;
 * nothing else of the node does.
 */
const INSIDE = [
  'for name in "${!SLURM_@}"; do export "APPTAINERENV_$name=${!name}"; done',
  // Every container of Kubernetes has it.
  'export APPTAINERENV_HOSTNAME="$HOSTNAME"',
  'exec apptainer exec "$@"',
].join('; ');

function submission(job: Job): Request {
  const given = job.given(OPERATION);
  const { needs } = job;
  const options = over(
    {
      'job-name': job.name,
      comment: `bellhop/digest=${job.digest}`,
      // The variables of the shell that submits stay there.
      export: 'NONE',
      ...(needs.cpus === undefined ? {} : { 'cpus-per-task': String(Math.ceil(needs.cpus)) }),
      ...(needs.memoryMiB === undefined ? {} : { mem: `${needs.memoryMiB}M` }),
      ...(needs.gpus === undefined ? {} : { 'gpus-per-task': String(needs.gpus) }),
      ...runOptions(needs),
    },
    objectIn(given, 'options'),
  );
  const environment = asMap(job.variables) ?? {};
  const image = imageOf(job.image);
  const flags = ['--compat', ...(needs.gpus === undefined ? [] : ['--nv']), ...wordsOf(given)];
  const words = [...flags, image, ...job.start];
  const script = [
    '#!/bin/bash',
    ...Object.entries(options).map(([name, value]) => `#SBATCH --${name}${optionText(value)}`),
    ...job.variables.map(([name, value]) => `export ${PREFIX}${name}=${shellWord(value)}`),
    `exec srun --export=ALL bash -c ${shellWord(INSIDE)} bash ${words.map(shellWord).join(' ')}`,
    '',
  ].join('\n');
  const input = over(given, {
    image,
    options: Object.fromEntries(Object.entries(options).map(([name, one]) => [name, textOf(one)])),
    environment,
    script,
  });
  return {
    operation: OPERATION,
    input,
    send: { by: 'command', argv: ['sbatch', '--parsable'], stdin: script },
  };
}

const SECONDS_PER_MINUTE = 60;

/** Times are whole minutes, and Slurm rounds up what is not. */
function runOptions({ retries, secondsMax, tasks, parallel }: Needs): JsonObject {
  const atOnce = parallel === undefined ? '' : `%${parallel}`;
  return {
    ...(retries === undefined ? {} : { 'no-requeue': true }),
    ...(secondsMax === undefined
      ? {}
      : { time: String(Math.ceil(secondsMax / SECONDS_PER_MINUTE)) }),
    ...(tasks === undefined ? {} : { array: `0-${tasks - 1}${atOnce}` }),
  };
}

/** An image of a registry, or a file or address that Apptainer itself knows. */
function imageOf(image: string): string {
  return image === '' || /^[a-z]+:\/\/|^[./]|\.sif$/.test(image) ? image : `docker://${image}`;
}

/** Further flags of the user's. */
function wordsOf(given: JsonObject): string[] {
  const { apptainer } = given;
  const words = Array.isArray(apptainer) ? (apptainer as readonly Json[]) : [];
  return words.filter((one) => typeof one === 'string');
}

function textOf(value: Json): string {
  return typeof value === 'object' ? '' : String(value);
}

/** A flag stands by itself. */
function optionText(value: Json): string {
  if (value === true) return '';
  const text = textOf(value);
  return `=${/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text}'`}`;
}
