// What a snapshot says of a program is what the program itself sees, under every condition in which
// programs are started. The probe asks the kernel by system calls; the snapshot reads /proc of the
// process before it became the probe.
import { afterAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import {
  isRoot,
  missing,
  picture,
  removeTools,
  snapshotFile,
  TIMEOUT_MS,
} from '../launcher/_bench.ts';
import type { Picture } from '../launcher/_bench.ts';
import { CONDITIONS } from '../launcher/conditions.ts';
import { readSnapshot } from '../../src/parity/document.ts';
import type { ProcessSeen } from '../../src/parity/types.ts';

/** By RLIMIT_* number, as the kernel calls them: fs/proc/base.c. */
const LIMITS = [
  'cpu time',
  'file size',
  'data size',
  'stack size',
  'core file size',
  'resident set',
  'processes',
  'open files',
  'locked memory',
  'address space',
  'file locks',
  'pending signals',
  'msgqueue size',
  'nice priority',
  'realtime priority',
  'realtime timeout',
];
const KEY = 'the key of the tests of the launcher';

const textOf = (seen: Picture, name: string): string => String(seen[name] ?? '');
const listOf = (seen: Picture, name: string): string[] => [seen[name] ?? []].flat();
const bits = (signed: string): string =>
  BigInt.asUintN(64, BigInt(signed)).toString(16).padStart(16, '0');
const digest = (hex: string): string => {
  const bytes = Buffer.from(hex, 'hex');
  return `${bytes.length} ${new Bun.CryptoHasher('sha256', KEY).update(bytes).digest('hex').slice(0, 32)}`;
};

/** What the program saw, in the words of a snapshot. */
function bySight(seen: Picture): Record<string, unknown> {
  const numbered = (prefix: string): [number, string][] =>
    Object.entries(seen)
      .filter(([name]) => name.startsWith(`${prefix} `))
      .map(([name, value]) => [Number(name.slice(prefix.length)), String(value)]);
  const ignored = numbered('signal').filter(([, is]) => is === 'ignored');
  // Without a descriptor left the probe cannot read its own file.
  const capability = (name: string): unknown => {
    const set = textOf(seen, name).trim();
    return set === 'unreadable' ? expect.stringMatching(/^[0-9a-f]{16}$/) : set;
  };
  const env = listOf(seen, 'env').filter((one) => !one.startsWith(OURS));
  return {
    argv: listOf(seen, 'argv').map(digest),
    env: env.map(entryOf).toSorted(),
    cwd: textOf(seen, 'cwd'),
    uids: textOf(seen, 'uids'),
    gids: textOf(seen, 'gids'),
    groups: textOf(seen, 'groups').trim(),
    umask: Number(textOf(seen, 'umask')).toString(8).padStart(4, '0'),
    noNewPrivileges: textOf(seen, 'no_new_privs') === '1',
    bounding: capability('CapBnd:'),
    effective: capability('CapEff:'),
    ignored: bits(String(ignored.reduce((set, [one]) => set | (1n << BigInt(one - 1)), 0n))),
    blocked: bits(textOf(seen, 'blocked')),
    pending: bits(textOf(seen, 'pending')),
    isFirst: textOf(seen, 'is pid 1') === '1',
    limits: numbered('rlimit').map(([number, pair]) => {
      return `${LIMITS[number] ?? number} ${pair.replaceAll('-1', 'unlimited')}`;
    }),
    descriptors: numbered('fd').map(([fd, said]) => {
      const flags = Number.parseInt(/fl=([0-9a-f]+)/.exec(said)?.[1] ?? '', 16);
      const access = ['read', 'write', 'both'][flags & 3];
      const [append, nonBlocking] = [(flags & 0o2000) !== 0, (flags & 0o4000) !== 0];
      const target = said.replace(/ fd=.*/, '').replace(/^anon_inode:\[(.*)\]$/, 'anon_inode:$1');
      return JSON.stringify({ fd, target, access, append, nonBlocking });
    }),
  };
}

const OURS = Buffer.from('BELLHOP_').toString('hex');

function entryOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  const equals = bytes.indexOf('=', 1);
  if (equals < 0) return ` ${digest(hex)}`;
  return `${bytes.subarray(0, equals).toString('hex')} ${digest(bytes.subarray(equals + 1).toString('hex'))}`;
}

/** The same of a snapshot. */
function bySnapshot(seen: ProcessSeen): Record<string, unknown> {
  const { argv = [], env, cwd, uids, gids, groups, umask, noNewPrivileges, capabilities } = seen;
  const { signals, limits, descriptors = [], isFirst } = seen;
  return {
    argv: argv.map((one) => `${one.bytes} ${one.digest}`),
    env: env
      .map(({ name, value }) => {
        const bytes =
          typeof name === 'string' ? Buffer.from(name) : Buffer.from(name.base64, 'base64');
        return `${bytes.toString('hex')} ${value.bytes} ${value.digest}`;
      })
      .toSorted(),
    cwd: cwd?.endsWith(' (deleted)') === true ? 'gone' : cwd,
    uids: uids.slice(0, 3).join(' '),
    gids: gids.slice(0, 3).join(' '),
    groups: groups.join(' '),
    umask,
    noNewPrivileges,
    bounding: capabilities.bounding,
    effective: capabilities.effective,
    ...signals,
    isFirst,
    limits: LIMITS.map((name) => `${name} ${limits[name]?.join(' ') ?? ''}`),
    descriptors: descriptors.map(({ fd, target, access, append, nonBlocking }) => {
      return JSON.stringify({ fd, target, access, append, nonBlocking });
    }),
  };
}

describe.skipIf(missing !== undefined)('a snapshot says what the program sees', () => {
  for (const { name, lines, env, argv, root } of CONDITIONS) {
    test.skipIf(root === true && !isRoot)(
      name,
      () => {
        const recipe = { argv: argv ?? ['a', 'b c'], conditions: lines, ...(env ? { env } : {}) };
        const sight = bySight(picture('snapshot', recipe));
        const { process: seen, of } = readSnapshot(
          readFileSync(snapshotFile(), 'utf8'),
          'snapshot',
        );
        expect(of).toBe('command');
        expect(bySnapshot(seen)).toEqual(sight);
      },
      TIMEOUT_MS,
    );
  }
});

afterAll(removeTools);
