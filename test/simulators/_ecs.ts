// What a task on ECS is given, and a job of Batch with it, which runs as one: credentials,
// metadata, variables of the agent (aws/amazon-ecs-agent 8dfceca), secrets of Secrets Manager and
// SSM.
import { type AwsWorld, credentials, CREDENTIALS_ADDRESS, loopback } from './_aws.ts';
import { SecretError, taskSecret } from './_aws.ts';
import { listOf, type Rule, TEXT } from './_rules.ts';
import type { Listener, Mounted, Service } from './_types.ts';

/** `{name, value}`, as the APIs of ECS, Batch and Nomad's forebears have it. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** A variable whose value the agent fetches. */
export interface SecretPair {
  readonly name: string;
  readonly valueFrom: string;
}

export const PAIRS: Rule = listOf({ is: 'object', members: { name: TEXT, value: TEXT } });
export const SECRETS: Rule = listOf({
  is: 'object',
  members: { 'name!': TEXT, 'valueFrom!': TEXT },
});

/** linuxParameters, the part that changes what a container sees. */
export interface LinuxParameters {
  readonly sharedMemorySize?: number;
  readonly initProcessEnabled?: boolean;
  readonly tmpfs?: readonly {
    readonly containerPath: string;
    readonly size: number;
    readonly mountOptions?: readonly string[];
  }[];
}

const MIB = 1024 * 1024;
const SHM_DEFAULT_MIB = 64;

/** Size of /dev/shm and the tmpfs mounts, as Docker makes them. */
export function memoryOf(linux: LinuxParameters = {}): { shmBytes: number; mounts: Mounted[] } {
  const mounts = (linux.tmpfs ?? []).map(
    (one): Mounted => ({
      kind: 'tmpfs',
      at: one.containerPath,
      bytesMax: one.size * MIB,
      options: ['nosuid', 'nodev', 'noexec', ...(one.mountOptions ?? [])].join(','),
    }),
  );
  return { shmBytes: (linux.sharedMemorySize ?? SHM_DEFAULT_MIB) * MIB, mounts };
}

/** One task's own addresses and variables. */
export interface Agent {
  readonly network: readonly Listener[];
  readonly env: Readonly<Record<string, string>>;
}

/** What decides them. */
export interface TaskFacts {
  readonly world: AwsWorld;
  readonly launchType: 'EC2' | 'FARGATE';
  readonly taskRoleArn: string | undefined;
  readonly container: string;
  readonly image: string;
  readonly family: string;
}

/** Answers of the agent at 169.254.170.2: credentials by their path, metadata v3 and v4. */
function agentService(facts: TaskFacts, ids: { task: string; relative: string }): Service {
  const { world, container, image, family, launchType } = facts;
  const arn = `arn:aws:ecs:${world.region}:${world.account}`;
  const self = {
    DockerId: ids.task,
    Name: container,
    DockerName: `ecs-${family}-1-${container}`,
    Image: image,
    Type: 'NORMAL',
    ContainerARN: `${arn}:container/default/${ids.task}/1`,
    Labels: { 'com.amazonaws.ecs.container-name': container },
    Limits: { CPU: 2 },
    Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: ['10.0.0.7'] }],
  };
  const task = {
    Cluster: 'default',
    TaskARN: `${arn}:task/default/${ids.task}`,
    Family: family,
    Revision: '1',
    DesiredStatus: 'RUNNING',
    KnownStatus: 'RUNNING',
    LaunchType: launchType,
    Containers: [self],
  };
  const role = facts.taskRoleArn;
  const keys = role === undefined ? undefined : credentials(world, ids.relative, role);
  return (request) => {
    const { pathname } = new URL(request.url);
    for (const version of ['v3', 'v4']) {
      if (pathname === `/${version}/${ids.task}`) return Response.json(self);
      if (pathname === `/${version}/${ids.task}/task`) return Response.json(task);
    }
    return typeof keys === 'function' ? keys(request) : new Response('', { status: 404 });
  };
}

/** The agent of a task. */
export function agentOf(facts: TaskFacts): Agent {
  const { world, launchType, taskRoleArn } = facts;
  const ids = {
    task: crypto.randomUUID().replaceAll('-', ''),
    relative: `/v2/credentials/${crypto.randomUUID()}`,
  };
  const service = agentService(facts, ids);
  const isFargate = launchType === 'FARGATE';
  const at = `http://${CREDENTIALS_ADDRESS}`;
  const env = {
    ECS_CONTAINER_METADATA_URI: `${at}/v3/${ids.task}`,
    ECS_CONTAINER_METADATA_URI_V4: `${at}/v4/${ids.task}`,
    ECS_AGENT_URI: `${at}/api/${ids.task}`,
    AWS_EXECUTION_ENV: isFargate ? 'AWS_ECS_FARGATE' : 'AWS_ECS_EC2',
    ...(isFargate ? { AWS_REGION: world.region, AWS_DEFAULT_REGION: world.region } : {}),
    ...(taskRoleArn === undefined ? {} : { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: ids.relative }),
  };
  const network = [
    { address: CREDENTIALS_ADDRESS, port: 80, service },
    ...loopback(world.reachable),
  ];
  return { network, env };
}

/** All secrets of a container, or the agent's reason not to start it. */
export async function secretsOf(
  world: AwsWorld,
  secrets: readonly SecretPair[],
  executionRoleArn: string | undefined,
): Promise<Map<string, string>> {
  if (secrets.length > 0 && executionRoleArn === undefined) {
    throw new SecretError('unable to pull secrets: the execution role is missing');
  }
  const values = new Map<string, string>();
  for (const { name, valueFrom } of secrets) values.set(name, await taskSecret(world, valueFrom));
  return values;
}

const LINE_BYTES_MAX = 65_535;

/**
 * An environment file as the agent reads it (envfile.go): no quotes, no escapes, `#` in column 0
 * only; undefined where a line is longer than its scanner takes, which fails the whole file.
 */
export function envFile(text: string): Map<string, string> | undefined {
  const values = new Map<string, string>();
  for (const raw of text.split('\n')) {
    if (Buffer.byteLength(raw) > LINE_BYTES_MAX) return undefined;
    const line = raw.replace(/\r$/, '');
    const at = line.indexOf('=');
    if (line.startsWith('#') || at <= 0) continue;
    const name = line.slice(0, at);
    if (!values.has(name)) values.set(name, line.slice(at + 1));
  }
  return values;
}
