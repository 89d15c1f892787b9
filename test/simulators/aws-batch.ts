// AWS Batch on ECS: RegisterJobDefinition with containerProperties, SubmitJob, and the job's
// container (service model of botocore 1.44.5; Batch user guide 39859a8).
import { SecretError } from './_aws.ts';
import { runContainer } from './_container.ts';
import * as ecs from './_ecs.ts';
import { dockerWords, imageAt } from './_image.ts';
import { broken, COUNT, FLAG, listOf, refused, refuseIf, type Rule, TEXT } from './_rules.ts';
import type { AwsPlatform } from './_sagemaker.ts';
import { plainView } from './_view.ts';
import { NotSimulated, type Ran, type Refusal, type Simulator } from './_types.ts';
import type { View, Wish } from './_types.ts';

/** containerProperties, the members that the simulator reads. */
export interface ContainerProperties {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: readonly ecs.Pair[];
  readonly secrets?: readonly ecs.SecretPair[];
  readonly jobRoleArn?: string;
  readonly executionRoleArn?: string;
  readonly user?: string;
  readonly readonlyRootFilesystem?: boolean;
  readonly privileged?: boolean;
  readonly linuxParameters?: ecs.LinuxParameters;
  readonly [more: string]: unknown;
}

/** RegisterJobDefinition. */
export interface JobDefinition {
  readonly jobDefinitionName: string;
  readonly type: string;
  readonly containerProperties?: ContainerProperties;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly platformCapabilities?: readonly string[];
  readonly [more: string]: unknown;
}

/** SubmitJob. */
export interface SubmitJob {
  readonly jobName: string;
  readonly jobQueue: string;
  readonly jobDefinition: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly arrayProperties?: { readonly size?: number };
  readonly containerOverrides?: {
    readonly command?: readonly string[];
    readonly environment?: readonly ecs.Pair[];
  };
  readonly [more: string]: unknown;
}

/** Both calls, in their order. */
export interface BatchRequests {
  readonly register: JobDefinition;
  readonly submit: SubmitJob;
}

const REGISTER_BYTES_MAX = 24_576;
const SUBMIT_BYTES_MAX = 30_720;
// Batch hands the overrides to RunTask (one weak text): what ECS would refuse is refused here.
const OVERRIDES_CHARS_MAX = 8192;
const CLIENT = 'ClientException';
const NAME: Rule = { is: 'string', min: 1, max: 128, pattern: '[a-zA-Z0-9][a-zA-Z0-9_-]*' };
const WORDS = listOf({ is: 'string', min: 1 });

const CONTAINER: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'image!': TEXT,
    command: WORDS,
    environment: ecs.PAIRS,
    secrets: ecs.SECRETS,
    user: TEXT,
    readonlyRootFilesystem: FLAG,
    privileged: FLAG,
    vcpus: COUNT,
    memory: COUNT,
  },
};
const REGISTER: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'jobDefinitionName!': NAME,
    'type!': { is: 'string', oneOf: ['container', 'multinode'] },
    containerProperties: CONTAINER,
    parameters: { is: 'map', key: TEXT, value: TEXT },
    retryStrategy: {
      is: 'object',
      isOpen: true,
      members: { attempts: { is: 'integer', min: 1, max: 10 } },
    },
    timeout: {
      is: 'object',
      members: { attemptDurationSeconds: { is: 'integer', min: 60 } },
    },
  },
};
const SUBMIT: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'jobName!': NAME,
    'jobQueue!': TEXT,
    'jobDefinition!': TEXT,
    parameters: { is: 'map', key: TEXT, value: TEXT },
    arrayProperties: { is: 'object', members: { size: { is: 'integer', min: 2, max: 10_000 } } },
    // Neither an entrypoint nor secrets.
    containerOverrides: {
      is: 'object',
      members: {
        vcpus: COUNT,
        memory: COUNT,
        instanceType: TEXT,
        command: WORDS,
        environment: ecs.PAIRS,
        resourceRequirements: listOf({ is: 'any' }),
      },
    },
  },
};

function reserved(env: readonly { readonly name: string }[] = [], at: string): Refusal[] {
  return refuseIf(
    env.some(({ name }) => name.startsWith('AWS_BATCH')),
    at,
    [CLIENT, 'Environment variables cannot start with "AWS_BATCH"'],
  );
}

function tooLong(what: string, size: number, max: number): Refusal[] {
  const said = `${what} must be at most ${max}, and is ${size}`;
  return refuseIf(size > max, what, [CLIENT, said]);
}

