// Everything about the code that is not a test of what it does: one line each, and what a tool
// said where it found something. `npm run check`.
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dir, '..');
const bin = path.join(root, 'node_modules/.bin');
const SOURCES = ['src', 'test', 'scripts', 'examples'];

interface Check {
  readonly name: string;
  /** The tool and its arguments. */
  readonly command: readonly string[];
  /** What to do about it. */
  readonly help: string;
}

const CHECKS: readonly Check[] = [
  { name: 'types', command: [`${bin}/tsc`, '--project', root], help: 'correct the types' },
  {
    name: 'lint',
    command: [`${bin}/oxlint`, '--type-aware', ...SOURCES.filter(isThere)],
    help: 'rules: .oxlintrc.json',
  },
  { name: 'format', command: [`${bin}/biome`, 'format', '.'], help: 'run npm run format' },
  {
    name: 'layout',
    command: [process.execPath, 'test', '--only-failures', './test/tidy.test.ts'],
    help: 'rules: test/support/tidy-rules.ts',
  },
  {
    name: 'generated',
    command: [process.execPath, path.join(root, 'scripts/gen.ts'), '--check'],
    help: 'run npm run gen',
  },
];

function isThere(folder: string): boolean {
  return existsSync(path.join(root, folder));
}

interface Outcome {
  readonly check: Check;
  readonly ok: boolean;
  readonly said: string;
  readonly seconds: number;
}

async function carryOut(check: Check): Promise<Outcome> {
  const start = performance.now();
  const tool = Bun.spawn([...check.command], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const said = await Promise.all([
    new Response(tool.stdout).text(),
    new Response(tool.stderr).text(),
    tool.exited,
  ]);
  const ok = tool.exitCode === 0;
  const seconds = (performance.now() - start) / 1000;
  return { check, ok, said: said.slice(0, 2).join('').trim(), seconds };
}

const outcomes = await Promise.all(CHECKS.map(carryOut));
for (const { check, ok, said } of outcomes) {
  if (!ok) console.log(`${said}\n`);
  if (!ok) console.log(`${check.name}: the above; ${check.help}\n`);
}
for (const { check, ok, seconds } of outcomes) {
  console.log(`${check.name.padEnd(10)} ${ok ? 'ok' : 'failed'}  (${seconds.toFixed(1)} s)`);
}
process.exit(outcomes.every(({ ok }) => ok) ? 0 : 1);
