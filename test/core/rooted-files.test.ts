// A folder as somebody sees it whose root it is: whatever its links say, nothing leads outside. The
// kernel's own way (openat2 with RESOLVE_IN_ROOT) is the judge of where a path leads.
import { afterAll, describe, expect, test } from 'bun:test';
import { dlopen, ptr } from 'bun:ffi';
import fc from 'fast-check';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rootedFiles } from '../../src/core/io/rooted-files.ts';
import { FsError } from '../../src/core/io/types.ts';
import { skipVisibly } from '../support/need.ts';

const base = fs.mkdtempSync(path.join(tmpdir(), 'bellhop-rooted-'));
afterAll(() => fs.rmSync(base, { recursive: true, force: true }));

const outside = path.join(base, 'outside');
fs.mkdirSync(outside);
fs.writeFileSync(path.join(outside, 'file'), 'not yours');
fs.mkdirSync(path.join(outside, 'folder'));
fs.writeFileSync(path.join(outside, 'folder/kept'), 'kept');

/** Everything outside, as it is to stay. */
function outsideNow(): string {
  const walk = (at: string): string[] => {
    const { mode, uid, gid } = fs.lstatSync(at);
    const own = `${at} ${mode.toString(8)} ${uid}:${gid}`;
    if (fs.lstatSync(at).isDirectory())
      return [own, ...fs.readdirSync(at).flatMap((name) => walk(path.join(at, name)))];
    return [`${own} ${fs.readFileSync(at, 'utf8')}`];
  };
  return walk(outside).join('\n');
}
const OUTSIDE = outsideNow();

let made = 0;
/** A root with links of every kind that lead out of it. */
function hostileRoot(): string {
  const root = path.join(base, `root-${++made}`);
  for (const folder of ['a/b', 'real', 'etc'])
    fs.mkdirSync(path.join(root, folder), { recursive: true });
  fs.writeFileSync(path.join(root, 'real/file'), 'inside');
  const links: Readonly<Record<string, string>> = {
    'a/up': '../../../../outside',
    'a/absolute': outside,
    'a/file-up': '../../outside/file',
    'a/file-absolute': `${outside}/file`,
    'a/over-proc': `/proc/self/cwd/${path.relative(process.cwd(), outside)}`,
    'a/inside': '/real',
    'a/inside-up': '../../../../real/../real',
    'a/loop': 'loop',
    'a/ring': '/a/ring-2',
    'a/ring-2': '../a/ring',
    'a/nowhere': '/no/such',
  };
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, path.join(root, name));
  return root;
}

function said(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    if (error instanceof FsError) return error.errno;
    throw error;
  }
}

const OUT = ['/a/up', '/a/absolute', '/a/over-proc', '/../outside', '/a/../../outside'];

describe('what would lead outside leads to nothing', () => {
  const root = hostileRoot();
  const rooted = rootedFiles(root);
  const gone = ['ENOENT', 'ENOTDIR'];

  test.each(OUT)('%s', (way) => {
    const work: readonly (() => unknown)[] = [
      () => rooted.read(`${way}/file`, 100),
      () => rooted.write(`${way}/new`, new Uint8Array(1), 0o600),
      () => rooted.mkdir(`${way}/new`, 0o700),
      () => rooted.symlink('x', `${way}/new`),
      () => rooted.list(way),
      () => rooted.list(`${way}/folder`),
      () => rooted.rename('/real/file', `${way}/new`),
      () => rooted.rename(`${way}/file`, '/real/new'),
      () => rooted.unlink(`${way}/file`),
      () => rooted.rmdir(`${way}/folder`),
      () => rooted.remove(`${way}/folder`),
      () => rooted.chmod(`${way}/file`, 0o777),
      () => rooted.lchown(`${way}/file`, { uid: 1, gid: 1 }),
      () => rooted.fileSystem(`${way}/folder`),
      () => rooted.realpath(`${way}/folder`),
    ];
    for (const one of work) expect(gone).toContain(said(one));
    expect(rooted.stat(`${way}/file`)).toBeUndefined();
    expect(rooted.statThrough(`${way}/file`)).toBeUndefined();
    expect(outsideNow()).toBe(OUTSIDE);
  });

  test.each(['/a/file-up', '/a/file-absolute'])('a link to a file: %s', (link) => {
    expect(gone).toContain(said(() => rooted.read(link, 100)));
    expect(gone).toContain(said(() => rooted.chmod(link, 0o777)));
    expect(said(() => rooted.write(link, new Uint8Array(1), 0o600))).toBe('EEXIST');
    expect(outsideNow()).toBe(OUTSIDE);
  });
});

