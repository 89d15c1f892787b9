// `npm run bench -- relay [SECONDS]`: 20,000 metrics a second, one a packet, through the relay to a
// real statsd_exporter: what is lost, what is told of it, and what it takes; beside it what a relay
// in TypeScript would take, which counts nothing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildIfNeeded, compileRuntime } from '../../scripts/build.ts';
import { relayOf } from '../launcher/_relay.ts';
import { realServer } from '../real/_servers.ts';
import { closedPort } from '../support/ports.ts';
import { keepResults, machine } from './measure.ts';

const ROOT = path.join(import.meta.dir, '../..');
const SECONDS = 30;
const RATE = 20_000;
const SAMPLE_MS = 250;
const COUNT_MS_MAX = 10_000;
const TICKS_A_SECOND = 100;

/** One way through. */
interface Way {
  readonly name: string;
  readonly scheme?: 'udp' | 'tcp' | 'unixgram';
}

const WAYS: readonly Way[] = [
  { name: 'to a gateway over UDP', scheme: 'udp' },
  { name: 'to a gateway over TCP', scheme: 'tcp' },
  { name: 'to a gateway at a socket file', scheme: 'unixgram' },
  { name: 'TypeScript on the runtime, UDP' },
];

interface Result {
  readonly name: string;
  readonly sent: number;
  readonly arrived: number;
  /** What the relay has told of: what the kernel dropped, and what it dropped itself. */
  readonly told: number;
  readonly cpuPercent: number;
  readonly peakKiB: number;
}

/** What a process has used so far. */
interface Usage {
  readonly ticks: number;
  readonly peakKiB: number;
}

export async function bench(seconds?: string): Promise<void> {
  const exporter = await realServer('statsd-exporter');
  if (exporter.missing !== undefined) throw new Error(exporter.missing);
  buildIfNeeded();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-bench-'));
  try {
    const load = path.join(folder, 'load');
    spawnSync('cc', ['-O2', '-o', load, path.join(import.meta.dir, 'relay-load.c')]);
    const length = Number(seconds ?? SECONDS);
    console.log(`${machine()}; ${RATE} metrics a second for ${length} s\n`);
    console.log(`${''.padEnd(32)}     sent   arrived      told      lost   CPU %   peak KiB`);
    const results: Result[] = [];
    for (const way of WAYS) {
      const result = await through(way, { folder, load, length, gateway: exporter.env });
      const { sent, arrived, told } = result;
      const counts = [sent, arrived, told, sent - arrived - told].map((n) => `${n}`.padStart(10));
      const cpu = result.cpuPercent.toFixed(1).padStart(8);
      console.log(
        `${way.name.padEnd(32)}${counts.join('')}${cpu}${`${result.peakKiB}`.padStart(11)}`,
      );
      results.push(result);
    }
    if (seconds === undefined) keepResults('relay', { rate: RATE, seconds: length, results });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Tools {
  readonly folder: string;
  readonly load: string;
  readonly length: number;
  readonly gateway: Readonly<Record<string, string>>;
}

async function through(way: Way, tools: Tools): Promise<Result> {
  const { gateway, load, length, folder } = tools;
  const port = await closedPort();
  const metric = `bench.${way.scheme ?? 'typescript'}.p${process.pid}`;
  const words = [load, String(port), metric, String(RATE * length), String(RATE)];
  const before = await counts(gateway);
  const { usage, end } =
    way.scheme === undefined
      ? await byTypescript(folder, { port, gateway: Number(gateway['STATSD_PORT']), words })
      : await byRelay(folder, { port, gateway: addressOf(gateway, way.scheme), words });
  const sent = RATE * length;
  const name = metric.replaceAll('.', '_');
  const get = async (): Promise<{ arrived: number; told: number }> => {
    const now = await counts(gateway);
    const grown = (key: string): number => (now.get(key) ?? 0) - (before.get(key) ?? 0);
    const told = grown('bellhop_relay_dropped_metrics') + grown('bellhop_relay_dropped_packets');
    return { arrived: grown(name), told };
  };
  const until = performance.now() + COUNT_MS_MAX;
  let found = await get();
  while (found.arrived + found.told < sent && performance.now() < until) {
    await Bun.sleep(SAMPLE_MS);
    found = await get();
  }
  end();
  const cpuPercent = (usage.ticks / TICKS_A_SECOND / length) * 100;
  return { name: way.name, sent, ...found, cpuPercent, peakKiB: usage.peakKiB };
}

interface Through {
  readonly port: number;
  readonly words: readonly string[];
}

function addressOf(gateway: Tools['gateway'], scheme: string): string {
  const { STATSD_PORT: port, STATSD_SOCKET: socket } = gateway;
  return scheme === 'unixgram' ? `unixgram://${socket}` : `${scheme}://127.0.0.1:${port}`;
}

async function byRelay(folder: string, to: Through & { readonly gateway: string }): Promise<Ran> {
  const settings = path.join(folder, 'bellhop.yaml');
  const relay = { listen: [`udp://localhost:${to.port}`], taken: 'fail' };
  const metrics = { statsd: to.gateway, self: false, relay };
  writeFileSync(settings, JSON.stringify({ apiVersion: 'bellhop/v1', metrics }));
  const bellhop = path.join(ROOT, 'dist/bellhop');
  const program = Bun.spawn([bellhop, 'run', '-c', settings, '--', ...to.words], {
    stdout: 'ignore',
    stderr: 'inherit',
  });
  const usage = await watched(program, () => relayOf(program.pid));
  return { usage, end: () => undefined };
}

interface Ran {
  readonly usage: Usage;
  readonly end: () => void;
}

async function byTypescript(
  folder: string,
  to: Through & { readonly gateway: number },
): Promise<Ran> {
  const file = path.join(folder, 'relay-typescript');
  compileRuntime(path.join(import.meta.dir, 'relay-typescript.ts'), file);
  const env = { BENCH_GATEWAY: String(to.gateway), BENCH_PORT: String(to.port) };
  const relay = Bun.spawn([file], { env, stdout: 'pipe' });
  await relay.stdout.getReader().read();
  const program = Bun.spawn([...to.words], { stdout: 'ignore', stderr: 'inherit' });
  const usage = await watched(program, () => relay.pid);
  return { usage, end: () => relay.kill() };
}

/** Looks at a process until the program has ended. */
async function watched(program: Bun.Subprocess, find: () => number): Promise<Usage> {
  let usage: Usage = { ticks: 0, peakKiB: 0 };
  while (program.exitCode === null) {
    await Promise.race([program.exited, Bun.sleep(SAMPLE_MS)]);
    try {
      usage = usageOf(find());
    } catch {
      // Not there yet, or gone already: the last look counts.
    }
  }
  if (program.exitCode !== 0) throw new Error(`the load ended with ${program.exitCode}`);
  return usage;
}

function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    ticks: Number(fields[11]) + Number(fields[12]),
    peakKiB: Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]),
  };
}

/** The exporter's counters, each summed over its labels. */
async function counts(gateway: Tools['gateway']): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(gateway['STATSD_METRICS_URL'] ?? '')).text();
  const found = new Map<string, number>();
  for (const [, name = '', value] of text.matchAll(/^(\w+)(?:\{.*\})? (\S+)$/gm)) {
    found.set(name, (found.get(name) ?? 0) + Number(value));
  }
  return found;
}
