import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { barePlan } from '../../src/plan/bare.ts';
import { printPlan } from '../../src/plan/document.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { built } from '../support/built.ts';
import { CANARY, call, folder } from './_call.ts';

/** A folder in memory, as the volume that the pod's containers share. */
const volume = mkdtempSync('/dev/shm/bellhop-pull-test-');
afterAll(() => rmSync(volume, { recursive: true, force: true }));
beforeEach(() => {
  for (const name of readdirSync(volume)) rmSync(path.join(volume, name), { recursive: true });
});

const at = (name: string): string => path.join(volume, name);
let count = 0;
/** A plan that places these variables of ours as files. */
function planOf(files: Readonly<Record<string, string>>, more = ''): string {
  count += 1;
  const settings = path.join(folder, `pull-${count}.yaml`);
  const lines = Object.entries(files).map(
    ([file, name]) => `  ${file}: { from: "own:${name}", mode: 0444 }`,
  );
  writeFileSync(
    settings,
    `apiVersion: bellhop/v1\nstores: { own: { kind: env } }\nfiles:\n${lines.join('\n')}\n${more}`,
  );
  const made = call(['plan', '-c', settings]);
  expect(made.err).toBe('');
  const file = path.join(folder, `pull-${count}.json`);
  writeFileSync(file, made.out);
  return file;
}
const filesIn = (): readonly string[] => {
  return readdirSync(volume, { recursive: true }).map(String).toSorted();
};

describe('pull', () => {
  test('writes every file, readable by whoever runs, and says nothing', () => {
    const plan = planOf({ [at('grp/key')]: 'A', [at('grp/other')]: 'B' });
    const ended = call(['pull', '--plan', plan], { A: CANARY, B: 'b\n' });
    expect(ended).toEqual({ code: 0, out: '', err: '' });
    expect(readFileSync(at('grp/key'), 'utf8')).toBe(CANARY);
    expect(statSync(at('grp/key')).mode & 0o777).toBe(0o444);
    expect(statSync(at('grp')).mode & 0o777).toBe(0o755);
    expect(filesIn()).toEqual(['grp', 'grp/key', 'grp/other']);
  });

  test('writes nothing where one is missing, and names it', () => {
    const plan = planOf({ [at('grp/key')]: 'A', [at('grp/other')]: 'NONE' });
    const { code, err } = call(['pull', '--plan', plan], { A: CANARY });
    expect(code).toBe(69);
    expect(err).toContain('own:NONE');
    expect(err).not.toContain(CANARY);
    expect(filesIn()).toEqual([]);
  });

  test('replaces what it wrote before, and what it was killed at', () => {
    const plan = planOf({ [at('key')]: 'A' });
    call(['pull', '--plan', plan], { A: 'old' });
    writeFileSync(at('key.bellhop-part'), 'half');
    expect(call(['pull', '--plan', plan], { A: 'new' }).code).toBe(0);
    expect(readFileSync(at('key'), 'utf8')).toBe('new');
    expect(filesIn()).toEqual(['key']);
  });

  test('takes back what it wrote where the next file cannot be written', () => {
    mkdirSync(at('z'));
    writeFileSync(at('z/in-the-way'), '');
    const plan = planOf({ [at('a/key')]: 'A', [at('z/in-the-way/key')]: 'A' });
    const { code, err } = call(['pull', '--plan', plan], { A: CANARY });
    expect(code).toBe(73);
    expect(err).not.toContain(CANARY);
    expect(filesIn()).toEqual(['z', 'z/in-the-way']);
  });

  test('writes no Secret onto a disk, unless the policy says so', () => {
    const disk = path.join(folder, 'on-disk');
    mkdirSync(disk);
    chmodSync(disk, 0o755);
    const file = path.join(disk, 'key');
    const refused = call(['pull', '--plan', planOf({ [file]: 'A' })], { A: CANARY });
    // Some machines have their temporary folder in memory.
    if (refused.code === 0) return;
    expect(refused.err).toContain('BH_ERR_NO_MEMORY');
    expect(existsSync(file)).toBe(false);
    const allowed = planOf({ [file]: 'A' }, 'policy: { disk: allow }\n');
    expect(call(['pull', '--plan', allowed], { A: CANARY }).code).toBe(0);
  });

  test('writes variables for containers, and the launcher that starts them', () => {
    const bound = { reference: { store: 'own', path: 'A' }, called: 'a' };
    const file = { kind: 'file', medium: 'memory', rule: 'r' } as const;
    const plan = barePlan({
      origin: { name: 'p', namespace: 'n', container: 'bellhop-pull' },
      stores: { own: { kind: 'env' } },
      policy: DEFAULT_POLICY,
      placements: [
        { kind: 'variable', layer: 'env', name: 'S', source: { kind: 'value', bound }, rule: 'r' },
        { ...file, path: at('bellhop'), mode: 0o555, source: { kind: 'launcher' } },
        {
          ...file,
          path: at('main.start'),
          mode: 0o444,
          source: { kind: 'start', targets: [{ variable: 'S', parts: [{ of: 'S' }] }] },
        },
        {
          ...file,
          path: at('variables.env'),
          mode: 0o400,
          source: { kind: 'envFile', names: ['S'] },
        },
      ],
    });
    const document = path.join(folder, 'pull-start.json');
    writeFileSync(document, printPlan(plan));
    const ended = call(['pull', '--plan', document], { A: CANARY });
    if (built().kind === 'runtime') return expect(ended.err).toContain('BH_ERR_LAUNCHER');
    expect(ended).toEqual({ code: 0, out: '', err: '' });
    const modes = filesIn().map((name) => [name, statSync(at(name)).mode & 0o777]);
    expect(modes).toEqual([
      ['bellhop', 0o555],
      ['main.start', 0o444],
      ['variables.env', 0o400],
    ]);
    expect(readFileSync(at('variables.env'), 'utf8')).toBe(`S='${CANARY}'\n`);
    const words = ['become', at('main.start'), '--', '/usr/bin/env'];
    expect(Bun.spawnSync([at('bellhop'), ...words], { env: { B: 'b' } }).stdout.toString()).toBe(
      `S=${CANARY}\nB=b\n`,
    );
    // Kubernetes counts what is in memory as the pod's: a bar of its own.
    const bytes = filesIn().reduce((sum, name) => sum + statSync(at(name)).size, 0);
    expect(bytes).toBeLessThan(64 * 1024);
    return undefined;
  });

  test('refuses a plan with anything but files', () => {
    const settings = path.join(folder, 'pull-env.yaml');
    writeFileSync(
      settings,
      'apiVersion: bellhop/v1\nstores: { own: { kind: env } }\nenv: { X: own:A }\n',
    );
    const plan = path.join(folder, 'pull-env.json');
    writeFileSync(plan, call(['plan', '-c', settings]).out);
    const { code, err } = call(['pull', '--plan', plan], { A: 'x' });
    expect(code).toBe(65);
    expect(err).toContain('only files can be pulled');
  });
});
