// `run --root DIR`, with every right that a start may have or lack.
import { afterAll, describe, expect, test } from 'bun:test';
import fs from 'node:fs';
import path from 'node:path';
import { missingForContainers } from '../kubelet/setting.ts';
import type { Seen } from '../kubelet/vectors.ts';
import { built } from '../support/built.ts';
import { needTool, skipVisibly } from '../support/need.ts';
import type { Stage, Way } from './_own-root.ts';
import {
  SECRET,
  WAYS,
  closeStage,
  filesIn,
  newRoot,
  openStage,
  podWith,
  runIn,
} from './_own-root.ts';

const lacks = [...missingForContainers(), needTool('setpriv', 'util-linux')].filter(
  (one) => one !== undefined,
);
if (lacks.length === 0 && built().kind !== 'launcher') lacks.push('no C compiler, so no launcher');
if (lacks.length > 0) skipVisibly('run --root', lacks);
const stage = lacks.length === 0 ? openStage() : undefined;
afterAll(() => stage && closeStage(stage), 60_000);

const TEST_MS_MAX = 60_000;
const mounts = (): string => fs.readFileSync('/proc/self/mountinfo', 'utf8');
const entryOf = (seen: Seen | undefined, mount: string, entry: string) =>
  seen?.mounts.find((one) => one.path === mount)?.entries.find((one) => one.path === entry);
const variable = (seen: Seen | undefined, name: string): unknown =>
  seen?.env.find((one) => one.name === name)?.value;
const secretFile = (seen: Seen | undefined) =>
  seen?.mounts
    .find((one) => one.path === '/etc/creds')
    ?.entries.find((one) => /^\.\.2[^/]*\/password$/.test(one.path));
const textOf = (content = ''): string => Buffer.from(content, 'base64').toString();
const inside = WAYS.filter(({ how }) => how !== 'prefix');
const outside = WAYS.filter(({ how }) => how === 'prefix');

