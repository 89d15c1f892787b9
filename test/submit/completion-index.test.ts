// Whose index counts in a submitted Job of several tasks: the platform's that it was submitted to.
import { expect, test } from 'bun:test';
import { completionIndex } from '../../src/entrypoint/completion-index.ts';
import { prepare } from '../../src/submit/prepare.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import { detectPlatform } from '../../src/cli/platform.ts';
import { fakeIo } from '../support/fake-io.ts';
import { inputFor } from './_submission.ts';

/** What stands in the environment of a container of one platform, or is left from another. */
const BATCH = ['AWS_BATCH_JOB_ID=x', 'AWS_BATCH_JOB_ARRAY_INDEX=9'];
const RUN = ['CLOUD_RUN_JOB=x', 'CLOUD_RUN_TASK_INDEX=8'];
const SLURM = ['SLURM_JOB_ID=1', 'SLURM_ARRAY_TASK_ID=7'];

const ROWS: readonly (readonly [string, string, readonly string[]])[] = [
  ['nomad', 'NOMAD_ALLOC_ID=x NOMAD_ALLOC_INDEX=', [...BATCH, ...RUN, ...SLURM]],
  ['nomad', 'NOMAD_ALLOC_ID=x NOMAD_ALLOC_INDEX=', ['AWS_BATCH_JOB_ID=x']],
  ['cloud-run-job', 'CLOUD_RUN_JOB=x CLOUD_RUN_TASK_INDEX=', [...BATCH, ...SLURM]],
  ['slurm-apptainer', 'SLURM_JOB_ID=1 SLURM_ARRAY_TASK_ID=', [...BATCH, ...RUN]],
  ['aws-batch', 'AWS_BATCH_JOB_ID=x AWS_BATCH_JOB_ARRAY_INDEX=', [...RUN, ...SLURM]],
];

test.each([...ROWS])('each task of %s has its own, beside variables of others', async (...row) => {
  const [name, own, others] = row;
  const { default: target } = (await ALL_TARGETS[name]?.()) ?? expect.unreachable();
  const input = inputFor(target, {});
  const { plan } = prepare({ ...input, plan: { ...input.plan, index: { below: 3 } } }).bundle;
  const seen = ['0', '1', '2'].map(async (index) => {
    const io = fakeIo({ env: [...others, ...`${own}${index}`.split(' ')] }) as never;
    return completionIndex(io, plan, async () => detectPlatform(io, []));
  });
  expect(await Promise.all(seen)).toEqual(['0', '1', '2']);
});

test('nothing is told by a target without an index', async () => {
  const { default: target } = (await ALL_TARGETS['vertex-custom-job']?.()) ?? expect.unreachable();
  const input = inputFor(target, {});
  const index = { below: 3, otherwise: '0' };
  const { plan } = prepare({ ...input, plan: { ...input.plan, index } }).bundle;
  expect(plan.index).toEqual({ ...index, toldBy: [] });
});
