// The style guide as a test: the layout of the design and the rules that no other tool holds.
import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { COMMANDS } from '../src/cli/main.ts';
import { ROOT, codeOf, filesBelow } from './support/source.ts';
import { RULES } from './support/tidy-rules.ts';

const files = filesBelow('');

/** The whole tree is read; a busy machine takes its time. */
const TIMEOUT_MS = 60_000;

describe.each(RULES)('$says', ({ applies, breaks, samples }) => {
  test(
    'holds',
    () => {
      const broken = files
        .filter((file) => applies(file.path))
        .flatMap((file) => breaks(file).map((what) => `${file.path}: ${what}`));
      expect(broken).toEqual([]);
    },
    TIMEOUT_MS,
  );

  for (const sample of samples) {
    test(`is broken by ${sample.path}: ${JSON.stringify(sample.text).slice(0, 72)}`, () => {
      expect(applies(sample.path)).toBe(true);
      expect(breaks(sample)).not.toEqual([]);
    });
  }
});

describe('code is told from words', () => {
  const SAMPLES: readonly (readonly [string, string])[] = [
    ["a('process.exit') // fetch(\nb", "a('') \nb"],
    ['/* fetch( */ c("it\'s")', " c('')"],
    ['d(`process.x ${e({ f: `g` })} h`)', 'd(`${e({ f: `` })}`)'],
    ['i.match(/[/\'"`]/g, j)', 'i.match(, j)'],
    ['k / l / m', 'k / l / m'],
  ];
  test.each([...SAMPLES])('%s', (text, code) => expect(codeOf(text)).toBe(code));
});

const CONTRACTS: Readonly<Record<string, string>> = {
  'src/stores': '_store.ts',
  'src/targets': '_target.ts',
  'src/injectors': '_injector.ts',
};

describe('a folder of plug-ins has its contract', () => {
  const there = Object.entries(CONTRACTS).filter(([one]) => existsSync(path.join(ROOT, one)));
  test.each(there)('%s/%s', (folder, contract) => {
    expect(existsSync(path.join(ROOT, folder, contract))).toBe(true);
  });
});

describe('commands are in the table of commands, and nothing else in cli has a default export', () => {
  const written = files.filter((one) => /^src\/cli\/.*\.ts$/.test(one.path));
  for (const { path: file, text } of written) {
    const name = path.basename(file, '.ts');
    const isCommand = Object.hasOwn(COMMANDS, name);
    test(`${name} is ${isCommand ? 'a command' : 'none'}`, () => {
      expect(/^export default command;$/m.test(text)).toBe(isCommand);
    });
  }
});
