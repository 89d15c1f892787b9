// A store whose requests to the vendor's own addresses are led to a server of ours, and counted.
import { openBudget } from '../../src/core/budget.ts';
import type { HttpAnswer, HttpRequest, Net } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import type { Io } from '../../src/core/io/types.ts';
import type { BellhopError } from '../../src/core/errors.ts';
import type { Trace } from '../../src/core/trace.ts';
import { openTrace } from '../../src/core/trace.ts';
import { openStore } from '../../src/entrypoint/open-store.ts';
import { barePlan } from '../../src/plan/bare.ts';
import type { StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Answer, Store, Wanted } from '../../src/stores/_store.ts';
import type { Surroundings } from './real-store.ts';
import { realIo } from './real-store.ts';

/** A request goes on as it is or changed, is answered here, fails, or gets no answer. */
export type Routing = (
  request: HttpRequest,
) => HttpRequest | { readonly answer: Partial<HttpAnswer> } | NetError | 'hang';

export interface Routed {
  readonly store: Store;
  readonly trace: Trace;
  /** As the store made them; attempts and repetitions count. */
  readonly requests: readonly HttpRequest[];
  readonly fetch: (...wanted: readonly (string | Wanted)[]) => Promise<readonly Answer[]>;
}

/** Opens a store under the name `mine` behind a routing. */
export async function openRouted(
  options: StoreOptions,
  around: Surroundings & { readonly io?: Partial<Io> },
  routing: Routing = (request) => request,
): Promise<Routed> {
  const requests: HttpRequest[] = [];
  const real = realIo(around.env);
  const net: Net = {
    ...real.net,
    http: async (request, signal) => {
      requests.push(request);
      const routed = routing(request);
      if (routed instanceof NetError) throw routed;
      if (routed === 'hang') return hanging(signal);
      if (!('answer' in routed)) return real.net.http(routed, signal);
      return { status: 200, headers: {}, body: new Uint8Array(), protocol: 'h1', ...routed.answer };
    },
  };
  const io = { ...real, ...around.io, net };
  const trace = openTrace(io.clock);
  const stores = { ...around.stores, mine: options };
  const origin = { name: 'p', namespace: 'workload', container: 'c' };
  const store = await openStore(
    barePlan({ origin, stores, policy: DEFAULT_POLICY, placements: [] }),
    { io, objects: [], trace, made: new Map() },
    {
      name: 'mine',
      budget: openBudget(io.clock, around.startMsMax ?? 20_000),
      attemptsMax: around.attemptsMax ?? Infinity,
      waiting: [],
    },
  );
  return {
    store,
    trace,
    requests,
    fetch: async (...wanted) =>
      store.fetch(wanted.map((one) => (typeof one === 'string' ? { path: one } : one))),
  };
}

async function hanging(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new NetError('aborted', ''));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return { answer: { status, headers, body: Buffer.from(JSON.stringify(body)) } };
}

/** An answer as a test compares it: bytes as latin1 text, problems by code. */
export function shown(answer: Answer | undefined): unknown {
  switch (answer?.kind) {
    case 'value':
      return Buffer.from(answer.value.reveal()).toString('latin1');
    case 'map':
      return Object.fromEntries(
        [...answer.entries].map(([key, one]) => [
          key,
          Buffer.from(one.reveal()).toString('latin1'),
        ]),
      );
    case 'absent':
      return { absent: answer.what };
    case 'failed':
      return { failed: answer.problem.code, what: answer.problem.what };
    case undefined:
    default:
      return undefined;
  }
}

/** The problem of an answer that failed. */
export function problemIn(answer: Answer | undefined): BellhopError {
  if (answer?.kind === 'failed') return answer.problem;
  throw new Error(`it did not fail, it is ${answer?.kind}`);
}

/** What was thrown. */
export async function thrownBy(work: Promise<unknown>): Promise<BellhopError> {
  try {
    await work;
  } catch (error) {
    // Whatever it is, the test compares its code.
    return error as BellhopError;
  }
  throw new Error('it did not fail');
}
