// `bellhop become`: variables and arguments from a file, before a program that must not notice.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { byteText } from '../../src/entrypoint/environment.ts';
import { startFile } from '../../src/entrypoint/start-file.ts';
import { expand } from '../../src/plan/expand.ts';
import type { StartTarget } from '../../src/plan/types.ts';
import { startTargets } from '../../src/webhook/start-parts.ts';
import { encodeStartFile } from '../../src/wire/start-file.ts';
import { folder, missing, removeTools, TIMEOUT_MS, tools } from './_bench.ts';

const dir = missing === undefined ? folder('become') : '';
afterAll(removeTools);
const CANARY = 'canary-51aa0c';
let count = 0;

interface Became {
  readonly code: number | null;
  readonly out: readonly string[];
  readonly err: string;
}

/** Starts a program behind the file; what it prints is cut at each NUL. */
function become(
  file: Uint8Array | string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Became {
  const at = typeof file === 'string' ? file : path.join(dir, `${count++}.start`);
  if (typeof file !== 'string') writeFileSync(at, file);
  const argv = [tools().launcher, 'become', at, '--', ...words];
  const done = Bun.spawnSync(argv, { env: { ...env }, timeout: TIMEOUT_MS });
  const out = done.stdout.toString('latin1').split('\0').slice(0, -1);
  return { code: done.exitCode, out, err: done.stderr.toString() };
}

const ENV = ['/usr/bin/env', '-0'];
const PRINT = ['/usr/bin/printf', String.raw`%s\0`];

function fileOf(
  targets: readonly StartTarget[],
  values: Readonly<Record<string, string>>,
): Uint8Array {
  const variables = new Map(
    Object.entries(values).map(([name, value]) => {
      return [name, { value: byteText(value), rule: '', overrides: [] }];
    }),
  );
  return startFile({ kind: 'start', targets }, variables);
}

describe.skipIf(missing !== undefined)('become', () => {
  test('the program has its variables and those of the file, which win', () => {
    const targets = [
      { variable: 'S', parts: [{ of: 'S' }] },
      { variable: 'B', parts: [{ text: 'x-' }, { of: 'S' }, { text: '-' }, { from: 'A' }] },
      { variable: 'EMPTY', parts: [] },
      { variable: 'GONE', parts: [{ of: 'ABSENT' }] },
    ];
    const file = fileOf(targets, { S: 'secret\n=' });
    const { code, out, err } = become(file, ENV, { A: 'a', B: '$(S)', S: 'old', GONE: 'stays' });
    expect([code, err]).toEqual([0, '']);
    expect(out.toSorted()).toEqual([
      'A=a',
      'B=x-secret\n=-a',
      'EMPTY=',
      'GONE=stays',
      'S=secret\n=',
    ]);
  });

  test('arguments are replaced by their place, the program too', () => {
    const targets = [
      { argument: 0, parts: [{ of: 'P' }] },
      { argument: 3, parts: [{ text: '--x=' }, { of: 'S' }, { from: 'NONE' }] },
    ];
    const file = fileOf(targets, { P: PRINT[0] ?? '', S: CANARY });
    expect(become(file, ['$(P)', PRINT[1] ?? '', 'a', '$(S)', 'b']).out).toEqual([
      'a',
      `--x=${CANARY}$(NONE)`,
      'b',
    ]);
  });

  test('bytes that are no UTF-8 arrive as they are', () => {
    const text = Uint8Array.of(0xff, 0x27, 0x0a, 0x80);
    const to = { variable: Buffer.from('S') };
    const { out } = become(encodeStartFile([{ to, parts: [{ text }] }]), ENV);
    expect(out).toEqual([`S=${Buffer.from(text).toString('latin1')}`]);
  });

  test('the program is looked for in the PATH that it will have', () => {
    const found = fileOf([{ variable: 'PATH', parts: [{ text: '/nowhere:/usr/bin' }] }], {});
    expect(become(found, ['printf', 'x']).code).toBe(0);
    const lost = fileOf([{ variable: 'PATH', parts: [{ text: '/nowhere' }] }], {});
    const { code, err } = become(lost, ['printf', 'x'], { PATH: '/usr/bin' });
    expect([code, err]).toEqual([127, expect.stringContaining('program printf: not found')]);
    expect(err).toContain('BH_ERR_EXEC_NOT_FOUND (exit 127)');
  });

  test.each([
    ['no file', '/nowhere/main.start', /cannot read the start file \/nowhere.*ENOENT/],
    ['an empty one', new Uint8Array(), /cannot read the start file/],
    ['half a one', fileOf([], {}).subarray(0, 12), /is not whole/],
    ['an argument that is not there', fileOf([{ argument: 2, parts: [] }], {}), /is not whole/],
  ])('%s: nothing is started', (_, file, words) => {
    const { code, out, err } = become(file, ['/usr/bin/printf', 'started']);
    expect([code, out]).toEqual([70, []]);
    expect(err).toMatch(words);
  });

  test('what cannot be started is named by the word of the pod, without a value', () => {
    const file = fileOf([{ argument: 0, parts: [{ of: 'S' }] }], { S: `/nowhere/${CANARY}` });
    const { code, err } = become(file, ['$(S)']);
    expect(code).toBe(127);
    expect(err).toContain('program $(S): not found (execve: ENOENT (2))');
    expect(err).not.toContain(CANARY);
  });

  test('more than the kernel takes is an error, and not a start without it', () => {
    const file = fileOf([{ variable: 'S', parts: [{ of: 'S' }] }], { S: 'x'.repeat(140_000) });
    const { code, err } = become(file, ['/usr/bin/printf', 'x']);
    expect([code, err]).toEqual([126, expect.stringContaining('E2BIG')]);
    expect(err).toContain('deliver large values as files');
  });

  test('without file, `--` or program it says what it wants', () => {
    const done = Bun.spawnSync([tools().launcher, 'become', 'x', 'y']);
    expect(done.exitCode).toBe(70);
    expect(done.stderr.toString()).toContain('bellhop become FILE -- PROGRAM');
  });

  test('files that are damaged anyhow never start a program with less', () => {
    const parts = [{ text: 'a' }, { of: 'S' }, { from: 'HOME' }];
    const whole = fileOf(
      [
        { variable: 'S', parts },
        { argument: 1, parts },
      ],
      { S: CANARY },
    );
    fc.assert(
      fc.property(
        fc.nat(whole.length - 1),
        fc.option(fc.integer({ min: 0, max: 255 })),
        (at, byte) => {
          const bytes = byte === null ? whole.subarray(0, at) : whole.with(at, byte);
          const { code } = become(bytes, ['/usr/bin/printf', 'x']);
          expect([0, 70]).toContain(code ?? -1);
          if (byte === null) expect(code).toBe(70);
        },
      ),
      { numRuns: 200, seed: 7 },
    );
  });

  test('the file and no descriptor of it is left open', () => {
    const words = ['/bin/ls', '/proc/self/fd'];
    const done = Bun.spawnSync([tools().launcher, 'become', emptyFile(), '--', ...words]);
    expect(done.stdout.toString().trim().split('\n')).toEqual(['0', '1', '2', '3']);
    expect(readFileSync(emptyFile()).length).toBeGreaterThan(0);
  });
});

function emptyFile(): string {
  const at = path.join(dir, 'empty.start');
  writeFileSync(at, fileOf([], {}));
  return at;
}

describe.skipIf(missing !== undefined)('a container whose variables come late', () => {
  const name = fc.constantFrom('A', 'B', 'C', 'S', 'T', 'NONE');
  const template = fc.string({
    unit: fc.constantFrom('$(A)', '$(B)', '$(C)', '$(S)', '$(T)', '$(NONE)', '$$', '$', '(', 'x'),
    maxLength: 6,
  });

  test('sees what it would see if the kubelet had them from the beginning', () => {
    const late = { S: 'secret $(A) $$', T: `'"\n` };
    const entries = fc.uniqueArray(fc.tuple(name, template), { selector: ([one]) => one });
    fc.assert(
      fc.property(entries, fc.array(template, { maxLength: 3 }), (given, words) => {
        // An entry of the same name gives way, as to any variable of Flyte's webhook.
        const own = given.filter(([one]) => !Object.hasOwn(late, one));
        const wanted = kubelet(Object.entries(late), own, words);
        const before = kubelet([], own, words);
        const env = own.map(([one, value]) => ({ name: one, value }));
        const targets = startTargets(Object.keys(late), {
          env,
          words: [...PRINT, ...words],
          hasOthers: false,
        });
        const file = fileOf(targets, late);
        expect(become(file, [...PRINT, ...before.words], before.env).out).toEqual(
          wanted.words.length === 0 ? [''] : wanted.words,
        );
        const seen = become(
          fileOf(
            targets.filter((one) => 'variable' in one),
            late,
          ),
          ENV,
          before.env,
        );
        const entriesSeen = Object.entries(wanted.env).map(([one, value]) => `${one}=${value}`);
        expect(seen.out.toSorted()).toEqual(entriesSeen.toSorted());
      }),
      { numRuns: 150, seed: 3 },
    );
  });
});

/** makeEnvironmentVariables and ExpandContainerCommandAndArgs, of literal and templated entries. */
function kubelet(
  literals: readonly (readonly [string, string])[],
  entries: readonly (readonly [string, string])[],
  words: readonly string[],
): { readonly env: Record<string, string>; readonly words: string[] } {
  const known = new Map<string, string>(literals);
  for (const [name, value] of entries)
    known.set(
      name,
      expand(value, (one) => known.get(one)),
    );
  const expanded = words.map((word) => expand(word, (one) => known.get(one)));
  return { env: Object.fromEntries(known), words: expanded };
}
