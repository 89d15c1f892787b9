/** Inside a room: starts dist/bellhop as a process and tells what came out. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { CaseResult } from './_case-kit.ts';

export type Mode = 'mounts' | 'links';

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const RUN_MS_MAX = 20_000;
/** Root without the right to mount. */
const DROP = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin', '--'];

export function words(mode: Mode, argv: readonly string[]): string[] {
  return [...(mode === 'links' ? DROP : []), ...argv];
}

export interface StartOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts and waits. */
export function start(argv: readonly string[], options: StartOptions = {}): Ended {
  const done = Bun.spawnSync([...argv], {
    stdin: Buffer.from(options.input ?? ''),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH, ...options.env },
    cwd: options.cwd ?? '/',
    timeout: RUN_MS_MAX,
    killSignal: 'SIGKILL',
  });
  const { exitCode, signalCode, stdout, stderr } = done;
  const signal = signalCode === undefined ? null : String(signalCode);
  return { code: exitCode, signal, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Opens a named pipe for writing, which waits for its reader, and feeds it. */
export function feed(fifo: string, text: string, meanwhile: () => void = () => {}): void {
  const descriptor = openSync(fifo, 'w');
  try {
    meanwhile();
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  } finally {
    closeSync(descriptor);
  }
}

/** Runs cases one by one; what is thrown counts as wrong. */
export async function cases(
  all: Readonly<Record<string, () => string[] | Promise<string[]>>>,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const [name, work] of Object.entries(all)) {
    try {
      results.push({ name, wrong: await work() });
    } catch (error) {
      results.push({ name, wrong: [String(error)] });
    }
  }
  return results;
}