function refusals({ register, submit }: BatchRequests): Refusal[] {
  const messages = [...broken(REGISTER, register, ''), ...broken(SUBMIT, submit, '')];
  const found = refused(CLIENT, messages);
  if (found.length > 0) return found;
  const { containerProperties: one, platformCapabilities = [] } = register;
  const { containerOverrides: over } = submit;
  const isFargate = platformCapabilities.includes('FARGATE');
  const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
  return [
    ...tooLong('bytes of RegisterJobDefinition', bytes(register), REGISTER_BYTES_MAX),
    ...tooLong('bytes of SubmitJob', bytes(submit), SUBMIT_BYTES_MAX),
    ...tooLong(
      'characters of the overrides',
      JSON.stringify({ containerOverrides: [{ name: 'default', ...over }] }).length,
      OVERRIDES_CHARS_MAX,
    ),
    ...reserved(one?.environment, 'containerProperties.environment'),
    ...reserved(one?.secrets, 'containerProperties.secrets'),
    ...reserved(over?.environment, 'containerOverrides.environment'),
    ...refuseIf(isFargate && (one?.linuxParameters?.tmpfs ?? []).length > 0, 'linuxParameters', [
      CLIENT,
      'Fargate takes no tmpfs',
    ]),
  ];
}

/** `Ref::name` as a whole word, or within one; a name without a parameter stays as written. */
function substituted(words: readonly string[], parameters: Readonly<Record<string, string>>) {
  return words.map((word) =>
    word.replace(/Ref::([A-Za-z0-9_-]+)/g, (whole, name: string) => parameters[name] ?? whole),
  );
}

function batchVariables({ submit }: BatchRequests, wish: Wish): Record<string, string> {
  const id = crypto.randomUUID();
  const { size } = submit.arrayProperties ?? {};
  const index = String(wish.node ?? 0);
  return {
    AWS_BATCH_JOB_ID: size === undefined ? id : `${id}:${index}`,
    AWS_BATCH_JOB_ATTEMPT: String(wish.attempt ?? 1),
    AWS_BATCH_JQ_NAME: submit.jobQueue,
    AWS_BATCH_CE_NAME: 'compute-environment',
    ...(size === undefined ? {} : { AWS_BATCH_JOB_ARRAY_INDEX: index }),
  };
}

async function environmentOf(
  one: ContainerProperties,
  { submit }: BatchRequests,
  { aws }: AwsPlatform,
): Promise<Map<string, string>> {
  const { environment = [], secrets = [], executionRoleArn } = one;
  const given = [...environment, ...(submit.containerOverrides?.environment ?? [])];
  const env = new Map(given.map(({ name, value }) => [name, value]));
  for (const pair of await ecs.secretsOf(aws, secrets, executionRoleArn)) env.set(...pair);
  return env;
}

function agentFor(one: ContainerProperties, { register }: BatchRequests, { aws }: AwsPlatform) {
  const isFargate = register.platformCapabilities?.includes('FARGATE') === true;
  return ecs.agentOf({
    world: aws,
    launchType: isFargate ? 'FARGATE' : 'EC2',
    taskRoleArn: one.jobRoleArn,
    container: 'default',
    image: one.image,
    family: register.jobDefinitionName,
  });
}

async function start(requests: BatchRequests, platform: AwsPlatform, wish: Wish): Promise<Ran> {
  const { register, submit } = requests;
  const { containerProperties: one } = register;
  if (one === undefined) throw new NotSimulated('job definitions without containerProperties');
  const agent = agentFor(one, requests, platform);
  const own = { ...agent.env, ...batchVariables(requests, wish) };
  const env = await environmentOf(one, requests, platform);
  const image = imageAt(platform.images, one.image);
  const parameters = { ...register.parameters, ...submit.parameters };
  const command = submit.containerOverrides?.command ?? one.command;
  const hostname = 'ip-10-0-0-7.ec2.internal';
  const view: View = {
    ...plainView({
      image,
      words: dockerWords(image, undefined, command && substituted(command, parameters)),
      declared: [...env, ...Object.entries(own)],
      hostname,
      user: one.user,
    }),
    ...ecs.memoryOf(one.linuxParameters),
    rootReadOnly: one.readonlyRootFilesystem === true,
    network: agent.network,
    hosts: { [hostname]: '10.0.0.7' },
    privileged: one.privileged === true,
    isPidOne: one.linuxParameters?.initProcessEnabled !== true,
  };
  const job = { view, own: { env: Object.keys(own), paths: [] } };
  const outcome = await runContainer(platform.yard, job, wish);
  const status = outcome.exit === 0 ? 'SUCCEEDED' : 'FAILED';
  return { kind: 'ended', outcome, status };
}

async function run(requests: BatchRequests, platform: AwsPlatform, wish: Wish = {}): Promise<Ran> {
  const found = refusals(requests);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  try {
    return await start(requests, platform, wish);
  } catch (cause) {
    if (!(cause instanceof SecretError)) throw cause;
    return { kind: 'not started', reason: `ResourceInitializationError: ${cause.message}` };
  }
}

/** The simulator. */
export const awsBatch: Simulator<BatchRequests, AwsPlatform> = { name: 'aws-batch', refusals, run };
