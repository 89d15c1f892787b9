import { writeFileSync } from 'node:fs';
import { keepResults, machine } from './measure.ts';
import { bench as apiserver } from './webhook-apiserver.ts';
import { bench as steady } from './webhook-steady.ts';
import type { Contender, Load, Tools } from './webhook-tools.ts';
import {
  cpuMsOf,
  load,
  median,
  memoryOf,
  openTools,
  reviewOf,
  startBeside,
  startWebhook,
} from './webhook-tools.ts';

const ROUNDS = 5;
const SECONDS = 2;
const SECRETS = [1, 10, 50] as const;
const CONNECTIONS = [1, 16] as const;
/** At 10 secrets and 16 connections. */
const BAR = { perSecondMin: 0.55, p99Max: 1.5, idleMiBMax: 60, loadedMiBMax: 110 };

interface Round extends Load {
  readonly cpuMs: number;
}

/** Medians of the rounds; what is relative to the no-op is taken round by round. */
interface Row {
  readonly secrets: number;
  readonly connections: number;
  readonly name: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicroseconds: number;
  readonly clientMicroseconds: number;
  readonly failed: number;
  readonly ofNoop: Spread;
  readonly p99OfNoop: Spread;
  readonly ofSized: Spread;
  readonly p99OfSized: Spread;
}

interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/**
 * `npm run bench -- webhook [SECRETS | steady | apiserver]`: `bellhop webhook` with K8s and files,
 * beside servers of the same runtime (Bun.serve) in the same interleaved run. All get the same
 * requests over HTTPS with keep-alive, read whole bodies and are asked by the same client in Go,
 * which shares the processors with them and reads each answer.
 * - noop answers the same small review each time, without looking at the request.
 * - sized does the same with as many bytes as the webhook answers: what remains is the work.
 * - plain does the webhook's work for these pods in one function and nothing else, and answers the
 *   same bytes as the webhook: what the runtime can do.
 */
export async function bench(only?: string): Promise<void> {
  if (only === 'apiserver') return await apiserver();
  if (only !== 'steady') await closedLoop(only);
  if (only === undefined || only === 'steady') await steady();
}

async function closedLoop(only: string | undefined): Promise<void> {
  const tools = openTools();
  const contenders: Contender[] = [];
  try {
    for (const secrets of SECRETS) writeFileSync(tools.at(`body-${secrets}`), bodyOf(secrets));
    for (const name of ['noop', 'sized', 'plain'] as const) {
      contenders.push(await startBeside(name, tools));
    }
    contenders.push(await startWebhook(tools, { settings: 'secretManagerTypes: [K8s]' }));
    console.log(`${machine()}; ${ROUNDS} interleaved rounds of ${SECONDS} s\n`);
    console.log(
      'secrets conns  server    requests/s   p50 ms   p99 ms  CPU us/request  client us  failed' +
        '   of noop, of sized (least-most)',
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
    for (const { name, ...sizes } of memory) console.log(`${name}: ${JSON.stringify(sizes)}`);
    console.log(judged(rows, memory.at(-1)));
    if (only === undefined)
      keepResults('webhook', { rounds: ROUNDS, seconds: SECONDS, bar: BAR, rows, memory });
  } finally {
    for (const { kill } of contenders) kill();
    tools.remove();
  }
}

function bodyOf(secrets: number): string {
  return reviewOf(Array.from({ length: secrets }, (_, index) => `bench-${index}`));
}

function measureRow(
  tools: Tools,
  contenders: readonly Contender[],
  { secrets, connections }: { readonly secrets: number; readonly connections: number },
): Row[] {
  const rounds = contenders.map((): Round[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    contenders.forEach((one, index) => {
      rounds[index]?.push(roundOf(tools, one, { secrets, connections }));
    });
  }
  const [noop = [], sized = []] = rounds;
  const rows = contenders.map(({ name }, index): Row => {
    const own = rounds[index] ?? [];
    const middle = (pick: (round: Round) => number): number => median(own.map(pick));
    const relative = (to: readonly Round[], pick: (round: Round) => number): Spread => {
      return spreadOf(own.map((one, n) => pick(one) / pick(to[n] ?? one)));
    };
    return {
      secrets,
      connections,
      name,
      perSecond: Math.round(middle((one) => one.perSecond)),
      p50Ms: middle((one) => one.p50Ms),
      p99Ms: middle((one) => one.p99Ms),
      cpuMicroseconds: middle((one) => (1000 * one.cpuMs) / one.requests),
      clientMicroseconds: middle((one) => (1000 * one.clientMs * SHARE) / one.requests),
      failed: own.reduce((sum, one) => sum + one.failed, 0),
      ofNoop: relative(noop, (one) => one.perSecond),
      p99OfNoop: relative(noop, (one) => one.p99Ms),
      ofSized: relative(sized, (one) => one.perSecond),
      p99OfSized: relative(sized, (one) => one.p99Ms),
    };
  });
  for (const row of rows) console.log(lineOf(row));
  return rows;
}

/** The warm-up is in the processor time and not in the requests: its share is taken off. */
const SHARE = SECONDS / (SECONDS + 0.3);

function roundOf(
  tools: Tools,
  one: Contender,
  { secrets, connections }: { readonly secrets: number; readonly connections: number },
): Round {
  const before = cpuMsOf(one.pid);
  const seen = load(tools, one, ['closed', `body-${secrets}`, connections, SECONDS]);
  return { ...seen, cpuMs: (cpuMsOf(one.pid) - before) * SHARE };
}

function spreadOf(values: readonly number[]): Spread {
  return { least: Math.min(...values), median: median(values), most: Math.max(...values) };
}

function lineOf(row: Row): string {
  const cell = (value: number, width: number): string => value.toFixed(2).padStart(width);
  const shown = ({ least, median: middle, most }: Spread): string =>
    `${middle.toFixed(2)} (${least.toFixed(2)}-${most.toFixed(2)})`;
  return (
    `${String(row.secrets).padStart(7)} ${String(row.connections).padStart(5)}  ` +
    `${row.name.padEnd(8)} ${String(row.perSecond).padStart(11)} ${cell(row.p50Ms, 8)} ` +
    `${cell(row.p99Ms, 8)} ${cell(row.cpuMicroseconds, 15)} ${cell(row.clientMicroseconds, 10)} ` +
    `${String(row.failed).padStart(7)}   ${shown(row.ofNoop)}, ${shown(row.ofSized)}; p99 x ` +
    `${shown(row.p99OfNoop)}, ${shown(row.p99OfSized)}`
  );
}

function judged(
  rows: readonly Row[],
  memory: { readonly idleMiB: number; readonly loadedMiB: number } | undefined,
): string {
  const own = rows.find((one) => {
    return one.secrets === 10 && one.connections === 16 && one.name === 'webhook';
  });
  if (own === undefined || memory === undefined) return 'not measured';
  const facts = [
    ['requests/s', own.ofNoop.median >= BAR.perSecondMin],
    ['p99', own.p99OfNoop.median <= BAR.p99Max],
    ['idle memory', memory.idleMiB <= BAR.idleMiBMax],
    ['loaded memory', memory.loadedMiB <= BAR.loadedMiBMax],
  ] as const;
  return facts.map(([name, isMet]) => `${name}: ${isMet ? 'met' : 'NOT met'}`).join(', ');
}
