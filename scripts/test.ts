// Runs the tests with what they need built: all of test/, or what the arguments say. Its last line
// is `N passed, N failed, N skipped`; it fails where a test fails and where none ran. `npm test`.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { releaseServers } from '../test/real/_servers.ts';
import { buildIfNeeded } from './build.ts';

const root = path.join(import.meta.dir, '..');

/** What a run of tests came to. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Reads the sums of a JUnit report; undefined where there is none. */
export function countsOf(report: string): Counts | undefined {
  const [sums] = /<testsuites\b[^>]*>/.exec(report) ?? [];
  if (sums === undefined) return undefined;
  const sum = (name: string): number => {
    return Number(new RegExp(`\\b${name}="(\\d+)"`).exec(sums)?.[1] ?? 0);
  };
  const failed = sum('failures') + sum('errors');
  const skipped = sum('skipped');
  return { passed: sum('tests') - failed - skipped, failed, skipped };
}

/** What the arguments say to bun: flags as they are, and which files, all of them if none. */
export function bunArguments(given: readonly string[]): string[] {
  const isFile = (one: string): boolean => /^[^-].*(\/|\.ts$)/.test(one) || isFolder(one);
  const asPaths = given.map((one) => (isFile(one) && !/^[./]/.test(one) ? `./${one}` : one));
  return given.some(isFile) ? asPaths : ['./test', ...asPaths];
}

function isFolder(one: string): boolean {
  return !one.startsWith('-') && existsSync(path.resolve(root, one));
}

/** Milliseconds for one test that names none of its own: no judge of speed, only of what hangs. */
const TEST_MS_MAX = 30_000;

function runTests(given: readonly string[], report: string): number {
  const reporter = ['--reporter=junit', `--reporter-outfile=${report}`];
  const ignored = '--path-ignore-patterns=test/golden/**';
  const ran = Bun.spawnSync(
    [
      process.execPath,
      'test',
      `--timeout=${TEST_MS_MAX}`,
      ignored,
      ...reporter,
      ...bunArguments(given),
    ],
    {
      cwd: root,
      stdin: 'inherit',
      stdout: 'inherit',
      stderr: 'inherit',
      // Servers that tests start run as long as this process, not as that one.
      env: { ...process.env, BELLHOP_SERVERS_FOR: String(process.pid) },
    },
  );
  return ran.exitCode;
}

/** The closing lines, and the exit code: never 0 where no test passed. */
function close(exit: number, counts: Counts): number {
  const { passed, failed, skipped } = counts;
  // A file that cannot be loaded, or an error between tests, is in no sum.
  const unseen = exit !== 0 && failed === 0 ? 1 : 0;
  if (passed + failed + skipped === 0) console.log('no test ran');
  else if (unseen > 0) console.log(`bun test ended with ${exit}: see the errors above`);
  console.log(`${passed} passed, ${failed + unseen} failed, ${skipped} skipped`);
  return exit === 0 && passed === 0 ? 1 : exit;
}

/** The report of all tests: `scripts/gen-matrix.ts` makes docs/stores.md of it. */
function keep(report: string): void {
  mkdirSync(path.join(root, '.cache'), { recursive: true });
  copyFileSync(report, path.join(root, '.cache/tests.xml'));
}

function main(given: readonly string[]): number {
  const { launcher } = buildIfNeeded();
  if (!launcher) console.log('no C compiler (cc): the launcher is not built, nor tested');
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-test-'));
  const report = path.join(folder, 'junit.xml');
  try {
    const exit = runTests(given, report);
    if (given.length === 0 && existsSync(report)) keep(report);
    const counts = existsSync(report) ? countsOf(readFileSync(report, 'utf8')) : undefined;
    return close(exit, counts ?? { passed: 0, failed: 0, skipped: 0 });
  } finally {
    releaseServers(process.pid);
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exit(main(process.argv.slice(2)));
