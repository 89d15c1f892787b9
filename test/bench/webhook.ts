import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compileRuntime } from '../../scripts/build.ts';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { bodyWith } from '../webhook/_reviews.ts';
import { keepResults, machine } from './measure.ts';

const ROUNDS = 5;
const SECONDS = 2;
const SECRETS = [1, 10, 50] as const;
const CONNECTIONS = [1, 16] as const;
const TICKS_A_SECOND = 100;
/** What the issue asks for, at 10 secrets and 16 connections. */
const BAR = { perSecondMin: 0.55, p99Max: 1.5, idleMiBMax: 60, loadedMiBMax: 110 };

interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

interface Round extends Load {
  readonly cpuMs: number;
}

interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly idleMiB: number;
  readonly kill: () => void;
}

interface Row {
  readonly secrets: number;
  readonly connections: number;
  readonly name: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicroseconds: number;
  readonly failed: number;
}

/**
 * `npm run bench -- webhook`: the webhook beside a server of the same runtime that does nothing,
 * and beside itself with decisions that are ready: that is what the server alone costs.
 */
export async function bench(only?: string): Promise<void> {
  if (Bun.which('go') === null) throw new Error('the load is made by a program in Go: install go');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-bench-'));
  const contenders: Contender[] = [];
  try {
    const tools = prepare(folder);
    for (const name of ['noop', 'webhook', 'ready']) contenders.push(await start(name, tools));
    console.log(`${machine()}; ${ROUNDS} interleaved rounds of ${SECONDS} s\n`);
    console.log(
      'secrets conns  server    requests/s   p50 ms   p99 ms  CPU us/request  failed   of no-op',
    );
    const rows: Row[] = [];
    for (const secrets of SECRETS.filter((one) => only === undefined || String(one) === only)) {
      for (const connections of CONNECTIONS) {
        rows.push(...measureRow(tools, contenders, { secrets, connections }));
      }
    }
    const memory = contenders.map(({ name, pid, idleMiB }) => {
      const loadedMiB = memoryOf(pid, 'VmRSS');
      return { name, idleMiB, loadedMiB, peakMiB: memoryOf(pid, 'VmHWM') };
    });
    for (const { name, ...sizes } of memory) console.log(`${name}: ${JSON.stringify(sizes)} MiB`);
    console.log(judged(rows, memory[1]));
    if (only === undefined)
      keepResults('webhook', { rounds: ROUNDS, seconds: SECONDS, bar: BAR, rows, memory });
  } finally {
    for (const { kill } of contenders) kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Tools {
  readonly at: (name: string) => string;
}

function prepare(folder: string): Tools {
  const at = (name: string): string => path.join(folder, name);
  const { good, authority } = makeCertificates();
  writeFileSync(at('tls.crt'), good.cert);
  writeFileSync(at('tls.key'), good.key);
  writeFileSync(at('ca.crt'), authority.cert);
  for (const secrets of SECRETS) writeFileSync(at(`body-${secrets}`), reviewOf(secrets));
  compileRuntime(path.join(import.meta.dir, 'webhook-server.ts'), at('server'));
  const source = path.join(import.meta.dir, 'webhook-load.go');
  const done = Bun.spawnSync(['go', 'build', '-o', at('load'), source], {
    env: { ...process.env, CGO_ENABLED: '0' },
    stderr: 'inherit',
  });
  if (done.exitCode !== 0) throw new Error('go build failed');
  return { at };
}

/** The recorded review with so many secrets, as files. */
function reviewOf(secrets: number): string {
  return bodyWith((review) => {
    const { object } = review['request'] as { object: { metadata: Record<string, unknown> } };
    const names = Array.from({ length: secrets }, (_, index) => `bench-${index}`);
    const annotations = names.map((group, index) => {
      const secret = { group, groupVersion: '', key: 'token', mountRequirement: 2, envVar: '' };
      return [`flyte.secrets/s${index}`, encodeSecret(secret)] as const;
    });
    object.metadata['annotations'] = Object.fromEntries(annotations);
  });
}

async function start(name: string, { at }: Tools): Promise<Contender> {
  const child = Bun.spawn([at('server'), name, at('tls.crt'), at('tls.key')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { value } = await child.stdout.getReader().read();
  const port = Number(Buffer.from(value ?? []).toString());
  const url = `https://localhost:${port}/mutate--v1-pod?timeout=10s`;
  const { pid } = child;
  return { name, pid, url, idleMiB: memoryOf(pid, 'VmRSS'), kill: () => child.kill('SIGKILL') };
}

function measureRow(
  tools: Tools,
  contenders: readonly Contender[],
  { secrets, connections }: { readonly secrets: number; readonly connections: number },
): Row[] {
  const rounds = contenders.map((): Round[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    contenders.forEach((one, index) => {
      rounds[index]?.push(load(tools, one, [`body-${secrets}`, String(connections)]));
    });
  }
  const rows = contenders.map(({ name }, index): Row => {
    const own = rounds[index] ?? [];
    const median = (pick: (round: Round) => number): number =>
      own.map(pick).toSorted((a, b) => a - b)[Math.floor(own.length / 2)] ?? 0;
    return {
      secrets,
      connections,
      name,
      perSecond: Math.round(median((one) => one.perSecond)),
      p50Ms: median((one) => one.p50Ms),
      p99Ms: median((one) => one.p99Ms),
      cpuMicroseconds: median((one) => (1000 * one.cpuMs) / one.requests),
      failed: own.reduce((sum, one) => sum + one.failed, 0),
    };
  });
  for (const row of rows) console.log(lineOf(row, rows[0]));
  return rows;
}

function load(
  { at }: Tools,
  { url, pid }: Contender,
  [body, connections]: [string, string],
): Round {
  const before = cpuMsOf(pid);
  const command = [at('load'), url, at('ca.crt'), at(body), connections, String(SECONDS)];
  const done = Bun.spawnSync(command, { stderr: 'inherit' });
  if (done.exitCode !== 0) throw new Error('the load has failed');
  const measured = JSON.parse(done.stdout.toString()) as Load;
  // The warm-up is in the CPU time and not in the requests: its share is taken off.
  const share = SECONDS / (SECONDS + 0.3);
  return { ...measured, cpuMs: (cpuMsOf(pid) - before) * share };
}

function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (1000 * (Number(fields[11]) + Number(fields[12]))) / TICKS_A_SECOND;
}

function memoryOf(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1];
  return Math.round(Number(kilobytes) / 102.4) / 10;
}

function lineOf(row: Row, noop: Row | undefined): string {
  const cell = (value: number, width: number): string => value.toFixed(2).padStart(width);
  const ratio = noop === undefined ? 1 : row.perSecond / noop.perSecond;
  const slower = noop === undefined ? 1 : row.p99Ms / noop.p99Ms;
  return (
    `${String(row.secrets).padStart(7)} ${String(row.connections).padStart(5)}  ` +
    `${row.name.padEnd(8)} ${String(row.perSecond).padStart(11)} ${cell(row.p50Ms, 8)} ` +
    `${cell(row.p99Ms, 8)} ${cell(row.cpuMicroseconds, 15)} ${String(row.failed).padStart(7)}   ` +
    `${ratio.toFixed(2)} (p99 x ${slower.toFixed(2)})`
  );
}

function judged(
  rows: readonly Row[],
  memory: { readonly idleMiB: number; readonly loadedMiB: number } | undefined,
): string {
  const at = rows.filter((one) => one.secrets === 10 && one.connections === 16);
  const [noop, own] = at;
  if (noop === undefined || own === undefined || memory === undefined) return 'not measured';
  const facts = [
    ['requests/s', own.perSecond / noop.perSecond >= BAR.perSecondMin],
    ['p99', own.p99Ms / noop.p99Ms <= BAR.p99Max],
    ['idle memory', memory.idleMiB <= BAR.idleMiBMax],
    ['loaded memory', memory.loadedMiB <= BAR.loadedMiBMax],
  ] as const;
  return facts.map(([name, isMet]) => `${name}: ${isMet ? 'met' : 'NOT met'}`).join(', ');
}
