import type { JsonObject } from './_caps.ts';
import { objectIn, textIn } from './_fields.ts';
import { NO_TERMINAL, ONE_RUN } from './_entrypoint.ts';
import { asMap, digestName, over } from './_request.ts';
import type { Reserved } from './_names.ts';
import type { AwsApi, Job, Request, Target } from './_target.ts';

const OPERATION = 'CreateFunction';
const LAMBDA: AwsApi = { signed: 'lambda', host: 'lambda', variable: 'LAMBDA', cli: 'lambda' };
const READ_ON = '2026-11-21';
const MODEL = {
  source: 'botocore 1.44.5, lambda/2015-03-31',
  readOn: READ_ON,
  sure: 'service model',
} as const;
const PAGES = 'public pages that quote the Lambda guide';

/** AWS Lambda, functions of container images. */
const target: Target = {
  name: 'lambda-image',
  summary: 'AWS Lambda functions of container images (CreateFunction)',
  variablesAt: { operation: OPERATION, at: 'Environment.Variables' },
  operations: [OPERATION],
  caps: [
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'Environment.Variables',
      counts: 'json',
      max: 4096,
      source: PAGES,
      readOn: READ_ON,
      sure: 'public report',
    },
    {
      kind: 'form',
      operation: OPERATION,
      at: 'Environment.Variables',
      of: 'name',
      pattern: '[a-zA-Z]([a-zA-Z0-9_])+',
      ...MODEL,
      model: 'lambda CreateFunction.Environment.Variables.{k}',
    },
    ...(['EntryPoint', 'Command'] as const).map((field) => ({
      kind: 'limit' as const,
      operation: OPERATION,
      at: `ImageConfig.${field}`,
      counts: 'entries' as const,
      max: 1500,
      ...MODEL,
      model: `lambda CreateFunction.ImageConfig.${field}`,
    })),
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'ImageConfig.WorkingDirectory',
      counts: 'text',
      max: 1000,
      ...MODEL,
      model: 'lambda CreateFunction.ImageConfig.WorkingDirectory',
    },
    {
      kind: 'limit',
      operation: OPERATION,
      at: 'Timeout',
      counts: 'number',
      max: 900,
      min: 1,
      source: PAGES,
      readOn: READ_ON,
      sure: 'public report',
    },
  ],
  reserved: [
    '_HANDLER',
    '_X_AMZN_TRACE_ID',
    'AWS_DEFAULT_REGION',
    'AWS_REGION',
    'AWS_EXECUTION_ENV',
    // Not all of AWS_LAMBDA_: users set AWS_LAMBDA_EXEC_WRAPPER.
    'AWS_LAMBDA_FUNCTION_(NAME|MEMORY_SIZE|VERSION)',
    'AWS_LAMBDA_(INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)',
    'AWS_ACCESS_KEY',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'LAMBDA_TASK_ROOT',
    'LAMBDA_RUNTIME_DIR',
    'TZ',
  ].map(reserved),
  features: {
    ...NO_TERMINAL,
    ...ONE_RUN,
    retries: { by: 'nobody', how: 'who calls the function says how often' },
    timeLimit: { by: 'nobody', how: 'give Timeout, of one call, in `submit.targets`' },
    completions: { by: 'nobody', how: 'call the function as often' },
    variables: {
      by: 'request',
      how: 'Environment.Variables; what its 4 KB leave out by the entrypoint',
    },
    secretVariables: { by: 'entrypoint', how: 'Lambda has no secrets of its own' },
    files: {
      by: 'entrypoint',
      how: 'below /tmp only; Secrets there need `policy: { disk: allow }`',
    },
    hyperparameters: { by: 'entrypoint', how: 'a file where the program reads it, below /tmp' },
    command: { by: 'request', how: 'ImageConfig.EntryPoint starts bellhop' },
    workingDir: {
      by: 'entrypoint',
      how: 'changed to before the program starts; the image has to have it, for everybody',
    },
    user: { by: 'nobody', how: 'Lambda has a user of its own: `policy: { identity: keep }`' },
    cpuAndMemory: { by: 'request', how: 'MemorySize; CPU comes with it' },
    gpu: { by: 'nobody', how: 'Lambda has none: choose another target' },
    memoryVolume: { by: 'entrypoint', how: 'on the disk below /tmp' },
    isolation: { by: 'nobody', how: 'a VPC without a way to the stores: use their endpoints' },
    sidecars: { by: 'nobody', how: 'an extension in the image' },
    initContainers: {
      by: 'nobody',
      how: 'put it into the image, or `policy: { initContainers: ignore }`',
    },
    persistentVolume: {
      by: 'nobody',
      how: 'EFS by FileSystemConfigs in `submit.targets`; then `volumes: { NAME: present }`',
    },
    hostPath: { by: 'nobody', how: 'there is no host: put the data into the image' },
    hostNamespaces: { by: 'nobody', how: 'there is no host: remove it' },
    privileged: { by: 'nobody', how: 'nothing is privileged: remove it' },
    devices: { by: 'nobody', how: 'there are none: remove it' },
  },
  start: 'request',
  stop: 'the sandbox is frozen or ended without a signal to the program',
  rank: 2,
  gives: [
    {
      pattern: 'AWS_LAMBDA_[A-Z_]+',
      source: PAGES,
      readOn: '2026-11-22',
      sure: 'public report',
    },
    {
      pattern: 'LAMBDA_(TASK_ROOT|RUNTIME_DIR)|_HANDLER|_X_AMZN_TRACE_ID',
      source: PAGES,
      readOn: '2026-11-22',
      sure: 'public report',
      isCommon: true,
    },
    {
      pattern:
        'AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|TZ',
      source: PAGES,
      readOn: '2026-11-22',
      sure: 'public report',
      isCommon: true,
    },
  ],
  detect(inside) {
    const job = inside.variable('AWS_LAMBDA_FUNCTION_NAME');
    if (job === undefined && inside.variable('AWS_LAMBDA_RUNTIME_API') === undefined) {
      return undefined;
    }
    const region = inside.variable('AWS_REGION');
    return {
      ...(job === undefined ? {} : { job }),
      ...(region === undefined ? {} : { region }),
    };
  },
  // The root is read-only, and there is no /dev/shm: pages that quote the Lambda guide.
  writable: () => ({ folders: ['/tmp'], hasMemory: false, isAll: true }),
  mounts: () => false,
  differs: ['the user and group are those of Lambda, which /etc/passwd does not know: HOME is /'],
  nameOf: (name, digest) => digestName(name, digest, NAME_LENGTH_MAX),
  render: (job) => [creation(job)],
  follow: {
    ask: (job) => ({
      operation: 'GetFunctionConfiguration',
      input: { FunctionName: job.name },
      send: {
        by: 'aws rest',
        service: LAMBDA,
        method: 'GET',
        path: '/2015-03-31/functions/{FunctionName}/configuration',
      },
    }),
    read: (answer) => {
      const said = textIn(answer, 'State') ?? 'Active';
      if (said === 'Active') return { state: 'succeeded', said };
      const reason = textIn(answer, 'StateReason');
      if (said !== 'Failed') return { state: 'waiting', said };
      return { state: 'failed', said, ...(reason === undefined ? {} : { reason }) };
    },
  },
  adapt: [
    {
      operation: OPERATION,
      name: 'FunctionName',
      image: 'Code.ImageUri',
      variables: 'Environment.Variables',
      entrypoint: 'ImageConfig.EntryPoint',
      arguments: 'ImageConfig.Command',
    },
  ],
  wants: {
    [OPERATION]: {
      'Code.ImageUri': "the image: the container's `image`, in Amazon ECR",
      Role: 'the role that the function runs as',
    },
  },
};

export default target;

const NAME_LENGTH_MAX = 64;
const MEMORY_MIB_MIN = 128;

function reserved(pattern: string): Reserved {
  const why = 'the name is reserved by Lambda';
  return { pattern, why, source: PAGES, readOn: READ_ON, sure: 'public report' };
}

function creation(job: Job): Request {
  const given = job.given(OPERATION);
  const { memoryMiB } = job.needs;
  const memory = memoryMiB === undefined ? undefined : Math.max(MEMORY_MIB_MIN, memoryMiB);
  const input: JsonObject = over(given, {
    FunctionName: job.name,
    PackageType: 'Image',
    Code: { ImageUri: job.image },
    ImageConfig: job.start.length === 0 ? undefined : { EntryPoint: job.start },
    Environment: { Variables: asMap(job.variables) ?? {} },
    MemorySize: given['MemorySize'] ?? memory,
    Tags: over(objectIn(given, 'Tags'), { 'bellhop/digest': job.digest }),
  });
  return {
    operation: OPERATION,
    input,
    send: { by: 'aws rest', service: LAMBDA, method: 'POST', path: '/2015-03-31/functions' },
    doneCodes: ['ResourceConflictException'],
  };
}
