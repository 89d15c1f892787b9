/** What runs inside the room: the real files and the real kernel, counted and made to fail. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs';
import { dlopen, ptr, read } from 'bun:ffi';
import { errnoName } from '../../src/core/io/errno.ts';
import { FILES } from '../../src/core/io/files.ts';
import { kernelFacts } from '../../src/core/io/kernel-facts.ts';
import type { Io, Kernel, MachineFs } from '../../src/core/io/types.ts';
import { FsError } from '../../src/core/io/types.ts';
import { problemsOf } from '../../src/core/errors.ts';
import { deliver } from '../../src/entrypoint/deliver.ts';
import type { Delivery } from '../../src/entrypoint/delivery.ts';
import { claim } from '../../src/entrypoint/earlier.ts';
import { newHands, rollback } from '../../src/entrypoint/hands.ts';
import { openHome } from '../../src/entrypoint/state.ts';

export type Strategy = 'mounts' | 'links';

/** Says before each operation what happens to it: an errno, or undefined for nothing. */
export type Plan = (count: number, operation: string) => string | undefined;

/** No process has this number, so that what it wrote is a dead start's. */
export const GHOST = 4_194_303;

const open = () =>
  dlopen('libc.so.6', {
    mount: { args: ['ptr', 'ptr', 'ptr', 'u64', 'ptr'], returns: 'i32' },
    umount2: { args: ['ptr', 'i32'], returns: 'i32' },
    __errno_location: { args: [], returns: 'ptr' },
  }).symbols;
let opened: ReturnType<typeof open> | undefined;
/** Opened when it is needed: it takes as long as a delivery. */
const libc = () => (opened ??= open());
const MNT_DETACH = 2;

function answer(result: number): string | undefined {
  const errnoAt = libc().__errno_location();
  if (result >= 0 || errnoAt === null) return undefined;
  return errnoName(read.i32(errnoAt, 0));
}

/** The strings stay referenced until the call has returned. */
function withStrings(
  strings: readonly string[],
  call: (at: readonly ReturnType<typeof ptr>[]) => number,
): string | undefined {
  const bytes = strings.map((one) => Buffer.from(`${one}\0`));
  const result = answer(call(bytes.map((one) => ptr(one))));
  return bytes.length === 0 ? 'EINVAL' : result;
}

function kernelOf(strategy: Strategy, pid: number, next: (operation: string) => void): Kernel {
  const { uid, gid, groups, capabilities, execBytesMax } = kernelFacts();
  const failing = (operation: string, work: () => string | undefined): string | undefined => {
    try {
      next(operation);
    } catch (error) {
      if (error instanceof FsError) return error.errno;
      throw error;
    }
    return work();
  };
  return {
    kind: 'launcher',
    pid,
    uid,
    gid,
    groups,
    capabilities: strategy === 'mounts' ? capabilities : 0n,
    execBytesMax,
    rootPrefix: '',
    mount: ({ source, target, type, flags, data }) =>
      failing('mount', () =>
        withStrings([source, target, type, data], ([from, to, kind, more]) =>
          libc().mount(from ?? null, to ?? null, kind ?? null, flags, more ?? null),
        ),
      ),
    unmount: (path) =>
      failing('unmount', () =>
        withStrings([path], ([at]) => libc().umount2(at ?? null, MNT_DETACH)),
      ),
    tryNamespaces: () => 'ENOSYS',
    enterNamespaces: () => 'ENOSYS',
    enterRoot: () => 'ENOSYS',
    exec: () => {
      throw new Error('never');
    },
  };
}

/** The outside with a plan of what fails; counts the operations. */
export function roomIo(
  strategy: Strategy,
  options: { pid?: number; plan?: Plan } = {},
): { readonly io: Io; readonly count: () => number } {
  let count = 0;
  const step = (operation: string, path: string): void => {
    count++;
    const errno = options.plan?.(count, operation);
    if (errno !== undefined) throw new FsError(errno, path, operation);
  };
  const entries = Object.entries(FILES) as [keyof MachineFs, (...args: unknown[]) => unknown][];
  const fs = Object.fromEntries(
    entries.map(([name, work]) => [
      name,
      (...args: unknown[]) => {
        const [first, second] = args as string[];
        step(name, (name === 'rename' || name === 'symlink' ? second : first) ?? '');
        return work(...args);
      },
    ]),
  ) as unknown as MachineFs;
  const kernel = kernelOf(strategy, options.pid ?? GHOST, (name) => step(name, 'kernel'));
  const nothing = (): void => {};
  const nobody = (): never => {
    throw new Error('delivery asks nobody');
  };
  const io: Io = {
    fs,
    filesBelow: nobody,
    kernel,
    arrival: { argv: [], env: [] },
    programPath: '/bellhop-runtime',
    clock: { now: () => 0, monotonicMs: () => 0, after: nobody },
    net: { http: nobody, connect: nobody, warm: nobody, resolve: nobody, datagram: nobody },
    onEndSignal: nobody,
    onFault: nobody,
    crypto: {} as Io['crypto'],
    packing: {} as Io['packing'],
    random: (bytes) => new Uint8Array(bytes),
    stdout: nothing,
    stderr: nothing,
    stdin: () => new Uint8Array(),
    isTerminal: () => false,
    columns: () => 80,
  };
  return { io, count: () => count };
}