describe.skipIf(stage === undefined)('--root', () => {
  const use = stage as Stage;

  describe.each(inside.map((way) => [way.name, way] as const))('%s', (_, way) => {
    test(
      'the program finds DIR as its root, and everything in place',
      () => {
        const root = newRoot(use, way);
        const before = mounts();
        const { seen, err, code } = runIn(use, way, { root, pod: podWith() });
        expect([code, err]).toEqual([0, '']);
        expect([seen?.cwd, seen?.uid, seen?.gid]).toEqual(['/', 0, 0]);
        // As the container runtime has it, whatever groups we have; who may not, has none.
        expect(seen?.groups).toEqual(way.isOne === true ? [] : [0]);
        expect(variable(seen, 'FROM_SECRET')).toBe(SECRET);
        expect(entryOf(seen, '/etc/creds', 'password')?.target).toBe('..data/password');
        const timestamp = secretFile(seen);
        expect(timestamp).toMatchObject({ type: 'file', mode: '0440', uid: 0, gid: 0 });
        expect(textOf(timestamp?.content)).toBe(SECRET);
        expect(entryOf(seen, '/etc/config', 'lines')?.type).toBe('link');
        expect(entryOf(seen, '/srv/data', '.')?.mode).toBe('0777');
        expect(mounts()).toBe(before);
        const written = [...filesIn(root).values()].filter((text) => text.includes(SECRET));
        expect(written).toEqual([]);
      },
      TEST_MS_MAX,
    );

    test(
      'users, HOME, PATH and the working directory are those of DIR',
      () => {
        const root = newRoot(use, way);
        const security = { securityContext: { runAsUser: 1001 } };
        const pod = podWith({ workingDir: '/made/for it', command: ['java', 'x'], ...security });
        const { seen, err } = runIn(use, way, { root, pod });
        expect(err).toBe('');
        expect([seen?.uid, seen?.gid, seen?.cwd]).toEqual([1001, 1001, '/made/for it']);
        expect(variable(seen, 'HOME')).toBe('/home/app');
        const named = runIn(use, way, { root, pod: podWith(), words: ['--image-user', 'app'] });
        expect([named.seen?.uid, named.err]).toEqual([1001, '']);
        const nobody = runIn(use, way, { root, pod: podWith(), words: ['--image-user', 'me'] });
        expect(nobody.err).toContain('image has no user me in /etc/passwd');
      },
      TEST_MS_MAX,
    );

    test(
      'what one start leaves the next one takes away, and what the program wrote stays',
      () => {
        const root = newRoot(use, way);
        const note = { command: ['java', 'probe:write=/srv/data/note=kept'] };
        const first = runIn(use, way, { root, pod: podWith(note) });
        expect([first.code, first.err]).toEqual([0, '']);
        const paths = filesIn(root).size;
        const { seen, code } = runIn(use, way, { root, pod: podWith() });
        expect(code).toBe(0);
        expect(textOf(entryOf(seen, '/srv/data', 'note')?.content)).toBe('kept');
        if (way.how === 'namespaces') expect(filesIn(root).size).toBe(paths);
      },
      TEST_MS_MAX,
    );
  });

  describe.each(outside.map((way) => [way.name, way] as const))('%s', (_, way) => {
    const keep = { securityContext: { runAsNonRoot: false } };

    test(
      'the files lie below DIR, the program keeps the root of the machine, and that is told',
      () => {
        const root = newRoot(use, way);
        const read = `cat etc/creds/password etc/config/lines; pwd; echo "$FROM_SECRET"; ls -d /proc/1`;
        const words = ['--', '/bin/sh', '-c', read];
        const pod = podWith({ workingDir: '/', ...keep });
        const { code, out, err } = runIn(use, way, { root, pod, words });
        expect(code).toBe(0);
        expect(out).toBe(`${SECRET}a\nb\n${root}/\n${SECRET}\n/proc/1\n`.replace(`${root}/`, root));
        expect(err).toContain(
          `warning: not as on Kubernetes: --root ${root}: neither namespaces nor`,
        );
        expect([...filesIn(root).values()].filter((text) => text.includes(SECRET))).toEqual([]);
      },
      TEST_MS_MAX,
    );

    test(
      'a path that no container can have is refused below DIR too',
      () => {
        const root = newRoot(use, way);
        for (const mountPath of ['/', '/proc/x']) {
          const pod = podWith({ volumeMounts: [{ name: 's', mountPath }] });
          const { code, err } = runIn(use, way, { root, pod, words: ['--', '/bin/true'] });
          expect([code, err]).toEqual([73, expect.stringContaining('code: BH_ERR_PATH_TAKEN')]);
        }
      },
      TEST_MS_MAX,
    );
  });

  describe.each(WAYS.map((way) => [way.name, way] as const))('a hostile DIR: %s', (_, way) => {
    test.each([
      ['etc', (out: string) => out],
      ['etc/creds', (out: string) => out],
      ['etc/creds', () => '../../../../../../../../../../outside'],
      ['srv', (out: string) => out],
      ['srv/data', (out: string) => `${out}/data`],
      ['dev', (out: string) => out],
      ['proc', (out: string) => out],
      ['var', (out: string) => out],
      ['tmp', (out: string) => out],
    ] as const)(
      '%s is a link that leads outside',
      (link, target) => {
        const root = newRoot(use, way);
        const out = path.join(use.base.dir, `outside-${path.basename(root)}`);
        fs.mkdirSync(path.join(out, 'data'), { recursive: true });
        fs.writeFileSync(path.join(out, 'passwd'), 'root:x:0:0::/stolen:/\n');
        fs.chmodSync(out, 0o777);
        const before = [...filesIn(out)];
        fs.rmSync(path.join(root, link), { recursive: true, force: true });
        fs.symlinkSync(target(out), path.join(root, link));
        const { code, err } = runIn(use, way, { root, pod: podWith(), words: ['--', '/probe'] });
        expect([...filesIn(out)]).toEqual(before);
        expect(fs.existsSync('/outside')).toBe(false);
        // Whether it can be delivered depends on the way; a defect of ours it never is.
        expect(err).not.toContain('BH_ERR_BUG');
        if (code !== 0) expect(err).toMatch(/code: BH_ERR_/);
      },
      TEST_MS_MAX,
    );
  });

  const [root, , , chroot] = WAYS as readonly [Way, Way, Way, Way];

  test(
    'a root of nothing but one program gets what every container has',
    () => {
      const bare = fs.mkdtempSync(path.join(use.base.dir, 'bare-'));
      fs.copyFileSync(path.join(use.base.image, 'probe'), path.join(bare, 'probe'));
      const { seen, err } = runIn(use, root, { root: bare, pod: podWith({ command: ['/probe'] }) });
      expect(err).toBe('');
      const platform = new Map(seen?.platformMounts.map((one) => [one.path, one.fstype]));
      expect([...platform.keys()].filter((one) => /^\/[a-z]*$/.test(one)).toSorted()).toEqual([
        '/',
        '/dev',
        '/proc',
        '/sys',
      ]);
      expect(fs.readdirSync(bare).toSorted()).toContain('etc');
    },
    TEST_MS_MAX,
  );

  test(
    'a root that is asked to be read-only is, in namespaces of its own',
    () => {
      const at = newRoot(use, root);
      const pod = podWith({ securityContext: { readOnlyRootFilesystem: true } });
      const { seen, err } = runIn(use, root, { root: at, pod });
      const own = seen?.platformMounts.find((one) => one.path === '/');
      expect([err, own?.options.split(',').includes('ro')]).toEqual(['', true]);
    },
    TEST_MS_MAX,
  );

  test(
    'without memory inside nothing is written, and DIR is named',
    () => {
      const at = newRoot(use, chroot);
      const before = [...filesIn(at)];
      const { code, err } = runIn(use, chroot, { root: at, pod: podWith(), noMemory: true });
      expect(code).toBe(73);
      expect(err).toContain(`bellhop: --root ${at}, delivery: no memory file system`);
      expect(err).toContain(`help: mount a tmpfs at ${at}/dev/shm`);
      expect([...filesIn(at)]).toEqual(before);
    },
    TEST_MS_MAX,
  );

  test('what cannot be asked for is said', () => {
    const at = newRoot(use, root);
    const runtime = path.join(path.dirname(use.bellhop), 'bellhop-runtime');
    const input = path.join(use.base.dir, 'p.yaml');
    fs.writeFileSync(input, podWith());
    const call = (...words: string[]) => {
      const done = Bun.spawnSync(words, { env: {}, stdout: 'pipe', stderr: 'pipe' });
      return `${done.exitCode} ${done.stderr.toString()}`;
    };
    expect(call(runtime, 'run', '--root', at, '-f', input)).toMatch(
      /^64 bellhop: --root, .*: needs the launcher.*\n {2}code: BH_ERR_USAGE/,
    );
    expect(call(use.bellhop, 'run', '--root', `${at}/no`, '-f', input)).toMatch(
      /^65 bellhop: --root, .*\/no: is not a folder\n {2}code: BH_ERR_INPUT_READ/,
    );
    expect(call(use.bellhop, 'run', '--root', at, '--', '/probe')).toMatch(
      /^65 bellhop: --root: there is nothing to deliver.*\n {2}code: BH_ERR_NO_PLAN/,
    );
    const users = path.join(at, 'etc/passwd');
    fs.rmSync(users, { force: true });
    expect(Bun.spawnSync(['mkfifo', users]).exitCode).toBe(0);
    expect(call(use.bellhop, 'run', '--root', at, '-f', input)).toMatch(
      /^\d+ bellhop: \/etc\/passwd: cannot be read \(a pipe\)\n {2}code: BH_ERR_IDENTITY/,
    );
  });
});
