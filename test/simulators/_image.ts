// What a container runtime makes of an image before the program starts: who it runs as, its
// environment, its words, and the places that the platform mounts on. Docker's rules (moby 27,
// OCI image-spec 1.1), which all of the simulated platforms share unless their file says otherwise.
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BuiltImage, Ids, Mounted, Placed, View } from './_types.ts';

const LINKS_MAX = 40;
const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function found(image: BuiltImage, at: string): string | undefined {
  for (const layer of image.layers) {
    const full = path.join(layer, at);
    if (lstatSync(full, { throwIfNoEntry: false }) !== undefined) return full;
  }
  return undefined;
}

/** A path of the container after the links that the image has on the way. */
export function imagePath(image: BuiltImage, given: string): string {
  let done = '/';
  let left = path.posix
    .normalize(given)
    .split('/')
    .filter((one) => one !== '');
  for (let links = 0; left.length > 0; ) {
    const [name = '', ...rest] = left;
    const next = path.posix.join(done, name);
    const there = found(image, next);
    if (there === undefined || !lstatSync(there).isSymbolicLink()) {
      done = next;
      left = rest;
      continue;
    }
    if ((links += 1) > LINKS_MAX) throw new Error(`${given}: too many links in the image`);
    const target = path.posix.resolve(done, readlinkSync(there));
    left = [...target.split('/').filter((one) => one !== ''), ...rest];
    done = '/';
  }
  return done;
}

/** The text of a file of the image, '' where there is none. */
export function imageText(image: BuiltImage, at: string): string {
  const there = found(image, imagePath(image, at));
  return there === undefined ? '' : readFileSync(there, 'utf8');
}

function makeFolders(image: BuiltImage, dir: string, at: string): void {
  let done = '/';
  for (const name of at.split('/').filter((one) => one !== '')) {
    done = path.posix.join(done, name);
    const full = path.join(dir, done);
    if (existsSync(full)) continue;
    mkdirSync(full);
    const there = found(image, done);
    const { mode, uid, gid } =
      there === undefined ? { mode: 0o755, uid: 0, gid: 0 } : lstatSync(there);
    chmodSync(full, mode & 0o7777);
    chownSync(full, uid, gid);
  }
}

/** The layer above the image: places for mounts, and the files of the platform. */
export function skeleton(view: View, dir: string, mounts: readonly Mounted[]): void {
  const { image } = view;
  mkdirSync(dir);
  const inside = (at: string): string => imagePath(image, at);
  for (const at of ['/dev', '/proc', '/etc', '/tmp', view.cwd]) makeFolders(image, dir, inside(at));
  for (const mount of mounts) {
    const isFile = mount.kind === 'bind' && lstatSync(mount.from).isFile();
    const at = inside(mount.at);
    makeFolders(image, dir, isFile ? path.posix.dirname(at) : at);
    if (isFile) writeFileSync(path.join(dir, at), '');
  }
  const lines = Object.entries({ localhost: '127.0.0.1', ...view.hosts });
  const platform: readonly Placed[] = [
    { at: '/etc/hosts', bytes: lines.map(([name, ip]) => `${ip}\t${name}\n`).join('') },
    { at: '/etc/hostname', bytes: `${view.hostname}\n` },
    { at: '/etc/resolv.conf', bytes: 'nameserver 127.0.0.1\n' },
  ];
  for (const { at, bytes, mode, uid = 0, gid = 0 } of [...platform, ...view.placed]) {
    const real = inside(at);
    const full = path.join(dir, real);
    makeFolders(image, dir, bytes === undefined ? real : path.posix.dirname(real));
    if (bytes !== undefined) writeFileSync(full, bytes);
    chmodSync(full, mode ?? (bytes === undefined ? 0o755 : 0o644));
    chownSync(full, uid, gid);
  }
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function accounts(image: BuiltImage): Account[] {
  return imageText(image, '/etc/passwd')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((row) => row.length >= 6)
    .map(([name = '', , uid, gid, , home = '']) => {
      return { name, uid: Number(uid), gid: Number(gid), home };
    });
}

function groupRows(image: BuiltImage): { name: string; gid: number; members: string[] }[] {
  return imageText(image, '/etc/group')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((row) => row.length >= 4)
    .map(([name = '', , gid, members = '']) => {
      return { name, gid: Number(gid), members: members.split(',') };
    });
}

/** Ids and home of `user[:group]`, names or numbers, as Docker finds them in the image. */
export function accountOf(image: BuiltImage, user: string): Ids & { readonly home: string } {
  const [who = '', group] = user.split(':');
  const all = accounts(image);
  const isNumber = /^\d+$/.test(who);
  const account =
    who === ''
      ? all.find(({ uid }) => uid === 0)
      : (all.find(({ name }) => name === who) ??
        all.find(({ uid }) => isNumber && uid === Number(who)));
  if (account === undefined && !isNumber && who !== '') {
    throw new Error(`unable to find user ${who}: no matching entries in passwd file`);
  }
  const rows = groupRows(image);
  const uid = account?.uid ?? (isNumber ? Number(who) : 0);
  const home = account?.home ?? '/';
  if (group !== undefined) {
    const gid = rows.find(({ name }) => name === group)?.gid ?? Number(group);
    return { uid, gid, groups: [gid], home };
  }
  const gid = account?.gid ?? 0;
  const more = rows.filter((row) => account !== undefined && row.members.includes(account.name));
  return { uid, gid, groups: [...new Set([gid, ...more.map((row) => row.gid)])], home };
}

/** PATH, HOSTNAME and the image's variables, then the declared ones, then HOME: Docker's order. */
export function runtimeEnv(
  image: BuiltImage,
  declared: Iterable<readonly [string, string]>,
  around: { readonly hostname: string; readonly home: string },
): [string, string][] {
  const pairs = (image.config.env ?? []).map((one): [string, string] => {
    const at = one.indexOf('=');
    return at < 0 ? [one, ''] : [one.slice(0, at), one.slice(at + 1)];
  });
  const own: [string, string][] = [
    ['PATH', PATH_DEFAULT],
    ['HOSTNAME', around.hostname],
  ];
  const env = new Map<string, string>([...own, ...pairs, ...declared]);
  if (!env.has('HOME')) env.set('HOME', around.home);
  return [...env];
}

/** The words that start: an entrypoint of the job drops the image's command, as Docker does. */
export function dockerWords(
  image: BuiltImage,
  entrypoint: readonly string[] | undefined,
  command: readonly string[] | undefined,
): string[] {
  if (entrypoint !== undefined && entrypoint.length > 0) return [...entrypoint, ...(command ?? [])];
  const own = image.config.entrypoint ?? [];
  return [...own, ...(command ?? image.config.cmd ?? [])];
}