export interface Attempt {
  readonly how?: string;
  readonly error?: string;
  readonly code?: string;
  readonly problems?: number;
  readonly operations: number;
}

/** One delivery; what was thrown comes back as text. */
export function tryDelivery(
  strategy: Strategy,
  delivery: Delivery,
  options: { pid?: number; plan?: Plan; workingDir?: string } = {},
): Attempt {
  const { io, count } = roomIo(strategy, options);
  const { workingDir } = options;
  try {
    const rest = workingDir === undefined ? {} : { workingDir };
    const { how } = deliver(io, delivery, { readOnlyRoot: false, ...rest });
    return { how, operations: count() };
  } catch (error) {
    const { message } = error as Error;
    const all = problemsOf(error);
    const problems = all.length;
    return { error: message, code: all[0]?.code ?? 'none', problems, operations: count() };
  }
}

/** A start that wants nothing: it removes what dead starts left, and then itself. */
export function cleanUp(): void {
  const hands = newHands(roomIo('mounts', { pid: process.pid }).io);
  const home = openHome(hands, { memory: true, diskAllowed: false, lasting: false, covered: [] });
  claim(hands, home, { covers: ['/no/such'], mayMount: true }).before.release([]);
  rollback(hands);
  for (const folder of [
    '/dev/shm/bellhop-0',
    '/run/bellhop-0',
    '/var/lib/.bellhop-0',
    '/tmp/.bellhop-0',
  ])
    removeEmpty(folder);
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or not empty: the comparison shows it.
  }
}

/** The start's own name and the place of its folder may differ where reading them fails. */
function called(path: string): string {
  const name = path.replace(new RegExp(`${GHOST}-0(-\\d+)?`), 'PID-0');
  return name
    .replace('/run/bellhop-0', '/dev/shm/bellhop-0')
    .replace('/tmp/.bellhop-0', '/var/lib/.bellhop-0');
}

const HIDDEN = new Set(['/proc', '/usr', '/lib', '/lib64', '/bin', '/room', '/bun']);

/** Every entry of the room: kind, mode, owner, content or target; and what is mounted. */
export function snapshot(): Map<string, string> {
  const seen = new Map<string, string>();
  const walk = (path: string): void => {
    if (HIDDEN.has(path)) return;
    const stats = lstatSync(path);
    const owner = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
    const name = called(path);
    if (stats.isSymbolicLink()) {
      const target = called(readlinkSync(path));
      seen.set(name, `link ${stats.uid}:${stats.gid} -> ${target}`);
    } else if (stats.isFile()) {
      const isManifest = /\/bellhop-0\/[^/]*\.json$/.test(path);
      seen.set(name, `file ${owner} ${isManifest ? 'manifest' : readFileSync(path, 'latin1')}`);
    } else if (stats.isDirectory()) {
      seen.set(name, `dir ${owner}`);
      for (const one of readdirSync(path).sort()) walk(path === '/' ? `/${one}` : `${path}/${one}`);
    } else seen.set(name, `other ${owner}`);
  };
  walk('/');
  const points = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const line of points) {
    const [, , , , point = '', flags = ''] = line.split(' ');
    const was = seen.get(`mount ${point}`);
    if (point !== '') seen.set(`mount ${point}`, `${was ?? ''} ${flags}`);
  }
  return seen;
}

/** What differs, at most a few lines. */
export function unlike(expected: Map<string, string>, seen: Map<string, string>): string[] {
  const keys = new Set([...expected.keys(), ...seen.keys()]);
  return [...keys]
    .filter((key) => expected.get(key) !== seen.get(key))
    .map((key) => `${key}: ${seen.get(key) ?? 'gone'}, not ${expected.get(key) ?? 'there'}`)
    .map((line) => line.slice(0, 200))
    .slice(0, 6);
}

/** The same program in a process of its own, which may be killed. */
export function again(...words: readonly string[]): { code: number | null; signal: string | null } {
  const [bun = '', script = ''] = process.argv;
  const child = spawnSync(bun, [script, ...words], { stdio: 'inherit', timeout: 20_000 });
  return { code: child.status, signal: child.signal };
}
