// Starts one container from its view: an overlay over the image in namespaces of its own, kept by
// keeper.c. Needs root, a C compiler and iproute2; leaves no process, mount or file behind.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chownSync, existsSync, lstatSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { needTool } from '../support/need.ts';
import { compileStatic, openFolder } from '../support/workshop.ts';
import { imagePath, skeleton } from './_image.ts';
import { type Answering, answering } from './_network.ts';
import type { Mounted, Outcome, Own, View, Wish } from './_types.ts';

const RUN_MS_MAX = 30_000;
const FILES_MAX = 2000;
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const DOCKER_CAPS = 0xa80425fbn; // what Docker and containerd leave to a container's root
const ALL_CAPS = 0xffffffffffn;
const INPUTS: readonly View['input'][] = ['closed', 'open', 'terminal'];
const ENDED = [
  'itself',
  'stopped',
  'killed after the stop',
  'killed at the limit of the run',
] as const;

/** Why containers cannot be made here; empty where they can. */
export function missingForContainers(): string[] {
  if (process.getuid?.() !== 0) return ['needs root (namespaces, mounts, owners of files)'];
  const tools = [
    needTool('cc', 'gcc libc6-dev'),
    needTool('ip', 'iproute2'),
    needTool('mount', 'mount'),
  ];
  const reasons = tools.filter((reason) => reason !== undefined);
  if (reasons.length > 0) return reasons;
  const trial = spawnSync('unshare', [
    '--mount',
    '--net',
    '--pid',
    '--fork',
    'ip',
    'link',
    'set',
    'lo',
    'up',
  ]);
  return trial.status === 0 ? [] : [`no namespaces here: ${trial.stderr.toString().trim()}`];
}

/** Where the keeper and everything of the runs lies; `using` takes it away. */
export interface Yard extends Disposable {
  readonly dir: string;
  readonly keeper: string;
}

/** Compiles the keeper into a new temporary folder. */
export function openYard(): Yard {
  const dir = openFolder('sim');
  const keeper = path.join(dir, 'keeper');
  compileStatic(path.join(import.meta.dirname, 'keeper.c'), keeper);
  return {
    dir,
    keeper,
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const inTab = (text: string): string => text.replaceAll(' ', '\\040').replaceAll('\t', '\\011');

function fstabOf(view: View, dir: string, mounts: readonly Mounted[]): string {
  const root = path.join(dir, 'ns/root');
  const at = (inside: string): string => path.join(root, imagePath(view.image, inside));
  const lower = [path.join(dir, 'skeleton'), ...view.image.layers].join(':');
  const layers = `lowerdir=${lower},upperdir=${dir}/ns/upper,workdir=${dir}/ns/work`;
  const shm = `nosuid,nodev,noexec,mode=1777,size=${view.shmBytes ?? 0}`;
  const given = mounts.map((mount) => {
    if (mount.kind === 'bind') {
      return [mount.from, at(mount.at), 'none', mount.ro === true ? 'bind,ro' : 'bind'];
    }
    const { bytesMax, mode = 0o1777, options = 'nosuid,nodev' } = mount;
    const words = `${options},mode=${mode.toString(8)},size=${bytesMax}`;
    return ['tmpfs', at(mount.at), 'tmpfs', words];
  });
  const rows = [
    ['overlay', root, 'overlay', layers],
    [`${dir}/dev`, at('/dev'), 'none', 'bind'],
    ...DEVICES.map((name) => [`/dev/${name}`, at(`/dev/${name}`), 'none', 'bind']),
    ...(view.shmBytes === undefined ? [] : [['shm', at('/dev/shm'), 'tmpfs', shm]]),
    ['/dev/pts', at('/dev/pts'), 'none', 'bind'],
    ...given,
  ];
  return `${rows.map((row) => `${row.map((one) => inTab(one ?? '')).join(' ')} 0 0`).join('\n')}\n`;
}

function layOut(view: View, dir: string, mounts: readonly Mounted[]): void {
  for (const name of ['dev/pts', 'ns', 'out']) mkdirSync(path.join(dir, name), { recursive: true });
  if (view.shmBytes !== undefined) mkdirSync(path.join(dir, 'dev/shm'));
  for (const name of DEVICES) writeFileSync(path.join(dir, 'dev', name), '');
  skeleton(view, path.join(dir, 'skeleton'), mounts);
  writeFileSync(path.join(dir, 'fstab'), fstabOf(view, dir, mounts));
}

const FURNISH = `
set -e
mount -t tmpfs -o mode=755 none "$1/ns"
mkdir "$1/ns/upper" "$1/ns/work" "$1/ns/root"
mount -a -T "$1/fstab"
ip link set lo up
for address in $3; do ip addr add "$address/32" dev lo; done
[ "$2" != ro ] || mount -o remount,ro "$1/ns/root"
`;
const COLLECT = `
d=$1; shift
for at; do
  [ -e "$d/ns/root$at" ] || continue
  mkdir -p "$d/out$at"
  cp -a "$d/ns/root$at/." "$d/out$at/" 2>/dev/null || cp -a "$d/ns/root$at" "$d/out$(dirname "$at")/"
done
`;

interface Orders {
  readonly view: View;
  readonly dir: string;
  readonly relay: readonly string[];
  readonly wish: Wish;
}

const counted = (words: readonly string[]): string[] => [String(words.length), ...words];

function ordersOf({ view, dir, relay, wish }: Orders): string {
  const root = path.join(dir, 'ns/root');
  const outside = view.network
    .map(({ address }) => address)
    .filter((one) => !one.startsWith('127.'));
  const rights = view.rootReadOnly ? 'ro' : 'rw';
  const addresses = [...new Set(outside)].join(' ');
  const { uid, gid, groups } = view.ids;
  return [
    path.join(dir, 'report.json'),
    view.hostname,
    '0',
    ...counted(['sh', '-c', FURNISH, 'furnish', dir, rights, addresses]),
    ...counted(relay),
    ...counted(['sh', '-c', COLLECT, 'collect', dir, ...view.collected]),
    String(wish.runMsMax ?? RUN_MS_MAX),
    String(wish.stopMs ?? view.stopMs),
    '15',
    root,
    view.cwd,
    path.join(root, 'proc'),
    ...[uid, gid, view.isPidOne ? 1 : 0, INPUTS.indexOf(view.input)].map(String),
    ...counted(groups.map(String)),
    `0x${(view.privileged ? ALL_CAPS : DOCKER_CAPS).toString(16)}`,
    ...counted(view.env.map(([name, value]) => `${name}=${value}`)),
    ...counted(view.argv),
  ]
    .map((one) => `${one}\0`)
    .join('');
}

/** All files below a folder, by their path below it; links are not followed. */
export function filesBelow(folder: string, prefix = ''): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const full = path.join(folder, name);
    if (!lstatSync(full).isFile()) continue;
    if (found.size >= FILES_MAX) throw new Error(`more than ${FILES_MAX} files below ${prefix}`);
    found.set(path.posix.join(prefix, '/', name), new Uint8Array(readFileSync(full)));
  }
  return found;
}

