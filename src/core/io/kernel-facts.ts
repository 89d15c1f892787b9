/**
 * What the kernel grants the process that will exec, read from /proc only when asked: a start is
 * counted in tenths of a millisecond. A child of the launcher sees the same ids, capabilities and
 * stack limit as the launcher, so it may ask for itself.
 */
import { readFileSync } from 'node:fs';
import type { Kernel } from './types.ts';

type Facts = Pick<Kernel, 'uid' | 'gid' | 'groups' | 'capabilities' | 'execBytesMax'>;

/** Bytes of argv and env together, whatever the stack limit: fs/exec.c, 3/4 of _STK_LIM. */
const EXEC_BYTES_CEILING = 6 * 1024 * 1024;
/** ARG_MAX, which the kernel grants under the smallest stack limit too (fs/exec.c). */
const EXEC_BYTES_FLOOR = 131_072;

/** The facts as lazily read properties. */
export function kernelFacts(): Facts {
  let capabilities: bigint | undefined;
  let execBytesMax: number | undefined;
  return {
    get uid() {
      return process.geteuid?.() ?? 0;
    },
    get gid() {
      return process.getegid?.() ?? 0;
    },
    get groups() {
      return process.getgroups?.() ?? [];
    },
    get capabilities() {
      capabilities ??= parseCapabilities(readFileSync('/proc/self/status', 'latin1'));
      return capabilities;
    },
    get execBytesMax() {
      execBytesMax ??= parseExecBytesMax(readFileSync('/proc/self/limits', 'latin1'));
      return execBytesMax;
    },
  };
}

/** Effective capabilities out of /proc/PID/status; none where the line is missing. */
export function parseCapabilities(status: string): bigint {
  const match = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status);
  return match?.[1] === undefined ? 0n : BigInt(`0x${match[1]}`);
}

/** The room for argv, env and their pointers out of /proc/PID/limits. */
export function parseExecBytesMax(limits: string): number {
  const soft = /^Max stack size\s+(\d+|unlimited)\s/m.exec(limits)?.[1] ?? 'unlimited';
  if (soft === 'unlimited') return EXEC_BYTES_CEILING;
  const quarter = Math.floor(Number(soft) / 4);
  return Math.max(EXEC_BYTES_FLOOR, Math.min(quarter, EXEC_BYTES_CEILING));
}
