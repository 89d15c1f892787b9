// What the hook for botocore does with requests that are not its own, and with what is no bellhop.
import { beforeAll, describe, expect, test } from 'bun:test';
import path from 'node:path';
import { PYTHON_ENV, noBotocore } from '../support/botocore.ts';
import { skipVisibly } from '../support/need.ts';
import { ROOT } from '../support/source.ts';
import { PYTHON } from '../support/testbed.ts';
import { ADAPTABLE } from './_requests.ts';

const missing = await noBotocore();
if (missing !== undefined) skipVisibly('the hook for botocore', [missing]);

interface Cases {
  readonly targets: Readonly<Record<string, Readonly<Record<string, readonly [string, string]>>>>;
  readonly broken: readonly string[];
  readonly left: readonly string[];
  readonly handed: string;
}

describe.skipIf(missing !== undefined)('the hook for botocore', () => {
  let cases: Cases;
  beforeAll(() => {
    const PYTHONPATH = `${path.join(ROOT, 'python')}:${PYTHON_ENV.PYTHONPATH}`;
    const done = Bun.spawnSync([PYTHON, path.join(import.meta.dir, 'hook_cases.py')], {
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' },
    });
    if (done.exitCode !== 0) throw new Error(done.stderr.toString());
    cases = JSON.parse(done.stdout.toString()) as Cases;
  });
  test('knows every request that is adapted, and the field that names it', () => {
    const known = Object.values(cases.targets).flatMap((every) => Object.entries(every));
    const adapted = ADAPTABLE.map(({ target, adapting }) => {
      return [adapting.operation, [target.name, adapting.name]] as const;
    });
    expect(Object.fromEntries(known)).toEqual(Object.fromEntries(adapted));
  });
  test('what cannot be started, and what answers nothing, is an error of botocore', () => {
    expect(cases.broken).toEqual([
      expect.stringMatching(/^AdaptError \/etc: .+; set BELLHOP_EXECUTABLE or PATH$/),
      'AdaptError /bin/true adapt sagemaker-training: the answer is no JSON; is it bellhop?',
    ]);
  });
  test('a request without a name, or with keys that are no texts, is left to botocore', () => {
    expect(new Set(cases.left)).toEqual(new Set(['null']));
    expect(cases.handed).toStartWith('AdaptError /nothing/bellhop: not found');
  });
});