async function output(
  stream: ReadableStream<Uint8Array>,
  heard: (text: string) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    heard(text);
  }
  return text + decoder.decode();
}

async function runKeeper(yard: Yard, dir: string, wish: Wish) {
  const child = Bun.spawn([yard.keeper, path.join(dir, 'orders')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  let stopped = false;
  const stop = (): void => {
    if (stopped || child.exitCode !== null) return;
    stopped = true;
    child.stdin.write('T');
    void child.stdin.flush();
  };
  const heard = (text: string): void => {
    if (wish.stopWhen !== undefined && text.includes(wish.stopWhen)) stop();
  };
  void wish.stopAfter?.then(stop);
  const [stdout, stderr] = await Promise.all([
    output(child.stdout, heard),
    output(child.stderr, () => undefined),
    child.exited,
  ]);
  await child.stdin.end();
  return { stdout, stderr, code: child.exitCode };
}

function kept(view: View, dir: string, mounts: readonly Mounted[]): Map<string, Uint8Array> {
  const all = filesBelow(path.join(dir, 'out'));
  for (const mount of mounts) {
    if (mount.kind !== 'bind' || mount.ro === true || !view.collected.includes(mount.at)) continue;
    for (const [at, bytes] of filesBelow(mount.from, mount.at)) all.set(at, bytes);
  }
  return all;
}

/** Starts the container, waits for its end, and gives what it was; removes all of it. */
export async function runContainer(
  yard: Yard,
  job: { readonly view: View; readonly own: Own },
  wish: Wish = {},
): Promise<Outcome> {
  const { view, own } = job;
  const dir = mkdtempSync(path.join(yard.dir, 'run-'));
  chmodSync(dir, 0o755);
  const mounts = [...view.mounts, ...(wish.mounts ?? [])];
  let services: Answering | undefined;
  try {
    layOut(view, dir, mounts);
    services = await answering(view.network, dir);
    writeFileSync(path.join(dir, 'orders'), ordersOf({ view, dir, relay: services.relay, wish }));
    const { stdout, stderr, code } = await runKeeper(yard, dir, wish);
    const report = path.join(dir, 'report.json');
    if (code !== 0 || !existsSync(report)) {
      throw new Error(`the keeper ended with ${code}: ${stderr.slice(0, 2000)}`);
    }
    const told = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
    const ended = ENDED[told['why'] ?? 0] ?? 'itself';
    const { exit = -1, signal = 0, tookMs = 0 } = told;
    return { exit, signal, ended, stdout, stderr, tookMs, files: kept(view, dir, mounts), own };
  } finally {
    services?.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A folder of the yard that a mount may bind, with its owner and mode. */
export function yardFolder(yard: Yard, mode = 0o755, ids = { uid: 0, gid: 0 }): string {
  const dir = mkdtempSync(path.join(yard.dir, 'bind-'));
  chmodSync(dir, mode);
  chownSync(dir, ids.uid, ids.gid);
  return dir;
}
