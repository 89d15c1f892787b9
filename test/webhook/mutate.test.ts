// What holds for every pod, whatever Flyte did with it.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ALL_INJECTORS } from '../../src/injectors/_all.gen.ts';
import type { Decision } from '../../src/webhook/decision.ts';
import { mutateSettings } from '../../src/webhook/managers.ts';
import { openMutate } from '../../src/webhook/mutate.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { applyPatch } from '../../src/wire/json-patch.ts';
import { memoryCluster } from './_memory-api.ts';
import { KEPT, NO_FETCHING, valueSecretsOn } from './_values.ts';
import { runVector } from './_run.ts';
import type { Json } from './_vectors.ts';

const CANARY = 'canary-b11c';
const TYPES = ['K8s', 'AWS', 'GCP', 'Azure', 'Vault', 'Embedded'];
const hash = (name: 'md5' | 'sha256') => (text: string) => {
  return new Bun.CryptoHasher(name).update(text).digest('hex');
};

interface How {
  readonly types: readonly string[];
  readonly profile: 'flyte' | 'native';
  readonly variables: 'launcher' | 'fileKeyRef' | 'secret';
}

async function decide(pod: Json, { types, profile, variables }: How): Promise<Decision> {
  const pull = { image: 'bellhop:1', variables };
  const images = { i: { entrypoint: ['/$(A)'], cmd: ['run'] } };
  const own = { secretManagerTypes: types, profile, pull, images, ...KEPT };
  const { settings } = readWebhookSettings(own);
  const mutate = openMutate(
    mutateSettings(settings, ALL_INJECTORS, {
      global: (group) => (group === 'global' ? CANARY : undefined),
      find: async (id) => (id.includes('__project____key__') ? { text: CANARY } : undefined),
      values: valueSecretsOn(memoryCluster().client(() => 0)),
      readPulled: async ({ path, version = '' }) => Buffer.from(`${CANARY} ${path} ${version}`),
      fetching: NO_FETCHING,
      digest: { md5: hash('md5'), sha256: hash('sha256') },
    }),
  );
  const { signal } = new AbortController();
  return mutate({ pod, namespace: 'ns', dryRun: false, user: { name: '', groups: [] }, signal });
}

const patched = (pod: Json, decision: Decision): Json => {
  return applyPatch(pod, decision.kind === 'patched' ? decision.patch : []) as Json;
};

const name = fc.constantFrom('a', 'b-c', 'D', 'x.y', 'global');
const secret: fc.Arbitrary<FlyteSecret> = fc.record({
  group: fc.oneof(name, fc.constant('')),
  groupVersion: fc.constantFrom('', '1', 'kv1', 'latest'),
  key: name,
  mountRequirement: fc.constantFrom(0, 1, 2),
  envVar: fc.constantFrom('', 'TOKEN', 'A'),
});
/** What a newer Kubernetes may bring: anything, under names that we do not know. */
const unknown = fc.dictionary(
  fc.constantFrom('fieldOfTomorrow', 'other', 'zz'),
  fc.jsonValue({ maxDepth: 2 }),
);
const container = fc
  .record({
    env: fc.option(
      fc.array(fc.record({ name: fc.constantFrom('A', 'TOKEN', 'E'), value: fc.string() }), {
        maxLength: 4,
      }),
      { nil: undefined },
    ),
    command: fc.constantFrom(undefined, ['run', '$(A)'], ['$(_UNION_A_A)', '$$(TOKEN)']),
    args: fc.constantFrom(undefined, ['--x=$(TOKEN)']),
    more: unknown,
  })
  .map(({ more, ...own }) => {
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    return { ...more, image: 'i', ...(Object.fromEntries(given) as object) };
  });
const pods = fc
  .record({
    secrets: fc.array(secret, { maxLength: 6 }),
    containers: fc.array(container, { minLength: 1, maxLength: 3 }),
    initContainers: fc.option(fc.array(container, { maxLength: 2 }), { nil: undefined }),
    more: unknown,
    spec: unknown,
  })
  .map(({ secrets, containers, initContainers, more, spec }): Json => {
    const named = (list: readonly object[], start: string): object[] => {
      return list.map((one, n) => ({ ...one, name: `${start}${n}` }));
    };
    const annotations = secrets.map((one, n) => [`flyte.secrets/s${n}`, encodeSecret(one)]);
    const initial = initContainers && { initContainers: named(initContainers, 'init') };
    return {
      ...more,
      kind: 'Pod',
      metadata: {
        labels: { organization: 'o', project: 'p', domain: 'd' },
        annotations: Object.fromEntries(annotations) as Json,
      },
      spec: { ...spec, containers: named(containers, 'c'), ...initial },
    };
  });
const managers: fc.Arbitrary<How> = fc.record({
  types: fc.shuffledSubarray(TYPES, { minLength: 1 }),
  profile: fc.constantFrom('flyte', 'native'),
  variables: fc.constantFrom('launcher', 'fileKeyRef', 'secret'),
});

