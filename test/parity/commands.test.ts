// `bellhop snapshot` as a process: what it sees, what it writes, and no value anywhere.
import { describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { printBundle } from '../../src/plan/bundle.ts';
import { readPlan } from '../../src/plan/document.ts';
import { readSnapshot } from '../../src/parity/document.ts';
import { needTool, skipVisibly } from '../support/need.ts';
import {
  CANARY,
  KEY,
  TEST_MS_MAX,
  bellhop,
  call,
  files,
  folder,
  inside,
  keyFile,
  take,
} from './_call.ts';

const pod = inside('pod.yaml');
writeFileSync(
  pod,
  `
apiVersion: v1
kind: Pod
metadata: { name: p }
spec:
  containers:
  - name: main
    image: i
    envFrom: [{ secretRef: { name: s } }]
    volumeMounts: [{ name: v, mountPath: ${inside('creds')} }]
  volumes: [{ name: v, secret: { secretName: s } }]
---
apiVersion: v1
kind: Secret
metadata: { name: s }
stringData: { DB_URL: ${CANARY} }
`,
);

describe('no value is told', () => {
  const place = files('secrets', { token: CANARY, [`n-${'x'.repeat(9)}`]: `${CANARY}2` });
  const words = ['--path', place, '--', '/bin/echo', CANARY];
  const all = (dir: string): string[] => {
    const [left, right] = [inside(`${dir}-a.json`), inside(`${dir}-b.json`)];
    const page = inside(`${dir}.html`);
    const table = call(['diff', left, right, '--html', page]);
    const json = call(['diff', left, right, '--json']);
    const shown = call(['diff', left, right, '--show']);
    return [table.out, table.err, json.out, readFileSync(page, 'utf8'), shown.out];
  };

  test('in a snapshot, in the table, the JSON and the page, nor on standard error', () => {
    take('plain-a.json', words, { PASSWORD: CANARY });
    take('plain-b.json', ['--path', place], { PASSWORD: `${CANARY}3`, OTHER: CANARY });
    const texts = ['plain-a.json', 'plain-b.json'].map((one) => readFileSync(inside(one), 'utf8'));
    const [table = '', err = '', ...others] = all('plain');
    for (const text of [...texts, table, ...others]) expect(text).toContain('PASSWORD');
    for (const text of [...texts, table, err, ...others]) {
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain(Buffer.from(CANARY).toString('base64'));
    }
  });

  test('and with --show the snapshot has it, the table where it is asked for too', () => {
    take('shown-a.json', ['--show', ...words], { PASSWORD: CANARY });
    take('shown-b.json', ['--show', '--path', place], { PASSWORD: `${CANARY}3` });
    expect(readFileSync(inside('shown-a.json'), 'utf8')).toContain(CANARY);
    const [table = '', err = '', json = '', page = '', shown = ''] = all('shown');
    for (const text of [table, err, json, page]) expect(text).not.toContain(CANARY);
    expect(shown).toContain(`"${CANARY}3"`);
  });

  test('of the key, wherever it comes from', () => {
    const { out, err } = call(['snapshot', '--path', place], { BELLHOP_SNAPSHOT_KEY: KEY });
    expect(out + err).not.toContain(KEY);
    expect(readSnapshot(out, 'out').key).toBe(take('k.json', []).key);
    expect(readSnapshot(out, 'out').process.env.map(({ name }) => name)).toEqual(['PATH']);
  });
});

describe('a command behind a snapshot', () => {
  test('has its own output and exit code; the snapshot comes first, on standard error', () => {
    const words = ['--', 'sh', '-c', 'echo mine; exit 7'];
    const ended = call(['snapshot', '--key-file', keyFile, ...words]);
    expect([ended.code, ended.out]).toEqual([7, 'mine\n']);
    const { of, process: seen } = readSnapshot(ended.err, 'err');
    expect([of, seen.argv?.map(({ bytes }) => bytes)]).toEqual(['command', [2, 2, 17]]);
  });

  test('is not started where the snapshot cannot be taken or written', () => {
    const started = inside('started');
    for (const flags of [
      ['--key-file', inside('nowhere')],
      ['--key-file', keyFile, '--out', folder],
    ]) {
      const ended = call(['snapshot', ...flags, '--', 'touch', started]);
      expect(ended.code).toBeGreaterThan(63);
      expect(ended.err).toContain('code: BH_ERR_');
      expect(existsSync(started)).toBe(false);
    }
  });

  test('that is not there is told as by run', () => {
    const ended = call(['snapshot', '--key-file', keyFile, '--out', inside('x'), '--', 'no-such']);
    expect([ended.code, ended.err]).toEqual([
      127,
      expect.stringContaining('BH_ERR_EXEC_NOT_FOUND'),
    ]);
  });

  test('inside of `run` is what `run` delivers, with the rule of the plan in the difference', () => {
    const root = process.getuid?.() === 0;
    const flags = ['snapshot', '--key-file', keyFile, '--out', inside('run.json'), '-f', pod];
    const ended = call(['run', '-f', pod, '--', bellhop, ...flags, '--', '/bin/true']);
    if (root) Bun.spawnSync(['umount', '--lazy', inside('creds')]);
    expect([ended.code, ended.err]).toEqual([0, '']);
    const bare = take('bare.json', ['-f', pod, '--', '/bin/true']);
    expect(bare.trees.find(({ path: one }) => one === inside('creds'))?.why).toBe('plan');
    const { out, code } = call(['diff', inside('run.json'), inside('bare.json')]);
    expect(code).toBe(1);
    expect(out).toMatch(/variable +DB_URL +21 bytes [0-9a-f]{8} +– +only on the left: it may be/);
    expect(out).toContain('a key of what the plan has from spec.containers[0].envFrom[0]');
    expect(out).toMatch(/file +\S+creds\/DB_URL +link/);
  });
});

describe('a snapshot by a plan', () => {
  const { out: text } = call(['plan', '-f', pod]);
  const plan = readPlan(text, 'plan.json');
  test.each<[string, string | Uint8Array]>([
    ['that `bellhop plan` wrote', text],
    ['that came along in a bundle', printBundle({ plan, objects: [] })],
    ['that is over 32 MiB', `${text}${' '.repeat(33 * 1024 * 1024)}`],
  ])('%s', (name, bytes) => {
    writeFileSync(inside('carried.json'), bytes);
    const { trees, plan: declared } = take(`${name.length}.json`, ['--plan', 'carried.json']);
    expect(trees.map(({ path: at }) => at)).toContain(inside('creds'));
    expect(declared?.workload).toContain('p');
  });
  test('that is not there is told', () => {
    const { code, err } = call(['snapshot', '--key-file', keyFile, '--plan', 'no']);
    expect([code, err]).toEqual([65, expect.stringContaining('no: there is no such file')]);
  });
});

describe('a snapshot', () => {
  test('is a file of its owner alone, and replaces the one before', () => {
    take('again.json', []);
    const before = statSync(inside('again.json')).ino;
    take('again.json', ['--path', folder]);
    expect(statSync(inside('again.json')).mode & 0o777).toBe(0o600);
    expect(statSync(inside('again.json')).ino).not.toBe(before);
  });

  test('of the kubelet’s shape has steady names, and one taken later compares', () => {
    const place = files('volume', {});
    const stamp = (name: string): void => {
      mkdirSync(path.join(place, name));
      writeFileSync(path.join(place, name, 'key'), 'x');
      symlinkSync(name, path.join(place, '..data'));
    };
    stamp('..2024_01_31_12_00_00.123456789');
    symlinkSync('..data/key', path.join(place, 'key'));
    const first = take('v1.json', ['--path', place]);
    rmSync(place, { recursive: true });
    mkdirSync(place);
    stamp('..2026_11_21_08_42_09.33691685');
    symlinkSync('..data/key', path.join(place, 'key'));
    take('v2.json', ['--path', place]);
    const [tree] = first.trees.filter(({ path: one }) => one === place);
    expect(tree?.entries.map((one) => `${one.path} ${one.target ?? ''}`.trim())).toEqual([
      '.',
      '..TS',
      '..TS/key',
      '..data ..TS',
      'key ..data/key',
    ]);
    expect(call(['diff', inside('v1.json'), inside('v2.json'), '--strict']).code).toBe(0);
  });

  test('leaves out what the kubelet writes anew each time into files of annotations', () => {
    const line = (time: string): string => `kubernetes.io/config.seen="${time}"\na="b"`;
    const place = files('annotations', { file: line('2024-01-31T12:00:00Z') });
    take('n1.json', ['--path', place]);
    writeFileSync(path.join(place, 'file'), line('2026-11-21T08:42:09Z'));
    take('n2.json', ['--path', place]);
    expect(call(['diff', inside('n1.json'), inside('n2.json'), '--strict']).code).toBe(0);
    writeFileSync(path.join(place, 'file'), `${line('2026-11-21T08:42:09Z')}c`);
    take('n3.json', ['--path', place]);
    expect(call(['diff', inside('n1.json'), inside('n3.json')]).code).toBe(1);
  });

  test('ends at its limits, which diff does not take for equality', () => {
    const place = files(
      'many',
      Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, 'xyz'])),
    );
    mkdirSync(path.join(place, 'a/b/c'), { recursive: true });
    for (const limit of [
      'entriesMax=4',
      'depthMax=1',
      'fileBytesMax=2',
      'totalBytesMax=7',
      'timeMsMax=0',
    ]) {
      const { cuts } = take('cut.json', ['--path', place, '--limit', limit]);
      expect(cuts.map((one) => `${one.limit}=${one.max}`)).toEqual([limit]);
      const { code, out } = call(['diff', inside('cut.json'), inside('cut.json')]);
      expect([code, out]).toEqual([1, expect.stringContaining(`at its limit ${limit}`)]);
    }
  });

  test('of a running process has its argv, environment and files, seen from its own root', () => {
    const place = files('pid', { file: 'x' });
    const child = Bun.spawn(['sleep', '60'], { env: { OF: 'the child' }, cwd: place });
    try {
      const {
        process: seen,
        of,
        trees,
      } = take('pid.json', ['--pid', String(child.pid), '--path', place]);
      expect([of, seen.argv?.length, seen.cwd]).toEqual(['process', 2, place]);
      expect(seen.env.map(({ name, value }) => [name, value.bytes])).toEqual([['OF', 9]]);
      expect(trees.find(({ path: one }) => one === place)?.entries.length).toBe(2);
    } finally {
      child.kill();
    }
  });
});

