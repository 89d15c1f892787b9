import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { canonicalJson } from '../../src/core/canonical.ts';
import type { BundledObject } from '../../src/plan/bundle.ts';
import type { Placement } from '../../src/plan/types.ts';
import { submissionProblems } from '../../src/submit/judge.ts';
import { prepare } from '../../src/submit/prepare.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import { breachesIn } from '../../src/submit/split.ts';
import { BUCKET, COMMAND, inputFor, literal, planInside, variablesIn } from './_submission.ts';

const targets = await Promise.all(
  Object.entries(ALL_TARGETS).map(async ([name, load]) => [name, (await load()).default] as const),
);
const target = async (name: string) =>
  (await ALL_TARGETS[name]?.())?.default ?? expect.unreachable();

const ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:';
const STORES = { sm: { kind: 'aws-secrets-manager', region: 'us-east-1' } };

const names = fc.oneof(
  fc.stringMatching(/^[A-Z][A-Z0-9_]{0,12}$/),
  fc.constantFrom(
    'AWS_BATCH_X',
    '_UNION_KEY',
    'AWS_REGION',
    'TZ',
    'my.key',
    'a-b',
    'W'.repeat(600),
  ),
);
const texts = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom('$(HOME)', '${x}', ' padded ', '\n', 'é'.repeat(300), 'w'.repeat(3000), ''),
);
const literals = fc.tuple(names, texts).map(([name, text]) => literal(name, text));
const secrets = fc.tuple(names, fc.stringMatching(/^[a-z]{1,8}$/), fc.boolean()).map(
  ([name, path, isKey]): Placement => ({
    kind: 'variable',
    layer: 'env',
    name,
    source: {
      kind: 'value',
      bound: {
        reference: { store: 'sm', path: `${ARN}${path}-AbCdEf`, ...(isKey ? { key: 'k' } : {}) },
        called: `secret ${path}`,
      },
    },
    rule: 'env',
  }),
);
const objects = fc
  .array(fc.uint8Array({ maxLength: 200 }), { maxLength: 3 })
  .map((all): BundledObject[] =>
    all.map((bytes, n) => ({
      name: `c${n}`,
      namespace: 'ml',
      values: [{ key: 'k', bytes, isBinary: n === 1 }],
    })),
  );
const pods = fc.record({
  placements: fc
    .array(fc.oneof({ weight: 3, arbitrary: literals }, secrets), { maxLength: 150 })
    .map((all) => [...all, COMMAND]),
  objects,
});

