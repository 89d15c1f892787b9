// Unmodified scripts of the SageMaker SDK (2.257.7, PyPI) with the hook for botocore, against moto.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';
import { complaintsOf } from '../support/botocore.ts';
import { skipVisibly } from '../support/need.ts';
import { ROOT } from '../support/source.ts';
import { spawned } from '../support/spawned.ts';
import { PYTHON, installedAt, installedOnce, pip } from '../support/testbed.ts';
import { moto, python } from './_botocore.ts';

const PACKAGE = 'sagemaker==2.257.7';
const NAME = PACKAGE.replace('==', '-');
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-sdk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const unique = `b${path
  .basename(folder)
  .toLowerCase()
  .replaceAll(/[^a-z0-9]/g, '')}`;

const missing = moto.missing ?? installedOnce({ name: NAME, command: pip(PACKAGE) });
if (missing !== undefined) skipVisibly('the SageMaker SDK', [missing]);

interface Described {
  readonly TrainingJobName: string;
  readonly Environment: Readonly<Record<string, string>>;
  readonly AlgorithmSpecification: { readonly ContainerEntrypoint: readonly string[] };
  readonly HyperParameters: Readonly<Record<string, string>>;
}

interface World {
  readonly role: string;
}

let world: World;
let bin = '';
beforeAll(async () => {
  if (missing !== undefined) return;
  const endpoint = moto.get('AWS_ENDPOINT_URL');
  world = (await python('moto_world.py', { endpoint, name: unique, secret: '{}' })) as World;
  const example = readFileSync(path.join(ROOT, 'examples/adapt/bellhop.yaml'), 'utf8');
  writeFileSync(path.join(folder, 'bellhop.yaml'), example.replace('ml-artifacts', unique));
  writeFileSync(path.join(folder, 'sagemaker.yaml'), SDK_CONFIG);
  bin = path.dirname(built().bellhop);
}, 300_000);

/** It would tell its maker of every call. */
const SDK_CONFIG = `SchemaVersion: '1.0'
SageMaker: { PythonSDK: { Modules: { TelemetryOptOut: true } } }
`;

const variables = (): Record<string, string> => ({
  PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  HOME: folder,
  SAGEMAKER_SUPPRESS_V2_WARNING: '1',
  SAGEMAKER_USER_CONFIG_OVERRIDE: path.join(folder, 'sagemaker.yaml'),
  PYTHONPATH: [path.join(ROOT, 'python'), installedAt(NAME)].join(':'),
  PYTHONDONTWRITEBYTECODE: '1',
  ...moto.env,
  AWS_ENDPOINT_URL: front.url.origin,
});

/** Runs Python in the folder, with the SDK and the hook in its path. */
async function py(words: readonly string[], more: Readonly<Record<string, string>> = {}) {
  return spawned([PYTHON, ...words], { cwd: folder, env: { ...variables(), ...more } });
}

const SCRIPT = path.join(ROOT, 'examples/adapt/train.py');

/** What reached the service, by the job's name: moto does not tell it all. */
const arrived = new Map<string, Described>();
const front = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const body = await request.arrayBuffer();
    const url = new URL(request.url);
    if (request.headers.get('x-amz-target') === 'SageMaker.CreateTrainingJob') {
      const job = JSON.parse(new TextDecoder().decode(body)) as Described;
      arrived.set(job.TrainingJobName, job);
    }
    const to = `${moto.get('AWS_ENDPOINT_URL')}${url.pathname}${url.search}`;
    const sent = ['GET', 'HEAD'].includes(request.method) ? {} : { body };
    return fetch(to, { method: request.method, headers: request.headers, ...sent });
  },
});
afterAll(() => void front.stop(true));

function described(name: string): Described {
  const job = arrived.get(name);
  if (job === undefined) throw new Error(`no request for ${name}: ${[...arrived.keys()].join()}`);
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
    const found = complaints(described(name));
    expect(found.join('\n')).toMatch(/Environment: 301 is over 100/);
    expect(found.join('\n')).toMatch(/is over 512/);
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
    const started = await spawned([path.join(bin, program), ...words], {
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
    expect(arrived.has(`${unique}-none`)).toBe(false);
  }, 120_000);

  test('what the hook costs is printed', async () => {
    const { code, out, err } = await py([path.join(import.meta.dir, 'hook_time.py')]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^legal: \d+ ms \(\d+ ms of CPU\); over the caps, .*N = 20\n$/);
    console.log(`hook for botocore: ${out.trim()}`);
  }, 120_000);
});
