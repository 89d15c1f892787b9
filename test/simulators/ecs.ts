// ECS on EC2 and Fargate: RegisterTaskDefinition, RunTask, and the one container of the task that
// the test is about (service model of botocore 1.44.5; amazon-ecs-agent 8dfceca;
// service errors from public reports).
import { runContainer } from './_container.ts';
import { s3Get, SecretError } from './_aws.ts';
import * as ecs from './_ecs.ts';
import { dockerWords, imageAt } from './_image.ts';
import * as api from './_ecs-requests.ts';
import { broken, refused, refuseIf } from './_rules.ts';
import type { AwsPlatform } from './_sagemaker.ts';
import { dockerInput, plainView } from './_view.ts';
import { NotSimulated, type Ran, type Refusal, type Simulator } from './_types.ts';
import type { View, Wish } from './_types.ts';

const DEFINITION_BYTES_MAX = 65_536;
const OVERRIDES_CHARS_MAX = 8192;
const FARGATE_ENV_BYTES_MAX = 124 * 1024;
const STOP_SECONDS = 30;

const CLIENT = 'ClientException';
const PARAMETER = 'InvalidParameterException';

function launchTypeOf({ register, run }: api.TaskRequests): 'EC2' | 'FARGATE' {
  const asked = run.launchType ?? register.requiresCompatibilities?.[0] ?? 'EC2';
  if (asked !== 'EC2' && asked !== 'FARGATE') throw new NotSimulated(`launch type ${asked}`);
  return asked;
}

function fargateRefusals(one: api.ContainerDefinition): Refusal[] {
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

function ownRefusals(requests: api.TaskRequests): Refusal[] {
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

function refusals(requests: api.TaskRequests): Refusal[] {
  const messages = [
    ...broken(api.DEFINITION, requests.register, ''),
    ...broken(api.RUN, requests.run, ''),
  ];
  const found = refused(CLIENT, messages);
  return found.length > 0 ? found : ownRefusals(requests);
}

async function filesOf(files: readonly api.EnvironmentFile[], { aws }: AwsPlatform) {
  const env = new Map<string, string>();
  for (const { value } of files) {
    const uri = value.replace(/^arn:aws[a-z-]*:s3:::/, 's3://');
    const read = ecs.envFile(new TextDecoder().decode(await s3Get(aws, uri)));
    if (read === undefined) throw new SecretError(`unable to read environment file ${uri}`);
    for (const [name, text] of read) if (!env.has(name)) env.set(name, text);
  }
  return env;
}

/** Files, over them the variables of the definition and of the run, over them the secrets. */
async function environmentOf(
  { one, over, roles }: Chosen,
  platform: AwsPlatform,
): Promise<Map<string, string>> {
  const { environment = [], environmentFiles = [], secrets = [] } = one;
  const env = await filesOf(over.environmentFiles ?? environmentFiles, platform);
  const given = [...environment, ...(over.environment ?? [])];
  for (const { name, value } of given) env.set(name, value);
  const fetched = await ecs.secretsOf(platform.aws, secrets, roles.execution);
  for (const pair of fetched) env.set(...pair);
  return env;
}

/** The container that is looked at, and what the run changes of it. */
interface Chosen {
  readonly one: api.ContainerDefinition;
  readonly over: Partial<api.Override>;
  readonly roles: {
    readonly task: string | undefined;
    readonly execution: string | undefined;
  };
}

function chosen({ register, run, container }: api.TaskRequests): Chosen {
  const wanted = container ?? register.containerDefinitions[0]?.name;
  const one = register.containerDefinitions.find(({ name }) => name === wanted);
  if (one === undefined) throw new Error(`no container ${wanted} in the task definition`);
  const { containerOverrides = [], ...roles } = run.overrides ?? {};
  return {
    one,
    over: containerOverrides.find(({ name }) => name === one.name) ?? {},
    roles: {
      task: roles.taskRoleArn ?? register.taskRoleArn,
      execution: roles.executionRoleArn ?? register.executionRoleArn,
    },
  };
}

async function viewOf(requests: api.TaskRequests, platform: AwsPlatform) {
  const choice = chosen(requests);
  const { one, over, roles } = choice;
  const launchType = launchTypeOf(requests);
  const agent = ecs.agentOf({
    world: platform.aws,
    launchType,
    taskRoleArn: roles.task,
    container: one.name,
    image: one.image,
    family: requests.register.family,
  });
  const declared = await environmentOf(choice, platform);
  const docker = dockerInput(one.interactive, one.pseudoTerminal);
  const hostname = one.hostname ?? 'ip-10-0-0-7.ec2.internal';
  const image = imageAt(platform.images, one.image);
  const view: View = {
    ...plainView({
      image,
      words: dockerWords(image, one.entryPoint, over.command ?? one.command),
      declared: [...docker.env, ...declared, ...Object.entries(agent.env)],
      hostname,
      cwd: one.workingDirectory,
      user: one.user,
    }),
    ...ecs.memoryOf(one.linuxParameters),
    rootReadOnly: one.readonlyRootFilesystem === true,
    network: one.disableNetworking === true ? [] : agent.network,
    hosts: { [hostname]: '10.0.0.7' },
    privileged: one.privileged === true,
    input: docker.input,
    isPidOne: one.linuxParameters?.initProcessEnabled !== true,
    stopMs: (one.stopTimeout ?? STOP_SECONDS) * 1000,
  };
  return { view, launchType, own: { env: Object.keys(agent.env), paths: [] } };
}

async function run(
  requests: api.TaskRequests,
  platform: AwsPlatform,
  wish: Wish = {},
): Promise<Ran> {
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
export const ecsTask: Simulator<api.TaskRequests, AwsPlatform> = { name: 'ecs', refusals, run };
