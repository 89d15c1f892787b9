import { describe, expect, test } from 'bun:test';
import type { Environment } from '../../src/entrypoint/environment.ts';
import type { Argument } from '../../src/entrypoint/exec-document.ts';
import {
  execDocument,
  execEnvironment,
  nameOf,
  rawArguments,
} from '../../src/entrypoint/exec-document.ts';
import { podArguments, sizeProblems } from '../../src/entrypoint/start.ts';
import type { Image, Plan } from '../../src/plan/types.ts';
import { fakeIo } from '../support/fake-io.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const argument = (text: string): Argument => ({ exec: { bytes: bytes(text) }, bytes: bytes(text) });
const text = (one: Argument): string => Buffer.from(one.bytes).toString('latin1');

describe('argv of the pod and of the image', () => {
  const environment = {
    lookup: (name: string) => (name === 'A' ? '\xff' : undefined),
  } as unknown as Environment;
  const argv = (command: string[], args: string[], image: Image = {}): string[] => {
    const plan = {
      placements: [{ kind: 'argv', command, args, rule: 'c' }],
      image,
    } as unknown as Plan;
    return podArguments(plan, environment).map(text);
  };
  const image: Image = { entrypoint: ['/e', '$(A)'], cmd: ['$(A)', 'x'] };
  test.each<[string, string[], string[], string[]]>([
    ["nothing: the image's, never expanded", [], [], ['/e', '$(A)', '$(A)', 'x']],
    ['command replaces both', ['/c', '$(A)'], [], ['/c', '\xff']],
    ['args replace CMD', [], ['$(A)b'], ['/e', '$(A)', '\xffb']],
    ['both', ['/c'], ['$$(A)', '$(B)'], ['/c', '$(A)', '$(B)']],
    ['text outside ASCII is UTF-8', ['é'], [], ['\xc3\xa9']],
  ])('%s', (...[_name, command, args, wanted]) => {
    expect(argv(command, args, image)).toEqual(wanted);
  });
  test('no image is known and the pod says nothing: nothing', () => {
    expect(argv([], [])).toEqual([]);
  });
});

describe('the environment that is handed over', () => {
  const give = (
    env: string[],
    ours: Record<string, string> = {},
    strip: string[] = [],
  ): string[] => {
    const variables = new Map(Object.entries(ours).map(([name, value]) => [name, { value }]));
    return execEnvironment(fakeIo({ env }), variables, strip).map((one) =>
      'raw' in one.exec ? `${one.exec.raw}: ${text(one)}` : text(one),
    );
  };
  test('what arrived is handed over by number, untouched: duplicates, odd entries, odd bytes', () => {
    const env = ['A=1', 'A=2', 'noequals', '=x', '=y=z', '', 'B=\xff', 'C='];
    expect(give(env)).toEqual(env.map((one, index) => `${index}: ${one}`));
  });
  test('every entry of an overridden name goes, ours comes last', () => {
    expect(give(['A=1', 'AB=1', 'A=2', 'A'], { A: 'new=\xff' })).toEqual(['1: AB=1', 'A=new=\xff']);
  });
  test('BELLHOP_* goes, BUN_*, NODE_*, LD_* stay', () => {
    expect(
      give([
        'BELLHOP_PLAN=x',
        'BELLHOP_',
        'BELLHOPX=1',
        'BUN_OPTIONS=x',
        'NODE_OPTIONS=x',
        'LD_PRELOAD=x',
      ]),
    ).toEqual(['2: BELLHOPX=1', '3: BUN_OPTIONS=x', '4: NODE_OPTIONS=x', '5: LD_PRELOAD=x']);
  });
  test('a variable BELLHOP_X that the pod declares is delivered', () => {
    expect(give(['BELLHOP_X=old'], { BELLHOP_X: 'new' })).toEqual(['BELLHOP_X=new']);
  });
  test('what the policy strips goes, unless it is declared', () => {
    expect(give(['TOKEN=1', 'KEEP=1'], {}, ['TOKEN'])).toEqual(['1: KEEP=1']);
    expect(give(['TOKEN=1'], { TOKEN: '2' }, ['TOKEN'])).toEqual(['TOKEN=2']);
  });
  test.each([
    ['A=1', 'A'],
    ['A', 'A'],
    ['=x', '=x'],
    ['=x=y', '=x'],
    ['', ''],
    ['\xff=1', '\xff'],
  ])('the name of %j is %j', (entry, name) => {
    expect(nameOf(bytes(entry))).toBe(name);
  });
});

