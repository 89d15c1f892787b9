// The developers' tool: node scripts/bun.mjs test/kubelet/report.ts [--mode MODE]
// [--quiet] [--tables] [ID or FILE or FOLDER …]; prints the differences of each vector (--quiet:
// only of those that differ), or what is not compared and why (--tables).
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { judgeAll, STARTS_ANYWAY, type Verdict } from './judge.ts';
import { removeBase } from './rootfs.ts';
import { NOT_COMPARABLE } from './rules.ts';
import { MODES, type Mode } from './run.ts';
import { DIST, missingForRun, PARALLEL_MAX, tryBase } from './setting.ts';
import { GOLDEN, readVectors, type Vector } from './vectors.ts';

const CELL_CHARS_MAX = 300;

function chosen(words: string[]): Vector[] {
  if (words.length === 0) return readVectors(GOLDEN);
  return words.flatMap((word) => {
    const own = path.join(GOLDEN, `${word}.json`);
    const place = existsSync(own) ? own : word;
    if (!existsSync(place)) throw new Error(`no vector, file or folder ${word}`);
    return readVectors(place);
  });
}

function cell(value: unknown): string {
  if (value === undefined) return '(absent)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > CELL_CHARS_MAX ? `${text.slice(0, CELL_CHARS_MAX)} …` : text;
}

function print({ vector, mode, differences, stderr }: Verdict): void {
  const count = differences.length;
  console.log(`${count === 0 ? 'ok  ' : 'DIFF'} ${vector.id} [${mode}]: ${vector.description}`);
  for (const { path: at, expected, got } of differences) {
    console.log(`     ${at}\n       expected  ${cell(expected)}\n       got       ${cell(got)}`);
  }
  if (count > 0 && stderr !== '') console.log(`     stderr    ${cell(stderr.trim())}`);
}

function printTables(): void {
  console.log('\nNOT_COMPARABLE');
  for (const { what, why, modes } of NOT_COMPARABLE) {
    console.log(
      `  ${what}${modes.length < MODES.length ? ` [${modes.join()}]` : ''}\n      ${why}`,
    );
  }
  console.log('\nSTARTS_ANYWAY');
  const rows = Object.entries(STARTS_ANYWAY);
  console.log(rows.length === 0 ? '  (none)' : rows.map((row) => `  ${row.join(': ')}`).join('\n'));
}

async function verdictsOf(vectors: Vector[], modes: readonly Mode[]): Promise<Verdict[]> {
  const missing = missingForRun();
  const base = missing.length === 0 ? tryBase() : missing.join('; ');
  if (typeof base === 'string') throw new Error(base);
  try {
    const work = vectors.flatMap((vector) =>
      modes.map((mode) => ({ vector, court: { base, dist: DIST, mode } })),
    );
    return await judgeAll(work, PARALLEL_MAX);
  } finally {
    removeBase(base);
  }
}

async function main(args: string[]): Promise<number> {
  const at = args.indexOf('--mode');
  const only = at < 0 ? undefined : args.splice(at, 2)[1];
  const modes = MODES.filter((mode) => only === undefined || mode === only);
  const words = args.filter((word) => !word.startsWith('--'));
  if (args.includes('--tables')) {
    printTables();
    return 0;
  }
  const verdicts = await verdictsOf(chosen(words), modes);
  const bad = verdicts.filter((verdict) => verdict.differences.length > 0);
  (args.includes('--quiet') ? bad : verdicts).forEach(print);
  const total = bad.reduce((sum, verdict) => sum + verdict.differences.length, 0);
  console.log(`\n${verdicts.length - bad.length} equal, ${bad.length} not (${total} differences)`);
  return bad.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (cause) {
  console.error(`cannot judge: ${cause instanceof Error ? cause.message : String(cause)}`);
  process.exitCode = 1;
}
