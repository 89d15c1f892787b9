// The real sagemaker-training toolkit as the user's program: how many hyperparameters it takes, and
// that `submit` tells beforehand where they are too many for it.
import { afterAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { yardFolder } from './_container.ts';
import { requestOf, trained } from './_trained.ts';
import { type Toolkit, toolkit } from './_toolkit.ts';
import { awsStage } from './_worlds.ts';
import type { Mounted } from './_types.ts';

const TEST_MS_MAX = 180_000;
const stage = await awsStage('the SageMaker toolkit');
const found = stage.isHere ? toolkit() : 'no containers';
const lacks = [
  ...(typeof found === 'string' ? [found] : []),
  ...(built().kind === 'launcher' ? [] : ['the launcher is not built (cc)']),
];
if (lacks.length > 0) skipVisibly('the SageMaker toolkit', lacks);
afterAll(stage.close);
const trainer = { ...stage, bucket: `toolkit-${crypto.randomUUID().slice(0, 8)}` };

/** The user's script: tells what it was given, and the longest variable. */
const SCRIPT = `
import json, os, sys
pairs = {n: len(os.fsencode(n)) + len(os.fsencode(v)) + 2 for n, v in os.environ.items()}
longest = max(pairs, key=pairs.get)
seen = {"hps": json.loads(os.environ["SM_HPS"]), "args": sys.argv[1:], "longest": [longest, pairs[longest]]}
open("/opt/ml/output/data/seen.json", "w").write(json.dumps(seen))
`;

interface Seen {
  readonly hps: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
  readonly longest: readonly [string, number];
}

const parametersOf = (count: number, length: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`p${String(n).padStart(4, '0')}`, 'v'.repeat(length)]),
  );

/** As the SageMaker SDK says which script it is. */
const SCRIPT_PARAMETERS = { sagemaker_program: 'user.py', sagemaker_submit_directory: '/code' };

async function ranWith(values: object) {
  const { command, env, mounts } = found as Toolkit;
  const code = yardFolder(stage.yard);
  writeFileSync(path.join(code, 'user.py'), SCRIPT);
  const more = yardFolder(stage.yard);
  // The toolkit asks `which`, which is a link to /etc on Debian: the image has another /etc.
  writeFileSync(path.join(more, 'which'), '#!/bin/sh\ncommand -v "$1"\n', { mode: 0o755 });
  const variables = { ...env, PATH: '/more:/usr/bin:/bin' };
  const container = { env: Object.entries(variables).map(([name, value]) => ({ name, value })) };
  const submit = { hyperparameters: { values: { ...values, ...SCRIPT_PARAMETERS } } };
  const request = await requestOf(trainer, { command, container, submit });
  const own: Mounted[] = [
    { kind: 'bind', at: '/code', from: code, ro: true },
    { kind: 'bind', at: '/more', from: more, ro: true },
  ];
  const wish = { mounts: [...mounts, ...own], runMsMax: 60_000 };
  const ran = await trained(trainer, request, wish);
  const seen = ran.outcome.files.get('/opt/ml/output/data/seen.json');
  const failure = ran.outcome.files.get('/opt/ml/output/failure');
  return {
    ran,
    seen: seen === undefined ? undefined : (JSON.parse(Buffer.from(seen).toString()) as Seen),
    failure: Buffer.from(failure ?? []).toString(),
  };
}

/** The longest variable that the kernel takes, its name and NUL with it: MAX_ARG_STRLEN. */
const VARIABLE_BYTES_MAX = 131_072;

describe.skipIf(lacks.length > 0)('the real toolkit', () => {
  test(
    'sees 400 hyperparameters that came by the channel, and gives them to its script',
    async () => {
      const values = { ...parametersOf(400, 100), rate: 0.1, layers: [64, 32] };
      const { ran, seen } = await ranWith(values);
      expect(ran.status).toBe('Completed');
      expect(seen?.hps).toEqual(values);
      expect(seen?.args.slice(0, 2)).toEqual(['--layers', '[64, 32]']);
      expect(seen?.args).toHaveLength(2 * 402);
    },
    TEST_MS_MAX,
  );

  test(
    'takes what `submit` says that it takes',
    async () => {
      const { tool } = (await ALL_TARGETS['sagemaker-training']?.())?.default.hyperparameters ?? {};
      const most = tool?.bytesMax ?? expect.unreachable();
      const rest = JSON.stringify({ ...SCRIPT_PARAMETERS, table: '' }).length;
      const { ran, seen } = await ranWith({ table: 'x'.repeat(most - rest) });
      expect([ran.status, seen?.hps['table']]).toEqual(['Completed', 'x'.repeat(most - rest)]);
      const [name, bytes] = seen?.longest ?? expect.unreachable();
      expect([name, bytes <= VARIABLE_BYTES_MAX]).toEqual(['SM_TRAINING_ENV', true]);
      // As much more as the kernel leaves is taken too; a byte more is not.
      const left = most - rest + VARIABLE_BYTES_MAX - bytes;
      expect((await ranWith({ table: 'x'.repeat(left) })).ran.status).toBe('Completed');
      const { ran: over, failure } = await ranWith({ table: 'x'.repeat(left + 1) });
      expect(over.status).toBe('Failed');
      expect(failure).toContain('Argument list too long');
      console.log(`the toolkit takes ${left + rest} bytes of hyperparameters, told are ${most}`);
    },
    TEST_MS_MAX,
  );
});
