import { afterAll, describe, expect, test } from 'bun:test';
import { ALONE_DIFFERENCES } from '../../src/core/io/alone-differences.ts';
import {
  differences,
  isRoot,
  missing,
  picture,
  removeTools,
  start,
  TIMEOUT_MS,
  tools,
} from './_bench.ts';
import { CONDITIONS } from './conditions.ts';

type Known = keyof typeof ALONE_DIFFERENCES;

/** By condition: the fields of the picture that differ, under the entry that explains them. */
const FIELDS: Record<string, Partial<Record<Known, readonly string[]>>> = {
  'SIGPIPE, SIGHUP and SIGINT ignored': { sigpipe: ['signal 13'] },
  'SIGTERM and SIGXFSZ ignored': { sigpipe: ['signal 25'] },
  'all signals blocked': { sigpwr: ['blocked'] },
  'extra descriptors': { descriptors: ['fd 4', 'fd 7', 'fd 63', 'fd 200'] },
  'non-blocking pipes as stdio': { descriptors: ['fd 900', 'fd 901', 'fd 902'] },
  'a non-blocking extra pipe': { descriptors: ['fd 5', 'fd 900'] },
  'NOFILE 16 of 4096': { openFiles: ['rlimit 7'] },
  'NOFILE 1023 of 1025': { openFiles: ['rlimit 7'] },
  'no writable and executable memory': { noForeignFunctions: ['signal 13', 'signal 25'] },
  'the same with blocked signals': {
    noForeignFunctions: ['signal 13', 'signal 25', 'blocked'],
  },
  'the same with odd strings': {
    noForeignFunctions: ['signal 13', 'signal 25', 'argv', 'env'],
  },
};

/** Condition → why the program is not even started, and what is said then. */
const REFUSED: Record<string, readonly [Known, RegExp]> = {
  'NOFILE 5 of 4096, all in use': ['fewDescriptors', /cannot open shared object file/],
  'variables that steer the runtime': ['steered', /nowhere/],
  'deleted working directory': ['cwdGone', /working directory was deleted/],
};

describe.skipIf(missing !== undefined)('alone, exactly the listed differences are seen', () => {
  for (const { name, lines, env, argv, root } of CONDITIONS) {
    const why = root === true && !isRoot ? ' (skipped: needs root)' : '';
    const recipe = { argv: argv ?? ['a', 'b c'], conditions: lines, ...(env ? { env } : {}) };
    test.skipIf(why !== '')(
      `${name}${why}`,
      () => {
        const refused = REFUSED[name];
        if (refused !== undefined) {
          expect(() => picture('alone', recipe)).toThrow(refused[1]);
          return;
        }
        const seen = differences(picture('direct', recipe), picture('alone', recipe));
        const fields = seen.map((line) => line.slice(0, line.indexOf(':')));
        expect(fields.sort()).toEqual(
          Object.values(FIELDS[name] ?? {})
            .flat()
            .sort(),
        );
      },
      TIMEOUT_MS,
    );
  }
});

test('each listed difference is shown by a condition', () => {
  const shown = [
    ...Object.values(FIELDS).flatMap((entry) => Object.keys(entry)),
    ...Object.values(REFUSED).map(([known]) => known),
    'root',
  ];
  expect([...new Set(shown)].sort()).toEqual(Object.keys(ALONE_DIFFERENCES).sort());
});

describe.skipIf(missing !== undefined)('alone', () => {
  const alone = (options: readonly string[], command: readonly string[]) =>
    start({ program: tools().standIn, argv: ['bellhop', 'run', ...options, '--', ...command] });

  test(
    'a change of root is refused',
    () => {
      const { code, stderr } = alone(['--root=/'], ['/bin/true']);
      expect(stderr).toBe('report: other, chroot: ENOSYS (38)\n');
      expect(code).toBe(126);
    },
    TIMEOUT_MS,
  );

  test(
    'a script run by plain Bun reads its arguments and starts the program too',
    () => {
      const script = `${import.meta.dirname}/stand-in.ts`;
      const argv = ['bun', script, 'run', '--', '/bin/echo', 'ä', ''];
      const { stdout, code } = start({ program: process.execPath, argv });
      expect(stdout).toBe('ä \n');
      expect(code).toBe(0);
    },
    TIMEOUT_MS,
  );
});

afterAll(removeTools);
