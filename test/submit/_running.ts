// A Job by `bellhop submit`, and what the requests have of it.
import { expect } from 'bun:test';
import type { Json } from '../../src/core/canonical.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { nodesAt } from '../../src/targets/_caps.ts';
import { submit } from './_cli.ts';
import { GIVEN } from './_frame.ts';

export const BATCH_TRIES = 'RegisterJobDefinition retryStrategy.attempts';
export const BATCH_TIME = 'RegisterJobDefinition timeout.attemptDurationSeconds';
export const BATCH_SIZE = 'SubmitJob arrayProperties.size';
export const MANY = {
  completions: 4,
  parallelism: 2,
  backoffLimitPerIndex: 1,
  completionMode: 'Indexed',
};

/** bellhop.yaml with what every target needs, but for times, and more of `submit`. */
export async function settings(
  target: string,
  given: object = {},
  more: object = {},
): Promise<string> {
  const { default: one } = (await ALL_TARGETS[target]?.()) ?? expect.unreachable();
  const all = one.operations.map((operation) => {
    const { StoppingCondition: _, ...own } = GIVEN[operation] ?? {};
    return [operation, { ...own, ...(given as Record<string, object>)[operation] }];
  });
  const targets = { [target]: Object.fromEntries(all) };
  return JSON.stringify({ apiVersion: 'bellhop/v1', submit: { targets, ...more } });
}

/** A Job of one container that is given cpu and memory. */
export const job = (spec: object, pod: object = {}): string => {
  const container = {
    name: 'main',
    image: 'i',
    command: ['env'],
    resources: { limits: { cpu: '1', memory: '1Gi' } },
  };
  const template = { spec: { restartPolicy: 'Never', ...pod, containers: [container] } };
  const metadata = { name: 'train' };
  return JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { ...spec, template },
  });
};

/** What `bellhop submit` said and made. */
export interface Told {
  readonly code: number;
  readonly err: string;
  readonly requests: readonly { readonly operation: string; readonly input: JsonObject }[];
}

/** What comes of a pod or Job on a target, where it is only printed. */
export async function told(
  target: string,
  pod: string,
  { given = {}, more = {} }: { readonly given?: object; readonly more?: object } = {},
): Promise<Told> {
  const yaml = await settings(target, given, more);
  const flags = ['--dry-run', '--image-entrypoint', '[]'];
  const { code, out, err } = submit(target, { pod, yaml, flags });
  const { requests } = code === 0 ? (JSON.parse(out) as Told) : { requests: [] };
  return { code, err, requests };
}

/** What the requests have at these places; undefined where they have nothing. */
export function seenAt({ requests }: Told, places: readonly string[]): (Json | undefined)[] {
  return places.map((place) => {
    const [operation = '', ...at] = place.split(' ');
    const request = requests.find((one) => one.operation === operation);
    return nodesAt(request?.input ?? {}, at.join(''))[0];
  });
}
