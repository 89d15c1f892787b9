// Databricks jobs on a cluster with an image of one's own: what the cluster makes of spark_env_vars
// and init scripts, and the Python file that runs then (databricks-sdk 0.156.0).
import { loopback } from './_aws.ts';
import { runContainer, type Yard } from './_container.ts';
import { imageAt } from './_image.ts';
import { ANY, broken, listOf, refused, refuseIf, type Rule, TEXT } from './_rules.ts';
import { plainView } from './_view.ts';
import { type BuiltImage, NotSimulated, type Ran, type Refusal } from './_types.ts';
import type { Placed, Simulator, View, Wish } from './_types.ts';

interface Destination {
  readonly destination: string;
}

/** The members of jobs/runs/submit that the simulator reads, of one task. */
export interface DatabricksJob {
  readonly run_name?: string;
  readonly tasks: readonly {
    readonly task_key: string;
    readonly new_cluster: {
      readonly docker_image: { readonly url: string };
      readonly spark_env_vars?: Readonly<Record<string, string>>;
      readonly init_scripts?: readonly Readonly<Record<string, Destination>>[];
      readonly [more: string]: unknown;
    };
    readonly spark_python_task?: {
      readonly python_file: string;
      readonly parameters?: readonly string[];
    };
    readonly [more: string]: unknown;
  }[];
  readonly [more: string]: unknown;
}

/** A workspace: files by where they are, and secrets as `scope/key`. */
export interface Workspace {
  readonly yard: Yard;
  readonly images: Readonly<Record<string, BuiltImage>>;
  readonly files: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Ports of this machine that the driver reaches. */
  readonly reachable?: readonly number[];
}

const PARAMETERS_BYTES_MAX = 10_000;
const INVALID = 'INVALID_PARAMETER_VALUE';
const TASK: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'task_key!': { is: 'string', min: 1, max: 100, pattern: '[\\w-]+' },
    'new_cluster!': {
      is: 'object',
      isOpen: true,
      members: {
        'docker_image!': { is: 'object', isOpen: true, members: { 'url!': TEXT } },
        spark_env_vars: { is: 'map', key: TEXT, value: TEXT },
        init_scripts: listOf(ANY, 10),
      },
    },
    spark_python_task: {
      is: 'object',
      isOpen: true,
      members: { 'python_file!': TEXT, parameters: listOf(TEXT) },
    },
  },
};
const RULE: Rule = {
  is: 'object',
  isOpen: true,
  members: { run_name: TEXT, 'tasks!': listOf(TASK, 100, 1) },
};

function refusals(request: DatabricksJob): Refusal[] {
  const found = refused(INVALID, broken(RULE, request, ''));
  if (found.length > 0) return found;
  return request.tasks.flatMap(({ spark_python_task: task, task_key: at }) => {
    const json = JSON.stringify(task?.parameters ?? []);
    const said = `The JSON representation of the parameters cannot exceed ${PARAMETERS_BYTES_MAX} bytes`;
    return [
      ...refuseIf(Buffer.byteLength(json) > PARAMETERS_BYTES_MAX, at, [INVALID, said]),
      ...refuseIf(/[^\0-\x7f]/.test(json), at, [INVALID, 'python_params must be ASCII']),
    ];
  });
}

class SecretError extends Error {}

/** `{{secrets/scope/key}}`, which must be the whole value. */
function resolved(value: string, secrets: Workspace['secrets']): string {
  const reference = /^\{\{secrets\/([^/}]+\/[^/}]+)\}\}$/.exec(value)?.[1];
  if (reference === undefined) return value;
  const secret = secrets[reference];
  if (secret === undefined) throw new SecretError(`Secret does not exist: ${reference}`);
  return secret;
}

function fileOf(workspace: Workspace, at: string): string {
  const text = workspace.files[at];
  if (text === undefined) throw new SecretError(`INIT_SCRIPT_FAILURE: ${at} does not exist`);
  return text;
}

function viewOf(request: DatabricksJob, workspace: Workspace) {
  const [task, ...others] = request.tasks;
  if (task === undefined || others.length > 0) throw new NotSimulated('several tasks');
  const { new_cluster: cluster, spark_python_task: python } = task;
  if (python === undefined) throw new NotSimulated('tasks that are no spark_python_task');
  // The value stands between the quotes as it is: an apostrophe in it ends them.
  const exports = Object.entries(cluster.spark_env_vars ?? {}).map(([name, value]) => {
    return `export ${name}='${resolved(value, workspace.secrets)}'\n`;
  });
  const scripts = (cluster.init_scripts ?? []).map((one, index): Placed & { at: string } => {
    const [destination] = Object.values(one);
    const bytes = fileOf(workspace, destination?.destination ?? '');
    return { at: `/databricks/init/${index}.sh`, bytes, mode: 0o755 };
  });
  const own = {
    DB_CLUSTER_ID: '1121-000000-cluster1',
    DB_IS_DRIVER: 'TRUE',
    DB_IS_JOB_CLUSTER: 'TRUE',
    DATABRICKS_RUNTIME_VERSION: '16.4',
  };
  const start = [
    'set -e',
    'set -a',
    '. /databricks/spark-env.sh',
    'set +a',
    ...scripts.map(({ at }) => `bash ${at}`),
    'exec python3 /databricks/task.py "$@"',
  ].join('\n');
  const image = imageAt(workspace.images, cluster.docker_image.url);
  const view: View = {
    ...plainView({
      image,
      words: ['bash', '/databricks/start.sh', ...(python.parameters ?? [])],
      declared: Object.entries(own),
      hostname: 'driver',
      user: '0',
    }),
    isPidOne: false,
    network: loopback(workspace.reachable ?? []),
    placed: [
      { at: '/databricks/spark-env.sh', bytes: exports.join('') },
      { at: '/databricks/start.sh', bytes: start },
      { at: '/databricks/task.py', bytes: fileOf(workspace, python.python_file) },
      ...scripts,
    ],
  };
  return { view, own: { env: Object.keys(own), paths: ['/databricks'] } };
}

async function run(request: DatabricksJob, workspace: Workspace, wish: Wish = {}): Promise<Ran> {
  const found = refusals(request);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  try {
    const outcome = await runContainer(workspace.yard, viewOf(request, workspace), wish);
    return { kind: 'ended', outcome, status: outcome.exit === 0 ? 'SUCCESS' : 'FAILED' };
  } catch (cause) {
    if (!(cause instanceof SecretError)) throw cause;
    return { kind: 'not started', reason: cause.message };
  }
}

/** The simulator. */
export const databricksJob: Simulator<DatabricksJob, Workspace> = {
  name: 'databricks-job',
  refusals,
  run,
};
