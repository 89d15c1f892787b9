/** Starts after starts: of dead programs, living ones, others, and what they left. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Delivery } from '../../src/entrypoint/delivery.ts';
import { STATE, check, is, run, says, sh, strategy } from './_case-kit.ts';
import { POD, WORKING_DIR, configMap, emptyDir, secret, volumes } from './_pod.ts';
import { GHOST, cleanUp, snapshot, tryDelivery, unlike } from './_room.ts';

const ME = process.pid;
const startedOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')[19] ?? '';

check('the same plan twice', ':', () => {
  const first = tryDelivery(strategy, POD, { pid: GHOST, workingDir: WORKING_DIR });
  const seen = snapshot();
  const second = tryDelivery(strategy, POD, { pid: GHOST - 1, workingDir: WORKING_DIR });
  const other = new Map(
    [...snapshot()].map(([key, one]) => {
      const name = (text: string) => text.replace(`${GHOST - 1}-`, 'PID-');
      return [name(key), name(one)] as const;
    }),
  );
  return [
    is('first', first.how ?? first.error, strategy),
    is('second', second.how ?? second.error, strategy),
    ...unlike(seen, other),
  ];
});

check('a changed plan leaves nothing of the one before', ':', () => {
  const small = volumes(secret('/srv/only'));
  run(small);
  const seen = snapshot();
  cleanUp();
  run(POD, GHOST - 1);
  const done = run(small);
  return [is('delivered', done.how ?? done.error, strategy), ...unlike(seen, snapshot())];
});

/** What a living process wrote, by hand. */
const CLEAR =
  'for p in /srv/* /opt/mine; do ! mountpoint -q $p || umount $p; done; ' +
  `rm -rf ${STATE} /var/lib/.bellhop-0 /srv/* /opt/mine`;
const LIVING = volumes(secret('/srv/one'), configMap('/srv/conf'));
const living = (name: string, wanted: Delivery, expected: string) =>
  check(name, CLEAR, () => {
    run(LIVING, ME);
    const start = snapshot();
    const done = run(wanted);
    const left = unlike(start, snapshot()).join();
    const alive = is('the living one', existsSync('/srv/one/password'), true);
    const out =
      expected === 'ok'
        ? [is('delivered', done.how ?? done.error, strategy)]
        : [...says(done, expected, String(ME)), is('changed', left, '')];
    return [alive, ...out];
  });

living('a path of a living program', volumes(secret('/srv/one')), '/srv/one: is in use by process');
living('a path below one of a living program', volumes(secret('/srv/one/x')), '/srv/one/x: is in');
living('a path above one of a living program', volumes(secret('/srv')), '/srv: is in use by');
living('paths apart from those of a living program', volumes(secret('/opt/mine')), 'ok');

const manifest = (more: Record<string, unknown>): string =>
  JSON.stringify({ pid: GHOST - 2, started: '1', namespace: '', covers: [], written: [], ...more });

const plant = (name: string, text: string): void => {
  mkdirSync(STATE, { recursive: true, mode: 0o711 });
  writeFileSync(`${STATE}/${name}`, text, { mode: 0o600 });
};

check('a process that has the number of a dead one', ':', () => {
  run(volumes(secret('/srv/one')), ME);
  const from = `${STATE}/${ME}-${startedOf(ME)}.json`;
  const text = readFileSync(from, 'utf8').replace(`"started":"${startedOf(ME)}"`, '"started":"7"');
  sh(`mv ${from} ${STATE}/${ME}-7.json`);
  if (existsSync(from.replace('.json', ''))) sh(`mv ${from.replace('.json', '')} ${STATE}/${ME}-7`);
  writeFileSync(`${STATE}/${ME}-7.json`, text);
  // The staged folder has a new name with its manifest: the link of the old one leads nowhere.
  const done = run(volumes(secret('/srv/one')));
  return [is('delivered', done.how ?? done.error, strategy)];
});

