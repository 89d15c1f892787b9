import { expect, test } from 'bun:test';
import { keysText } from '../../src/core/keys-text.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import type { Placement, Plan, Reference, StoreOptions } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { fakeIo } from '../support/fake-io.ts';
import { declaration } from '../support/manifest.ts';

const { objects } = declaration(
  '{kind: Secret, metadata: {name: s}, stringData: {k: canary-7f3a}}',
);

async function told(
  references: readonly Reference[],
  stores: Readonly<Record<string, StoreOptions>>,
): Promise<string[]> {
  const placements = references.map(
    (reference, n): Placement => ({
      kind: 'variable',
      layer: 'env',
      name: `V${n}`,
      source: { kind: 'value', bound: { reference, called: 'c' } },
      rule: 'r',
    }),
  );
  const plan = {
    placements,
    stores,
    origin: { namespace: 'default' },
    policy: DEFAULT_POLICY,
  } as unknown as Plan;
  const { answers } = await gather(plan, { io: fakeIo({}), objects });
  return [...answers].map(
    ([key, { answer: one }]) =>
      `${key} ${one.kind === 'failed' ? `${one.problem.code} ${one.problem.message}` : one.kind}`,
  );
}

const embedded = { embedded: { kind: 'embedded' } };

test('each path is asked for once, whatever the key; versions apart', async () => {
  const path = 'secret/default/s';
  const references = [
    { store: 'embedded', path },
    { store: 'embedded', path, key: 'k' },
    { store: 'embedded', path, version: '2' },
    { store: 'embedded', path: 'secret/default/x' },
  ];
  expect(await told(references, embedded)).toEqual([
    'embedded:secret/default/s map',
    'embedded@1:2:secret/default/s map',
    'embedded:secret/default/x absent',
  ]);
});

test.each(['nope', 'toString', 'constructor', '__proto__'])(
  'a store %s that the plan does not declare has failed',
  async (store) => {
    expect(await told([{ store, path: 'p' }], embedded)).toEqual([
      `${store}:p BH_ERR_SETTINGS store ${store}: the plan does not declare it`,
    ]);
  },
);

test.each(['nope', 'toString', '__proto__'])(
  'a store of the unknown kind %s has failed, the others have answered',
  async (kind) => {
    const [first, second] = await told(
      [
        { store: 'v', path: 'p' },
        { store: 'embedded', path: 'secret/default/s' },
      ],
      { ...embedded, v: { kind } },
    );
    const said = [first, second].join('\n');
    expect(said).toContain('embedded:secret/default/s map');
    expect(said).toContain(`BH_ERR_SETTINGS store v: there is no kind ${kind}`);
  },
);

test('keys are told sorted, twenty at most', () => {
  expect(keysText([])).toBe('it has no keys');
  expect(keysText(['b', 'a'])).toBe('keys there: a, b');
  expect(keysText(Array.from({ length: 21 }, (_, n) => `k${n + 10}`))).toEndWith('k29 … (21)');
});
