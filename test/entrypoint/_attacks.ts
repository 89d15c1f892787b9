/** Mount paths and folders that somebody prepared, and what delivery says to them. */
import { existsSync, readdirSync } from 'node:fs';
import type { Delivery } from '../../src/entrypoint/delivery.ts';
import { STATE, check, is, run, says, sh, strategy } from './_case-kit.ts';
import { big, configMap, emptyDir, fileAt, secret, volumes } from './_pod.ts';
import { snapshot, unlike } from './_room.ts';

interface Attack {
  readonly name: string;
  readonly made?: string;
  readonly undo?: string;
  readonly delivery: Delivery;
  /** The code and a word of the message, or ok. */
  readonly mounts: 'ok' | readonly [code: string, word: string];
  readonly links?: Attack['mounts'];
}

const TAKEN = (where: string) => ['BH_ERR_PATH_TAKEN', where] as const;
const WRITE = (where: string) => ['BH_ERR_WRITE', where] as const;
const LONG = `/etc/${'x'.repeat(255)}`;

const ATTACKS: readonly Attack[] = [
  {
    name: 'a mount path that is a link to a folder with content',
    made: 'ln -s /etc /srv/creds',
    undo: 'rm /srv/creds',
    delivery: volumes(secret('/srv/creds')),
    mounts: 'ok',
    links: TAKEN('/srv/creds'),
  },
  {
    name: 'a mount path that is a link to an empty folder',
    made: 'mkdir -m 751 /srv/real; ln -s real /srv/creds',
    undo: 'rm -r /srv/creds /srv/real',
    delivery: volumes(secret('/srv/creds')),
    mounts: 'ok',
  },
  {
    name: 'a mount path that is a link to nothing',
    made: 'ln -s /nowhere /srv/creds',
    undo: 'rm /srv/creds',
    delivery: volumes(secret('/srv/creds')),
    mounts: TAKEN('/srv/creds: is a link that leads nowhere'),
  },
  {
    name: 'a parent that is a link to nothing',
    made: 'ln -s /nowhere /srv/up',
    undo: 'rm /srv/up',
    delivery: volumes(secret('/srv/up/creds')),
    mounts: TAKEN('/srv/up: is a link that leads nowhere'),
  },
  {
    name: 'a parent in a circle of links',
    made: 'ln -s b /srv/a; ln -s a /srv/b',
    undo: 'rm /srv/a /srv/b',
    delivery: volumes(secret('/srv/a/creds')),
    mounts: WRITE('/srv/a'),
  },
  {
    name: 'a parent that is a file',
    delivery: volumes(secret('/etc/image-file/creds')),
    mounts: TAKEN('/etc/image-file: is not a folder'),
  },
  {
    name: 'a named pipe at the path',
    made: 'mkfifo /srv/pipe',
    undo: 'rm /srv/pipe',
    delivery: volumes(secret('/srv/pipe')),
    mounts: TAKEN('/srv/pipe'),
  },
  {
    name: 'a device at the path of a file',
    made: 'mknod /srv/null c 1 3',
    undo: 'rm /srv/null',
    delivery: { ...volumes(), files: [fileAt('/srv/null', 'memory')] },
    mounts: 'ok',
    links: TAKEN('/srv/null'),
  },
  {
    name: 'content at the path',
    delivery: volumes(secret('/etc')),
    mounts: 'ok',
    links: TAKEN('/etc: has content'),
  },
  { name: 'the root as path', delivery: volumes(secret('/')), mounts: TAKEN('/: ') },
  { name: 'a path in /proc', delivery: volumes(secret('/proc/x')), mounts: TAKEN('/proc/x') },
  { name: '/proc as path', delivery: volumes(emptyDir('/proc')), mounts: TAKEN('/proc') },
  { name: '/dev/shm as path', delivery: volumes(secret('/dev/shm')), mounts: 'ok' },
  {
    name: 'a path in our own folder',
    delivery: volumes(secret(`${STATE}/x`)),
    mounts: TAKEN(`${STATE}/x`),
  },
  {
    name: 'the folder under which disk volumes are made',
    made: 'mkdir /var/tmp',
    undo: 'rmdir /var/tmp',
    delivery: volumes(configMap('/srv/one'), emptyDir('/var/lib'), emptyDir('/var/tmp', 'f')),
    mounts: 'ok',
  },
  {
    name: 'two of the places for our own folder that are one: what this start wrote stays',
    made: 'ln -s /dev/shm /var/tmp',
    undo: 'rm /var/tmp',
    delivery: volumes(secret('/srv/one'), configMap('/srv/two')),
    mounts: 'ok',
  },
  {
    // As on Kubernetes: golden vector nested-hides-content.
    name: 'a mount where a Secret has a file: its folder hides the file',
    delivery: volumes(secret('/srv/s'), emptyDir('/srv/s/password')),
    mounts: 'ok',
  },
  {
    name: 'a mount below a file of a Secret: its folders hide the file',
    delivery: volumes(secret('/srv/s'), emptyDir('/srv/s/password/x')),
    mounts: 'ok',
  },
  { name: 'a name of 255 bytes', delivery: volumes(secret(LONG)), mounts: 'ok' },
  { name: 'a name of 256 bytes', delivery: volumes(secret(`${LONG}x`)), mounts: WRITE(`${LONG}x`) },
  {
    name: 'a path of more than 4096 bytes',
    delivery: volumes(secret(`/srv${'/abcdefg'.repeat(520)}`)),
    mounts: WRITE('/srv/abcdefg'),
  },
  {
    name: 'a read-only parent',
    made: 'mkdir /ro; mount -t tmpfs -o ro x /ro',
    undo: 'umount /ro; rmdir /ro',
    delivery: volumes(secret('/ro/creds')),
    mounts: WRITE('/ro/creds'),
  },
  {
    name: 'an empty folder that is read-only',
    made: 'mkdir /ro; mount -t tmpfs -o ro x /ro',
    undo: 'umount /ro; rmdir /ro',
    delivery: volumes(configMap('/ro')),
    mounts: 'ok',
    // The room's file systems all lie in memory, so the folder is taken as it is.
    links: WRITE('/ro/'),
  },
  {
    name: 'a noexec, nosuid and nodev parent',
    made: 'mkdir /no; mount -t tmpfs -o noexec,nosuid,nodev x /no',
    undo: 'umount /no; rmdir /no',
    delivery: volumes(secret('/no/creds'), configMap('/no/conf')),
    mounts: 'ok',
  },
  {
    name: 'a full disk',
    made: 'mkdir /full; mount -t tmpfs -o size=16k x /full',
    undo: 'umount /full; rmdir /full',
    delivery: volumes(big('/full/conf', 'disk')),
    mounts: 'ok',
    links: WRITE('ENOSPC'),
  },
  {
    name: 'a full disk under a single file',
    made: 'mkdir /full; mount -t tmpfs -o size=16k x /full',
    undo: 'umount /full; rmdir /full',
    delivery: { ...volumes(), files: [fileAt('/full/file', 'disk', { bytes: 100_000 })] },
    mounts: WRITE('ENOSPC'),
  },
  {
    name: 'a small memory file system',
    made: 'mount -o remount,size=64k /dev/shm',
    undo: 'mount -o remount,size=50% /dev/shm',
    delivery: volumes(big('/srv/secret', 'memory')),
    mounts: 'ok',
    links: ['BH_ERR_NO_MEMORY', STATE],
  },
  ...(
    [
      ['owned by somebody else', `mkdir ${STATE}; chown 1000 ${STATE}`],
      ['that others may write', `mkdir ${STATE}; chmod 0775 ${STATE}`],
      ['that is a link', `mkdir /srv/evil; ln -s /srv/evil ${STATE}`],
      ['that is a file', `: > ${STATE}`],
    ] as const
  ).map(([what, made]) => ({
    name: `a state folder ${what}`,
    made,
    undo: `rm -r ${STATE}; rm -rf /srv/evil`,
    delivery: volumes(secret('/srv/creds')),
    mounts: TAKEN(STATE),
  })),
];

/** Links below the mount paths that lead nowhere. */
function lost(): string[] {
  const all = readdirSync('/srv', { recursive: true, encoding: 'utf8' });
  return all.map((one) => `/srv/${one}`).filter((one) => !existsSync(one));
}

/** Each as it is declared: delivered, or refused with nothing changed. */
export function attack(): void {
  for (const { name, made, undo, delivery, ...expected } of ATTACKS) {
    const wanted = strategy === 'mounts' ? expected.mounts : (expected.links ?? expected.mounts);
    check(name, undo ?? ':', () => {
      sh(made ?? ':');
      const start = snapshot();
      const done = run(delivery);
      if (wanted === 'ok') {
        return [is('delivered', done.how ?? done.error, strategy), is('lost', lost().join(), '')];
      }
      const [code, text] = wanted;
      const changed = unlike(start, snapshot());
      return [is('code', done.code, code), ...says(done, text), is('changed', changed.join(), '')];
    });
  }
}
