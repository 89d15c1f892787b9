// docs/migrate.md as a script: its commands one after another, in the folder that it is written
// for, and what they print beside what the page says.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { built, layOutBellhop } from './built.ts';
import { PAGES } from './pages.ts';
import { ROOT } from './source.ts';

export const FOLDER = '/tmp/bellhop-migrate';
const EXAMPLE = path.join(ROOT, 'examples/migrate');
const COMMAND_MS_MAX = 150_000;

/** One command of the page, and what the page says that it prints. */
export interface Step {
  readonly command: string;
  readonly says: string;
}

/** The commands of a page in their order. */
export function stepsOfPage(at = 'docs/migrate.md'): Step[] {
  const page = PAGES.find((one) => one.path === at);
  const blocks = [...(page?.text ?? '').matchAll(/^```console\n([^]*?)^```$/gm)];
  return blocks.flatMap(([, block = '']) => {
    const parts = block.split(/^\$ /m).slice(1);
    return parts.map((part) => {
      const end = part.indexOf('\n');
      return { command: part.slice(0, end), says: part.slice(end + 1) };
    });
  });
}

/** Lays out the files of the image: the program, bellhop, and what it needs of the C library. */
export function layOutImage(folder: string): void {
  const at = (name: string): string => path.join(folder, name);
  for (const name of ['app', 'etc', 'tmp']) fs.mkdirSync(at(name), { recursive: true });
  fs.chmodSync(at('tmp'), 0o1777);
  fs.writeFileSync(at('etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  const cc = ['-static', '-O2', '-o', at('app/train'), path.join(EXAMPLE, 'train.c')];
  must('cc', cc);
  layOutBellhop(folder, 'opt/bellhop');
}

function must(program: string, words: readonly string[]): string {
  const done = spawnSync(program, words, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`);
  return done.stdout;
}

/** The folder of the page, as it is after its first command. */
export function openFolder(): void {
  closeFolder();
  fs.cpSync(EXAMPLE, FOLDER, { recursive: true });
  layOutImage(path.join(FOLDER, 'image'));
}

export function closeFolder(): void {
  fs.rmSync(FOLDER, { recursive: true, force: true });
}

/** Runs one command there, or in another folder, and gives all that it prints. */
export function carryOut(
  { command }: Step,
  env: Readonly<Record<string, string>> = {},
  cwd = FOLDER,
): string {
  const done = spawnSync('sh', ['-c', `exec 2>&1; ${command}`], {
    cwd,
    encoding: 'utf8',
    timeout: COMMAND_MS_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${path.dirname(built().bellhop)}:${process.env['PATH'] ?? ''}`,
      COLUMNS: '160',
      ...env,
    },
  });
  return done.stdout;
}

/** The page's text as a pattern: `…` is anything in a line, and alone any lines; columns move. */
export function patternOf(says: string): RegExp {
  const escaped = says.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const open = escaped
    .replaceAll(/(?<=\S) {2,}/g, ' +')
    .replaceAll(/^…\n/gm, '(?:.*\n)*')
    .replaceAll('…', '.*');
  return new RegExp(`^${open}$`);
}
