// What is written to our MutatingWebhookConfiguration, and what is left to others.
import { describe, expect, test } from 'bun:test';
import type { JsonRecord } from '../../src/stores/_rest.ts';
import { makeAuthority } from '../../src/webhook/certificates-x509.ts';
import { registrationPlace } from '../../src/webhook/kubernetes-objects.ts';
import { openRegistrar } from '../../src/webhook/registrar.ts';
import type { RegistrationWish } from '../../src/webhook/registration.ts';
import { correct, trustedIn } from '../../src/webhook/registration.ts';
import { openTelling } from '../../src/webhook/telling.ts';
import { memoryCluster } from './_memory-api.ts';
import { WISH } from './_world.ts';

const LEFT: ReadonlySet<string> = new Set();
const [ONE, TWO] = [1, 2].map((first) => {
  const random = new Uint8Array(16).fill(first);
  return makeAuthority(random, { nowMs: Date.UTC(2026, 0), lifeMs: 3_600_000 }).certPem;
}) as [string, string];

interface Entry {
  readonly [field: string]: unknown;
  readonly name: string;
  readonly clientConfig: { readonly caBundle?: string; readonly [field: string]: unknown };
}

function entries(object: JsonRecord | undefined): readonly Entry[] {
  return (object?.['webhooks'] ?? []) as readonly Entry[];
}

function made(wish: RegistrationWish = WISH): JsonRecord {
  const made1 = correct(wish, { existing: undefined, bundle: ONE, left: LEFT });
  if (made1 === undefined) throw new Error('nothing was made');
  return made1.object;
}

function with1(change: (entry: Entry) => object): JsonRecord {
  const object = made();
  return { ...object, webhooks: entries(object).map(change) };
}

function again(existing: JsonRecord, bundle: string | undefined = ONE, wish = WISH) {
  return correct(wish, { existing, bundle, left: LEFT });
}

describe('what is made', () => {
  test('is what Flyte makes, and better where it is wrong', () => {
    const object = made({ ...WISH, ownerReferences: [{ kind: 'ReplicaSet', name: 'x' }] });
    expect(object['metadata']).toEqual({
      name: 'hook',
      labels: { 'app.kubernetes.io/managed-by': 'bellhop' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'x' }],
    });
    const [entry] = entries(object);
    expect(entry).toEqual({
      name: 'hook.flyte.org',
      clientConfig: {
        service: { name: 'hook', namespace: 'flyte', path: '/mutate--v1-pod', port: 443 },
        caBundle: Buffer.from(ONE).toString('base64'),
      },
      rules: [
        {
          operations: ['CREATE'],
          apiGroups: [''],
          apiVersions: ['v1'],
          resources: ['pods'],
          scope: 'Namespaced',
        },
      ],
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      sideEffects: 'NoneOnDryRun',
      reinvocationPolicy: 'IfNeeded',
      admissionReviewVersions: ['v1', 'v1beta1'],
      timeoutSeconds: 10,
      objectSelector: { matchLabels: { 'inject-flyte-secrets': 'true' } },
      namespaceSelector: {
        matchExpressions: [
          {
            key: 'kubernetes.io/metadata.name',
            operator: 'NotIn',
            values: ['kube-system', 'flyte'],
          },
        ],
      },
    });
  });

  test('has the configured selector beside what we must not see', () => {
    const own = { key: 'team', operator: 'Exists' };
    const given = { matchLabels: { a: 'b' }, matchExpressions: [own] };
    const [entry] = entries(made({ ...WISH, namespaceSelector: given }));
    expect(entry?.['namespaceSelector']).toEqual({
      matchLabels: { a: 'b' },
      matchExpressions: [own, expect.objectContaining({ operator: 'NotIn' })],
    });
  });

  test('is nothing where the registration is kept by others', () => {
    for (const keep of ['caBundle', 'none'] as const) {
      const wish = { ...WISH, keep };
      const present = { existing: undefined, bundle: ONE, left: LEFT };
      expect(correct(wish, present)).toBeUndefined();
    }
  });
});

describe('what is right is not written', () => {
  const RIGHT: readonly (readonly [string, JsonRecord])[] = [
    ['as it was made', made()],
    ['with what the server fills in', with1((one) => ({ ...one, later: 1 }))],
    [
      'with requirements that others add (AKS keeps webhooks away from its namespaces)',
      with1((one) => {
        const { matchExpressions } = one['namespaceSelector'] as { matchExpressions: object[] };
        const added = { key: 'control-plane', operator: 'DoesNotExist' };
        return {
          ...one,
          namespaceSelector: {
            matchExpressions: [added, ...matchExpressions],
            matchLabels: { x: 'y' },
          },
        };
      }),
    ],
    ["with others' entries", { ...made(), webhooks: [...entries(made()), { name: 'theirs' }] }],
    ['with labels and annotations', { ...made(), metadata: { name: 'hook', annotations: {} } }],
  ];
  test.each([...RIGHT])('%s', (_, existing) => {
    expect(again(existing)).toBeUndefined();
  });

  test('a caBundle that is not ours to write', () => {
    const injected = with1((one) => ({
      ...one,
      clientConfig: { ...one.clientConfig, caBundle: 'eA==' },
    }));
    expect(correct(WISH, { existing: injected, bundle: undefined, left: LEFT })).toBeUndefined();
  });
});

