import { describe, expect, test } from 'bun:test';
import { openMetrics, relayAlone } from '../../src/cli/metrics.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import { barePlan } from '../../src/plan/bare.ts';
import { metricsOf } from '../../src/plan/metrics.ts';
import { NO_SETTINGS } from '../../src/plan/settings-use.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Plan } from '../../src/plan/types.ts';
import { questionsFor } from '../../src/wire/dns.ts';
import { inetAddress, NOWHERE } from '../../src/wire/endpoint.ts';
import { roomIo } from '../entrypoint/_room.ts';

interface World {
  /** When it is asked, since the process began. */
  readonly nowMs?: number;
  readonly resolvConf?: string;
}

/** A plan of metrics alone, in a world where names are never answered. */
function inSilence(
  written: Parameters<typeof metricsOf>[0]['metrics'],
  { nowMs = 0, resolvConf = '' }: World = {},
) {
  const { io } = roomIo('links');
  const waited: number[] = [];
  const said: string[] = [];
  const silent = {
    ...io,
    fs: {
      ...io.fs,
      read: (path: string) => new TextEncoder().encode(path.endsWith('.conf') ? resolvConf : ''),
    },
    stderr: (text: string | Uint8Array) => void said.push(String(text)),
    clock: {
      ...io.clock,
      monotonicMs: () => nowMs,
      after: (ms: number, work: () => void) => {
        waited.push(ms);
        queueMicrotask(work);
        return () => undefined;
      },
    },
    net: {
      ...io.net,
      resolve: (): Promise<undefined> => new Promise(() => undefined),
      connect: () => Promise.reject(new NetError('aborted', '')),
    },
  };
  const { metrics } = metricsOf({ ...NO_SETTINGS, metrics: written });
  const origin = { name: 'train', namespace: 'default', container: 'main' };
  const bare = barePlan({ stores: {}, policy: DEFAULT_POLICY, placements: [], origin });
  const plan: Plan = { ...bare, ...(metrics === undefined ? {} : { metrics }) };
  return { io: silent, about: { plan, version: '1', log: 'text' as const }, waited, said };
}

describe('a gateway whose name nobody answers', () => {
  const OUTCOME = { spans: [], fallbacks: 0, problems: [] };
  test('costs a start 20 ms at most, which then says nothing', async () => {
    const { io, about, waited } = inSilence({ statsd: 'gateway.internal:8125' });
    const metering = await openMetrics(io, about);
    await metering.tell(OUTCOME);
    expect(await metering.relay()).toBeUndefined();
    expect(waited).toEqual([20]);
  });
  test('costs one with a relay a second at most, and the loss is told', async () => {
    const { io, about, waited, said } = inSilence({ statsd: 'gateway.internal:8125', relay: {} });
    const metering = await openMetrics(io, about);
    const document = await metering.relay();
    expect(document?.targets[0]?.address).toEqual(new Uint8Array());
    expect(document?.questions).toEqual([]);
    expect(waited).toEqual([1000]);
    expect(said).toEqual([
      'bellhop: warning: metrics.relay: no address of gateway.internal: what goes there is lost\n',
    ]);
  });
  test.each([
    ['nameserver 10.0.0.2\nnameserver fd00::2\n', 'ipv4'],
    ['nameserver fd00::2\n', 'ipv6'],
  ] as const)('is looked up by the relay later, by %j in %s', async (resolvConf, family) => {
    const written = { statsd: 'gateway.internal:8125', relay: {} };
    const { io, about, said } = inSilence(written, { resolvConf });
    const document = await (await openMetrics(io, about)).relay();
    const [target] = document?.targets ?? [];
    expect(target?.address).toEqual(inetAddress(NOWHERE[family], 8125) ?? Uint8Array.of());
    expect(document?.servers).toContainEqual(inetAddress('fd00::2', 53) ?? Uint8Array.of());
    expect(document?.questions).toEqual(questionsFor(['gateway.internal'], family));
    expect(said).toEqual([
      'bellhop: warning: metrics.relay: no address of gateway.internal: metrics wait until it has one\n',
    ]);
  });
  test('has its second also where reading the input of a relay alone took long', async () => {
    const written = { statsd: 'gateway.internal:8125', relay: {} };
    const { io, about, waited } = inSilence(written, { nowMs: 60_000 });
    const { metrics } = about.plan;
    if (metrics?.relay === undefined) throw new Error('no relay');
    const relay = (): never => {
      throw new Error('it would be the relay now');
    };
    const around = { ...io, kernel: { ...io.kernel, relay } };
    const ended = await relayAlone(around, about, { ...metrics, relay: metrics.relay }).catch(
      (error: Error) => error.message,
    );
    expect(ended).toBe('it would be the relay now');
    expect(waited).toEqual([1000]);
  });
  test('a TCP gateway that does not answer is given up', async () => {
    const { io, about, waited } = inSilence({ statsd: 'tcp://10.0.0.1:8125' });
    await (await openMetrics(io, about)).tell(OUTCOME);
    expect(waited).toEqual([20, 100]);
  });
});
