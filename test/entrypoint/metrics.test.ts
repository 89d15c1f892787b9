// What `metrics:` does at a start of the built executable, and what it must not do.
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openMetrics } from '../../src/cli/metrics.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import { NO_SETTINGS } from '../../src/plan/settings-use.ts';
import { barePlan } from '../../src/plan/bare.ts';
import { metricsOf } from '../../src/plan/metrics.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Plan } from '../../src/plan/types.ts';
import { udpGateway } from '../launcher/_relay.ts';
import { built } from '../support/built.ts';
import { closedPort } from '../support/ports.ts';
import type { Spawned } from '../support/spawned.ts';
import { spawned } from '../support/spawned.ts';
import { roomIo } from './_room.ts';

const TIMEOUT_MS = 60_000;
const CANARY = 'canary-7f3a';

interface Given {
  readonly metrics: object;
  readonly env?: readonly object[];
  readonly more?: object;
  readonly arrival?: Readonly<Record<string, string>>;
  readonly containers?: readonly object[];
  readonly command?: 'run' | 'explain';
}

const SHOW = 'env | grep -E "^(DD_|STATSD_|OTEL_)" | sort; true';

async function started(given: Given): Promise<Spawned> {
  const { metrics, env = [], more = {}, arrival = {}, containers = [], command = 'run' } = given;
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-metrics-'));
  const main = { name: 'main', image: 'train', command: ['sh', '-c', SHOW], env };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'train' },
    spec: { containers: [main, ...containers] },
  };
  writeFileSync(path.join(folder, 'pod.json'), JSON.stringify(pod));
  const settings = { apiVersion: 'bellhop/v1', metrics, ...more };
  writeFileSync(path.join(folder, 'bellhop.json'), JSON.stringify(settings));
  try {
    const flags = ['-f', 'pod.json', '-c', 'bellhop.json'];
    const variables = { PATH: process.env['PATH'] ?? '', ...arrival };
    return await spawned([built().bellhop, command, ...flags], { cwd: folder, env: variables });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const QUIET = { statsd: '127.0.0.1:9', self: false };

describe('variables of clients', () => {
  const CASES: readonly (readonly [string, Omit<Given, 'metrics'>, string])[] = [
    [
      'are there where nobody sets them',
      {},
      'DD_AGENT_HOST=127.0.0.1\nDD_DOGSTATSD_HOST=127.0.0.1\nDD_DOGSTATSD_PORT=9\nDD_DOGSTATSD_URL=udp://127.0.0.1:9\nSTATSD_HOST=127.0.0.1\nSTATSD_PORT=9\n',
    ],
    [
      'are left out, all of a kind, where the pod sets one',
      { env: [{ name: 'DD_AGENT_HOST', value: 'own' }] },
      'DD_AGENT_HOST=own\nSTATSD_HOST=127.0.0.1\nSTATSD_PORT=9\n',
    ],
    [
      'are left out where the image or the platform sets one',
      { arrival: { DD_DOGSTATSD_SOCKET: '/own', STATSD_PORT: '1' } },
      'DD_DOGSTATSD_SOCKET=/own\nSTATSD_PORT=1\n',
    ],
    [
      'are left out where bellhop.yaml itself sets one',
      {
        more: {
          env: { STATSD_HOST: 'e:OWN', DD_AGENT_HOST: 'e:OWN' },
          stores: { e: { kind: 'env' } },
        },
        arrival: { OWN: 'own' },
      },
      'DD_AGENT_HOST=own\nSTATSD_HOST=own\n',
    ],
  ];
  for (const [name, given, out] of CASES) {
    test(
      name,
      async () => {
        expect(await started({ metrics: QUIET, ...given })).toEqual({ code: 0, out, err: '' });
      },
      TIMEOUT_MS,
    );
  }

  test(
    'explain says where each is from, and leaves out what the pod sets itself',
    async () => {
      const env = [{ name: 'STATSD_HOST', value: 'own' }];
      const { out } = await started({ metrics: QUIET, env, command: 'explain' });
      expect(out).toMatch(/DD_AGENT_HOST +metrics\.statsd +bellhop\.yaml metrics\.statsd +unless/);
      expect(out).toMatch(/STATSD_HOST +literal/);
      expect(out).not.toMatch(/^STATSD_PORT/m);
    },
    TIMEOUT_MS,
  );
});

describe('sidecars of a manifest', () => {
  const containers = [
    { name: 'm', image: 'prom/statsd-exporter' },
    { name: 'istio-proxy', image: 'istio/proxyv2:1.24' },
  ];
  test(
    'leave one container to start; what nothing stands in for is told',
    async () => {
      const { code, err } = await started({ metrics: QUIET, containers });
      expect(code).toBe(0);
      expect(err).toBe(
        'bellhop: warning: container istio-proxy (Istio proxy) is not started: no platform without pods has a mesh: the program must do its own TLS\n',
      );
    },
    TIMEOUT_MS,
  );
  test(
    'are all in what explain prints',
    async () => {
      const { out } = await started({ metrics: QUIET, containers, command: 'explain' });
      expect(out).toMatch(
        /m +statsd-exporter +`metrics\.statsd` of bellhop\.yaml stands in for it/,
      );
      expect(out).toMatch(/istio-proxy +Istio proxy +no platform/);
    },
    TIMEOUT_MS,
  );
  test(
    'do not hide a second program',
    async () => {
      const { code, err } = await started({
        metrics: QUIET,
        containers: [{ name: 'other', image: 'x' }],
      });
      expect([code, err.includes('BH_ERR_CONTAINER')]).toEqual([65, true]);
    },
    TIMEOUT_MS,
  );
});

describe('a start tells of itself', () => {
  test(
    'once it is over: what it asked, and that it went well',
    async () => {
      const gateway = await udpGateway();
      const stores = { e: { kind: 'env' } };
      const more = { stores, env: { SECRET: 'e:OWN' } };
      const metrics = { statsd: gateway.address, clients: false };
      const { code } = await started({ metrics, more, arrival: { OWN: CANARY } });
      const lines = await gateway.until((all) => all.length > 4);
      expect(code).toBe(0);
      expect(gateway.packets).toHaveLength(1);
      expect(lines[0]).toMatch(
        /^bellhop\.start\.count:1\|c\|#outcome:ok,version:[\d.]+,job:train,/,
      );
      expect(lines.join()).not.toContain(CANARY);
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test(
    'also when it fails, by code and exit code; never by the path or the name of a value',
    async () => {
      const gateway = await udpGateway();
      const stores = { e: { kind: 'env' } };
      const more = { stores, env: { SECRET: `e:${CANARY}` } };
      const { code } = await started({ metrics: { statsd: gateway.address }, more });
      const lines = await gateway.until((all) => all.length > 4);
      expect(code).toBe(69);
      expect(lines[0]).toContain('outcome:failed');
      expect(lines[0]).toContain('exit:69,code:BH_ERR_MISSING');
      expect(lines.join()).not.toMatch(/canary|SECRET/);
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test(
    'not where `self: false`, and a gateway that is not there changes nothing',
    async () => {
      const gateway = await udpGateway();
      await started({ metrics: { statsd: gateway.address, self: false, clients: false } });
      for (const scheme of ['udp', 'tcp']) {
        const statsd = `${scheme}://127.0.0.1:${await closedPort()}`;
        const ended = await started({
          metrics: {
            statsd,
            clients: false,
            relay: { listen: ['unixgram:///tmp/bellhop-metrics.socket'] },
          },
        });
        expect(ended).toEqual({ code: 0, out: '', err: '' });
      }
      expect(gateway.packets).toEqual([]);
      gateway.close();
    },
    TIMEOUT_MS,
  );
});

describe('a relay of the built executable', () => {
  test(
    'that cannot have its port says so, and with `taken: fail` nothing is started',
    async () => {
      const taken = await udpGateway();
      const metrics = {
        ...QUIET,
        clients: false,
        relay: { listen: [taken.address], taken: 'fail' },
      };
      const refused = await started({ metrics });
      expect(refused.code).toBe(73);
      expect(refused.err).toStartWith(
        `bellhop: metrics.relay: cannot listen at ${taken.address} (bind: EADDRINUSE (98))\n  code: BH_ERR_RELAY (exit 73)\n`,
      );
      const warned = await started({ metrics: { ...metrics, relay: { listen: [taken.address] } } });
      expect(warned.code).toBe(0);
      expect(warned.err).toBe(
        `bellhop: warning: metrics.relay: cannot listen at ${taken.address} (bind: EADDRINUSE (98))\n`,
      );
      taken.close();
    },
    TIMEOUT_MS,
  );
});

/** A plan of metrics alone, in a world where names are never answered. */
function inSilence(written: Parameters<typeof metricsOf>[0]['metrics']) {
  const { io } = roomIo('links');
  const waited: number[] = [];
  const said: string[] = [];
  const silent = {
    ...io,
    stderr: (text: string | Uint8Array) => void said.push(String(text)),
    clock: {
      ...io.clock,
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
    expect(waited).toEqual([1000]);
    expect(said).toEqual([
      'bellhop: warning: metrics.relay: no address of gateway.internal: what goes there is lost\n',
    ]);
  });
  test('a TCP gateway that does not answer is given up', async () => {
    const { io, about, waited } = inSilence({ statsd: 'tcp://10.0.0.1:8125' });
    await (await openMetrics(io, about)).tell(OUTCOME);
    expect(waited).toEqual([20, 100]);
  });
});