describe('what stays inside works', () => {
  const root = hostileRoot();
  const rooted = rootedFiles(root);
  const at = (name: string): string => path.join(root, name);

  test('through links that are absolute and that go up more than there is', () => {
    rooted.write('/a/inside/one', Buffer.from('1'), 0o640);
    rooted.mkdir('/a/inside-up/two', 0o2751);
    expect(fs.readFileSync(at('real/one'), 'utf8')).toBe('1');
    expect(fs.statSync(at('real/one')).mode & 0o7777).toBe(0o640);
    expect(fs.statSync(at('real/two')).mode & 0o7777).toBe(0o2751);
    expect(rooted.realpath('/a/inside-up/two')).toBe('/real/two');
    expect(rooted.list('/a/inside').toSorted()).toEqual(['file', 'one', 'two']);
    expect(rooted.stat('/')?.inode).toBe(fs.statSync(root).ino);
    expect(rooted.statThrough('/../..')?.inode).toBe(fs.statSync(root).ino);
  });

  test('a link is seen as one, and removed as one', () => {
    rooted.symlink('/real', '/etc/link');
    expect([rooted.stat('/etc/link')?.kind, rooted.readlink('/etc/link')]).toEqual([
      'link',
      '/real',
    ]);
    rooted.remove('/etc/link');
    expect(fs.readdirSync(at('etc'))).toEqual([]);
    expect(rooted.statThrough('/real')?.kind).toBe('dir');
  });

  test('a tree is removed with its links, and nothing that they lead to', () => {
    fs.mkdirSync(at('gone/deep'), { recursive: true });
    fs.symlinkSync(outside, at('gone/deep/out'));
    fs.symlinkSync('/real', at('gone/in'));
    rooted.remove('/gone');
    expect(fs.existsSync(at('gone'))).toBe(false);
    expect(rooted.statThrough('/real/file')?.kind).toBe('file');
    expect(outsideNow()).toBe(OUTSIDE);
  });

  test('links in a circle are told, and what is not there is not', () => {
    for (const link of ['/a/loop', '/a/ring/x']) {
      expect(said(() => rooted.statThrough(link))).toBe('ELOOP');
    }
    expect(rooted.statThrough('/a/nowhere')).toBeUndefined();
    expect(rooted.stat('/real/file/below')).toBeUndefined();
    expect(said(() => rooted.read('/real', 1))).toBe('EISDIR');
  });

  test('descriptors are closed again', () => {
    const open = (): number => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 50; i++) {
      rooted.statThrough('/a/inside-up/file');
      said(() => rooted.read('/a/up/file', 1));
      said(() => rooted.statThrough('/a/ring'));
    }
    expect(open()).toBe(before);
  });
});

describe('users of a namespace', () => {
  const ids = {
    inside: { uid: 0, gid: 7 },
    outside: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  };
  const root = hostileRoot();
  const rooted = rootedFiles(root, ids);

  test('ours are seen as those inside', () => {
    expect(rooted.stat('/real')).toMatchObject({ uid: 0, gid: 7 });
    rooted.lchown('/real', { uid: 0, gid: 7 });
    rooted.lchown('/real', { uid: -1, gid: 7 });
    expect(fs.statSync(path.join(root, 'real'))).toMatchObject(ids.outside);
  });

  test('nobody else can be given anything', () => {
    for (const owner of [
      { uid: 1, gid: 7 },
      { uid: 0, gid: 1 },
    ]) {
      expect(said(() => rooted.lchown('/real', owner))).toBe('EPERM');
    }
  });
});

type Judge = (root: string, at: string) => string;

