import type { Finding, Kind } from './diff-types.ts';
import { changed, sameValue, valueFinding } from './finding.ts';
import type { Side } from './side.ts';
import type { Capabilities, Descriptor, MountSeen, ProcessSeen, Variable } from './types.ts';
import { plainText } from './values.ts';

/** The environment by name; a name that is there several times counts each time. */
export function variableFindings(left: ProcessSeen, right: ProcessSeen): Finding[] {
  const [ours, theirs] = [byName(left.env), byName(right.env)];
  const names = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted();
  return names.flatMap((name) => {
    const [one = [], other = []] = [ours.get(name), theirs.get(name)];
    return valuesFindings(name, one, other);
  });
}

function valuesFindings(
  name: string,
  one: readonly Variable[],
  other: readonly Variable[],
): Finding[] {
  const of = { kind: 'variable' as const, name };
  const [first, second] = [one[0]?.value, other[0]?.value];
  if (first === undefined || second === undefined) {
    return valueFinding({ ...of, aspect: 'presence' }, first, second);
  }
  if (one.length !== other.length) {
    const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
    return changed({ ...of, aspect: 'count' }, times(one.length), times(other.length));
  }
  const at = one.findIndex(({ value }, index) => {
    const same = other[index]?.value;
    return same === undefined || !sameValue(value, same);
  });
  return at < 0 ? [] : valueFinding({ ...of, aspect: 'value' }, one[at]?.value, other[at]?.value);
}

/** Entries without `=` have no name; the text of theirs cannot be one of a variable. */
const NAMELESS = 'entry without a name';

function byName(env: readonly Variable[]): Map<string, Variable[]> {
  const map = new Map<string, Variable[]>();
  for (const one of env) {
    const name = one.odd === true ? NAMELESS : plainText(one.name);
    const before = map.get(name);
    if (before === undefined) map.set(name, [one]);
    else before.push(one);
  }
  return map;
}

/** The command line; nothing where one side starts no program. */
export function argumentFindings(left: ProcessSeen, right: ProcessSeen): Finding[] {
  const { argv: one } = left;
  const { argv: other } = right;
  if (one === undefined || other === undefined) return [];
  return Array.from({ length: Math.max(one.length, other.length) }).flatMap((_, index) => {
    const aspect = index < one.length && index < other.length ? 'value' : 'presence';
    const of = { kind: 'argument' as const, name: String(index), aspect } as const;
    return valueFinding(of, one[index], other[index]);
  });
}

/** Directory, user, groups, rights and umask. */
export function processFindings(left: ProcessSeen, right: ProcessSeen): Finding[] {
  const fact = (name: string, of: (one: ProcessSeen) => string | undefined): Finding[] => {
    const [one, other] = [of(left), of(right)];
    // What one side could not know is no difference; `incomplete` tells it.
    if (one === undefined || other === undefined) return [];
    return changed({ kind: 'process', name, aspect: 'state' }, one, other);
  };
  const sets = Object.keys(left.capabilities) as (keyof Capabilities)[];
  return [
    ...fact('directory', ({ cwd }) => cwd),
    ...fact('user', ({ uids }) => ids(uids)),
    ...fact('group', ({ gids }) => ids(gids)),
    ...fact('groups', ({ groups }) => (groups.length === 0 ? 'none' : groups.join(' '))),
    ...fact('umask', ({ umask }) => umask),
    ...fact('no_new_privs', ({ noNewPrivileges: is }) =>
      is === undefined ? undefined : is ? 'yes' : 'no',
    ),
    ...fact('seccomp', ({ seccomp }) =>
      seccomp === undefined ? undefined : (SECCOMP[seccomp] ?? `mode ${seccomp}`),
    ),
    ...fact('process 1', ({ isFirst }) => (isFirst ? 'yes' : 'no')),
    ...sets.flatMap((set) =>
      fact(`${set} capabilities`, ({ capabilities }) => capabilities[set].replace(/^0+(?=.)/, '')),
    ),
  ];
}

const SECCOMP = ['none', 'strict', 'filter'];

/** Real, effective, saved and file system id: mostly one. */
function ids(all: readonly number[]): string {
  return new Set(all).size === 1 ? String(all[0]) : all.join(' ');
}

