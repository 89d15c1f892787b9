import { built } from './built.ts';

/** How a program ended, and what it printed. */
export interface Spawned {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, while this process goes on: a server of its may answer. */
export async function spawned(
  words: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Spawned> {
  const child = Bun.spawn([...words], { ...options, stdout: 'pipe', stderr: 'pipe' });
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, out, err };
}

const CALL_MS_MAX = 60_000;

/** Runs the built executable in a folder, with this environment and PATH; nothing else goes on. */
export function callIn(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Spawned {
  const done = Bun.spawnSync([built().bellhop, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: CALL_MS_MAX,
  });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}
