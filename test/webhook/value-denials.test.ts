// Pods whose values do not go into a Secret: who may not, what does not fit, and why.
import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import type { FoundValue } from '../../src/injectors/_injector.ts';
import { deadlineBy } from '../../src/webhook/deadline.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { review } from '../../src/webhook/review.ts';
import { FILE } from '../../src/wire/flyte-secret.ts';
import { outage } from './_faults.ts';
import { writtenBy } from './_judge.ts';
import { callsThrough, memoryCluster } from './_memory-api.ts';
import type { Wish } from './_value-pods.ts';
import { CANARY, TOK, USER, decide, messageOf, podOf, secretsIn } from './_value-pods.ts';
import type { Json } from './_vectors.ts';

const FLYTES = 'none of the secret managers injected secret [';

describe('denied in the words of Flyte', () => {
  const forbidden = new BellhopError('BH_ERR_STORE_DENIED', {
    where: ['Kubernetes API', 'POST /api/v1/namespaces/team/secrets'],
    what: 'Forbidden: no right',
  });
  const failing = (path: string, how: () => Promise<never>) => {
    return (api: KubernetesApi): KubernetesApi => ({
      ...api,
      create: async (at, object) => (at.includes(path) ? how() : api.create(at, object)),
    });
  };

  test('without the right to make the Secret: which one, and why; nobody else is asked', async () => {
    const around = failing('/team/', async () => Promise.reject(forbidden));
    const { decision } = await decide({ secrets: [TOK], around });
    const message = messageOf(decision);
    expect(message).toStartWith(`${FLYTES}key:"tok" mount_requirement:ENV_VAR]: `);
    expect(message).toMatch(/Embedded: Secret bellhop-[0-9a-f]{32} of namespace team cannot hold/);
    expect(message).toContain('POST /api/v1/namespaces/team/secrets: Forbidden');
    expect(message).not.toContain(CANARY);
  });

  test('without the key for names', async () => {
    const around = failing('/flyte/', async () => Promise.reject(forbidden));
    const { decision, cluster } = await decide({ secrets: [TOK], around });
    expect(messageOf(decision)).toStartWith(FLYTES);
    expect(messageOf(decision)).toContain('no Secret for it can be named: ');
    expect(cluster.objects.size).toBe(0);
  });

  test('on a dry run before there is a key for names: none is made for it', async () => {
    const { decision, cluster } = await decide({ secrets: [TOK], dryRun: true });
    expect(messageOf(decision)).toContain('has no key for names of Secrets yet; try again');
    expect(cluster.objects.size).toBe(0);
  });

  test('late: what it waited for is the key for names, and then the Secret', async () => {
    const { mutate } = await decide({ secrets: [] });
    const steps: string[] = [];
    await mutate({
      pod: podOf({ secrets: [TOK] }),
      namespace: 'team',
      dryRun: false,
      user: { name: USER, groups: [] },
      signal: new AbortController().signal,
      onStep: (what) => void steps.push(what),
    });
    expect(steps).toEqual([
      'secret [key:"tok" mount_requirement:ENV_VAR]',
      'the key for names of Secrets',
      expect.stringMatching(/^Secret bellhop-[0-9a-f]{32} of namespace team$/),
    ]);
  });

  test('where somebody else has a Secret of this name', async () => {
    const { cluster } = await decide({ secrets: [TOK] });
    const [path = '', object = {}] = [...cluster.objects].at(-1) ?? [];
    cluster.remove(path);
    cluster.put(path, { ...object, data: {} });
    const { decision } = await decide({ secrets: [TOK], cluster });
    expect(messageOf(decision)).toContain('bellhop has not written it');
  });

  test('where the API server is down, and let in once it is back', async () => {
    const state = { isDown: true };
    const around = (api: KubernetesApi): KubernetesApi => {
      return callsThrough(api, async (call) => (state.isDown ? Promise.reject(outage()) : call()));
    };
    const cluster = memoryCluster();
    const { mutate, decision } = await decide({ secrets: [TOK], around, cluster });
    expect(messageOf(decision)).toStartWith(FLYTES);
    state.isDown = false;
    const { signal } = new AbortController();
    const user = { name: USER, groups: [] };
    const pod = podOf({ secrets: [TOK] });
    const next = await mutate({ pod, namespace: 'team', dryRun: false, user, signal });
    expect(next.kind).toBe('patched');
  });

  test.each<readonly [string, boolean]>([
    ['hangs', false],
    ['hangs, for a pod that is late already,', true],
  ])('an API server that %s is answered for in time', async (_, isLate) => {
    const around = (api: KubernetesApi): KubernetesApi => {
      return callsThrough(api, async () => new Promise(() => undefined));
    };
    const late = new AbortController();
    if (isLate) late.abort();
    const asked = decide({ secrets: [TOK], around, signal: late.signal });
    late.abort();
    const { decision, cluster } = await asked;
    expect(messageOf(decision)).toContain('did not answer in time');
    expect(secretsIn(cluster)).toEqual([]);
  });
});

