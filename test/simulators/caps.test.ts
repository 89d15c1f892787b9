// Every cap of every platform at one below, at and one above it. Where the vendor publishes a model
// of its API, that must come to the same verdict.
import { describe, expect, test } from 'bun:test';
import { type AwsRequest, judgedByBotocore, noBotocore } from '../support/botocore.ts';
import { awsBatch } from './aws-batch.ts';
import { AWS_CAPS } from './_caps-aws.ts';
import * as legal from './_legal.ts';
import type { Refusal } from './_types.ts';
import { cloudRunJob } from './cloud-run-job.ts';
import { local } from './local.ts';
import { nomad } from './nomad.ts';
import { vertexCustomJob } from './vertex-custom-job.ts';
import { skipVisibly } from '../support/need.ts';

const said = (refusals: readonly Refusal[]): string => refusals.map((one) => one.message).join();

describe.each([...AWS_CAPS])('$of: $what, $max', ({ max, refusals, request }) => {
  test('one below and exactly that are taken, one above is refused', () => {
    expect(refusals(request(max - 1))).toEqual([]);
    expect(refusals(request(max))).toEqual([]);
    const found = refusals(request(max + 1));
    expect(said(found)).toMatch(new RegExp(`${max}|4KB`));
  });
});

const missing = await noBotocore();
if (missing !== undefined) skipVisibly('botocore as a second judge', [missing]);

describe.skipIf(missing !== undefined)("botocore's model says the same", () => {
  const rows = AWS_CAPS.flatMap((cap) =>
    [cap.max, cap.max + 1].map((size) => ({ cap, size, calls: cap.calls(size) })),
  );
  const calls: AwsRequest[] = rows.flatMap((row) => row.calls);
  const judged = missing === undefined ? judgedByBotocore(calls) : [];
  let at = 0;
  const table = rows.map(({ cap, size, calls: own }) => {
    const verdicts = judged.slice(at, (at += own.length));
    return [`${cap.of}: ${cap.what} ${size}`, { cap, size, verdicts }] as const;
  });
  test.each(table)('%s', (_, { cap, size, verdicts }) => {
    expect(verdicts.map(({ botocore }) => botocore).join('')).toBe('');
    const isRefused = verdicts.some(({ model }) => model.length > 0);
    // Caps of the whole are the service's own: its model has none.
    expect(isRefused).toBe(size > cap.max && cap.isInModel);
  });
});

function ofBatch(more: object, submit: object = {}): readonly Refusal[] {
  const job = legal.batch({}, submit);
  return awsBatch.refusals({ ...job, register: { ...job.register, ...more } });
}

function ofRun({ template = {}, ...more }: { template?: object; taskCount?: number }) {
  const { job, ...rest } = legal.cloudRun({});
  const one = { ...job.template, ...more, template: { ...job.template.template, ...template } };
  return cloudRunJob.refusals({ ...rest, job: { ...job, template: one } });
}

const OTHERS: readonly (readonly [string, number, (size: number) => readonly Refusal[]])[] = [
  [
    'Vertex: variables',
    100,
    (n) => vertexCustomJob.refusals(legal.vertex({ env: legal.pairs(n, 'v') })),
  ],
  [
    'Cloud Run: variables',
    1000,
    (n) => cloudRunJob.refusals(legal.cloudRun({ env: legal.pairs(n, 'v') })),
  ],
  [
    'Cloud Run: bytes of a value',
    32_768,
    (n) => cloudRunJob.refusals(legal.cloudRun({ env: [{ name: 'K', value: 'v'.repeat(n) }] })),
  ],
  [
    'Cloud Run: characters of a name',
    32_768,
    (n) => cloudRunJob.refusals(legal.cloudRun({ env: [{ name: 'K'.repeat(n), value: '' }] })),
  ],
  [
    'Cloud Run: variables of an override',
    1000,
    (n) =>
      cloudRunJob.refusals(
        legal.cloudRun(
          {},
          { run: { overrides: { containerOverrides: [{ env: legal.pairs(n, 'v') }] } } },
        ),
      ),
  ],
  ['Batch: attempts', 10, (n) => ofBatch({ retryStrategy: { attempts: n } })],
  ['Batch: tasks of an array', 10_000, (n) => ofBatch({}, { arrayProperties: { size: n } })],
  ['Cloud Run: retries', 10, (n) => ofRun({ template: { maxRetries: n } })],
  ['Cloud Run: seconds', 604_800, (n) => ofRun({ template: { timeout: `${n}s` } })],
  ['Cloud Run: tasks', 10_000, (n) => ofRun({ taskCount: n })],
  [
    'local: bytes of one variable with its name and its NUL',
    131_072,
    (n) => local.refusals({ argv: ['/x'], env: { K: 'v'.repeat(n - 3) } }),
  ],
  [
    'Nomad: bytes of a job',
    1_000_000,
    (n) => {
      const job = (filler: string) => ({
        Job: {
          ID: 'job',
          TaskGroups: [
            {
              Name: 'g',
              Tasks: [{ Name: 't', Driver: 'docker', Config: { image: 'i' }, Env: { K: filler } }],
            },
          ],
        },
      });
      const without = JSON.stringify(job('')).length;
      return nomad.refusals(job('v'.repeat(n - without)));
    },
  ],
];

describe.each([...OTHERS])('%s, %d', (_, max, refusals) => {
  test('one below and exactly that are taken, one above is refused', () => {
    expect(refusals(max - 1)).toEqual([]);
    expect(refusals(max)).toEqual([]);
    expect(refusals(max + 1)).not.toEqual([]);
  });
});