describe('what is wrong is put right, and nothing else is touched', () => {
  const FIELDS: readonly (readonly [string, unknown])[] = [
    ['rules', []],
    ['failurePolicy', 'Ignore'],
    ['sideEffects', 'None'],
    ['reinvocationPolicy', 'Never'],
    ['admissionReviewVersions', ['v1']],
    ['timeoutSeconds', 30],
    ['objectSelector', {}],
    ['namespaceSelector', { matchLabels: { 'kubernetes.io/metadata.name': 'flyte' } }],
    ['clientConfig', { url: 'https://else.example' }],
    ['matchPolicy', 'Exact'],
  ];
  test.each([...FIELDS])('%s', (field, value) => {
    const existing = with1((one) => ({ ...one, later: 1, [field]: value }));
    const others = [{ name: 'theirs', clientConfig: { caBundle: 'eA==' } }];
    const mixed = { ...existing, webhooks: [...others, ...entries(existing)] };
    const correction = again(mixed);
    expect(correction?.fields).toEqual([field]);
    const right = [...others, ...entries(made()).map((one) => ({ ...one, later: 1 }))];
    expect(entries(correction?.object)).toEqual(right as never);
  });

  test('a new bundle, in every entry that leads to us', () => {
    const second = { ...entries(made())[0], name: 'second', timeoutSeconds: 3 };
    const existing = { ...made(), webhooks: [...entries(made()), second] };
    const correction = again(existing, `${ONE}${TWO}`);
    const bundle = Buffer.from(`${ONE}${TWO}`).toString('base64');
    const written = entries(correction?.object);
    expect(written.map((one) => one.clientConfig.caBundle)).toEqual([bundle, bundle]);
    expect(written[1]).toMatchObject({ name: 'second', timeoutSeconds: 3 });
    expect(trustedIn(correction?.object, WISH)).toHaveLength(2);
    expect(
      trustedIn({ ...existing, webhooks: [...written.slice(1), ...entries(made())] }, WISH),
    ).toHaveLength(1);
  });

  test('an entry that is missing', () => {
    const existing = { ...made(), webhooks: [{ name: 'theirs' }] };
    expect(entries(again(existing)?.object).map(({ name }) => name)).toEqual([
      'theirs',
      'hook.flyte.org',
    ]);
  });

  test('only the caBundle, where that is all that is ours', () => {
    const wish = { ...WISH, keep: 'caBundle' } as const;
    const foreign = with1((one) => ({ ...one, name: 'chart.example', timeoutSeconds: 1 }));
    const correction = again(foreign, `${ONE}${TWO}`, wish);
    expect(entries(correction?.object)[0]).toMatchObject({
      name: 'chart.example',
      timeoutSeconds: 1,
    });
    expect(trustedIn(correction?.object, wish)).toHaveLength(2);
    const elsewhere = with1((one) => ({ ...one, clientConfig: { url: 'https://else.example' } }));
    expect(again(elsewhere, TWO, wish)).toBeUndefined();
  });
});

describe('the registrar', () => {
  function open(drop: readonly string[] = []) {
    const cluster = memoryCluster();
    const told: string[] = [];
    let nowMs = 0;
    const clock = { now: () => nowMs, monotonicMs: () => nowMs, after: () => () => undefined };
    const plain = cluster.client(() => nowMs);
    const { path } = registrationPlace('hook');
    const pruned = (object: JsonRecord): JsonRecord => ({
      ...object,
      webhooks: entries(object).map((one) =>
        Object.fromEntries(Object.entries(one).filter(([field]) => !drop.includes(field))),
      ),
    });
    const api = {
      ...plain,
      create: async (at: string, object: JsonRecord) => plain.create(at, pruned(object)),
      update: async (at: string, object: JsonRecord) => plain.update(at, pruned(object)),
    };
    const telling = openTelling((_level, what) => told.push(what), clock.monotonicMs);
    const matchConditions = [{ name: 'a', expression: 'true' }];
    const registrar = openRegistrar({ api, clock, telling, wish: { ...WISH, matchConditions } });
    const keep = async (mayCreate = true): Promise<void> => {
      nowMs += 5000;
      await registrar.keep(await registrar.read(), { bundle: ONE, mayCreate });
    };
    let writes = 0;
    cluster.onWrite = () => {
      writes += 1;
    };
    const change = (more: object): void => {
      const object = cluster.objects.get(path) ?? {};
      const [first] = entries(object);
      cluster.put(path, { ...object, webhooks: [{ ...first, ...more }] });
    };
    return {
      cluster,
      told,
      keep,
      change,
      path,
      writes: () => writes,
      wait: (ms: number) => (nowMs += ms),
    };
  }

  test('makes nothing before somebody can answer', async () => {
    const { keep, writes } = open();
    await keep(false);
    expect(writes()).toBe(0);
    await keep(true);
    expect(writes()).toBe(1);
  });

  test('does not write for ever what the server does not know', async () => {
    const { keep, writes, told } = open(['matchConditions', 'matchPolicy']);
    for (let i = 0; i < 5; i += 1) await keep();
    expect(writes()).toBe(1);
    expect(told.join()).toContain('does not know matchConditions');
  });

  test('leaves a field for an hour to somebody who wants it otherwise; never the caBundle', async () => {
    const { keep, writes, told, change, cluster, path, wait } = open();
    await keep();
    for (let i = 0; i < 20; i += 1) {
      change({ timeoutSeconds: 7 });
      await keep();
    }
    expect(writes()).toBe(1 + 20 + 3);
    expect(told.filter((one) => one.includes('keeps changing timeoutSeconds'))).toHaveLength(1);
    for (let i = 0; i < 20; i += 1) {
      change({ clientConfig: { service: { name: 'hook', namespace: 'flyte' }, caBundle: '' } });
      await keep();
      const [entry] = entries(cluster.objects.get(path));
      expect(entry?.clientConfig.caBundle).toBe(Buffer.from(ONE).toString('base64'));
    }
    wait(3_600_000);
    await keep();
    expect(entries(cluster.objects.get(path))[0]?.['timeoutSeconds']).toBe(10);
  });
});