describe.each(targets)('%s: whatever the pod', (_, one) => {
  test('the request is under every cap', () => {
    fc.assert(
      fc.property(pods, (chosen) => {
        const made = prepare(inputFor(one, { ...chosen, stores: STORES, isStartedByImage: true }));
        expect(breachesIn(one, made.split.job)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('what the container finds is the plan that went in, and its ConfigMaps byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(pods, async (chosen) => {
        const input = inputFor(one, { ...chosen, stores: STORES });
        const made = prepare(input);
        const found = await planInside(one, made);
        const natively = new Map(made.split.job.secrets.map(({ name, from }) => [name, from]));
        const back = found.plan.placements.map((placement) => {
          if (placement.kind !== 'variable' || placement.source.kind !== 'value') return placement;
          const { bound } = placement.source;
          const from = natively.get(placement.name);
          if (bound.reference.store !== 'platform' || from === undefined) return placement;
          expect(bound.reference.path).toBe(placement.name);
          const reference = { store: 'sm', path: from };
          return { ...placement, source: { kind: 'value', bound: { ...bound, reference } } };
        });
        expect(canonicalJson(back)).toBe(canonicalJson(input.plan.placements));
        const values = found.objects.map(({ entries }) =>
          [...entries.values()].map((v) => v.reveal()),
        );
        expect(values.map((all) => all.map((v) => [...v]))).toEqual(
          chosen.objects.map(({ values: all }) => all.map(({ bytes }) => [...bytes])),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('what the platform is given has the value that the pod says', () => {
    fc.assert(
      fc.property(pods, (chosen) => {
        const made = prepare(inputFor(one, { ...chosen, stores: STORES }));
        const own = variablesIn(one, made);
        const last = new Map<string, string>();
        for (const { kind, ...placement } of chosen.placements) {
          if (kind !== 'variable' || !('source' in placement)) continue;
          const { name, source } = placement as { name: string; source: { text?: string } };
          last.set(name, source.text ?? 'a secret');
        }
        for (const { name, isInRequest, what } of made.split.placed) {
          if (what === 'variable' && isInRequest) {
            expect(own.get(name)).toBe(one.literal?.(last.get(name) ?? '') ?? last.get(name) ?? '');
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('the same input is the same request and the same object', () => {
    fc.assert(
      fc.property(pods, (chosen) => {
        const make = () => prepare(inputFor(one, { ...chosen, stores: STORES }));
        const [a, b] = [make(), make()];
        expect(JSON.stringify(a.split.requests)).toBe(JSON.stringify(b.split.requests));
        expect([a.digest, a.spilled?.path]).toEqual([b.digest, b.spilled?.path]);
      }),
      { numRuns: 20 },
    );
  });
});

const many = (count: number): Placement[] => {
  return Array.from({ length: count }, (_, n) =>
    literal(`V${n}`, `value ${n} ${'x'.repeat(n % 300)}`),
  );
};

describe('what goes where', () => {
  test('the pointer is first, then variables in the order of the plan until the cap', async () => {
    const one = await target('sagemaker-training');
    const made = prepare(inputFor(one, { placements: [COMMAND, ...many(300)] }));
    const [first, ...rest] = [...variablesIn(one, made).keys()];
    expect(first).toBe('BELLHOP_PLAN');
    expect(rest).toHaveLength(99);
    const plain = rest.filter((name) => !name.startsWith('BELLHOP_'));
    expect(plain).toEqual(plain.map((_, n) => `V${n}`));
  });

  test('a plan that the request has no room for is one object, named by its content', async () => {
    const one = await target('sagemaker-training');
    const random = new Uint8Array(100_000).map((_, n) => (n * 7919) % 251);
    const object = {
      name: 'c',
      namespace: 'ml',
      values: [{ key: 'k', bytes: random, isBinary: true }],
    };
    const made = prepare(
      inputFor(one, { objects: [object], placements: [COMMAND, ...many(3000)] }),
    );
    const hex = made.digest.slice('sha256:'.length);
    expect(made.spilled?.path).toBe(`bucket/jobs/${hex}/bellhop.bundle`);
    expect(variablesIn(one, made).get('BELLHOP_PLAN')).toBe(`s3:${made.spilled?.path}`);
    expect(variablesIn(one, made).get('BELLHOP_PLAN_STORES')).toBe(
      '{"s3":{"kind":"s3","region":"us-east-1"}}',
    );
  });

  test('without a place to spill to it says so, with the setting', async () => {
    const one = await target('lambda-image');
    const input = inputFor(one, { placements: [COMMAND, ...many(3000)], spill: 'none' });
    const [problem] = submissionProblems(input, prepare(input));
    expect(problem?.code).toBe('BH_ERR_SPILL');
    expect(`${problem?.message}; ${problem?.help}`).toBe(
      'lambda-image, the plan: has no room in the request, and no other place is given; name a store that can be written: `submit: { spill: s3:bucket/folder }` in bellhop.yaml',
    );
  });

  test('names that a platform forbids are left to the entrypoint, with the reason', async () => {
    const rows = [
      ['aws-batch', 'AWS_BATCH_JOB', 'reserved by Batch'],
      ['lambda-image', '_UNION_KEY', 'is not of the form'],
      ['lambda-image', 'TZ', 'reserved by Lambda'],
      ['databricks-job', 'LD_PRELOAD', 'the cluster itself is set up by this name'],
      ['databricks-job', 'JAVA_TOOL_OPTIONS', 'its JVM'],
      ['sagemaker-training', 'my.key', 'is not of the form'],
      ['ecs', 'BELLHOP_TRACE', "bellhop's own"],
    ] as const;
    for (const [name, variable, why] of rows) {
      const one = await target(name);
      const made = prepare(inputFor(one, { placements: [COMMAND, literal(variable, 'x')] }));
      const placed = made.split.placed.find((each) => each.name === variable);
      expect([placed?.isInRequest, placed?.why]).toEqual([false, expect.stringContaining(why)]);
      expect(variablesIn(one, made).get(variable)).not.toBe('x');
    }
  });

  test('a whole secret by its ARN is fetched by the agent of ECS, one key of it is not', async () => {
    const one = await target('ecs');
    const secret = (name: string, key?: string): Placement => ({
      kind: 'variable',
      layer: 'env',
      name,
      source: {
        kind: 'value',
        bound: {
          reference: {
            store: 'sm',
            path: `${ARN}db-AbCdEf`,
            ...(key === undefined ? {} : { key }),
          },
          called: name,
        },
      },
      rule: 'env',
    });
    const placements = [COMMAND, secret('WHOLE'), secret('KEY', 'password')];
    const made = prepare(inputFor(one, { placements, stores: STORES }));
    expect(made.split.job.secrets).toEqual([{ name: 'WHOLE', from: `${ARN}db-AbCdEf` }]);
    const without = prepare(
      inputFor(one, { placements, stores: STORES, given: { RegisterTaskDefinition: {} } }),
    );
    expect(without.split.job.secrets).toEqual([]);
  });

  test('an isolated job gets all of it by an input channel, and no store', async () => {
    const one = await target('sagemaker-training');
    const isolated = { CreateTrainingJob: { EnableNetworkIsolation: true } };
    const chosen = { placements: [COMMAND, ...many(3000)], given: isolated };
    const made = prepare(inputFor(one, chosen));
    expect(variablesIn(one, made).get('BELLHOP_PLAN')).toBe(
      '/opt/ml/input/data/bellhop/bellhop.bundle',
    );
    expect(made.split.job.channel).toBe(`s3://bucket/jobs/${made.digest.slice('sha256:'.length)}/`);
    const bound = { reference: { store: 'sm', path: 'db' }, called: 'secret db, key password' };
    const secret = { ...literal('PW', ''), source: { kind: 'value', bound } } as Placement;
    const input = inputFor(one, { ...chosen, placements: [COMMAND, secret], stores: STORES });
    const problems = submissionProblems(input, prepare(input));
    expect(problems.map(({ code, message }) => `${code} ${message}`).join('\n')).toContain(
      'BH_ERR_TARGET sagemaker-training, secret db, key password: comes from a store of kind aws-secrets-manager',
    );
  });

  test('many nodes that fetch at once are told to spread, and a limit of the start goes along', async () => {
    const one = await target('sagemaker-training');
    const given = { CreateTrainingJob: { ResourceConfig: { InstanceCount: 40 } } };
    const input = inputFor(one, { placements: [COMMAND, ...many(3000)], given, spill: BUCKET });
    const plan = { ...input.plan, policy: { ...input.plan.policy, startMsMax: 9000 } };
    const own = variablesIn(one, prepare({ ...input, plan }));
    expect([own.get('BELLHOP_JITTER_MS'), own.get('BELLHOP_START_MS_MAX')]).toEqual([
      '200',
      '9000',
    ]);
  });
});
