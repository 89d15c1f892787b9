/** The conditions under which programs are started: the clean one and the hostile ones. */
import { PROTOCOL_VERSION } from '../../src/core/io/launcher-wire.ts';

export interface Condition {
  readonly name: string;
  readonly lines: readonly string[];
  readonly env?: readonly (string | Uint8Array)[];
  readonly argv?: readonly (string | Uint8Array)[];
  /** Only root can set it up. */
  readonly root?: boolean;
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const text = (value: string) => Buffer.from(value);
const PATH = 'PATH=/usr/bin:/bin';

const SIGNALS: readonly Condition[] = [
  { name: 'SIGCHLD blocked', lines: ['block 17'] },
  { name: 'SIGCHLD ignored', lines: ['ignore 17'] },
  { name: 'SIGCHLD blocked and pending', lines: ['block 17', 'pending 17'] },
  { name: 'SIGCHLD blocked and a child that has ended', lines: ['block 17', 'orphan'] },
  { name: 'SIGTERM blocked and pending', lines: ['block 15', 'pending 15'] },
  { name: 'SIGPIPE, SIGHUP and SIGINT ignored', lines: ['ignore 13', 'ignore 1', 'ignore 2'] },
  { name: 'SIGTERM and SIGXFSZ ignored', lines: ['ignore 15', 'ignore 25'] },
  {
    name: 'all signals blocked',
    lines: Array.from({ length: 64 }, (_, i) => `block ${i + 1}`).filter(
      (line) => !['block 9', 'block 19', 'block 32', 'block 33'].includes(line),
    ),
  },
  { name: 'real-time signals ignored and blocked', lines: ['ignore 40', 'block 41', 'block 64'] },
];

const DESCRIPTORS: readonly Condition[] = [
  { name: 'extra descriptors', lines: ['fd 3', 'fd 4', 'fd 7', 'fd 63', 'fd 200'] },
  { name: 'closed stdin', lines: ['close 0'] },
  { name: 'closed stdout and stderr', lines: ['close 1', 'close 2'] },
  { name: 'closed stdio', lines: ['close 0', 'close 1', 'close 2'] },
  { name: 'non-blocking pipes as stdio', lines: ['nonblock 0', 'nonblock 1', 'nonblock 2'] },
  { name: 'a non-blocking extra pipe', lines: ['nonblock 5'] },
];

const LIMITS: readonly Condition[] = [
  { name: 'NOFILE 16', lines: ['limit 7 16 16'] },
  { name: 'NOFILE 16 of 4096', lines: ['limit 7 16 4096'] },
  { name: 'NOFILE 5 of 4096, all in use', lines: ['fd 3', 'fd 4', 'limit 7 5 4096'] },
  { name: 'NOFILE 1023 of 1025', lines: ['limit 7 1023 1025'] },
  { name: 'CORE 0 of 0', lines: ['limit 4 0 0'] },
  { name: 'CORE unlimited', lines: ['limit 4 18446744073709551615 18446744073709551615'] },
  { name: 'FSIZE 0 of unlimited', lines: ['limit 1 0 18446744073709551615'] },
  { name: 'STACK 1 MiB', lines: ['limit 3 1048576 18446744073709551615'] },
  { name: 'umask 077 and nice 5', lines: ['umask 077', 'nice 5'] },
];

/** Bytes that are not UTF-8, one name twice, entries without name or sign, an empty one. */
const ODD_ENV = [
  bytes(0xff, 0xfe, 0x3d, 0x80, 0xc3),
  Buffer.concat([text('B='), bytes(0xe2, 0x82)]),
  'A=1',
  'A=2',
  'NOEQUALS',
  '=X',
  '',
  'EMPTY=',
  PATH,
];

const STRINGS: readonly Condition[] = [
  { name: 'odd environment', lines: [], env: ODD_ENV },
  { name: 'no environment', lines: [], env: [] },
  {
    name: 'odd arguments',
    lines: [],
    argv: ['', bytes(0xff, 0x80), '--', '--version', '-e', 'run', 'ä€😀', '', 'a\nb', ''],
  },
  {
    name: '10,000 variables',
    lines: [],
    env: [PATH, ...Array.from({ length: 10_000 }, (_, i) => `VARIABLE_${i}=${'v'.repeat(i % 90)}`)],
  },
  {
    name: '1.9 MB of arguments',
    lines: [],
    argv: Array.from({ length: 19 }, (_, i) => String.fromCharCode(97 + i).repeat(100_000)),
  },
];

/** Variables that steer Bun, Node or the dynamic loader: poison for a runtime that sees them. */
export const POISON = [
  PATH,
  'BUN_OPTIONS=--preload=/nowhere.js',
  'BUN_BE_BUN=1',
  'NODE_OPTIONS=--require /nowhere.js',
  'LD_PRELOAD=/nowhere.so',
  'LD_LIBRARY_PATH=/nowhere',
  'LD_AUDIT=/nowhere.so',
  'BUN_INSPECT=ws://127.0.0.1:1/',
  'BUN_CONFIG_VERBOSE_FETCH=curl',
  'NODE_EXTRA_CA_CERTS=/nowhere.pem',
  'GLIBC_TUNABLES=glibc.malloc.check=3',
  'JSC_useJIT=0',
  `BELLHOP_LAUNCHER=${PROTOCOL_VERSION}:0:1:2`,
];

const WORLD: readonly Condition[] = [
  { name: 'deleted working directory', lines: ['rmcwd'] },
  { name: 'a process group of its own', lines: ['group'] },
  { name: 'timer slack and subreaper', lines: ['timerslack 123456', 'subreaper'] },
  { name: 'death signal of the parent', lines: ['pdeathsig 10'] },
  { name: 'a running alarm', lines: ['itimer'] },
  { name: 'batch scheduling', lines: ['batch'] },
  { name: 'oom_score_adj 500', lines: ['oom 500'] },
  { name: 'no_new_privs', lines: ['nonewprivs'] },
  { name: 'PID 1 of a namespace', lines: ['pidns'], root: true },
  { name: 'user 65534', lines: ['uid 65534'], root: true },
];

const KERNELS: readonly Condition[] = [
  { name: 'memfd_create denied', lines: ['nomemfd'] },
  { name: 'no writable and executable memory', lines: ['mdwe'] },
  { name: 'the same with blocked signals', lines: ['mdwe', 'block 10', 'block 12'] },
  { name: 'the same with odd strings', lines: ['mdwe'], env: ODD_ENV, argv: [bytes(0xff), ''] },
];

/** Under the launcher none of these may differ from a direct start. */
export const CONDITIONS: readonly Condition[] = [
  { name: 'clean', lines: [] },
  ...SIGNALS,
  ...DESCRIPTORS,
  ...LIMITS,
  ...STRINGS,
  { name: 'variables that steer the runtime', lines: [], env: POISON },
  ...WORLD,
  ...KERNELS,
];
