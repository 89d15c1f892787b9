// Lambda functions of an image: CreateFunction, and one start of the runtime process with the
// runtime API beside it (service model of botocore 1.44.5, lambda 2015-03-31; what
// is not in the model is from pages that quote the Lambda guide).
import { loopback } from './_aws.ts';
import { runContainer } from './_container.ts';
import { dockerWords, imageAt } from './_image.ts';
import { broken, listOf, refused, refuseIf, type Rule, text } from './_rules.ts';
import type { AwsPlatform } from './_sagemaker.ts';
import { plainView } from './_view.ts';
import { NotSimulated, type Ran, type Refusal, type Simulator } from './_types.ts';
import type { Service, View, Wish } from './_types.ts';

/** The members of CreateFunction that the simulator reads. */
export interface CreateFunction {
  readonly FunctionName: string;
  readonly Role: string;
  readonly PackageType?: string;
  readonly Code: { readonly ImageUri?: string };
  readonly ImageConfig?: {
    readonly EntryPoint?: readonly string[];
    readonly Command?: readonly string[];
    readonly WorkingDirectory?: string;
  };
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
  readonly Timeout?: number;
  readonly EphemeralStorage?: { readonly Size: number };
  readonly [more: string]: unknown;
}

/** A function, and the event that its first call has. */
export interface LambdaRequests {
  readonly create: CreateFunction;
  readonly event?: unknown;
}

const PARAMETER = 'InvalidParameterValueException';
const BYTES_OF_ALL_MAX = 4096;
const TIMEOUT_SECONDS_MAX = 900;
const STORAGE_MB = 512;
// AWS's own list (pages that quote the guide).
const RESERVED = `_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV
  AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN LAMBDA_TASK_ROOT
  LAMBDA_RUNTIME_DIR TZ AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_MEMORY_SIZE
  AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME
  AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API`.split(/\s+/);

const WORDS = listOf({ is: 'string' }, 1500);
const RULE: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'FunctionName!': { is: 'string', min: 1, max: 140 },
    'Role!': text(10_000, 'arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+'),
    PackageType: { is: 'string', oneOf: ['Zip', 'Image'] },
    'Code!': { is: 'object', isOpen: true, members: {} },
    ImageConfig: {
      is: 'object',
      members: { EntryPoint: WORDS, Command: WORDS, WorkingDirectory: text(1000) },
    },
    Environment: {
      is: 'object',
      members: {
        Variables: {
          is: 'map',
          key: { is: 'string', pattern: '[a-zA-Z]([a-zA-Z0-9_])+' },
          value: { is: 'string' },
        },
      },
    },
    Timeout: { is: 'integer', min: 1, max: 5400 },
    EphemeralStorage: {
      is: 'object',
      members: { 'Size!': { is: 'integer', min: 512, max: 10_240 } },
    },
  },
};

