// What SageMaker's operations have in common. Shapes: botocore 1.44.5, sagemaker/2017-07-24.
// Behaviour: awsdocs/amazon-sagemaker-developer-guide@a869fa5 (2023-06-15).
import type { Cap, Fact, Form, JsonObject, Limit } from './_caps.ts';
import { ENTRYPOINT_FEATURES } from './_entrypoint.ts';
import type { AwsApi, Feature, Inside, Look, Progress, Request, Said } from './_target.ts';

export const GUIDE = 'awsdocs/amazon-sagemaker-developer-guide@a869fa5 (2023-06-15)';
export const READ_ON = '2026-11-21';

const SAGEMAKER: AwsApi = {
  signed: 'sagemaker',
  host: 'api.sagemaker',
  variable: 'SAGEMAKER',
  cli: 'sagemaker',
};

/** A request to SageMaker. */
export function sagemaker(operation: string, input: JsonObject): Request {
  return { operation, input, send: { by: 'aws json', service: SAGEMAKER, target: 'SageMaker' } };
}

/**
 * Whether there is something of this name already. SageMaker says ValidationException where there
 * is not, though its service model names ResourceNotFound.
 */
export function describedBy(operation: string, member: string, name: string): Look {
  const arn = member.replace(/Name$/, 'Arn');
  return {
    request: sagemaker(operation, { [member]: name }),
    absentCodes: ['ResourceNotFound', 'ResourceNotFoundException', 'ValidationException'],
    isThere: (answer) => typeof answer[arn] === 'string',
  };
}

/** Says where in the service model a number stands: the operation, then the member. */
function modelFact(operation: string, member: string): Fact {
  return {
    source: 'botocore 1.44.5, sagemaker/2017-07-24',
    readOn: READ_ON,
    sure: 'service model',
    model: `sagemaker ${operation}.${member}`,
  };
}

/** A number of the service model, as a function of one operation. */
export const limitsOf =
  (operation: string) =>
  (
    at: string,
    counts: Limit['counts'],
    { model, ...range }: { readonly max: number; readonly min?: number; readonly model: string },
  ): Cap => ({ kind: 'limit', operation, at, counts, ...range, ...modelFact(operation, model) });

/** A pattern of the service model, as a function of one operation. */
export const formsOf =
  (operation: string) =>
  (
    at: string,
    of: Form['of'],
    { model, pattern }: { readonly pattern: string; readonly model: string },
  ): Cap => ({ kind: 'form', operation, at, of, pattern, ...modelFact(operation, model) });

/** Names of jobs and models: the pattern of the service model allows them. */
export const NAME_LENGTH_MAX = 63;

const RESOURCES = '/opt/ml/input/config/resourceconfig.json';

/** How many hosts a job has, as SageMaker tells each of them. */
export function hostsOf(inside: Inside, path = RESOURCES): number | undefined {
  const text = inside.read(path);
  if (text === undefined) return undefined;
  try {
    const { hosts } = JSON.parse(text) as { hosts?: unknown };
    return Array.isArray(hosts) ? hosts.length : undefined;
  } catch {
    return undefined;
  }
}

/** What holds for all of SageMaker. */
export const SAGEMAKER_FEATURES = {
  ...ENTRYPOINT_FEATURES,
  secretVariables: { by: 'entrypoint', how: 'SageMaker has no secrets of its own' },
  cpuAndMemory: { by: 'nobody', how: 'choose an instance type that has as much' },
  gpu: { by: 'nobody', how: 'choose an instance type that has as many' },
  sidecars: { by: 'nobody', how: 'one container only: start what is needed from the image' },
  hostPath: { by: 'nobody', how: 'bring the data as an input; then `volumes: { NAME: present }`' },
  hostNamespaces: { by: 'nobody', how: 'the container has its own: remove it' },
  privileged: { by: 'nobody', how: 'no container is privileged: remove it' },
  devices: { by: 'nobody', how: 'only what the instance type brings: remove it' },
} as const satisfies Partial<Record<Feature, Said>>;

/** A job's status as SageMaker says it; `step` is the finer word where there is one. */
export function jobProgress(of: {
  readonly status: unknown;
  readonly step?: unknown;
  readonly reason: unknown;
  readonly running: string;
}): Progress {
  const { status, reason } = of;
  const said = [of.step, status].find((one) => typeof one === 'string') ?? 'unknown';
  if (status === 'Completed') return { state: 'succeeded', said };
  if (status === 'Failed' || status === 'Stopped') {
    return { state: 'failed', said, ...(typeof reason === 'string' ? { reason } : {}) };
  }
  return { state: said === of.running ? 'running' : 'waiting', said };
}

/** The caps of an operation's list of words (entrypoint or arguments) at this member. */
export function wordsOf(operation: string): (at: string) => readonly Cap[] {
  const limit = limitsOf(operation);
  const form = formsOf(operation);
  return (at) => [
    limit(at, 'entries', { max: 100, min: 1, model: at }),
    limit(at, 'value', { max: 256, model: `${at}.[]` }),
    form(at, 'value', { pattern: '.*', model: `${at}.[]` }),
  ];
}
