// A start in made-up time over made-up servers, by the code that asks real ones: three stores, each
// with its trouble. The same every time.
import { openBudget } from '../../src/core/budget.ts';
import type { Call, Caller } from '../../src/core/call.ts';
import { refused, verdictOfStatus } from '../../src/core/call.ts';
import { openCaller } from '../../src/core/caller.ts';
import { openHedging } from '../../src/core/hedge.ts';
import { openSlots } from '../../src/core/slots.ts';
import type { Trace } from '../../src/core/trace.ts';
import { openTrace } from '../../src/core/trace.ts';
import { traceReport } from '../../src/entrypoint/trace-report.ts';
import type { TraceReport } from '../../src/entrypoint/trace-types.ts';
import type { Plan } from '../../src/plan/types.ts';
import type { Reaction, Simulation } from '../support/simulated.ts';
import { simulation } from '../support/simulated.ts';

const KINDS = { sm: 'aws-secrets-manager', vault: 'vault', params: 's3' };
export const PLAN = {
  origin: { kind: 'Job', name: 'resnet-train', namespace: 'ml', container: 'trainer' },
  stores: Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, { kind }])),
} as unknown as Plan;

/** What a call is answered, time after time; the last one stays. */
type Script = readonly (readonly [afterMs: number, status: number])[];

interface World {
  readonly simulated: Simulation;
  readonly trace: Trace;
  caller(store: string, hedgeAfterMs?: number): Caller;
}

function world(seed: number): World {
  const simulated = simulation(seed);
  const { clock } = simulated;
  const random = (): number => simulated.random();
  const trace = openTrace(clock);
  const budget = openBudget(clock, 30_000);
  const asked = new Map<string, number>();
  const net = simulated.net((request): Reaction => {
    const { pathname, searchParams } = new URL(request.url);
    const count = asked.get(pathname) ?? 0;
    asked.set(pathname, count + 1);
    const script = JSON.parse(searchParams.get('script') ?? '[]') as Script;
    const [afterMs, status] = script[Math.min(count, script.length - 1)] ?? [1, 200];
    const protocol = pathname.startsWith('/vault') ? 'h2' : 'h1';
    return { afterMs, answer: { status, headers: {}, body: new Uint8Array(), protocol } };
  });
  return {
    simulated,
    trace,
    caller: (store, hedgeAfterMs) => {
      const hedging = openHedging(hedgeAfterMs);
      const slots = openSlots(6);
      const own = { clock, random, trace, budget, net, attemptsMax: 4, store, hedging, slots };
      return openCaller(own);
    },
  };
}

/** One call of this name, answered by the script. */
function call(store: string, name: string, script: Script): Call<number> {
  const path = `${store}/${encodeURIComponent(name)}`;
  return {
    name,
    request: () => ({
      method: 'GET',
      url: `http://localhost/${path}?script=${encodeURIComponent(JSON.stringify(script))}`,
      headers: {},
      proxy: 'never',
      protocol: 'h1',
      bodyBytesMax: 1,
    }),
    judge: (answer) => {
      if (answer.status === 403) return refused('BH_ERR_STORE_DENIED', 'HTTP 403');
      return verdictOfStatus(answer, undefined) ?? { kind: 'done', value: answer.status };
    },
  };
}

/** A call that makes its request only when the credentials are there. */
function behind(made: Promise<unknown>, one: Call<number>): Call<number> {
  return {
    ...one,
    request: async (attempt) => {
      await made.catch(() => undefined);
      return one.request(attempt);
    },
  };
}

async function waited({ simulated }: World, ms: number): Promise<void> {
  await new Promise<void>((resolve) => void simulated.clock.after(ms, resolve));
}

async function secretsManager(own: World): Promise<void> {
  const caller = own.caller('sm');
  const login = call('sm', 'AssumeRoleWithWebIdentity', [[38, 200]]);
  const made = caller.send({ ...login, kind: 'credentials' });
  const batches: Script[] = [
    [[41, 200]],
    [
      [19, 503],
      [36, 200],
    ],
    [[44, 200]],
  ];
  const names = [
    'BatchGetSecretValue (20)',
    'BatchGetSecretValue (20) ',
    'BatchGetSecretValue (7)',
  ];
  await Promise.all(
    batches.map(async (script, index) => {
      const one = call('sm', names[index] ?? '', script);
      return caller.send(behind(made, { ...one, name: one.name.trim() }));
    }),
  );
}

async function vault(own: World): Promise<void> {
  const caller = own.caller('vault', 40);
  const login = call('vault', 'auth/kubernetes/login', [[17, 200]]);
  const made = caller.send({ ...login, kind: 'credentials' });
  const took = [24, 12, 13, 11, 14, 12, 13];
  const reads = took.map((ms, n) => call('vault', `secret/data/ml/app-${n + 1}`, [[ms, 200]]));
  const slow = call('vault', 'database/creds/trainer', [
    [160, 200],
    [21, 200],
  ]);
  await Promise.all([slow, ...reads].map(async (one) => caller.send(behind(made, one))));
}

/** The whole start. */
export async function exampleReport(seed = 6): Promise<TraceReport> {
  const own = world(seed);
  const { simulated, trace } = own;
  const start = async (): Promise<void> => {
    await waited(own, 3);
    const reading = trace.begin({ kind: 'plan', name: 'read the declaration' });
    await waited(own, 6);
    reading.end('ok');
    const params = own.caller('params').send(call('params', 'GetObject', [[57, 200]]));
    await Promise.all([secretsManager(own), vault(own), params]);
    await waited(own, 1);
    const delivering = trace.begin({ kind: 'deliver', name: 'writes and mounts' });
    await waited(own, 11);
    delivering.end('ok');
    trace.begin({ kind: 'exec', name: 'become the program' }).end('ok');
  };
  await simulated.run(start());
  return reportOf(own);
}

function reportOf({ trace, simulated }: World): TraceReport {
  return traceReport(trace.spans(), {
    version: '0.1.0',
    platform: 'Linux 6.8.0 x86_64',
    beganMs: Date.UTC(2026, 10, 3, 9, 30, 12, 250),
    totalMs: simulated.clock.monotonicMs(),
    plan: PLAN,
    problems: [],
  });
}