const BAD_ENTRIES: readonly [string, (inode: { dev: number; ino: number }) => unknown][] = [
  [
    'a path with ..',
    ({ dev, ino }) => ({ path: '/srv/../etc/image-file', kind: 'entry', device: dev, inode: ino }),
  ],
  [
    'a path that is not clean',
    ({ dev, ino }) => ({ path: '/etc//image-file', kind: 'entry', device: dev, inode: ino }),
  ],
  [
    'an inode that is another',
    ({ dev }) => ({ path: '/etc/image-file', kind: 'entry', device: dev, inode: 1 }),
  ],
  [
    'names that lead out',
    ({ dev, ino }) => ({
      path: '/etc',
      kind: 'content',
      device: dev,
      inode: ino,
      names: ['../etc/image-file', '..'],
    }),
  ],
  ['a place with content', () => ({ path: '/etc', kind: 'place', device: 0, inode: 0 })],
  [
    'a file with content as place',
    () => ({ path: '/etc/image-file', kind: 'place', device: 0, inode: 0 }),
  ],
  [
    'an aside that no start of ours makes',
    () => ({ path: '/etc/image-file', kind: 'aside', device: 0, inode: 0 }),
  ],
  [
    'a link that is none',
    () => ({ path: '/etc/image-file', kind: 'link', device: 0, inode: 0, target: 'x' }),
  ],
  [
    'a kind that is unknown',
    ({ dev, ino }) => ({ path: '/etc/image-file', kind: 'all', device: dev, inode: ino }),
  ],
];
for (const [what, entry] of BAD_ENTRIES) {
  check(`a manifest that names ${what}`, `rm -rf ${STATE}`, () => {
    plant(`${GHOST - 2}-1.json`, manifest({ written: [entry(statSync('/etc/image-file'))] }));
    const done = run(volumes(secret('/srv/one')));
    const kept = readFileSync('/etc/image-file', 'utf8');
    return [is('delivered', done.how ?? done.error, strategy), is('file', kept, 'image\n')];
  });
}

const real = () => {
  const { dev, ino } = statSync('/etc/image-file');
  return manifest({
    written: [{ path: '/etc/image-file', kind: 'entry', device: dev, inode: ino }],
  });
};
const FOREIGN: readonly [string, () => void][] = [
  [
    'that belongs to somebody else',
    () => (plant('9-1.json', real()), chownSync(`${STATE}/9-1.json`, 1000, 0)),
  ],
  [
    'that others may write',
    () => (plant('9-1.json', real()), chmodSync(`${STATE}/9-1.json`, 0o666)),
  ],
  [
    'that is a link',
    () => (plant('../x.json', real()), symlinkSync('/dev/shm/x.json', `${STATE}/9-1.json`)),
  ],
  ['under a name of nobody', () => plant('evil.json', real())],
  ['that is broken', () => plant('9-1.json', '{"pid": 9')],
  ['that is no object', () => plant('9-1.json', 'null')],
  ['that is a named pipe', () => (plant('x', ''), sh(`mkfifo -m 600 ${STATE}/9-1.json`))],
  ['that is a folder', () => (plant('x', ''), sh(`mkdir -p ${STATE}/9-1.json/x`))],
];
for (const [what, make] of FOREIGN) {
  check(`a manifest ${what}`, `rm -rf ${STATE} /dev/shm/x.json`, () => {
    make();
    const done = run(volumes(secret('/srv/one')));
    const kept = existsSync('/etc/image-file');
    return [is('delivered', done.how ?? done.error, strategy), is('file is there', kept, true)];
  });
}

check('a program of another container that shares the memory', `rm -rf ${STATE}`, () => {
  plant('77-1.json', manifest({ pid: 77, namespace: 'pid:[1]', covers: ['/srv/one'] }));
  mkdirSync(`${STATE}/77-1`);
  writeFileSync(`${STATE}/77-1/secret`, 'theirs');
  const done = run(volumes(secret('/srv/one')));
  const kept = existsSync(`${STATE}/77-1/secret`) && existsSync(`${STATE}/77-1.json`);
  return [is('delivered', done.how ?? done.error, strategy), is('theirs is there', kept, true)];
});

if (strategy === 'links') {
  check(
    'what somebody mounted inside of an old volume',
    'umount /srv/data/in; rm -rf /srv/* /dev/shm/*',
    () => {
      run(volumes(emptyDir('/srv/data')), GHOST - 1);
      sh('mkdir /srv/data/in; mount --bind /etc /srv/data/in');
      const done = run(volumes(secret('/srv/one')));
      return [
        is('delivered', done.how ?? done.error, strategy),
        is('image', existsSync('/etc/image-file'), true),
      ];
    },
  );
}

check('one process that starts bellhop twice for other paths', `${CLEAR}; ${CLEAR}`, () => {
  const first = run(volumes(secret('/srv/one')), ME);
  const second = run(volumes(secret('/srv/two')), ME);
  return [
    is('first', first.how, strategy),
    is('second', second.how ?? second.error, strategy),
    is('kept', existsSync('/srv/one/password'), true),
  ];
});

check('one process that starts bellhop twice for one path', CLEAR, () => {
  run(volumes(secret('/srv/one'), secret('/srv/two', 't')), ME);
  const done = run(volumes(secret('/srv/one')), ME);
  return [
    is('delivered', done.how ?? done.error, strategy),
    is('kept', existsSync('/srv/two'), false),
  ];
});
