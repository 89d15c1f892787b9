// An image that has nothing else: bellhop, the C library that it is linked with, and /proc.
import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSnapshot } from '../../src/parity/document.ts';
import { built, layOutBellhop } from '../support/built.ts';
import { needTool, skipVisibly } from '../support/need.ts';

const TEST_MS_MAX = 120_000;
const KEY = 'a key of thirty-two characters..';
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-scratch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const missing = [
  ...(process.getuid?.() === 0 ? [] : ['needs root']),
  ...(built().kind === 'launcher' ? [] : ['no C compiler: no launcher']),
  needTool('unshare', 'util-linux'),
  needTool('ldd', 'libc-bin'),
].filter((one) => one !== undefined);
if (missing.length > 0) skipVisibly('snapshots in an image with nothing else', missing);

/** The launcher, the runtime, and the files that the loader asks for by their full names. */
function image(): string {
  const root = path.join(folder, 'root');
  for (const dir of ['proc', 'dev/shm', 'data'])
    mkdirSync(path.join(root, dir), { recursive: true });
  layOutBellhop(root, 'usr/bin');
  writeFileSync(path.join(root, 'data/file'), 'of the image');
  return root;
}

const INSIDE = `
mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/dev/shm" && mount -t tmpfs tmpfs "$1/data"
echo delivered > "$1/data/file"
root=$1; shift
exec chroot "$root" /usr/bin/bellhop "$@"`;

test.skipIf(missing.length > 0)(
  'a snapshot is taken there, of the mounts that it has, and the command is started',
  () => {
    const words = ['snapshot', '--', '/usr/bin/bellhop', 'version'];
    const namespaces = ['--mount', '--pid', '--fork', '--propagation', 'private'];
    const done = Bun.spawnSync(
      ['unshare', ...namespaces, 'sh', '-c', INSIDE, 'sh', image(), ...words],
      {
        env: { PATH: process.env['PATH'] ?? '', BELLHOP_SNAPSHOT_KEY: KEY },
        stdout: 'pipe',
        stderr: 'pipe',
      },
    );
    expect([done.exitCode, done.stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/^bellhop \d/),
    ]);
    const { process: seen, trees, mounts } = readSnapshot(done.stderr.toString(), 'scratch');
    expect([seen.isFirst, seen.argv?.length]).toEqual([true, 2]);
    expect(mounts.map(({ path: at }) => at)).toContain('/data');
    const tree = trees.find(({ path: at }) => at === '/data');
    expect(tree?.entries.map((one) => [one.path, one.content?.bytes])).toEqual([
      ['.', undefined],
      ['file', 10],
    ]);
  },
  TEST_MS_MAX,
);
