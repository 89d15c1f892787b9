import { copyFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import { PROTOCOL_VERSION } from '../../src/core/io/launcher-wire.ts';
import type { Ended } from './_bench.ts';
import { folder, isRoot, missing, removeTools, start, TIMEOUT_MS, tools } from './_bench.ts';
import { POISON } from './conditions.ts';

const facts = (ended: Ended) => JSON.parse(ended.stdout) as Record<string, unknown>;

describe.skipIf(missing !== undefined)('the launcher gives way', () => {
  test(
    'every other command is the runtime itself, without variables that steer it',
    () => {
      const argv = ['any name', 'explain', '--facts', '--exit=3', 'run'];
      const env = [...POISON, 'HOME=/home', 'BUNDLE=1', 'LDFLAGS=1'];
      const ended = start({ program: tools().launcher, argv, env });
      expect([ended.code, ended.stderr]).toEqual([3, '']);
      expect(facts(ended)).toMatchObject({
        kind: 'alone',
        words: ['explain', '--facts', '--exit=3', 'run'],
        env: ['BUNDLE', 'HOME', 'LDFLAGS', 'PATH'],
        commandLine: argv,
      });
    },
    TIMEOUT_MS,
  );

  test(
    'without any argument too, even without a name',
    () => {
      const options = ['bellhop', '--exit=0'];
      expect(start({ program: tools().launcher, argv: options }).code).not.toBe(70);
      expect(start({ program: tools().launcher, argv: [] }).code).not.toBe(70);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing !== undefined)('the child of the launcher', () => {
  test(
    'has neither arguments nor variables of the user, and knows them all the same',
    () => {
      const argv = ['bellhop', 'run', '--facts', '--exit=3', '--', 'secret'];
      const ended = start({ program: tools().launcher, argv, env: [...POISON, 'TOKEN=secret'] });
      expect(ended.code).toBe(3);
      expect(facts(ended)).toMatchObject({
        kind: 'launcher',
        uid: process.geteuid?.(),
        gid: process.getegid?.(),
        words: argv.slice(1),
        env: ['BELLHOP_LAUNCHER', 'BUN_CONFIG_MAX_HTTP_REQUESTS', 'BUN_JSC_useJIT'],
        commandLine: ['bellhop-runtime', 'run'],
        cwdGone: false,
      });
    },
    TIMEOUT_MS,
  );

  test(
    'is told that the working directory is gone',
    () => {
      const argv = ['bellhop', 'run', '--facts', '--exit=3'];
      const ended = start({ program: tools().launcher, argv, conditions: ['rmcwd'] });
      expect(facts(ended)['cwdGone']).toBe(true);
    },
    TIMEOUT_MS,
  );

  test(
    'writes to closed stdio into nothing, never into the descriptors it shares with the launcher',
    () => {
      // Longer than the exec document, so that it would show behind its end.
      const argv = ['bellhop', 'run', '--facts', `--long=${'x'.repeat(5000)}`, '--', '/bin/true'];
      const conditions = ['close 0', 'close 1', 'close 2'];
      expect(start({ program: tools().launcher, argv, conditions }).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  for (const [limit, bytes] of [
    ['1048576', 262_144],
    ['8388608', 2_097_152],
    ['18446744073709551615', 6_291_456],
    ['200000', 131_072],
  ] as const) {
    test(
      `a stack limit of ${limit} leaves ${bytes} bytes for argv and env`,
      () => {
        const argv = ['bellhop', 'run', '--facts', '--exit=3'];
        const conditions = [`limit 3 ${limit} 18446744073709551615`];
        const ended = start({ program: tools().launcher, argv, conditions });
        expect(facts(ended)['execBytesMax']).toBe(bytes);
      },
      TIMEOUT_MS,
    );
  }
});

describe.skipIf(missing !== undefined)('without a memory file', () => {
  const help =
    '  code: BH_ERR_LAUNCHER (exit 70)\n' +
    '  help: allow memfd_create, mount a tmpfs at /dev/shm, or raise the limit of open files\n';
  test.skipIf(!isRoot)(
    `nothing secret goes to a file system that may be a disk${isRoot ? '' : ' (needs root)'}`,
    () => {
      const argv = ['bellhop', 'run', '--', '/bin/true'];
      const conditions = ['ramfs', 'nomemfd'];
      const ended = start({ program: tools().launcher, argv, conditions });
      const what = 'cannot get a memory file (memfd_create, tmpfs at /dev/shm): ENOSYS (38)';
      expect(ended.stderr).toBe(`bellhop: ${what}\n${help}`);
      expect(ended.code).toBe(70);
    },
    TIMEOUT_MS,
  );

  test(
    'because no descriptor is left, the limit is named',
    () => {
      const argv = ['bellhop', 'run', '--', '/bin/true'];
      const ended = start({ program: tools().launcher, argv, conditions: ['limit 7 3 3'] });
      expect(ended.stderr).toStartWith('bellhop: cannot get a memory file');
      expect(ended.stderr).toContain('EMFILE (24)');
      expect(ended.code).toBe(70);
    },
    TIMEOUT_MS,
  );

  test(
    'because the hard limit of file sizes is 0, says so instead of dying of SIGXFSZ',
    () => {
      const argv = ['bellhop', 'run', '--', '/bin/true'];
      const ended = start({ program: tools().launcher, argv, conditions: ['limit 1 0 0'] });
      expect(ended.stderr).toStartWith('bellhop: cannot write to a memory file: EFBIG (27)');
      expect([ended.code, ended.signal]).toEqual([70, null]);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing !== undefined)('the runtime', () => {
  for (const command of ['run', 'version']) {
    test(
      `missing beside the launcher is said in three lines (${command})`,
      () => {
        const launcher = path.join(folder('lonely'), 'bellhop');
        copyFileSync(tools().launcher, launcher);
        const ended = start({ program: launcher, argv: ['bellhop', command, '--', '/bin/true'] });
        expect(ended.stderr).toBe(
          'bellhop: cannot start bellhop-runtime beside the launcher: ENOENT (2)\n' +
            '  code: BH_ERR_LAUNCHER (exit 70)\n' +
            '  help: install both from one release; glibc 2.17 or later is needed\n',
        );
        expect(ended.code).toBe(70);
      },
      TIMEOUT_MS,
    );
  }

  test(
    'is found beside the file that a link to the launcher leads to',
    () => {
      const link = path.join(folder('link'), 'bh');
      symlinkSync(tools().launcher, link);
      const ended = start({ program: link, argv: ['bh', 'run', '--', '/bin/echo', 'hi'] });
      expect([ended.code, ended.stdout]).toEqual([0, 'hi\n']);
    },
    TIMEOUT_MS,
  );

  test(
    'of another protocol version, or with damaged input, says so',
    () => {
      const { standIn } = tools();
      const argv = ['bellhop-runtime', 'run'];
      const other = PROTOCOL_VERSION + 1;
      for (const [variable, words] of [
        [`${other}:3:4:5`, `protocol ${other}`],
        ['nonsense', 'BELLHOP_LAUNCHER'],
        [`${PROTOCOL_VERSION}:0:1:2`, 'not whole'],
      ]) {
        const ended = start({ program: standIn, argv, env: [`BELLHOP_LAUNCHER=${variable}`] });
        expect(ended.stderr).toContain(words ?? '');
      }
    },
    TIMEOUT_MS,
  );
});

afterAll(removeTools);