describe('what the kernel would refuse', () => {
  const io = (execBytesMax = 2_097_152) => fakeIo({ kernel: { execBytesMax } });
  const problems = (argv: string[], env: string[], max?: number): string[] =>
    sizeProblems(io(max), argv.map(argument), env.map(argument)).map(
      (one) => `${one.code} ${one.message}`,
    );

  test('one variable: 131071 bytes are taken, 131072 are not', () => {
    expect(problems([], [`A=${'x'.repeat(131_069)}`])).toEqual([]);
    expect(problems([], [`A=${'x'.repeat(131_070)}`])).toEqual([
      'BH_ERR_EXEC_TOO_BIG variable A: NAME=value has 131072 bytes, the kernel takes 131071',
    ]);
  });

  test('one argument: the same', () => {
    expect(problems(['sh', 'x'.repeat(131_071)], [])).toEqual([]);
    const [problem, ...more] = problems(['sh', 'x'.repeat(131_072)], []);
    expect(problem).toStartWith('BH_ERR_EXEC_TOO_BIG argument 1');
    expect(problem).toContain('131072 bytes');
    expect(problem).not.toContain('xxx');
    expect(more).toEqual([]);
  });

  test('all of them: the limit itself is taken, one byte more is not, and the largest is named', () => {
    // Each string counts with its NUL and a pointer: 9 bytes more.
    const env = ['SMALL=1', `LARGE=${'x'.repeat(100)}`];
    const total = 2 + 9 + 7 + 9 + 106 + 9;
    expect(problems(['sh'], env, total)).toEqual([]);
    const [problem] = problems(['sh'], env, total - 1);
    expect(problem).toStartWith(
      `BH_ERR_EXEC_TOO_BIG the environment: ${total} bytes of arguments and variables, the kernel takes ${total - 1} `,
    );
    expect(problem).toEndWith('the largest variable is LARGE with 106 bytes');
  });

  test('every string that is too long is told', () => {
    const long = 'x'.repeat(131_072);
    expect(problems([long, long], [`A=${long}`, `B=${long}`]).length).toBe(4);
  });

  test('an argument with a NUL is refused: the kernel would cut it off there', () => {
    expect(problems(['sh', 'canary\0'], [])).toEqual([
      'BH_ERR_VALUE argument 1: it has a NUL byte, which no argument can hold',
    ]);
  });
});

describe('the exec document', () => {
  test('program, PATH as getenv finds it (the first entry), arguments by number', () => {
    const source = fakeIo({
      argv: ['run', '--', '/bin/x', '\xff'],
      env: ['PATH=/first', 'PATH=/last'],
    });
    const document = execDocument({
      argv: rawArguments(source, 2),
      env: execEnvironment(source, new Map(), []),
      log: 'text',
    });
    expect(Buffer.from(document.program).toString()).toBe('/bin/x');
    expect(Buffer.from(document.path).toString()).toBe('/first');
    expect(document.argv).toEqual([{ raw: 2 }, { raw: 3 }]);
  });
  test('without PATH the default of container runtimes', () => {
    const document = execDocument({ argv: [argument('x')], env: [], log: 'text' });
    expect(Buffer.from(document.path).toString()).toBe(
      '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    );
  });
  test('a program name cannot draw on the terminal in the report of its failure', () => {
    const { failure } = execDocument({ argv: [argument('\x1b[31mred')], env: [], log: 'text' });
    for (const report of Object.values(failure)) {
      expect(report).not.toContain('\x1b');
      expect(report).toContain('{{why}}');
    }
  });
});
