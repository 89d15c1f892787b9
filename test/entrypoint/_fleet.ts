// A fleet of starts at once, each with its own plan, against made-up AWS endpoints with AWS's real
// quotas, on a clock that jumps. The stores, the fetch engine and the signer are the real ones.
import { CRYPTOGRAPHY } from '../../src/core/io/cryptography.ts';
import type { HttpRequest } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import type { Io } from '../../src/core/io/types.ts';
import { openBudget } from '../../src/core/budget.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import type { Bound, Placement, Plan, Policy, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import { fakeIo } from '../support/fake-io.ts';
import type { Reaction, Simulation } from '../support/simulated.ts';
import { quota, simulation } from '../support/simulated.ts';

export interface FleetOptions {
  readonly starts: number;
  readonly bounds: readonly Bound[];
  readonly stores: Readonly<Record<string, StoreOptions>>;
  readonly startMsMax: number;
  readonly policy?: Partial<Policy>;
  readonly react: (request: HttpRequest, nowMs: number, world: Simulation) => Reaction;
}

export interface FleetResult {
  readonly succeeded: number;
  readonly requests: number;
  /** Requests by 10 ms, by when they came. */
  readonly byTenMs: ReadonlyMap<number, number>;
  readonly lastMs: number;
  readonly failures: readonly string[];
}

const TEN_MS = 10;
const ENV = [
  'AWS_ACCESS_KEY_ID=AKIAFLEET',
  'AWS_SECRET_ACCESS_KEY=fleet',
  'AWS_REGION=us-east-1',
  'VAULT_ADDR=https://vault.test',
  'VAULT_TOKEN=fleet',
];

/** Lets all of them start in the same moment. */
export async function fleet(options: FleetOptions): Promise<FleetResult> {
  // Loading takes real time, which a clock that jumps does not wait for.
  await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
  const world = simulation(7);
  const byTenMs = new Map<number, number>();
  let requests = 0;
  const net = world.net((request, nowMs) => {
    requests += 1;
    const slot = Math.floor(nowMs / TEN_MS);
    byTenMs.set(slot, (byTenMs.get(slot) ?? 0) + 1);
    return options.react(request, nowMs, world);
  });
  const random = (count: number): Uint8Array => {
    return Uint8Array.from({ length: count }, () => Math.floor(world.random() * 256));
  };
  const io: Io = { ...fakeIo({ env: ENV }), net, clock: world.clock, crypto: CRYPTOGRAPHY, random };
  const starts = Array.from({ length: options.starts }, () => start(io, options));
  const ended = await world.run(Promise.all(starts));
  const failures = ended.flat();
  return {
    succeeded: ended.filter((one) => one.length === 0).length,
    requests,
    byTenMs,
    lastMs: world.clock.monotonicMs(),
    failures,
  };
}

/** The problems of one start; none where it has everything. */
async function start(io: Io, options: FleetOptions): Promise<string[]> {
  const placements = options.bounds.map(
    (bound, n): Placement => ({
      kind: 'variable',
      layer: 'env',
      name: `V${n}`,
      source: { kind: 'value', bound },
      rule: `env[${n}]`,
    }),
  );
  const plan = {
    placements,
    stores: options.stores,
    origin: { namespace: 'default' },
    policy: { ...DEFAULT_POLICY, ...options.policy, startMsMax: options.startMsMax },
  } as unknown as Plan;
  const budget = openBudget(io.clock, options.startMsMax);
  const { answers } = await gather(plan, { io, objects: [], budget });
  budget.close();
  return [...answers.values()].flatMap(({ answer }) => {
    if (answer.kind === 'failed') return [answer.problem.message];
    return answer.kind === 'absent' ? [answer.what] : [];
  });
}

/** `count` references of a store, each to a path of its own. */
export function references(store: string, count: number, fallback?: string): Bound[] {
  return Array.from({ length: count }, (_, n) => ({
    reference: { store, path: `fleet/${n}` },
    called: `value ${n}`,
    ...(fallback === undefined ? {} : { fallbacks: [{ store: fallback, path: `fleet/${n}` }] }),
  }));
}

const json = (status: number, body: object): Reaction => ({
  afterMs: 20,
  answer: {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: Buffer.from(JSON.stringify(body)),
  },
});

export const THROTTLED = json(400, { __type: 'ThrottlingException', message: 'Rate exceeded' });

/** Quotas a second, facts of AWS: 100 for batches, 10,000 for single reads; 40 for SSM. */
export function awsQuotas(): (request: HttpRequest, nowMs: number) => Reaction {
  const allowed: Readonly<Record<string, (nowMs: number) => boolean>> = {
    'secretsmanager.BatchGetSecretValue': quota(100),
    'secretsmanager.GetSecretValue': quota(10_000),
    'AmazonSSM.GetParameters': quota(40),
  };
  return (request, nowMs) => {
    const target = request.headers['x-amz-target'] ?? request.headers['X-Amz-Target'] ?? '';
    return allowed[target]?.(nowMs) === false ? THROTTLED : awsAnswer(request, target);
  };
}

/** What AWS says when all is well. */
export function awsAnswer(request: HttpRequest, target: string): Reaction {
  const asked = JSON.parse(Buffer.from(request.body ?? '{}').toString()) as {
    SecretId?: string;
    SecretIdList?: string[];
    Names?: string[];
  };
  const secret = (Name: string): object => {
    const ARN = `arn:aws:secretsmanager:us-east-1:111122223333:secret:${Name}-AbCdEf`;
    return { Name, ARN, VersionId: 'v1', SecretString: 'canary' };
  };
  if (target.endsWith('BatchGetSecretValue')) {
    return json(200, { SecretValues: (asked.SecretIdList ?? []).map(secret), Errors: [] });
  }
  if (target.endsWith('GetSecretValue')) return json(200, secret(asked.SecretId ?? ''));
  const parameters = (asked.Names ?? []).map((Name) => ({
    Name,
    Type: 'SecureString',
    Value: 'canary',
    Version: 1,
  }));
  return json(200, { Parameters: parameters, InvalidParameters: [] });
}

/** 30 % of what would be fine fails, or comes after 2 s. */
export function brownout(world: Simulation, fine: Reaction): Reaction {
  const chance = world.random();
  if (fine === 'hang' || 'error' in fine || chance >= 0.3) return fine;
  if (chance < 0.05) return { afterMs: 20, error: new NetError('reset', '') };
  if (chance < 0.15) return json(503, { __type: 'InternalServiceError' });
  return { ...fine, afterMs: 2000 };
}