describe('who may have values of the webhook', () => {
  const rule = { name: 'flyte', managers: ['Embedded', 'Global'], users: ['system:*:flyte:*'] };

  test.each<readonly [string, readonly Json[], boolean]>([
    ['no rule', [], false],
    ['a rule for other managers', [{ name: 'r', managers: ['K8s'] }], false],
    ['a rule for other users', [{ ...rule, users: ['system:serviceaccount:x:*'] }], false],
    ['a rule for other namespaces', [{ ...rule, namespaces: ['other'] }], false],
    ['a rule for them', [rule], true],
    ['a rule for everything', [{ name: 'r' }], true],
  ])('%s: %p', async (_, allow, isAllowed) => {
    for (const secrets of [[TOK], [{ ...TOK, group: 'global' }]]) {
      const settings = { allow, secretManagerTypes: ['Embedded'] };
      const { decision, cluster } = await decide({ secrets, settings });
      expect(decision.kind).toBe(isAllowed ? 'patched' : 'denied');
      expect(secretsIn(cluster)).toHaveLength(isAllowed ? 1 : 0);
    }
  });

  test('without rules the denial says the one that is missing; others need none', async () => {
    const settings = { allow: [], secretManagerTypes: ['Embedded'] };
    const { decision } = await decide({ secrets: [TOK], settings });
    expect(messageOf(decision)).toEndWith(
      'Embedded: webhook.allow has no rule for it: e.g. { name: Embedded, managers: [Embedded], ' +
        `namespaces: [team], users: ["${USER}"] }`,
    );
    const k8s = { ...settings, secretManagerTypes: ['K8s'] };
    const other = await decide({ secrets: [{ ...TOK, group: 'g' }], settings: k8s });
    expect(other.decision.kind).toBe('patched');
  });

  test('nobody, in a namespace where values do not become Secrets; another manager may', async () => {
    const settings = { valueSecrets: { namespaces: ['other'] }, secretManagerTypes: ['Embedded'] };
    const { decision } = await decide({ secrets: [TOK], settings });
    expect(messageOf(decision)).toContain('namespace team is not one of webhook.valueSecrets');
    const both = { ...settings, secretManagerTypes: ['Embedded', 'K8s'] };
    const next = await decide({ secrets: [{ ...TOK, group: 'g' }], settings: both });
    expect(next.decision).toMatchObject({ kind: 'patched', delivered: [{ by: 'K8s' }] });
  });

  test('everybody, under the profile flyte, as Flyte does it: in the pod itself', async () => {
    const settings = { allow: [], profile: 'flyte', valueSecrets: { namespaces: [] } };
    const { decision, cluster } = await decide({ secrets: [TOK], settings });
    expect(JSON.stringify(decision)).toContain(CANARY);
    expect(cluster.objects.size).toBe(0);
  });
});

