import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** One thing to time: a whole process from its start to its end. */
export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface Row {
  readonly name: string;
  readonly wallMs: { readonly min: number; readonly median: number };
  readonly cpuMs: { readonly min: number; readonly median: number };
  readonly peakMiB: number;
}

/** Runs all contenders in turn, `rounds` times after two warm-ups: drift meets all alike. */
export function measure(contenders: readonly Contender[], rounds: number): Row[] {
  const samples = contenders.map((): Sample[] => []);
  for (let round = -2; round < rounds; round++) {
    contenders.forEach((contender, index) => {
      const sample = runOnce(contender);
      if (round >= 0) samples[index]?.push(sample);
    });
  }
  return contenders.map((contender, index) => {
    return { ...rowOf(contender.name, samples[index] ?? []), peakMiB: peakOf(contender) };
  });
}

function runOnce({ command, env, name }: Contender): Sample {
  const start = performance.now();
  const done = Bun.spawnSync([...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const wallMs = performance.now() - start;
  if (done.exitCode !== 0)
    throw new Error(`${name}: exit ${done.exitCode}\n${done.stderr.toString()}`);
  const usage = done.resourceUsage;
  const cpuMs = Number(usage?.cpuTime.total ?? 0) / 1000;
  return { wallMs, cpuMs };
}

/** Starts what stands behind it, and prints its peak. */
const STARTER = `
const done = Bun.spawnSync(process.argv.slice(1), { stdout: 'ignore', stderr: 'ignore' });
console.log(done.resourceUsage.maxRSS);
`;

/**
 * The peak of one more run. A process begins with the peak of the one that started it (Linux
 * 6.18), which is this bench: so it is started by a small one.
 */
function peakOf({ command, env }: Contender): number {
  const words = [process.execPath, '-e', STARTER, ...command];
  const given = env === undefined ? {} : { env: { ...env } };
  const done = Bun.spawnSync(words, { ...given, stdout: 'pipe', stderr: 'inherit' });
  return Number(done.stdout.toString()) / 1024 / 1024;
}

function rowOf(name: string, samples: readonly Sample[]): Omit<Row, 'peakMiB'> {
  const stat = (pick: (sample: Sample) => number): { min: number; median: number } => {
    const sorted = samples.map(pick).toSorted((a, b) => a - b);
    return { min: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0 };
  };
  return { name, wallMs: stat((s) => s.wallMs), cpuMs: stat((s) => s.cpuMs) };
}

/** The machine as results name it: processor, cores, kernel, Bun. */
export function machine(): string {
  const model = os.cpus()[0]?.model ?? 'unknown processor';
  return `${model}, ${os.cpus().length} cores, Linux ${os.release()}, Bun ${Bun.version}`;
}

/** Prints rows as a table, each with what it adds to the first row. */
export function printRows(rows: readonly Row[]): void {
  const [base] = rows;
  const cell = (value: number): string => value.toFixed(2).padStart(9);
  console.log(
    `${''.padEnd(34)}     wall ms            added      CPU ms            added   peak MiB`,
  );
  console.log(`${''.padEnd(34)}      min   median      min      min   median      min`);
  for (const row of rows) {
    const wall = [row.wallMs.min, row.wallMs.median, row.wallMs.min - (base?.wallMs.min ?? 0)];
    const cpu = [row.cpuMs.min, row.cpuMs.median, row.cpuMs.min - (base?.cpuMs.min ?? 0)];
    console.log(
      `${row.name.padEnd(34)}${[...wall, ...cpu].map(cell).join('')}${cell(row.peakMiB)}`,
    );
  }
}

/** Keeps the results beside those of other machines. */
export function keepResults(name: string, result: object): void {
  const folder = path.join(import.meta.dir, '../../bench/results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, `${JSON.stringify({ machine: machine(), ...result }, undefined, 2)}\n`);
}

/** Bytes of the bundle by the folder and file they came from, from Bun's own metafile. */
export async function bundleShare(entry: string): Promise<Map<string, number>> {
  const built = await Bun.build({
    entrypoints: [entry],
    target: 'bun',
    minify: true,
    metafile: true,
  });
  const { metafile } = built as {
    metafile?: { outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }> };
  };
  const share = new Map<string, number>();
  for (const output of Object.values(metafile?.outputs ?? {})) {
    for (const [file, { bytesInOutput }] of Object.entries(output.inputs))
      share.set(file, bytesInOutput);
  }
  return share;
}

/** Reads a file's size without its content being part of a message. */
export function bytesOf(file: string): number {
  return readFileSync(file).byteLength;
}
