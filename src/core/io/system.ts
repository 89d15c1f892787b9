import fs from 'node:fs';
import { BellhopError } from '../errors.ts';
import { aloneHost } from './alone.ts';
import { FILES, readDescriptor } from './files.ts';
import { CRYPTOGRAPHY } from './cryptography.ts';
import type { Host } from './host.ts';
import { LAUNCHER_VARIABLE, launcherHost } from './launcher.ts';
import { openNet } from './net.ts';
import { PACKING } from './packing.ts';
import { onEndSignal, onFault } from './signals.ts';
import type { Io } from './types.ts';
import { FsError, READER_GONE } from './types.ts';

/** The real outside, and how to leave the process. */
export interface System {
  readonly io: Io;
  readonly host: Host;
}

/** The outside as this process finds it: a child of the launcher, or alone. */
export function openSystem(): System {
  // oxlint-disable-next-line node/no-process-env -- the one place that reads it
  const variable = process.env[LAUNCHER_VARIABLE];
  const host = variable === undefined ? aloneHost() : launcherHost(variable);
  const io: Io = {
    net: openNet(FILES, host.arrival),
    crypto: CRYPTOGRAPHY,
    packing: PACKING,
    fs: FILES,
    arrival: host.arrival,
    kernel: host.kernel,
    programPath: process.execPath,
    clock: { now: () => Date.now(), monotonicMs: () => performance.now(), after },
    random: (count) => globalThis.crypto.getRandomValues(new Uint8Array(count)),
    stdout: (text) => writeAll(1, text),
    stderr: (text) => {
      try {
        writeAll(2, text);
      } catch {
        // Nobody can be told; the exit code still says it.
      }
    },
    stdin: (bytesMax) => readInput(bytesMax),
    isTerminal,
    columns: () => columnsOf(),
    onEndSignal,
    onFault,
  };
  return { io, host };
}

/** Longer ones fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function after(ms: number, work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (leftMs: number): void => {
    const isLong = leftMs > TIMER_MS_MAX;
    const next = isLong ? () => wait(leftMs - TIMER_MS_MAX) : work;
    timer = setTimeout(next, isLong ? TIMER_MS_MAX : leftMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/** Says what kept the process from working at all, and ends it. */
export function printLast(text: string, code: number): never {
  try {
    writeAll(2, text);
  } catch {
    // Nobody can be told; the exit code still says it.
  }
  return process.exit(code);
}

function readInput(bytesMax: number): Uint8Array {
  try {
    return readDescriptor(0, { path: 'standard input', bytesMax });
  } catch (error) {
    throw new FsError(codeOf(error), 'standard input', 'read');
  }
}

function codeOf(error: unknown): string {
  if (error instanceof FsError) return error.errno;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'EIO';
}

/** By writeSync only: process.stdout would leave O_NONBLOCK on the user's descriptors. */
function writeAll(descriptor: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  let waits = 0;
  for (let at = 0; at < bytes.byteLength; ) {
    try {
      at += fs.writeSync(descriptor, bytes, at);
      waits = 0;
    } catch (error) {
      // A pipe that the caller made non-blocking is full: wait for its reader, but not for ever.
      const code = codeOf(error);
      if (code !== 'EAGAIN' || ++waits > FULL_PIPE_WAITS_MAX) throw outputProblem(descriptor, code);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_WAIT_MS);
    }
  }
}

function outputProblem(descriptor: number, code: string): BellhopError {
  const where = [descriptor === 1 ? 'standard output' : 'standard error'];
  const what = code === 'EPIPE' ? READER_GONE : `cannot be written (${code})`;
  return new BellhopError('BH_ERR_OUTPUT', { where, what });
}

/** Loaded when asked: node:tty costs a start 1.8 ms, node:crypto 1.7 ms (Bun 1.4.5, measured). */
function isTerminal(descriptor: number): boolean {
  return process.getBuiltinModule('node:tty').isatty(descriptor);
}

const FULL_PIPE_WAIT_MS = 1;
const FULL_PIPE_WAITS_MAX = 10_000;
const COLUMNS_DEFAULT = 80;

function columnsOf(): number {
  // oxlint-disable-next-line node/no-process-env -- the shell's own word, for people only
  const given = Number(process.env['COLUMNS']);
  if (Number.isInteger(given) && given > 0) return given;
  return isTerminal(1) ? (process.stdout.columns ?? COLUMNS_DEFAULT) : COLUMNS_DEFAULT;
}
