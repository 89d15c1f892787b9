// ECS on EC2 and Fargate: RegisterTaskDefinition, RunTask, and the one container of the task that
// the test is about (platforms.md §2; service model of botocore 1.44.5; amazon-ecs-agent 8dfceca;
// service errors from public reports).
import { runContainer } from './_container.ts';
import { s3Get, SecretError } from './_aws.ts';
import * as ecs from './_ecs.ts';
import { accountOf, dockerWords, runtimeEnv } from './_image.ts';
import { ANY, broken, COUNT, FLAG, listOf, refuseIf, type Rule, TEXT } from './_rules.ts';
import { type AwsPlatform, imageOf } from './_sagemaker.ts';
import { NotSimulated, type Ran, type Refusal, type Simulator } from './_types.ts';
import type { View, Wish } from './_types.ts';

interface EnvironmentFile {
  readonly type: string;
  readonly value: string;
}

/** One container of a task definition, the members that the simulator reads. */
export interface ContainerDefinition {
  readonly name: string;
  readonly image: string;
  readonly essential?: boolean;
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: readonly ecs.Pair[];
  readonly environmentFiles?: readonly EnvironmentFile[];
  readonly secrets?: readonly ecs.SecretPair[];
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly hostname?: string;
  readonly readonlyRootFilesystem?: boolean;
  readonly privileged?: boolean;
  readonly disableNetworking?: boolean;
  readonly stopTimeout?: number;
  readonly linuxParameters?: ecs.LinuxParameters;
  readonly [more: string]: unknown;
}

/** RegisterTaskDefinition. */
export interface TaskDefinition {
  readonly family: string;
  readonly taskRoleArn?: string;
  readonly executionRoleArn?: string;
  readonly containerDefinitions: readonly ContainerDefinition[];
  readonly requiresCompatibilities?: readonly string[];
  readonly [more: string]: unknown;
}

interface Override {
  readonly name: string;
  readonly command?: readonly string[];
  readonly environment?: readonly ecs.Pair[];
  readonly environmentFiles?: readonly EnvironmentFile[];
}

/** RunTask. */
export interface RunTask {
  readonly taskDefinition: string;
  readonly launchType?: string;
  readonly overrides?: {
    readonly containerOverrides?: readonly Override[];
    readonly taskRoleArn?: string;
    readonly executionRoleArn?: string;
  };
  readonly [more: string]: unknown;
}

/** Both calls, in their order, and which container is looked at: the first if not said. */
export interface TaskRequests {
  readonly register: TaskDefinition;
  readonly run: RunTask;
  readonly container?: string;
}

const DEFINITION_BYTES_MAX = 65_536;
const OVERRIDES_CHARS_MAX = 8192;
const FARGATE_ENV_BYTES_MAX = 124 * 1024;
const STOP_SECONDS = 30;

const FILES: Rule = listOf(
  {
    is: 'object',
    members: {
      'value!': { is: 'string', pattern: 'arn:aws[a-z-]*:s3:::.+\\.env' },
      'type!': { is: 'string', oneOf: ['s3'] },
    },
  },
  10,
);
const CONTAINER: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'name!': { is: 'string', max: 255, pattern: '[a-zA-Z0-9_-]+' },
    'image!': TEXT,
    essential: FLAG,
    entryPoint: listOf(TEXT),
    command: listOf(TEXT),
    environment: ecs.PAIRS,
    environmentFiles: FILES,
    secrets: ecs.SECRETS,
    user: TEXT,
    workingDirectory: TEXT,
    readonlyRootFilesystem: FLAG,
    privileged: FLAG,
    stopTimeout: COUNT,
  },
};
const DEFINITION: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'family!': { is: 'string', max: 255, pattern: '[a-zA-Z0-9_-]+' },
    taskRoleArn: TEXT,
    executionRoleArn: TEXT,
    'containerDefinitions!': listOf(CONTAINER, 10, 1),
    tags: listOf(ANY, 50),
  },
};
// The members that RunTask has for a container: neither entryPoint nor secrets.
const OVERRIDE: Rule = {
  is: 'object',
  members: {
    name: TEXT,
    command: listOf(TEXT),
    environment: ecs.PAIRS,
    environmentFiles: FILES,
    cpu: COUNT,
    memory: COUNT,
    memoryReservation: COUNT,
    resourceRequirements: listOf(ANY),
  },
};
const RUN: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'taskDefinition!': TEXT,
    count: { is: 'integer', min: 1, max: 10 },
    tags: listOf(ANY, 50),
    overrides: {
      is: 'object',
      isOpen: true,
      members: { containerOverrides: listOf(OVERRIDE) },
    },
  },
};