describe('what does not fit is denied, and told', () => {
  const bytes = (count: number): FoundValue => ({ bytes: new Uint8Array(count).fill(1) });
  const file = (key: string) => ({ key, mountRequirement: FILE });

  test.each<readonly [string, Wish, string]>([
    [
      'a NUL in a variable',
      { secrets: [TOK], values: { tok: { text: 'a\0b' } } },
      'has a NUL, which no variable can hold',
    ],
    [
      'a value that is larger than a Secret',
      { secrets: [file('big')], values: { big: bytes(1_048_577) } },
      'its value has 1048577 bytes, at most 1048576 fit into a Secret',
    ],
    [
      'values that are so together',
      { secrets: [file('a'), file('b')], values: { a: bytes(700_000), b: bytes(700_000) } },
      'the values of this pod have 1400000 bytes together, at most 1048576 fit',
    ],
    [
      'a name of a file that no volume takes',
      { secrets: [file('..x')] },
      "its key as the name of a file must not start with '..'",
    ],
    [
      'two files of one name',
      { secrets: [file('Tok'), file('tok')] },
      '[key:"Tok" mount_requirement:FILE] and [key:"tok" mount_requirement:FILE] are the same file',
    ],
    [
      'a folder of another Secret in its place',
      {
        secrets: [file('db'), { group: 'db', key: 'none', mountRequirement: FILE }],
        settings: { secretManagerTypes: ['Embedded', 'K8s'] },
      },
      'at /etc/flyte/secrets/db',
    ],
    [
      'a volume of the user in its place',
      {
        secrets: [file('a')],
        spec: {
          containers: [
            { name: 'c', volumeMounts: [{ name: 'own', mountPath: '/etc/flyte/secrets' }] },
          ],
        },
      },
      'container c has volume own at /etc/flyte/secrets',
    ],
    [
      'a volume of the user of our name',
      { secrets: [file('a')], spec: { volumes: [{ name: 'bellhop-values', emptyDir: {} }] } },
      'the pod has a volume bellhop-values of its own',
    ],
  ])('%s', async (_, wish, words) => {
    const settings = { secretManagerTypes: ['Embedded'] };
    const { decision, cluster } = await decide({ settings, ...wish });
    expect(messageOf(decision)).toStartWith(FLYTES);
    expect(messageOf(decision)).toContain(words);
    expect(secretsIn(cluster)).toEqual([]);
  });

  test('the largest Secret fits', async () => {
    const secrets = [file('a'), file('b')];
    const values = { a: bytes(524_288), b: bytes(524_288) };
    expect((await decide({ secrets, values })).decision.kind).toBe('patched');
  });
});

test('under the profile flyte files whose names differ in case alone are two files', async () => {
  const settings = { profile: 'flyte', secretManagerTypes: ['Embedded'] };
  const values = { Tok: { text: 'upper' }, tok: { text: 'lower' } };
  for (const keys of [
    ['Tok', 'tok'],
    ['tok', 'Tok'],
  ]) {
    const secrets = keys.map((key) => ({ key, mountRequirement: FILE }));
    const { pod } = await decide({ secrets, settings, values });
    const written = writtenBy(pod, 'init-embedded-secret');
    const texts = [...written].map(([file, bytes]) => `${file} ${bytes.toString()}`);
    const at = '/etc/flyte/secrets';
    expect(texts.toSorted()).toEqual([`${at}/Tok upper`, `${at}/tok lower`]);
  }
});

test('logs, Events and answers have no value, whatever goes wrong', async () => {
  const around = (api: KubernetesApi): KubernetesApi => ({
    ...api,
    create: async (at, object) => {
      if (at.includes('/team/')) throw new Error(JSON.stringify(object));
      return api.create(at, object);
    },
  });
  const { mutate } = await decide({ secrets: [], around });
  const request = { uid: 'u', namespace: 'team', object: podOf({ secrets: [TOK] }) };
  const body = Buffer.from(JSON.stringify({ request }));
  const { signal } = new AbortController();
  const reviewed = await review(
    { body, contentType: undefined, deadline: deadlineBy(signal) },
    mutate,
  );
  expect(reviewed).toMatchObject({ outcome: 'denied' });
  expect(JSON.stringify(reviewed)).not.toContain(CANARY);
  expect(JSON.stringify(reviewed)).not.toContain(Buffer.from(CANARY).toString('base64'));
});
