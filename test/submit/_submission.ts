// Submissions made from values, and what a container makes of them.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Io } from '../../src/core/io/types.ts';
import { NO_TRACE } from '../../src/core/trace.ts';
import type { CarriedPlan, PlanPlace } from '../../src/entrypoint/plan-source.ts';
import { carriedPlan, planElsewhere } from '../../src/entrypoint/plan-source.ts';
import { barePlan } from '../../src/plan/bare.ts';
import type { BundledObject } from '../../src/plan/bundle.ts';
import type { Placement, Plan, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Submission, SubmitInput } from '../../src/submit/prepare.ts';
import type { SpillPlace } from '../../src/submit/ways.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { nodesAt, pairsOf } from '../../src/targets/_caps.ts';
import type { Target } from '../../src/targets/_target.ts';
import { fakeIo } from '../support/fake-io.ts';
import { GIVEN, IMAGE } from './_frame.ts';

/** What of a submission a test chooses. */
export interface Chosen {
  readonly placements?: readonly Placement[];
  readonly stores?: Readonly<Record<string, StoreOptions>>;
  readonly objects?: readonly BundledObject[];
  readonly parameters?: SubmitInput['parameters'];
  readonly given?: Readonly<Record<string, JsonObject>>;
  readonly spill?: SpillPlace | 'none';
  readonly isStartedByImage?: boolean;
  readonly image?: Plan['image'];
  readonly name?: string;
}

export const BUCKET: SpillPlace = {
  store: 's3',
  path: 'bucket/jobs',
  stores: { s3: { kind: 's3', region: 'us-east-1' } },
  addressOf: (path) => `s3://${path}`,
};

export const COMMAND: Placement = {
  kind: 'argv',
  command: ['python', 'train.py'],
  args: ['--lr', '$(LR)'],
  rule: 'spec.containers[0]',
};

/** A variable of the pod with this text. */
export function literal(name: string, text: string): Placement {
  return {
    kind: 'variable',
    layer: 'env',
    name,
    source: { kind: 'text', text, of: name },
    rule: `env ${name}`,
  };
}

export function planFor({ placements = [COMMAND], stores = {}, image = {} }: Chosen): Plan {
  const origin = { name: 'train', namespace: 'ml', container: 'main' };
  return { ...barePlan({ origin, stores, policy: DEFAULT_POLICY, placements }), image };
}

export function inputFor(target: Target, chosen: Chosen): SubmitInput {
  const { spill = BUCKET, objects = [], parameters, isStartedByImage = false, name } = chosen;
  const given = { ...GIVEN, ...chosen.given };
  return {
    target,
    plan: planFor(chosen),
    objects,
    ...(parameters === undefined ? {} : { parameters }),
    ...(name === undefined ? {} : { name }),
    needs: { cpus: 0.5, memoryMiB: 2048 },
    image: IMAGE,
    bellhop: 'bellhop',
    isStartedByImage,
    ...(spill === 'none' ? {} : { spill }),
    given: (operation) => given[operation] ?? {},
    deflate: (bytes) => deflateRawSync(bytes, { level: 9 }),
  };
}

/** The variables of the request, as the container gets them from the platform. */
export function variablesIn(target: Target, { split }: Submission): ReadonlyMap<string, string> {
  const { operation, at } = target.variablesAt;
  const request = split.requests.find((one) => one.operation === operation);
  return new Map(nodesAt(request?.input ?? {}, at).flatMap(pairsOf));
}

/** The plan as a container finds it, from the request and the object beside it alone. */
export async function planInside(
  target: Target,
  submission: Submission,
  variable: PlanPlace['variable'] = 'BELLHOP_PLAN',
): Promise<CarriedPlan> {
  const own = variablesIn(target, submission);
  const named = own.get(variable) ?? '';
  const by = `${variable}_DIGEST`;
  const digest = own.get(by) ?? '';
  const { spilled } = submission;
  if (!named.startsWith('inline:')) {
    return carriedPlan(spilled?.bytes ?? new Uint8Array(), named, { digest, by });
  }
  const inflate = (bytes: Uint8Array): Uint8Array => inflateRawSync(bytes);
  const io = { ...fakeIo({}), packing: { inflate, deflate: inflate } } as Io;
  return planElsewhere({ named, by: variable, variable, own }, { io, trace: NO_TRACE });
}
