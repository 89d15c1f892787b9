// What a container runtime makes of an image before the program starts: who it runs as, its
// environment, its words, and the places that the platform mounts on. Docker's rules (moby 27,
// OCI image-spec 1.1), which all of the simulated platforms share unless their file says otherwise.
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BuiltImage, Ids, Mounted, Placed, View } from './_types.ts';

const LINKS_MAX = 40;
const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The image of a request, as the registry has it. */
export function imageAt(
  images: Readonly<Record<string, BuiltImage>>,
  reference: string,
): BuiltImage {
  const image = images[reference];
  if (image === undefined) throw new Error(`no image ${reference} in this test`);
  return image;
}

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

function makeMountPoints(image: BuiltImage, dir: string, mounts: readonly Mounted[]): void {
  for (const mount of mounts) {
    const isFile = mount.kind === 'bind' && lstatSync(mount.from).isFile();
    const at = imagePath(image, mount.at);
    makeFolders(image, dir, isFile ? path.posix.dirname(at) : at);
    if (isFile) writeFileSync(path.join(dir, at), '');
  }
}

function place(image: BuiltImage, dir: string, one: Placed): void {
  const { at, bytes, mode = bytes === undefined ? 0o755 : 0o644, uid = 0, gid = 0 } = one;
  const real = imagePath(image, at);
  const full = path.join(dir, real);
  makeFolders(image, dir, bytes === undefined ? real : path.posix.dirname(real));
  if (bytes !== undefined) writeFileSync(full, bytes);
  chmodSync(full, mode);
  chownSync(full, uid, gid);
}

/** The layer above the image: places for mounts, and the files of the platform. */
export function skeleton(view: View, dir: string, mounts: readonly Mounted[]): void {
  const { image } = view;
  mkdirSync(dir);
  for (const at of ['/dev', '/proc', '/etc', '/tmp', view.cwd]) {
    makeFolders(image, dir, imagePath(image, at));
  }
  makeMountPoints(image, dir, mounts);
  const lines = Object.entries({ localhost: '127.0.0.1', ...view.hosts });
  const platform: readonly Placed[] = [
    { at: '/etc/hosts', bytes: lines.map(([name, ip]) => `${ip}\t${name}\n`).join('') },
    { at: '/etc/hostname', bytes: `${view.hostname}\n` },
    { at: '/etc/resolv.conf', bytes: 'nameserver 127.0.0.1\n' },
  ];
  for (const one of [...platform, ...view.placed]) place(image, dir, one);
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

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** The row of the image for a user by name, or by number; root's where nobody is named. */
function rowOf(image: BuiltImage, who: string): Account | undefined {
  const all = accounts(image);
  if (who === '') return all.find(({ uid }) => uid === 0);
  const named = all.find(({ name }) => name === who);
  if (named !== undefined) return named;
  if (isNumber(who)) return all.find(({ uid }) => uid === Number(who));
  throw new Error(`unable to find user ${who}: no matching entries in passwd file`);
}

/** Ids and home of `user[:group]`, names or numbers, as Docker finds them in the image. */
export function accountOf(image: BuiltImage, user: string): Ids & { readonly home: string } {
  const [who = '', group] = user.split(':');
  const account = rowOf(image, who) ?? { name: '', uid: Number(who), gid: 0, home: '/' };
  const { uid, home } = account;
  const rows = groupRows(image);
  if (group !== undefined) {
    const gid = rows.find(({ name }) => name === group)?.gid ?? Number(group);
    return { uid, gid, groups: [gid], home };
  }
  const more = rows.filter(({ members }) => account.name !== '' && members.includes(account.name));
  const groups = [...new Set([account.gid, ...more.map(({ gid }) => gid)])];
  return { uid, gid: account.gid, groups, home };
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