/** Ignored, blocked and pending signals, one by one. */
export function signalFindings(left: ProcessSeen, right: ProcessSeen): Finding[] {
  if (left.signals === undefined || right.signals === undefined) return [];
  const [one, other] = [left.signals, right.signals];
  return (['ignored', 'blocked', 'pending'] as const).flatMap((state) => {
    const [ours, theirs] = [BigInt(`0x${one[state]}`), BigInt(`0x${other[state]}`)];
    return Array.from({ length: 64 }, (_, bit) => bit).flatMap((bit) => {
      const has = (set: bigint): string =>
        ((set >> BigInt(bit)) & 1n) === 1n ? state : `not ${state}`;
      const of = { kind: 'signal', name: signalName(bit + 1), aspect: 'state' } as const;
      return changed(of, has(ours), has(theirs));
    });
  });
}

/** Linux, x86-64 and aarch64: asm-generic/signal.h. */
const SIGNALS = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP ' +
  'TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
).split(' ');

function signalName(number: number): string {
  const name = SIGNALS[number - 1];
  return name === undefined ? `signal ${number}` : `SIG${name}`;
}

/** Open descriptors by number. */
export function descriptorFindings(left: ProcessSeen, right: ProcessSeen): Finding[] {
  if (left.descriptors === undefined || right.descriptors === undefined) return [];
  const map = (all: readonly Descriptor[]) => new Map(all.map((one) => [one.fd, one]));
  const [ours, theirs] = [map(left.descriptors), map(right.descriptors)];
  const numbers = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted((a, b) => a - b);
  return numbers.flatMap((fd) => {
    const [one, other] = [ours.get(fd), theirs.get(fd)];
    const of = { kind: 'descriptor' as const, name: String(fd) };
    if (one === undefined || other === undefined) {
      return changed({ ...of, aspect: 'presence' }, one?.target, other?.target);
    }
    const access = ({ access: way, append }: Descriptor): string =>
      append ? `${way}, append` : way;
    const blocking = (is: Descriptor): string => (is.nonBlocking ? 'non-blocking' : 'blocking');
    return [
      ...changed({ ...of, aspect: 'target' }, one.target, other.target),
      ...changed({ ...of, aspect: 'access' }, access(one), access(other)),
      ...changed({ ...of, aspect: 'state' }, blocking(one), blocking(other)),
    ];
  });
}

/** Resource limits that both sides know. */
export function limitFindings(left: ProcessSeen, right: ProcessSeen): Finding[] {
  const names = Object.keys(left.limits).filter((name) => Object.hasOwn(right.limits, name));
  return names.toSorted().flatMap((name) => {
    const text = (limits: ProcessSeen['limits']): string => {
      const [soft = '', hard = ''] = limits[name] ?? [];
      return soft === hard ? soft : `${soft} of ${hard}`;
    };
    const of = { kind: 'limit', name, aspect: 'state' } as const;
    return changed(of, text(left.limits), text(right.limits));
  });
}

/** Kernel, cgroups and host name. */
export function surroundingFindings({ snapshot: one }: Side, { snapshot: other }: Side): Finding[] {
  const of = (name: string) => ({ kind: 'surroundings', name, aspect: 'state' }) as const;
  const [ours, theirs] = [one.surroundings, other.surroundings];
  const both = ours.hostname !== undefined && theirs.hostname !== undefined;
  return [
    ...changed(of('kernel'), ours.kernel, theirs.kernel),
    ...changed(of('cgroup'), ours.cgroup, theirs.cgroup),
    ...(both ? valueFinding(of('hostname'), ours.hostname, theirs.hostname) : []),
  ];
}

/** Mounts by path. */
export function mountFindings(left: Side, right: Side): Finding[] {
  const kind: Kind = 'mount';
  const paths = [...new Set([...left.mounts.keys(), ...right.mounts.keys()])].toSorted();
  return paths.flatMap((name) => {
    const [one, other] = [left.mounts.get(name), right.mounts.get(name)];
    if (one === undefined || other === undefined) {
      return changed({ kind, name, aspect: 'presence' }, mountText(one), mountText(other));
    }
    const size = ({ sizeBytes }: MountSeen): string =>
      sizeBytes === undefined ? 'no limit' : `${sizeBytes} bytes`;
    const writing = (is: MountSeen): string => (is.readOnly ? 'read-only' : 'writable');
    return [
      ...changed({ kind, name, aspect: 'readOnly' }, writing(one), writing(other)),
      ...changed({ kind, name, aspect: 'medium' }, one.medium, other.medium),
      ...changed({ kind, name, aspect: 'type' }, one.type, other.type),
      ...changed({ kind, name, aspect: 'options' }, one.options.join(','), other.options.join(',')),
      ...changed({ kind, name, aspect: 'size' }, size(one), size(other)),
    ];
  });
}

function mountText(mount: MountSeen | undefined): string | undefined {
  if (mount === undefined) return undefined;
  return `${mount.type}, in ${mount.medium}${mount.readOnly ? ', read-only' : ''}`;
}
