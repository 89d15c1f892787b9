/** What outlives a start: data in emptyDirs, and what an earlier start had delivered. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { check, is, run, says, sh, strategy } from './_case-kit.ts';
import { configMap, directory, emptyDir, secret, volumes } from './_pod.ts';
import { GHOST, snapshot, tryDelivery, unlike } from './_room.ts';

const LEFT =
  'for p in /srv/* /opt/conf /etc/config; do ! mountpoint -q $p || umount $p; done; ' +
  'rm -rf /srv/* /opt/conf/* /etc/config/* /dev/shm/bellhop-0 /var/lib/.bellhop-0; ' +
  'chmod 700 /opt/conf; chmod 750 /etc/config; chown 5:6 /etc/config';

check('what a dead program wrote into its emptyDirs', LEFT, () => {
  const delivery = volumes(emptyDir('/srv/data'), emptyDir('/opt/conf', 'f'));
  const folders = ['/srv/data', '/opt/conf'];
  run(delivery, GHOST - 1);
  for (const folder of folders) {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x80])]), 'odd');
    mkdirSync(`${folder}/a/b`, { recursive: true });
    symlinkSync('/etc', `${folder}/a/etc`);
  }
  const seen = (when: string, done: { how?: string; error?: string }) => [
    is(`delivered ${when}`, done.how ?? done.error, strategy),
    ...folders.map((one) => is(`${one} ${when}`, existsSync(`${one}/a/b`), true)),
    is('image', existsSync('/etc/image-file'), true),
  ];
  const second = seen('again', run(delivery, GHOST - 2));
  const third = seen('a third time', run(delivery, GHOST - 3));
  const without = run(volumes(secret('/srv/other')), GHOST - 4);
  return [
    ...second,
    ...third,
    is('without', without.how ?? without.error, strategy),
    ...seen('after a start that did not want it', run(delivery, GHOST - 5)),
  ];
});

check('data inside of a Secret volume, which is replaced', LEFT, () => {
  const delivery = volumes(secret('/srv/s'), emptyDir('/srv/s/data'));
  run(delivery, GHOST - 1);
  writeFileSync('/srv/s/data/mine', 'x');
  const done = run(delivery);
  return [
    is('delivered', done.how ?? done.error, strategy),
    is('data', existsSync('/srv/s/data/mine'), true),
    is('secret', existsSync('/srv/s/password'), true),
  ];
});

check('what a dead program wrote into an emptyDir in memory', LEFT, () => {
  const landings = [{ path: '/srv/data', subPath: '', readOnly: false }];
  const delivery = volumes(directory({ volume: 'm', medium: 'memory', landings }));
  run(delivery, GHOST - 1);
  writeFileSync('/srv/data/mine', 'x');
  const done = run(delivery, GHOST - 2);
  const again = run(delivery, GHOST - 3);
  return [
    is('delivered', done.how ?? done.error, strategy),
    is('again', again.how ?? again.error, strategy),
    is('data', existsSync('/srv/data/mine'), true),
  ];
});

check('a start that is refused, after one that was not', ':', () => {
  run(volumes(secret('/srv/one'), configMap('/srv/conf')), GHOST - 1);
  const start = snapshot();
  const done = run(
    volumes(secret('/srv/one'), configMap('/etc/image-file'), secret('/dev/null', 't')),
  );
  return [
    ...says(done, '/etc/image-file'),
    is('problems', done.problems, 2),
    is('changed', unlike(start, snapshot()).join(), ''),
  ];
});

if (strategy === 'mounts') {
  check('a start that may not mount, after one that might', ':', () => {
    run(volumes(secret('/srv/one'), configMap('/srv/conf')), GHOST - 1);
    const start = snapshot();
    const done = tryDelivery('links', volumes(secret('/srv/two')));
    return [
      ...says(done, 'is still mounted by an earlier start'),
      is('changed', unlike(start, snapshot()).join(), ''),
    ];
  });

  const READ_ONLY = 'mount -o remount,bind,rw /; rm -rf /srv/*';
  const SEEN = `for p in /srv/*; do ! mountpoint -q $p || umount $p; done; ${READ_ONLY}`;
  check('a root that cannot be written', SEEN, () => {
    sh('mkdir /srv/conf /srv/data; mount -o remount,bind,ro /; ! mkdir /srv/x 2>/dev/null');
    const delivery = volumes(configMap('/srv/conf'), emptyDir('/srv/data'));
    const done = run(delivery, GHOST - 1);
    writeFileSync('/srv/data/mine', 'x');
    const again = run(delivery, GHOST - 2);
    return [
      is('delivered', done.how ?? done.error, strategy),
      is('again', again.how ?? again.error, strategy),
      is('conf', existsSync('/srv/conf/app.yaml'), true),
      is('data', existsSync('/srv/data/mine'), true),
    ];
  });
}
