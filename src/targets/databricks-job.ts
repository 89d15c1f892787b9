// Databricks jobs, one run on a cluster of its own: databricks-sdk 0.156.0; learn.microsoft.com.
import type { Json } from '../core/canonical.ts';
import { objectIn, objectsIn } from './_fields.ts';
import type { JsonObject } from './_caps.ts';
import { ENTRYPOINT_FEATURES, SHELL_NAME, SHELL_OWN, plainly } from './_entrypoint.ts';
import { asMap, digestName, over } from './_request.ts';
import type { Job, Request, Target } from './_target.ts';

const OPERATION = 'SubmitRun';
const READ_ON = '2026-11-21';
const VARIABLES = 'tasks[].new_cluster.spark_env_vars';
const PARAMETERS = 'tasks[].spark_python_task.parameters';
const SDK = { source: 'databricks-sdk 0.156.0', readOn: READ_ON, sure: 'documented' } as const;

/** Databricks: one run of a job on a new cluster with an image of one's own. */
const target: Target = {
  name: 'databricks-job',
  summary: 'Databricks job runs on a new cluster (jobs/runs/submit, by `databricks`)',
  variablesAt: { operation: OPERATION, at: VARIABLES },
  operations: [OPERATION],
  caps: [
    {
      kind: 'form',
      operation: OPERATION,
      at: VARIABLES,
      of: 'name',
      pattern: SHELL_NAME,
      source: 'learn.microsoft.com: variables become `export X=…` of a shell',
      readOn: READ_ON,
      sure: 'documented',
    },
    { kind: 'limit', operation: OPERATION, at: PARAMETERS, counts: 'json', max: 10_000, ...SDK },
    {
      kind: 'form',
      operation: OPERATION,
      at: PARAMETERS,
      of: 'value',
      pattern: '[\\x00-\\x7f]*',
      ...SDK,
    },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'idempotency_token',
      counts: 'text',
      max: 64,
      ...SDK,
    },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'tasks',
      counts: 'entries',
      max: 100,
      min: 1,
      ...SDK,
    },
  ],
  reserved: [
    {
      pattern:
        '(DB|DATABRICKS|SPARK|PYSPARK|JAVA|JDK|LD|PYTHON)_[\\s\\S]*|PYTHON[\\s\\S]*|CLASSPATH|PATH|HOME',
      why: 'the cluster itself is set up by this name, and its JVM and Python start with it',
      source: 'learn.microsoft.com: variables of init scripts; they are exported for Spark itself',
      readOn: READ_ON,
      sure: 'documented',
    },
  ],
  features: {
    ...ENTRYPOINT_FEATURES,
    variables: {
      by: 'request',
      how: 'spark_env_vars; what the shell of `export` might change by the entrypoint',
    },
    secretVariables: {
      by: 'entrypoint',
      how: 'secret scopes are not used: all users of the cluster see their variables',
    },
    command: {
      by: 'request',
      how: 'a spark_python_task starts bellhop by deploy/databricks/entry.py; it is no child of the image',
    },
    cpuAndMemory: { by: 'nobody', how: 'choose a node_type_id that has as much' },
    gpu: { by: 'nobody', how: 'choose a node_type_id that has as many' },
    isolation: { by: 'nobody', how: 'a network without a way to the stores: use their endpoints' },
    sidecars: { by: 'nobody', how: 'give an init script (init_scripts) that starts them' },
    persistentVolume: {
      by: 'nobody',
      how: 'read /Volumes or /dbfs; then `volumes: { NAME: present }`',
    },
    hostPath: { by: 'nobody', how: 'read /Volumes or /dbfs; then `volumes: { NAME: present }`' },
    hostNamespaces: { by: 'nobody', how: 'the container has its own: remove it' },
    privileged: { by: 'nobody', how: 'remove it' },
    devices: { by: 'nobody', how: 'only what the node type brings: remove it' },
    retries: { by: 'request', how: 'max_retries' },
    timeLimit: { by: 'request', how: 'timeout_seconds, of each attempt' },
  },
  start: 'request',
  stop: 'not documented',
  rank: 2,
  gives: [
    {
      pattern: 'DB_(CLUSTER_ID|IS_DRIVER|IS_JOB_CLUSTER)|DATABRICKS_RUNTIME_VERSION',
      source: 'databricks-sdk 0.156.0',
      readOn: '2026-11-22',
      sure: 'documented',
    },
  ],
  detect(inside) {
    const cluster = inside.variable('DB_CLUSTER_ID');
    const runtime = inside.variable('DATABRICKS_RUNTIME_VERSION');
    return cluster === undefined && runtime === undefined ? undefined : {};
  },
  literal: plainly,
  running: {
    retries: { operation: OPERATION, at: 'tasks[].max_retries' },
    time: { operation: OPERATION, at: 'tasks[].timeout_seconds', of: 'attempt' },
  },
  strips: SHELL_OWN,
  differs: ['the program is not PID 1, but a child of the Python of the driver'],
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [creation(job)],
  wants: {
    [OPERATION]: {
      'tasks[].new_cluster.spark_version': 'the runtime, e.g. 16.4.x-scala2.12',
      'tasks[].new_cluster.node_type_id': 'the kind of machine',
      'tasks[].new_cluster.docker_image.url': "the image: the container's `image`",
      'tasks[].spark_python_task.python_file':
        'where deploy/databricks/entry.py lies in the workspace, e.g. /Workspace/Shared/bellhop.py',
    },
  },
};

export default target;

const NAME_LENGTH_MAX = 63;

function creation(job: Job): Request {
  const given = job.given(OPERATION);
  const [first = {}, ...others] = objectsIn(given, 'tasks');
  const input = over(given, {
    run_name: job.name,
    // Exactly its 64 characters: a run with this token is not started again.
    idempotency_token: job.digest,
    tasks: [over(first, taskOf(job, first)), ...others],
  });
  const argv = ['databricks', 'jobs', 'submit', '--no-wait', '--json', '@/dev/stdin'];
  return {
    operation: OPERATION,
    input,
    send: { by: 'command', argv, stdin: JSON.stringify(input) },
  };
}

function taskOf(job: Job, given: JsonObject): { readonly [name: string]: Json | undefined } {
  const python = objectIn(given, 'spark_python_task');
  const { retries = 0, secondsMax, isOfAttempt } = job.needs;
  const isAgain = retries > 0 && isOfAttempt === true;
  return {
    task_key: given['task_key'] ?? 'main',
    new_cluster: over(objectIn(given, 'new_cluster'), {
      docker_image: { url: job.image },
      spark_env_vars: asMap(job.variables),
    }),
    max_retries: job.needs.retries,
    // A pod that took too long has failed as any other; after the Job's time nothing is started.
    retry_on_timeout: isAgain ? (given['retry_on_timeout'] ?? true) : undefined,
    timeout_seconds: secondsMax,
    spark_python_task: over(python, { parameters: job.start.length === 0 ? undefined : job.start }),
  };
}