const chrootMissing = [
  ...(process.getuid?.() === 0 ? [] : ['needs root']),
  needTool('chroot', 'coreutils'),
  needTool('cc', 'gcc libc6-dev'),
].filter((one) => one !== undefined);
if (chrootMissing.length > 0) skipVisibly('a process with another root', chrootMissing);

test.skipIf(chrootMissing.length > 0)(
  'absolute links of a process with another root lead to what they lead to in there',
  async () => {
    const root = files('root', {});
    for (const dir of ['bin', 'etc/real', 'srv', 'proc'])
      mkdirSync(path.join(root, dir), { recursive: true });
    writeFileSync(path.join(root, 'etc/real/inside'), 'inside');
    symlinkSync('/etc/real', path.join(root, 'srv/link'));
    const source = inside('wait.c');
    writeFileSync(
      source,
      '#include <unistd.h>\nint main(void) { write(1, "up", 2); sleep(60); }\n',
    );
    const cc = Bun.spawnSync(['cc', '-static', source, '-o', path.join(root, 'bin/wait')]);
    expect(cc.exitCode).toBe(0);
    const child = Bun.spawn(['chroot', root, '/bin/wait'], { stdout: 'pipe' });
    try {
      await child.stdout.getReader().read();
      const flags = ['--pid', String(child.pid), '--path', '/srv/link', '--path', '/etc/real'];
      const { trees, process: seen } = take('chroot.json', flags);
      expect(seen.cwd).toBe('/');
      const entries = (at: string): string[] => {
        const tree = trees.find(({ path: one }) => one === at);
        return (tree?.entries ?? []).map((one) => `${one.path} ${one.through ?? ''}`.trim());
      };
      expect(entries('/srv/link')).toEqual(['. /etc/real', 'inside']);
      expect(entries('/etc/real')).toEqual(['.', 'inside']);
    } finally {
      child.kill();
    }
  },
  TEST_MS_MAX,
);
