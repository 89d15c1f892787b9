import { asMap, digestName } from './_request.ts';
import type { Target } from './_target.ts';

const OPERATION = 'execve';
const FACT = {
  source: 'measured by bisection, Linux 6.18',
  readOn: '2026-11-21',
  sure: 'measured',
} as const;
const IMAGE = { by: 'nobody', how: 'put it into the root file system' } as const;
const HOST = { by: 'nobody', how: "it is the machine's own: remove it" } as const;

/** A plain process of this machine, in its own root or another. */
const target: Target = {
  name: 'local',
  summary: 'A plain process of this machine, also below another root',
  variablesAt: { operation: OPERATION, at: 'env' },
  operations: [OPERATION],
  caps: [
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'env',
      counts: 'entry',
      max: 131_072,
      ...FACT,
    },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'env',
      counts: 'environment',
      max: 2_097_152,
      ...FACT,
    },
  ],
  reserved: [],
  features: {
    variables: { by: 'request', how: 'the environment that bellhop is started with' },
    secretVariables: { by: 'entrypoint', how: 'fetched before the program starts' },
    files: { by: 'entrypoint', how: 'written before the program starts' },
    hyperparameters: { by: 'entrypoint', how: 'a file where the program reads it' },
    command: { by: 'request', how: 'bellhop is what is started' },
    workingDir: { by: 'entrypoint', how: 'changed to before the program starts' },
    user: { by: 'entrypoint', how: 'become where bellhop starts as root' },
    cpuAndMemory: { by: 'nobody', how: 'use a cgroup of your own (systemd-run)' },
    gpu: { by: 'nobody', how: "the machine's own" },
    memoryVolume: {
      by: 'entrypoint',
      how: 'a tmpfs, or in /dev/shm where mounting is not allowed',
    },
    isolation: { by: 'nobody', how: 'use a network namespace of your own (unshare -n)' },
    sidecars: { by: 'nobody', how: 'start them beside it' },
    initContainers: {
      by: 'nobody',
      how: 'run it before, then `policy: { initContainers: ignore }`',
    },
    persistentVolume: { by: 'nobody', how: 'mount it; then `volumes: { NAME: present }`' },
    hostPath: { by: 'nobody', how: 'mount it; then `volumes: { NAME: present }`' },
    hostNamespaces: HOST,
    privileged: HOST,
    devices: IMAGE,
    retries: { by: 'nobody', how: 'start it again' },
    timeLimit: { by: 'nobody', how: 'start it by `timeout SECONDS`' },
    completions: { by: 'nobody', how: 'start it as often' },
    completionIndex: {
      by: 'nobody',
      how: 'start it once for each index, with JOB_COMPLETION_INDEX set to it',
    },
    stdin: { by: 'nobody', how: 'start the command with one' },
    tty: { by: 'nobody', how: 'start the command in one' },
  },
  start: 'request',
  stop: 'as whoever started it ends it',
  rank: 0,
  detect: () => undefined,
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => {
    const env = asMap(job.variables) ?? {};
    const argv = ['env', ...job.variables.map(([name, value]) => `${name}=${value}`), ...job.start];
    const input = { argv: job.start, env };
    return [{ operation: OPERATION, input, send: { by: 'command', argv } }];
  },
  wants: {},
};

export default target;

const NAME_LENGTH_MAX = 63;