const CLIENT = 'ClientException';
const PARAMETER = 'InvalidParameterException';

function launchTypeOf({ register, run }: TaskRequests): 'EC2' | 'FARGATE' {
  const asked = run.launchType ?? register.requiresCompatibilities?.[0] ?? 'EC2';
  if (asked !== 'EC2' && asked !== 'FARGATE') throw new NotSimulated(`launch type ${asked}`);
  return asked;
}

function fargateRefusals(one: ContainerDefinition): Refusal[] {
  const at = `containerDefinitions.${one.name}`;
  const { linuxParameters: linux = {}, stopTimeout = 0, privileged = false } = one;
  return [
    ...refuseIf((linux.tmpfs ?? []).length > 0, at, [CLIENT, 'Fargate takes no tmpfs']),
    ...refuseIf(linux.sharedMemorySize !== undefined, at, [
      CLIENT,
      'Fargate takes no sharedMemorySize',
    ]),
    ...refuseIf(privileged, at, [CLIENT, 'Fargate takes no privileged container']),
    ...refuseIf(stopTimeout > 120, at, [CLIENT, 'stopTimeout is at most 120 on Fargate']),
  ];
}

function ownRefusals(requests: TaskRequests): Refusal[] {
  const { register, run } = requests;
  const bytes = Buffer.byteLength(JSON.stringify(register));
  const overrides = JSON.stringify(run.overrides ?? {}).length;
  const names = register.containerDefinitions.map(({ name }) => name);
  const unknown = (run.overrides?.containerOverrides ?? []).filter(
    ({ name }) => !names.includes(name),
  );
  const isFargate = launchTypeOf(requests) === 'FARGATE';
  return [
    ...refuseIf(bytes > DEFINITION_BYTES_MAX, '', [
      CLIENT,
      `Actual length: '${bytes}'. Max allowed length is '${DEFINITION_BYTES_MAX}' bytes.`,
    ]),
    ...refuseIf(run.overrides !== undefined && overrides > OVERRIDES_CHARS_MAX, 'overrides', [
      PARAMETER,
      `Container Overrides length must be at most ${OVERRIDES_CHARS_MAX}`,
    ]),
    ...refuseIf(unknown.length > 0, 'overrides', [
      PARAMETER,
      'Override for container named that is not a container in the TaskDefinition.',
    ]),
    ...(isFargate ? register.containerDefinitions.flatMap(fargateRefusals) : []),
    // That the API refuses this is not verified; the agent would let the secret win.
    ...register.containerDefinitions.flatMap(({ name, environment = [], secrets = [] }) => {
      const both = secrets.filter((one) => environment.some((other) => other.name === one.name));
      return refuseIf(both.length > 0, `containerDefinitions.${name}`, [
        CLIENT,
        'The secret name must be unique and not shared with any new or existing environment variables set on the container',
      ]);
    }),
  ];
}

function refusals(requests: TaskRequests): Refusal[] {
  const messages = [...broken(DEFINITION, requests.register, ''), ...broken(RUN, requests.run, '')];
  const found = messages.map((message) => {
    return { code: CLIENT, at: /'([^']*)'/.exec(message)?.[1] ?? '', message };
  });
  return found.length > 0 ? found : ownRefusals(requests);
}

const namesOf = (env: readonly ecs.Pair[]): [string, string][] =>
  env.map(({ name, value }) => [name, value]);

