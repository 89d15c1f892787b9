/**
 * The few functions of libc that JavaScript has no words for, by bun:ffi. Loaded only when a
 * program is about to be started without the launcher: opening it takes milliseconds.
 */
import type * as BunFfi from 'bun:ffi';

/** Each answers an errno number, 0 for success. Byte arrays end in NUL where C wants a string. */
export interface Libc {
  execve(file: Uint8Array, argv: Uint8Array[], env: Uint8Array[]): number;
  /** O_NONBLOCK of a descriptor on or off, other flags untouched. */
  setNonBlocking(fd: number, on: boolean): number;
  defaultSignal(signal: number): number;
  prctl(option: number, value: number): number;
  /** Takes the capabilities of this bit set from the inheritable (and so the ambient) set. */
  dropInheritable(capabilities: bigint): number;
  setGroups(groups: readonly number[]): number;
  setGid(gid: number): number;
  setUid(uid: number): number;
  setLimit(resource: number, limit: { soft: bigint; hard: bigint }): number;
}

const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const NAMES = ['libc.so.6', `libc.musl-${ARCH}.so.1`, 'libc.so'];
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const CAPABILITY_VERSION_3 = 0x2008_0522;

/** undefined where foreign functions are denied, e.g. by PR_SET_MDWE or a hardened kernel. */
export function openLibc(): Libc | undefined {
  const ffi: typeof BunFfi = require('bun:ffi');
  for (const name of NAMES) {
    try {
      return wrap(ffi, open(ffi, name));
    } catch {
      // Not this C library, or none at all: the caller has a way without.
    }
  }
  return undefined;
}

function open(ffi: typeof BunFfi, name: string) {
  return ffi.dlopen(name, {
    execve: { args: ['ptr', 'ptr', 'ptr'], returns: 'i32' },
    fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    signal: { args: ['i32', 'u64'], returns: 'u64' },
    prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
    capget: { args: ['ptr', 'ptr'], returns: 'i32' },
    capset: { args: ['ptr', 'ptr'], returns: 'i32' },
    setgroups: { args: ['u64', 'ptr'], returns: 'i32' },
    setresgid: { args: ['u32', 'u32', 'u32'], returns: 'i32' },
    setresuid: { args: ['u32', 'u32', 'u32'], returns: 'i32' },
    setrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
    __errno_location: { args: [], returns: 'ptr' },
  }).symbols;
}

function wrap(ffi: typeof BunFfi, c: ReturnType<typeof open>): Libc {
  const errnoAt = c.__errno_location();
  const errno = (result: number) => {
    if (result >= 0 || errnoAt === null) return result >= 0 ? 0 : 1;
    return ffi.read.i32(errnoAt, 0);
  };
  return {
    execve: (file, argv, env) => {
      const args = pointers(ffi, argv);
      const vars = pointers(ffi, env);
      const result = c.execve(ffi.ptr(file), ffi.ptr(args.table), ffi.ptr(vars.table));
      // Named after the call so that neither can be collected before it.
      return args.bytes.length + vars.bytes.length > 0 ? errno(result) : 0;
    },
    setNonBlocking: (fd, on) => {
      const flags = c.fcntl(fd, F_GETFL, 0);
      if (flags < 0 || ((flags & O_NONBLOCK) !== 0) === on) return 0;
      return errno(c.fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
    },
    defaultSignal: (signal) => (c.signal(signal, 0) === 0xffff_ffff_ffff_ffffn ? 1 : 0),
    prctl: (option, value) => errno(c.prctl(option, value, 0, 0, 0)),
    dropInheritable: (capabilities) => {
      const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
      const data = new Uint32Array(6);
      const failed = errno(c.capget(ffi.ptr(header), ffi.ptr(data)));
      if (failed !== 0) return failed;
      data[2] = (data[2] ?? 0) & ~Number(capabilities & 0xffff_ffffn);
      data[5] = (data[5] ?? 0) & ~Number(capabilities >> 32n);
      return errno(c.capset(ffi.ptr(header), ffi.ptr(data)));
    },
    setGroups: (groups) => {
      const list = new Uint32Array([...groups, 0]);
      return errno(c.setgroups(groups.length, ffi.ptr(list)));
    },
    setGid: (gid) => errno(c.setresgid(gid, gid, gid)),
    setUid: (uid) => errno(c.setresuid(uid, uid, uid)),
    setLimit: (resource, { soft, hard }) =>
      errno(c.setrlimit(resource, ffi.ptr(new BigUint64Array([soft, hard])))),
  };
}

/** The strings one after another, and the table of their addresses with a 0 at its end. */
function pointers(ffi: typeof BunFfi, strings: readonly Uint8Array[]) {
  const length = strings.reduce((sum, text) => sum + text.length + 1, 0);
  const bytes = new Uint8Array(Math.max(1, length));
  const table = new BigUint64Array(strings.length + 1);
  const base = BigInt(ffi.ptr(bytes));
  let at = 0;
  for (const [i, text] of strings.entries()) {
    bytes.set(text, at);
    table[i] = base + BigInt(at);
    at += text.length + 1;
  }
  return { bytes, table };
}
