// Unmodified clients, the relay, and a real statsd_exporter on the other side that counts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import { missing as noCompiler } from '../launcher/_bench.ts';
import { counted, tcpGateway } from '../launcher/_relay.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { closedPort } from '../support/ports.ts';
import { spawned } from '../support/spawned.ts';
import type { ClientProgram } from './_metric-clients.ts';
import { CLIENT_PROGRAMS, HARD_CODED, noClients } from './_metric-clients.ts';
import { realServer } from './_servers.ts';

const TIMEOUT_MS = 60_000;
const COUNT = 200;
const gateway = await realServer('statsd-exporter');
const lacks = gateway.missing === undefined ? (noCompiler ?? noClients()) : undefined;
if (lacks !== undefined) skipVisibly('clients of metrics', [lacks]);
const why = gateway.missing ?? lacks;
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-relay-'));
afterAll(() => rmSync(folder, { recursive: true }));

let used = 0;

/** A counter as the exporter has it, with the labels of its one series. */
async function series(
  metric: string,
): Promise<{ readonly value: number; readonly labels: string }> {
  const text = await (await fetch(gateway.get('STATSD_METRICS_URL'))).text();
  const name = metric.replaceAll('.', '_');
  const [, labels = '', value = '0'] =
    new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'm').exec(text) ?? [];
  return { value: Number(value), labels };
}

/** Waits until the exporter, which counts a little later, has so many. */
async function arrived(metric: string, count: number): Promise<string> {
  for (;;) {
    const { value, labels } = await series(metric);
    if (value >= count) {
      expect(value).toBe(count);
      return labels;
    }
    await new Promise((done) => void setImmediate(done));
  }
}

interface Started {
  readonly metrics: object;
  readonly client: ClientProgram;
  readonly count?: number;
}

/** Starts the client by `run`; its counter's labels once all of them are there. */
async function sent({ metrics, client, count = COUNT }: Started): Promise<string> {
  const number = used++;
  const metric = `client.p${process.pid}.n${number}`;
  const settings = path.join(folder, `${number}.yaml`);
  const pod = path.join(folder, `${number}-pod.yaml`);
  const containers = [{ name: 'main', image: 'i', command: client.command }];
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'train' },
    spec: { containers },
  };
  writeFileSync(settings, JSON.stringify({ apiVersion: 'bellhop/v1', metrics }));
  writeFileSync(pod, JSON.stringify(manifest));
  const env = {
    PATH: process.env['PATH'] ?? '',
    METRIC: metric,
    COUNT: String(count),
    ...client.env,
  };
  const ended = await spawned([built().bellhop, 'run', '-f', pod, '-c', settings], {
    cwd: folder,
    env,
  });
  expect(ended).toEqual({ code: 0, out: '', err: '' });
  return arrived(metric, count);
}

describe.skipIf(why !== undefined)('unmodified clients', () => {
  const udp = (): string => `127.0.0.1:${gateway.get('STATSD_PORT')}`;
  const tcp = (): string => `tcp://${udp()}`;

  for (const client of Object.values(CLIENT_PROGRAMS)) {
    test(
      `${client.name} is pointed at the gateway`,
      async () => {
        await sent({ metrics: { statsd: udp() }, client });
      },
      TIMEOUT_MS,
    );
    test(
      `${client.name} through the relay: each arrives once, with the job and the host`,
      async () => {
        const relay = { listen: [`udp://localhost:${await closedPort()}`] };
        const labels = await sent({ metrics: { statsd: tcp(), relay }, client });
        expect(labels).toContain('job="train"');
        expect(labels).toContain('host="');
      },
      TIMEOUT_MS,
    );
  }

  test(
    'one that has its address in its code is heard over TCP, a socket file and a stream of frames',
    async () => {
      const port = await closedPort();
      const [datagrams, frames] = [
        path.join(folder, 'dsd.socket'),
        path.join(folder, 'dsd.stream'),
      ];
      const listen = [
        `tcp://localhost:${port}`,
        `unixgram://${datagrams}`,
        `unixstream://${frames}`,
      ];
      const metrics = { statsd: udp(), tags: 'none', relay: { listen, taken: 'fail' } };
      await sent({ metrics, client: HARD_CODED.statsdTcp(port) });
      await sent({ metrics, client: HARD_CODED.datadogSocket(`unix://${datagrams}`) });
      await sent({ metrics, client: HARD_CODED.datadogSocket(`unixstream://${frames}`) });
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(why !== undefined)('under load', () => {
  test(
    '20,000 metrics a second: what arrived and what the relay tells of is what was sent',
    async () => {
      const load = path.join(folder, 'load');
      const source = path.join(import.meta.dir, '../bench/relay-load.c');
      const env = { PATH: process.env['PATH'] ?? '' };
      const compiled = await spawned(['cc', '-O2', '-o', load, source], { cwd: folder, env });
      expect(compiled.code).toBe(0);
      const heard = await tcpGateway();
      const [port, rate, count] = [await closedPort(), 20_000, 40_000];
      const relay = { listen: [`udp://localhost:${port}`], taken: 'fail' };
      const metrics = { statsd: heard.address, tags: 'none', self: false, relay };
      const settings = path.join(folder, 'load.yaml');
      writeFileSync(settings, JSON.stringify({ apiVersion: 'bellhop/v1', metrics }));
      const command = [load, String(port), 'metric', String(count), String(rate)];
      const words = [built().bellhop, 'run', '-c', settings, '--', ...command];
      expect((await spawned(words, { cwd: folder, env: {} })).code).toBe(0);
      const lines = await heard.until((all) => {
        return counted(all, 'metrics') + counted(all, 'dropped_packets') >= count;
      });
      const arrived = lines.filter((one) => one === 'metric:1|c').length;
      expect(arrived + counted(lines, 'dropped_metrics')).toBe(counted(lines, 'metrics'));
      expect(counted(lines, 'metrics') + counted(lines, 'dropped_packets')).toBe(count);
      heard.close();
    },
    TIMEOUT_MS,
  );
});
