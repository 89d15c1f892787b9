import { mountedPath } from '../core/paths.ts';
import type { Capabilities, Descriptor, MountSeen } from './types.ts';

// Texts of /proc, after proc(5) of man-pages 6.9 and Documentation/filesystems/proc.rst of Linux
// 6.18. Pure.

/** What is used of /proc/PID/status. */
export interface Status {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  readonly capabilities: Capabilities;
  readonly noNewPrivileges?: boolean;
  readonly seccomp?: number;
  readonly umask?: string;
  readonly blocked: string;
  readonly ignored: string;
  readonly pending: string;
  /** Its number in the innermost namespace; undefined where the kernel does not say. */
  readonly innerPid?: number;
}

/** Reads /proc/PID/status. */
export function parseStatus(text: string): Status {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, Math.max(colon, 0)), line.slice(colon + 1).trim()];
    }),
  );
  const set = (name: string): string => {
    const written = fields.get(name) ?? '';
    return (/^[0-9a-f]{1,16}$/.test(written) ? written : '').padStart(16, '0');
  };
  const numbers = (name: string): number[] =>
    ((fields.get(name) ?? '').match(/(?<!\S)\d{1,10}(?!\S)/g) ?? []).map(Number);
  const [privileges] = numbers('NoNewPrivs');
  const [seccomp] = numbers('Seccomp');
  const umask = fields.get('Umask') ?? '';
  const innerPid = numbers('NSpid').at(-1);
  return {
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    groups: numbers('Groups').toSorted((a, b) => a - b),
    capabilities: {
      inheritable: set('CapInh'),
      permitted: set('CapPrm'),
      effective: set('CapEff'),
      bounding: set('CapBnd'),
      ambient: set('CapAmb'),
    },
    ...(privileges === undefined ? {} : { noNewPrivileges: privileges === 1 }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(/^[0-7]{1,4}$/.test(umask) ? { umask: umask.padStart(4, '0') } : {}),
    blocked: set('SigBlk'),
    ignored: set('SigIgn'),
    pending: hexSet(BigInt(`0x${set('SigPnd')}`) | BigInt(`0x${set('ShdPnd')}`)),
    ...(innerPid === undefined ? {} : { innerPid }),
  };
}

/** A bit set as the kernel prints it. */
export function hexSet(bits: bigint): string {
  return bits.toString(16).padStart(16, '0');
}

/** Reads /proc/PID/limits: soft and hard by name, e.g. `open files`. */
export function parseLimits(text: string): Record<string, readonly [string, string]> {
  const found: Record<string, readonly [string, string]> = {};
  for (const line of text.split('\n')) {
    const match = /^Max ([a-z ]+?)\s{2,}(\d+|unlimited)\s+(\d+|unlimited)/.exec(line);
    const [, name = '', soft = '', hard = ''] = match ?? [];
    if (match !== null) found[name] = [soft, hard];
  }
  return found;
}

const O_ACCMODE = 3;
const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const ACCESS = ['read', 'write', 'both'] as const;

/** A descriptor out of its fdinfo and its link; undefined where it closes on exec. */
export function parseDescriptor(
  fd: number,
  { info, link }: { readonly info: string; readonly link: string },
): Descriptor | undefined {
  const written = /^flags:\s*0([0-7]+)$/m.exec(info)?.[1];
  const flags = written === undefined ? 0 : Number.parseInt(written, 8);
  if ((flags & O_CLOEXEC) !== 0) return undefined;
  return {
    fd,
    target: withoutNumbers(link),
    access: ACCESS[flags & O_ACCMODE] ?? 'both',
    append: (flags & O_APPEND) !== 0,
    nonBlocking: (flags & O_NONBLOCK) !== 0,
  };
}

/** What a descriptor leads to, without the numbers that differ from run to run. */
function withoutNumbers(link: string): string {
  if (/^(pipe|socket):/.test(link)) return link.replace(/:.*/s, '');
  return link
    .replace(/^\/dev\/pts\/\d+$/, '/dev/pts/N')
    .replace(/^anon_inode:\[?([^\]]*)\]?$/, 'anon_inode:$1');
}

const MEMORY = new Set(['tmpfs', 'ramfs', 'rootfs', 'hugetlbfs']);
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads /proc/PID/mountinfo; of mounts at one path the topmost counts. Sorted by path. */
export function parseMounts(text: string): MountSeen[] {
  const found = new Map<string, MountSeen>();
  for (const line of text.split('\n')) {
    const mount = parseMount(line);
    if (mount !== undefined) found.set(mount.path, mount);
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function parseMount(line: string): MountSeen | undefined {
  const [before = '', after = ''] = line.split(' - ', 2);
  const [, , , , where, written = ''] = before.split(' ');
  const [type = '', , superOptions = ''] = after.split(' ');
  if (where === undefined) return undefined;
  const options = written.split(',');
  const isReadOnly = options.includes('ro') || superOptions.split(',').includes('ro');
  const sizeBytes = sizeOf(superOptions);
  return {
    path: mountedPath(where),
    type,
    medium: MEMORY.has(type) ? 'memory' : 'disk',
    readOnly: isReadOnly,
    options: options.filter((one) => one !== 'ro' && one !== 'rw').toSorted(),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
}

function sizeOf(superOptions: string): number | undefined {
  const [, count, unit = ''] = /(?:^|,)size=(\d{1,15})([kmg]?)(?:,|$)/i.exec(superOptions) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit.toLowerCase()] ?? 1);
}

/** True for mounts that every container has for itself, and that no manifest asks for. */
export function isPlatformMount(path: string): boolean {
  return path === '/' || path === '/dev/shm' || isUnlisted(path) || PLATFORM_FILES.includes(path);
}

/** Mounts of the kernel's own interfaces: there are dozens, and they say nothing. */
export function isUnlisted(path: string): boolean {
  return /^\/(proc|sys|dev)(\/|$)/.test(path) && path !== '/dev/shm';
}

/** Files that the platform writes into every container. */
export const PLATFORM_FILES: readonly string[] = [
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
];