async function environmentOf(
  one: ContainerDefinition,
  override: Override | undefined,
  job: { readonly requests: TaskRequests; readonly platform: AwsPlatform },
): Promise<Map<string, string>> {
  const { register, run } = job.requests;
  const { aws } = job.platform;
  const files = override?.environmentFiles ?? one.environmentFiles ?? [];
  const env = new Map<string, string>();
  for (const { value } of files) {
    const uri = value.replace(/^arn:aws[a-z-]*:s3:::/, 's3://');
    const read = ecs.envFile(new TextDecoder().decode(await s3Get(aws, uri)));
    if (read === undefined) throw new SecretError(`unable to read environment file ${uri}`);
    for (const [name, text] of read) if (!env.has(name)) env.set(name, text);
  }
  const given = [...namesOf(one.environment ?? []), ...namesOf(override?.environment ?? [])];
  for (const [name, value] of given) env.set(name, value);
  const role = run.overrides?.executionRoleArn ?? register.executionRoleArn;
  for (const pair of await ecs.secretsOf(aws, one.secrets ?? [], role)) env.set(...pair);
  return env;
}

async function viewOf(requests: TaskRequests, platform: AwsPlatform) {
  const { register, run } = requests;
  const wanted = requests.container ?? register.containerDefinitions[0]?.name;
  const one = register.containerDefinitions.find(({ name }) => name === wanted);
  if (one === undefined) throw new Error(`no container ${wanted} in the task definition`);
  const override = run.overrides?.containerOverrides?.find(({ name }) => name === one.name);
  const declared = await environmentOf(one, override, { requests, platform });
  const image = imageOf(platform, one.image);
  const launchType = launchTypeOf(requests);
  const agent = ecs.agentOf({
    world: platform.aws,
    launchType,
    taskRoleArn: run.overrides?.taskRoleArn ?? register.taskRoleArn,
    container: one.name,
    image: one.image,
    family: register.family,
  });
  const hostname = one.hostname ?? 'ip-10-0-0-7.ec2.internal';
  const { home, ...ids } = accountOf(image, one.user ?? image.config.user ?? '');
  const env = runtimeEnv(image, [...declared, ...Object.entries(agent.env)], { hostname, home });
  const { shmBytes, mounts } = ecs.memoryOf(one.linuxParameters);
  const view: View = {
    image,
    argv: dockerWords(image, one.entryPoint, override?.command ?? one.command),
    env,
    cwd: one.workingDirectory ?? image.config.workdir ?? '/',
    ids,
    hostname,
    placed: [],
    mounts,
    shmBytes,
    rootReadOnly: one.readonlyRootFilesystem === true,
    network: one.disableNetworking === true ? [] : agent.network,
    hosts: { [hostname]: '10.0.0.7' },
    privileged: one.privileged === true,
    isPidOne: one.linuxParameters?.initProcessEnabled !== true,
    stopMs: (one.stopTimeout ?? STOP_SECONDS) * 1000,
    collected: [],
  };
  return { view, launchType, own: { env: Object.keys(agent.env), paths: [] } };
}

async function run(requests: TaskRequests, platform: AwsPlatform, wish: Wish = {}): Promise<Ran> {
  const found = refusals(requests);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  try {
    const { view, launchType, own } = await viewOf(requests, platform);
    const bytes = view.env.reduce((sum, pair) => sum + Buffer.byteLength(pair.join('=')) + 1, 0);
    if (launchType === 'FARGATE' && bytes > FARGATE_ENV_BYTES_MAX) {
      const reason = 'CannotStartContainerError: ResourceInitializationError';
      return { kind: 'not started', reason };
    }
    const outcome = await runContainer(platform.yard, { view, own }, wish);
    return { kind: 'ended', outcome, status: 'STOPPED' };
  } catch (cause) {
    if (!(cause instanceof SecretError)) throw cause;
    return { kind: 'not started', reason: `ResourceInitializationError: ${cause.message}` };
  }
}

/** The simulator. */
export const ecsTask: Simulator<TaskRequests, AwsPlatform> = { name: 'ecs', refusals, run };