/** What a container starts, without the launcher in front of it. */
function wordsOf(before: Json, now: Json): Json {
  const own = { command: before['command'], args: before['args'] };
  const [first] = (now['command'] ?? []) as readonly string[];
  if (first === '/bellhop-start/bellhop') {
    const words = (now['command'] as readonly string[]).slice(4);
    expect(words).toEqual((own.command ?? ['/$$(A)']) as string[]);
    expect(now['args']).toEqual(own.args ?? (own.command === undefined ? ['run'] : undefined));
  } else expect(now).toEqual(own);
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/** The pod without what may have been added. */
function withoutAdded(after: Json, before: Json): unknown {
  const lists = (pod: Json) => pod['spec'] as Readonly<Record<string, readonly Json[] | undefined>>;
  const keepAll = (list: string): unknown => {
    const old = lists(before)[list];
    return old?.map((one) => {
      const now = lists(after)[list]?.find(({ name }) => name === one['name']) ?? {};
      const { env: _, volumeMounts: __, command, args, ...rest } = now;
      const { env, volumeMounts } = one;
      return {
        ...rest,
        ...wordsOf(one, { command, args }),
        ...(env === undefined ? {} : { env }),
        ...(volumeMounts === undefined ? {} : { volumeMounts }),
      };
    });
  };
  const { volumes: _, ...spec } = lists(after);
  const { metadata } = before;
  const [containers, initContainers] = [keepAll('containers'), keepAll('initContainers')];
  const { initContainers: __, ...others } = spec;
  return {
    ...after,
    metadata,
    spec: {
      ...others,
      containers,
      ...(initContainers === undefined ? {} : { initContainers }),
    },
  };
}

describe('any pod', () => {
  test('keeps everything that is not ours, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(pods, managers, async (pod, how) => {
        const before = structuredClone(pod);
        const after = patched(pod, await decide(pod, how));
        expect(pod).toEqual(before);
        expect(withoutAdded(after, before)).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  test('handled twice is as handled once', async () => {
    await fc.assert(
      fc.asyncProperty(pods, managers, async (pod, how) => {
        const once = patched(pod, await decide(pod, how));
        const again = await decide(once, how);
        const first = (await decide(pod, how)).kind;
        expect(again.kind).toBe(first);
        expect(again.kind === 'patched' ? again.patch : []).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('has one answer, whatever the order of its annotations', async () => {
    await fc.assert(
      fc.asyncProperty(pods, managers, async (pod, how) => {
        const { annotations, ...rest } = pod['metadata'] as Readonly<Record<string, Json>>;
        const turned = Object.fromEntries(Object.entries(annotations ?? {}).toReversed());
        const other = { ...pod, metadata: { ...rest, annotations: turned } };
        const [one, two] = await Promise.all([decide(pod, how), decide(other, how)]);
        expect(two).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  test('that is denied is told why, by each manager, and no value', async () => {
    await fc.assert(
      fc.asyncProperty(pods, managers, async (pod, how) => {
        const decision = await decide(pod, how);
        if (decision.kind !== 'denied') return;
        expect(decision.message).not.toContain(CANARY);
        // What was taken by one manager, and then finds no place, is told of that one.
        const ofPod = /: bellhop cannot fetch for this pod: |: there is no place for/.test(
          decision.message,
        );
        for (const type of ofPod ? [] : how.types) {
          expect(decision.message).toContain(`${type}: `);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('what would hurt the user is said to whoever creates the pod, without a value', async () => {
  const annotation = encodeSecret({
    group: '',
    groupVersion: '',
    key: 'k',
    mountRequirement: 1,
    envVar: '',
  });
  const labels = { organization: 'o', project: 'p', domain: 'd' };
  const metadata = { labels, annotations: { 'flyte.secrets/s0': annotation } };
  const pod = { metadata, spec: { containers: [{ name: 'c' }] } };
  const warningsBy = async (type: string): Promise<readonly string[]> => {
    const decision = await decide(pod, { types: [type], profile: 'flyte', variables: 'launcher' });
    return decision.kind === 'patched' ? decision.warnings : [decision.kind];
  };
  const called = 'secret [key:"k" mount_requirement:ENV_VAR]';
  expect(await warningsBy('Embedded')).toEqual([`${called} stands in the pod in clear text`]);
  expect(await warningsBy('K8s')).toEqual([
    `${called} has no group: it is looked for in Secret ${hash('md5')('k')}`,
  ]);
});

test('a store that cannot say is told, where another manager delivers', async () => {
  const asked = { groupVersion: '', key: 'k', mountRequirement: 1, envVar: '' };
  const annotation = encodeSecret({ ...asked, group: 'g' });
  const labels = { organization: 'o', project: 'p', domain: 'd' };
  const metadata = { labels, annotations: { 'flyte.secrets/s0': annotation } };
  const pod = { metadata, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const vector = {
    id: '',
    stand: 'compatible',
    config: {},
    pod,
    expected: { allowed: true },
    embeddedStore: { u__org__o__domain__d__project__p__key__k: { error: CANARY } },
  } as const;
  const more = { secretManagerTypes: ['Embedded', 'K8s'], ...KEPT };
  const { decision } = await runVector(vector, { ...more, profile: 'native' });
  const [said] = decision.kind === 'patched' ? decision.warnings : [decision.kind];
  expect(said).toBe(
    'secret [group:"g" key:"k" mount_requirement:ENV_VAR] comes from K8s, ' +
      'for Embedded could not say: an internal error',
  );
});
