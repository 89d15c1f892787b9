/** A small root of its own in a mount namespace, in which a TypeScript file of this folder runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { needTool } from '../support/need.ts';

const RUN_MS_MAX = 300_000;

/** Why a room cannot be made here; undefined when it can. */
export function missingForRoom(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root (mounts, owners of files)';
  const tool = needTool('unshare', 'util-linux') ?? needTool('mount', 'util-linux');
  if (tool !== undefined) return tool;
  const trial = spawnSync('unshare', [
    '--mount',
    '--pid',
    '--fork',
    'mount',
    '-t',
    'tmpfs',
    'x',
    '/mnt',
  ]);
  return trial.status === 0 ? undefined : 'no mount namespace here';
}

/** Image: an empty folder with a look of its own, /var/run as a link, a file of the image. */
const LAYOUT = `
set -e
umask 022
r="$1/root"
mount -t tmpfs -o mode=755 room "$1"
mkdir "$r"
if [ -n "$DIST" ]; then
  mkdir "$1/low" "$1/up" "$1/work"
  mount -t overlay -o "lowerdir=$1/low,upperdir=$1/up,workdir=$1/work" root "$r"
  mkdir "$r/dist"
  mount --bind "$DIST" "$r/dist"
else
  mount -t tmpfs -o mode=755 root "$r"
fi
cd "$r"
mkdir -p run/mount proc dev/shm etc/config opt/conf etc/absent var/lib tmp srv
mkdir -p usr lib lib64 bin room
chmod 1777 tmp
chmod 750 etc/config; chown 5:6 etc/config
chmod 700 opt/conf etc/absent
ln -s ../run var/run
echo image > etc/image-file
: > dev/termination-log
mount -t proc proc proc
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 shm dev/shm
mount --bind /usr usr
for l in lib lib64 bin; do mount --bind "$(realpath /$l)" $l; done
mount --bind "$2" room
: > dev/null
mount --bind /dev/null dev/null
: > bun
mount --bind "$3" bun
shift 3
exec unshare -R "$r" -w / /bun "$@"`;

const bundles = new Map<string, string>();

/** Everything temporary of this process. */
export function removeBundles(): void {
  for (const dir of bundles.values()) rmSync(dir, { recursive: true, force: true });
  bundles.clear();
}

/** The folder that lies at /room, with `NAME.js` in it. */
export function bundle(name: string): string {
  const there = bundles.get(name);
  if (there !== undefined) return there;
  const dir = mkdtempSync(path.join(os.tmpdir(), 'bellhop-room-'));
  bundles.set(name, dir);
  const entry = path.join(import.meta.dirname, `${name}.ts`);
  const out = ['--target=bun', '--outfile', path.join(dir, `${name}.js`)];
  const done = spawnSync(process.execPath, ['build', entry, ...out], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  return dir;
}

/**
 * Starts `NAME.ts WORDS` in a fresh room; its last line of output is JSON. With `dist` the folder
 * of the executables lies at /dist, and the root is no memory file system.
 */
export async function inRoom<T>(
  name: string,
  words: readonly string[],
  { dist = '' }: { readonly dist?: string } = {},
): Promise<T> {
  const dir = bundle(name);
  const at = mkdtempSync(path.join(os.tmpdir(), 'bellhop-room-'));
  const space = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
  const bun = realpathSync(process.execPath);
  const shell = ['sh', '-c', LAYOUT, 'room', at, dir, bun, `/room/${name}.js`, ...words];
  try {
    const child = Bun.spawn(['unshare', ...space, ...shell], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/',
        DIST: dist,
      },
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const code = await child.exited;
    const last = stdout.trimEnd().split('\n').at(-1) ?? '';
    if (code !== 0 || last === '')
      throw new Error(`${name} ${words.join(' ')}: ${code}\n${stdout}${stderr}`);
    // A list of cases that is empty would make a file of tests that cannot fail.
    if (last === '[]') throw new Error(`${name} ${words.join(' ')} ran no case`);
    return JSON.parse(last) as T;
  } finally {
    if (existsSync(at)) rmSync(at, { recursive: true, force: true });
  }
}