function refusals({ create }: LambdaRequests): Refusal[] {
  const found = refused('ValidationException', broken(RULE, create, ''));
  if (found.length > 0) return found;
  const variables = create.Environment?.Variables ?? {};
  const reserved = Object.keys(variables).filter((name) => RESERVED.includes(name));
  const bytes = Buffer.byteLength(JSON.stringify(variables));
  const prefix = 'Lambda was unable to configure your environment variables because the ';
  return [
    ...refuseIf(reserved.length > 0, 'Environment', [
      PARAMETER,
      `${prefix}environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    ]),
    // What is counted is the map as the service prints it in this error: as JSON.
    ...refuseIf(Object.keys(variables).length > 0 && bytes > BYTES_OF_ALL_MAX, 'Environment', [
      PARAMETER,
      `${prefix}environment variables you have provided exceeded the 4KB limit.`,
    ]),
    ...refuseIf((create.Timeout ?? 0) > TIMEOUT_SECONDS_MAX, 'Timeout', [
      PARAMETER,
      `Timeout must be at most ${TIMEOUT_SECONDS_MAX}`,
    ]),
  ];
}

const RUNTIME_API = { address: '127.0.0.1', port: 9001 };

interface Calls {
  /** What the function answered, by the path it was sent to. */
  readonly answers: { readonly path: string; readonly body: string }[];
  readonly service: Service;
}

/** The runtime API: one event, then nobody calls any more. */
function runtimeApi(event: unknown, arn: string): Calls {
  const answers: { path: string; body: string }[] = [];
  let given = false;
  const next = (): Response | Promise<Response> => {
    if (given) return new Promise<Response>(() => undefined);
    given = true;
    const headers = {
      'lambda-runtime-aws-request-id': crypto.randomUUID(),
      'lambda-runtime-deadline-ms': String(Date.now() + 60_000),
      'lambda-runtime-invoked-function-arn': arn,
    };
    return Response.json(event ?? {}, { headers });
  };
  const service = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const path = pathname.replace('/2018-06-01/runtime/', '');
    if (path === 'invocation/next') return next();
    answers.push({ path: path.replace(/[0-9a-f-]{36}/, 'ID'), body: await request.text() });
    return Response.json({ status: 'OK' }, { status: 202 });
  };
  return { answers, service };
}

function ownVariables(create: CreateFunction, { aws }: AwsPlatform): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: create.FunctionName,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${create.FunctionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/21/[$LATEST]0',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_RUNTIME_API: `${RUNTIME_API.address}:${RUNTIME_API.port}`,
    AWS_REGION: aws.region,
    AWS_DEFAULT_REGION: aws.region,
    AWS_ACCESS_KEY_ID: aws.s3.key.id,
    AWS_SECRET_ACCESS_KEY: aws.s3.key.secret,
    AWS_SESSION_TOKEN: '', // the servers know none
    LAMBDA_TASK_ROOT: '/var/task',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    TZ: ':UTC',
  };
}

// The function's user on every image, whatever its USER says.
const USER = { uid: 993, gid: 990, groups: [990] };

function viewOf(create: CreateFunction, platform: AwsPlatform, service: Service) {
  const image = imageAt(platform.images, create.Code.ImageUri ?? '');
  const own = ownVariables(create, platform);
  const config = create.ImageConfig ?? {};
  const words = dockerWords(image, config.EntryPoint, config.Command);
  const cwd = config.WorkingDirectory ?? image.config.workdir ?? '/';
  const declared = Object.entries({ ...create.Environment?.Variables, ...own });
  const bytesMax = (create.EphemeralStorage?.Size ?? STORAGE_MB) * 1024 * 1024;
  const view: View = {
    ...plainView({ image, words, declared, cwd, hostname: '169.254.100.6', user: '0' }),
    ids: USER,
    mounts: [{ kind: 'tmpfs', at: '/tmp', bytesMax }],
    shmBytes: undefined,
    rootReadOnly: true,
    network: [{ ...RUNTIME_API, service }, ...loopback(platform.aws.reachable)],
    hosts: {},
    stopMs: 0, // SIGKILL at once: there are no extensions
  };
  return { view, own: { env: Object.keys(own), paths: ['/tmp'] } };
}

/** Ran, and what the function told the runtime API. */
export type LambdaRan = Ran & { readonly answers?: Calls['answers'] };

async function run(
  requests: LambdaRequests,
  platform: AwsPlatform,
  wish: Wish = {},
): Promise<LambdaRan> {
  const found = refusals(requests);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  const { create, event } = requests;
  if (create.PackageType !== 'Image') throw new NotSimulated('functions of a zip file');
  const { region, account } = platform.aws;
  const arn = `arn:aws:lambda:${region}:${account}:function:${create.FunctionName}`;
  const { answers, service } = runtimeApi(event, arn);
  const outcome = await runContainer(platform.yard, viewOf(create, platform, service), wish);
  const isError = answers.some(({ path }) => path.endsWith('error')) || answers.length === 0;
  return { kind: 'ended', outcome, status: isError ? 'Unhandled' : 'Succeeded', answers };
}

/** The simulator. */
export const lambdaImage = {
  name: 'lambda-image',
  refusals,
  run,
} satisfies Simulator<LambdaRequests, AwsPlatform>;
