// RegisterTaskDefinition and RunTask: members and rules (service model of botocore 1.44.5).
import * as ecs from './_ecs.ts';
import { ANY, COUNT, FLAG, listOf, type Rule, TEXT } from './_rules.ts';

/** A file of variables on S3. */
export interface EnvironmentFile {
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
  readonly interactive?: boolean;
  readonly pseudoTerminal?: boolean;
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

/** What RunTask says of one container. */
export interface Override {
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
    interactive: FLAG,
    pseudoTerminal: FLAG,
    stopTimeout: COUNT,
  },
};
/** What RegisterTaskDefinition takes. */
export const DEFINITION: Rule = {
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
/** What RunTask takes. */
export const RUN: Rule = {
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
