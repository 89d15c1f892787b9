// Unmodified scripts with the hook for botocore against moto: tuning and transform jobs of the
// SageMaker SDK, and what operators of Airflow ask ECS and Batch for.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { nodesAt, pairsOf } from '../../src/targets/_caps.ts';
import { isLegal } from '../../src/submit/adapt.ts';
import { complaintsOf } from '../support/botocore.ts';
import { skipVisibly } from '../support/need.ts';
import { spawned } from '../support/spawned.ts';
import { moto } from './_botocore.ts';
import { named } from './_requests.ts';
import type { World } from './_sdk.ts';
import { noSdk, openSdk } from './_sdk.ts';

const missing = noSdk();
if (missing !== undefined) skipVisibly('operators and tuners', [missing]);
const sdk = openSdk();
afterAll(sdk.close);
const { folder, unique, arrived, py } = sdk;
let world: World;
beforeAll(async () => {
  if (missing !== undefined) return;
  world = await sdk.prepare((example) => {
    return `${example}  startedBy: request\nimage: { entrypoint: [] }\n`;
  });
}, 300_000);

const script = (name: string): string => path.join(import.meta.dir, name);
const SERVICES: Readonly<Record<string, string>> = {
  RegisterTaskDefinition: 'ecs',
  RunTask: 'ecs',
  RegisterJobDefinition: 'batch',
  SubmitJob: 'batch',
};

/** The request of this operation that reached the service; legal by every judge. */
function sent(operation: string): JsonObject {
  const input = arrived.findLast((one) => one.operation === operation)?.input as JsonObject;
  expect(input).toBeDefined();
  const { target, adapting } = named(operation);
  expect(isLegal(target, adapting, input)).toBe(true);
  const service = SERVICES[operation] ?? 'sagemaker';
  const [told] = complaintsOf([{ service, operation, input }]);
  expect([operation, told]).toEqual([operation, []]);
  return input;
}

const variablesIn = (request: JsonObject, operation: string): Record<string, string> => {
  const node = nodesAt(request, named(operation).adapting.variables)[0];
  return Object.fromEntries(node === undefined ? [] : pairsOf(node));
};

async function started(words: readonly string[], env: Readonly<Record<string, string>>) {
  const [program = '', ...rest] = words;
  const outside = { PATH: process.env['PATH'] ?? '', ...moto.env };
  const start = program === 'bellhop' ? path.join(sdk.bin(), program) : program;
  const { code, out, err } = await spawned([start, ...rest], {
    cwd: folder,
    env: { ...outside, ...env },
  });
  expect([code, err]).toEqual([0, '']);
  expect(out).not.toContain('BELLHOP_');
  return out.split('\n');
}

const LABELS = Array.from({ length: 200 }, (_, n) => `class-${String(n).padStart(4, '0')}`).join(
  ' ',
);

describe.skipIf(missing !== undefined)('an unmodified script', () => {
  test('of Airflow: definitions and their overrides arrive as they were written', async () => {
    const words = ['-m', 'bellhop_botocore', script('operators.py'), unique, world.role];
    const called = await py([...words, `${unique}-run`, world.subnet], {}, sdk.boto3);
    expect([called.code, called.err]).toEqual([0, expect.not.stringContaining('Traceback')]);
    const [task, run] = [sent('RegisterTaskDefinition'), sent('RunTask')];
    const [job, submitted] = [sent('RegisterJobDefinition'), sent('SubmitJob')];
    const textsAt = (request: JsonObject, at: string) => nodesAt(request, at)[0] as string[];
    const ran = [
      await started(
        [
          ...textsAt(task, 'containerDefinitions[].entryPoint'),
          ...textsAt(run, 'overrides.containerOverrides[].command'),
        ],
        { ...variablesIn(task, 'RegisterTaskDefinition'), ...variablesIn(run, 'RunTask') },
      ),
      await started(textsAt(submitted, 'containerOverrides.command'), {
        ...variablesIn(job, 'RegisterJobDefinition'),
        ...variablesIn(submitted, 'SubmitJob'),
      }),
    ];
    const counts = [60, 30];
    for (const [index, lines] of ran.entries()) {
      expect(lines).toContain('words=of the run');
      for (let n = 0; n < 20; n += 1) expect(lines).toContain(`RUN_${n}=${n} ${LABELS}`);
      const own = lines.filter((line) => line.startsWith('OWN_'));
      expect(own).toHaveLength(counts[index] ?? 0);
      expect(lines).toContain(`OWN_29=29 ${LABELS}`);
    }
  }, 120_000);

  test('of the SageMaker SDK: a tuning job and a transform job are legal, and lose nothing', async () => {
    const words = ['-m', 'bellhop_botocore', script('tuner.py'), unique, world.role];
    const settings = readFileSync(path.join(folder, 'bellhop.yaml'), 'utf8');
    const byImage = settings.replace('startedBy: request', 'startedBy: image');
    writeFileSync(path.join(folder, 'image.yaml'), byImage);
    const config = { BELLHOP_CONFIG: 'image.yaml' };
    const called = await py([...words, `${unique}-tune`.slice(0, 32)], config);
    expect([called.code, called.err]).toEqual([0, expect.not.stringContaining('Traceback')]);
    const tuning = sent('CreateHyperParameterTuningJob');
    const [model, transform] = [sent('CreateModel'), sent('CreateTransformJob')];
    const channels = nodesAt(tuning, 'TrainingJobDefinition.InputDataConfig[].ChannelName');
    expect(channels).toEqual(['bellhop']);
    const lines = await started(['bellhop', 'run', '--', 'env'], {
      ...variablesIn(model, 'CreateModel'),
      ...variablesIn(transform, 'CreateTransformJob'),
    });
    for (let n = 0; n < 60; n += 1) expect(lines).toContain(`FEATURE_${n}=value ${n}`);
    expect(lines.find((line) => line.startsWith('LABELS='))).toHaveLength(7 + 500 * 11 - 1);
  }, 120_000);
});
