// Unmodified scripts of the SageMaker SDK (2.257.7, PyPI) with the hook for botocore, against moto.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import path from 'node:path';
import { complaintsOf } from '../support/botocore.ts';
import { skipVisibly } from '../support/need.ts';
import { ROOT } from '../support/source.ts';
import { spawned } from '../support/spawned.ts';
import { moto } from './_botocore.ts';
import type { World } from './_sdk.ts';
import { noSdk, openSdk } from './_sdk.ts';

const missing = noSdk();
if (missing !== undefined) skipVisibly('the SageMaker SDK', [missing]);
const sdk = openSdk();
afterAll(sdk.close);
const { folder, unique, arrived, py } = sdk;

interface Described {
  readonly TrainingJobName: string;
  readonly Environment: Readonly<Record<string, string>>;
  readonly AlgorithmSpecification: { readonly ContainerEntrypoint: readonly string[] };
  readonly HyperParameters: Readonly<Record<string, string>>;
}

let world: World;
beforeAll(async () => {
  if (missing === undefined) world = await sdk.prepare();
}, 300_000);

const SCRIPT = path.join(ROOT, 'examples/adapt/train.py');

/** What reached the service, by the job's name: moto does not tell it all. */
function found(name: string): Described | undefined {
  const jobs = arrived.map(({ input }) => input as Described);
  return jobs.find(({ TrainingJobName }) => TrainingJobName === name);
}

function described(name: string): Described {
  const job = found(name);
  if (job === undefined) throw new Error(`no request for ${name}`);
  return job;
}

function complaints(input: Described): readonly string[] {
  const asked = { service: 'sagemaker', operation: 'CreateTrainingJob', input };
  return complaintsOf([asked]).flat();
}

describe.skipIf(missing !== undefined)('an unmodified script', () => {
  test('without the hook sends what the service model forbids', async () => {
    const name = `${unique}-plain`;
    const { code } = await py([SCRIPT, unique, world.role, name]);
    expect(code).toBe(0);
    const told = complaints(described(name));
    expect(told.join('\n')).toMatch(/Environment: 301 is over 100/);
    expect(told.join('\n')).toMatch(/is over 512/);
  }, 120_000);

  test('with it sends a legal request, and the container gets what the script wrote', async () => {
    const name = `${unique}-hook`;
    const { code, err } = await py(['-m', 'bellhop_botocore', SCRIPT, unique, world.role, name]);
    expect([code, err]).toEqual([0, expect.not.stringContaining('Traceback')]);
    const job = described(name);
    expect(complaints(job)).toEqual([]);
    expect(job.HyperParameters).toEqual({ rate: '0.1', layers: '[64, 32]' });
    const [program = '', ...words] = job.AlgorithmSpecification.ContainerEntrypoint;
    const outside = { PATH: process.env['PATH'] ?? '', ...moto.env };
    const started = await spawned([path.join(sdk.bin(), program), ...words], {
      cwd: folder,
      env: { ...outside, ...job.Environment },
    });
    expect([started.code, started.err]).toEqual([0, '']);
    const lines = started.out.split('\n');
    for (let n = 0; n < 300; n += 1) expect(lines).toContain(`FEATURE_${n}=value ${n}`);
    const labels = Array.from({ length: 500 }, (_, n) => `class-${String(n).padStart(4, '0')}`);
    expect(lines).toContain(`LABELS=${labels.join(' ')}`);
    expect(lines).toContain('words=--steps=$(STEPS) two words');
    expect(started.out).not.toContain('BELLHOP_');
    const seen = lines.filter((line) => /^[A-Z_0-9]+=/.test(line)).length;
    // What was outside, what the script gave, and PWD, which sh adds; nothing else.
    const shell = lines.filter((line) => /^(PWD|OLDPWD|SHLVL|_)=/.test(line)).length;
    expect(seen - shell).toBe(Object.keys(outside).length + 301);
  }, 120_000);

  test('that bellhop cannot help ends with its report, and nothing is made', async () => {
    const words = ['-m', 'bellhop_botocore', SCRIPT, unique, world.role, `${unique}-none`];
    const { code, ...said } = await py(words, { BELLHOP_CONFIG: 'no-such.yaml' });
    const lacking = await py(words, { BELLHOP_EXECUTABLE: '/nothing/bellhop' });
    expect([code === 0, lacking.code === 0]).toEqual([false, false]);
    expect(`${said.out}${said.err}`).toMatch(
      /bellhop: no-such\.yaml: .*\n *code: BH_ERR_INPUT_READ/,
    );
    expect(`${lacking.out}${lacking.err}`).toContain('/nothing/bellhop: not found');
    expect(found(`${unique}-none`)).toBeUndefined();
  }, 120_000);

  test('what the hook costs is printed', async () => {
    const { code, out, err } = await py([path.join(import.meta.dir, 'hook_time.py')]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^legal: \d+ ms \(\d+ ms of CPU\); over the caps, .*N = 20\n$/);
    console.log(`hook for botocore: ${out.trim()}`);
  }, 120_000);
});
