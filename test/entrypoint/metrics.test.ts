// What `metrics:` does at a start of the built executable, and what it must not do.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readDocuments } from '../../src/wire/yaml.ts';
import { tcpGateway, udpGateway } from '../launcher/_relay.ts';
import { built } from '../support/built.ts';
import { blocks } from '../support/pages.ts';
import { closedPort } from '../support/ports.ts';
import type { Given } from './_metrics.ts';
import { QUIET, started } from './_metrics.ts';

const TIMEOUT_MS = 60_000;
const sockets = mkdtempSync(path.join(tmpdir(), 'bellhop-sockets-'));
afterAll(() => rmSync(sockets, { recursive: true }));
const CANARY = 'canary-7f3a';

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
      'stay where what would set one is optional and not there',
      {
        env: ['DD_AGENT_HOST', 'STATSD_PORT'].map((name) => {
          const secretKeyRef = { name: 's', key: name, optional: true };
          return { name, valueFrom: { secretKeyRef } };
        }),
        keys: { STATSD_PORT: '1' },
      },
      'DD_AGENT_HOST=127.0.0.1\nDD_DOGSTATSD_HOST=127.0.0.1\nDD_DOGSTATSD_PORT=9\nDD_DOGSTATSD_URL=udp://127.0.0.1:9\nSTATSD_PORT=1\n',
    ],
    [
      'are left out where a key of a Secret sets one',
      { keys: { DD_AGENT_HOST: 'own' }, isAll: true },
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
      `${name}, and explain says so where it can know`,
      async () => {
        expect(await started({ metrics: QUIET, ...given })).toEqual({ code: 0, out, err: '' });
        if (given.arrival !== undefined && given.more === undefined) return;
        const explained = await started({ metrics: QUIET, ...given, command: 'explain' });
        const names = explained.out.match(/^(?:DD_|STATSD_|OTEL_)[A-Z_]+/gm);
        expect(names?.toSorted()).toEqual(out.match(/^[A-Z_]+/gm) ?? []);
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
        const relay = { listen: [`unixgram://${path.join(sockets, scheme)}`] };
        const ended = await started({ metrics: { statsd, clients: false, relay } });
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

describe('without the launcher', () => {
  const runtime = path.join(path.dirname(built().bellhop), 'bellhop-runtime');
  test(
    'there is no relay, which is told; with `taken: fail` nothing is started',
    async () => {
      const what = 'metrics.relay: there is no relay without the launcher';
      const metrics = { ...QUIET, clients: false, relay: {} };
      const warned = await started({ metrics, program: runtime });
      expect([warned.code, warned.err]).toEqual([0, `bellhop: warning: ${what}\n`]);
      const strict = { ...metrics, relay: { taken: 'fail' } };
      const refused = await started({ metrics: strict, program: runtime });
      expect(refused.code).toBe(73);
      expect(refused.err).toStartWith(`bellhop: ${what}\n  code: BH_ERR_RELAY (exit 73)\n`);
    },
    TIMEOUT_MS,
  );
});

describe('the examples of docs/metrics.md', () => {
  const examples = blocks().filter(({ page, language }) => {
    return page === 'docs/metrics.md' && language === 'yaml';
  });
  test('there are some', () => expect(examples.length).toBeGreaterThan(2));
  for (const { text } of examples) {
    test(
      `start a program: ${text.split('\n').slice(1).join(' ').slice(0, 60)}`,
      async () => {
        const gateway = await tcpGateway();
        const heard = await udpGateway(Number(gateway.address.split(':')[2]));
        const address = gateway.address.replace('tcp://', '');
        // Free ports, and hosts that are there; all else is as it is written.
        let local = text.replaceAll(/\w+(-\w+)?\.internal:\d+/g, address);
        for (const [port] of local.matchAll(/localhost:\d+/g)) {
          local = local.replace(port, `localhost:${await closedPort()}`);
        }
        const [document] = readDocuments(new TextEncoder().encode(local));
        if (document === undefined) throw new Error('no document');
        const { metrics } = document.value as { readonly metrics: { readonly statsd?: string } };
        const ended = await started({ metrics });
        expect([ended.code, ended.err]).toEqual([0, '']);
        const isTold = (lines: readonly string[]): boolean => lines.join().includes('start.count');
        if (metrics.statsd !== undefined) {
          await Promise.race([gateway.until(isTold), heard.until(isTold)]);
        }
        gateway.close();
        heard.close();
      },
      TIMEOUT_MS,
    );
  }
});