/** Where a path leads by the kernel; an errno that names nothing is 'error'. */
const judge = openJudge();
if (typeof judge === 'string') skipVisibly('openat2', [judge]);
function openJudge(): Judge | string {
  let libc;
  try {
    libc = dlopen('libc.so.6', {
      syscall: { args: ['i64', 'i64', 'ptr', 'ptr', 'u64'], returns: 'i64' },
    });
  } catch (error) {
    return `no libc.so.6: ${String(error)}`;
  }
  const { syscall } = libc.symbols;
  const OPENAT2 = 437n;
  const how = new BigUint64Array([0o10000000n, 0n, 0x10n]); // O_PATH, RESOLVE_IN_ROOT
  const judged = (root: string, at: string): string => {
    const folder = fs.openSync(root, 0o10000000);
    const name = Buffer.from(`${at}\0`);
    const fd = Number(syscall(OPENAT2, BigInt(folder), ptr(name), ptr(how), 24n));
    fs.closeSync(folder);
    if (fd < 0) return 'error';
    const real = fs.readlinkSync(`/proc/self/fd/${fd}`);
    fs.closeSync(fd);
    return real.slice(root.length) || '/';
  };
  return judged(base, '/outside') === '/outside' ? judged : 'not in this kernel';
}

describe.skipIf(typeof judge === 'string')('a path leads where the kernel says', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'l', 'm');
  const step = fc.oneof({ weight: 3, arbitrary: name }, fc.constantFrom('..', '.', ''));
  const way = fc.array(step, { minLength: 1, maxLength: 6 }).map((steps) => steps.join('/'));
  const target = fc
    .tuple(fc.boolean(), way)
    .map(([isAbsolute, to]) => (isAbsolute ? `/${to}` : to || '.'));
  const entry = fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.option(target));

  test('for random trees of folders and links', () => {
    const tree = fc.array(entry, { maxLength: 12 });
    fc.assert(
      fc.property(tree, fc.array(way, { minLength: 1, maxLength: 4 }), (entries, ways) => {
        const root = path.join(base, `tree-${++made}`);
        fs.mkdirSync(root);
        const rooted = rootedFiles(root);
        for (const [steps, link] of entries) {
          const at = `/${steps.join('/')}`;
          // What does not fit on what is there already is left out.
          said(() => (link === null ? rooted.mkdir(at, 0o755) : rooted.symlink(link || '.', at)));
        }
        for (const one of ways) {
          const ours = said(() => rooted.realpath(`/${one}`));
          const found = ours === 'done' ? rooted.realpath(`/${one}`) : 'error';
          const kernels = typeof judge === 'string' ? judge : judge(root, `/${one}`);
          expect(`${one}: ${found}`).toBe(`${one}: ${kernels}`);
        }
        fs.rmSync(root, { recursive: true });
      }),
      { numRuns: 400, seed: 20_261_121 },
    );
    expect(outsideNow()).toBe(OUTSIDE);
  });
});

const SWAPS = `
const fs = require('node:fs');
const [, , root, outside] = process.argv;
fs.writeSync(1, 'ready\\n');
for (;;) {
  fs.renameSync(root + '/swap', root + '/aside');
  fs.symlinkSync(outside, root + '/swap');
  fs.unlinkSync(root + '/swap');
  fs.renameSync(root + '/aside', root + '/swap');
}`;

test('whoever exchanges a folder for a link while we work changes nothing outside', async () => {
  const root = hostileRoot();
  fs.mkdirSync(path.join(root, 'swap'));
  const script = path.join(base, 'swaps.cjs');
  fs.writeFileSync(script, SWAPS);
  const other = Bun.spawn([process.execPath, script, root, outside], { stdout: 'pipe' });
  try {
    await other.stdout.getReader().read();
    const rooted = rootedFiles(root);
    let done = 0;
    for (let i = 0; i < 3000; i++) {
      if (said(() => rooted.write(`/swap/${i}`, new Uint8Array(1), 0o600)) === 'done') done++;
      said(() => rooted.mkdir(`/swap/d${i}`, 0o700));
      said(() => rooted.chmod('/swap', 0o711));
      said(() => rooted.remove(`/swap/d${i}`));
      said(() => rooted.remove('/swap/folder'));
    }
    expect(done).toBeGreaterThan(0);
  } finally {
    other.kill('SIGKILL');
    await other.exited;
  }
  expect(outsideNow()).toBe(OUTSIDE);
});
