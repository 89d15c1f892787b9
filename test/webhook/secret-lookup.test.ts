// `missing: deny`: what a pod refers to must be there when the pod is created.
import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import { ALL_INJECTORS } from '../../src/injectors/_all.gen.ts';
import type { LookUp, LookedUp } from '../../src/injectors/_injector.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { mutateSettings } from '../../src/webhook/managers.ts';
import { openMutate } from '../../src/webhook/mutate.ts';
import { openSecretLookup } from '../../src/webhook/secret-lookup.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { ANY, ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { NO_FETCHING } from './_values.ts';
import { simulation } from '../support/simulated.ts';
import { memoryCluster } from './_memory-api.ts';

const PLACE = { namespace: 'team', name: 'db', key: 'password' };
const { path } = secretPlace('team', 'db');
const NEVER = new AbortController().signal;
const DB = { data: { password: 'eA==', User: '' } };

async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
}

function clusterWith(objects: Readonly<Record<string, object>>) {
  const cluster = memoryCluster();
  for (const [at, object] of Object.entries(objects)) cluster.put(at, { ...object });
  const plain = cluster.client(() => 0);
  const reads: string[] = [];
  const get: KubernetesApi['get'] = async (at) => {
    reads.push(at);
    return plain.get(at);
  };
  const simulated = simulation(1);
  const pass = async (ms: number): Promise<void> => {
    await simulated.run(new Promise<void>((done) => void simulated.clock.after(ms, done)));
  };
  return { cluster, reads, pass, lookUp: openSecretLookup({ ...plain, get }, simulated.clock) };
}

describe('a key of a Secret', () => {
  test.each<[string, Partial<typeof PLACE>, LookedUp]>([
    ['that is there', {}, 'there'],
    ['that is empty is there', { key: 'User' }, 'there'],
    ['by other letters is not there', { key: 'user' }, 'no key'],
    ['of another namespace is not there', { namespace: 'other' }, 'no Secret'],
    ['of a Secret that is not there', { name: 'none' }, 'no Secret'],
    ['that an object has by itself is not there', { key: 'constructor' }, 'no key'],
  ])('%s', async (_, more, is) => {
    const { lookUp } = clusterWith({ [path]: DB });
    expect(await lookUp({ ...PLACE, ...more }, NEVER)).toBe(is);
  });

  test.each(['', '..', '.', 'a/b', '../pods/x', 'DB', 'a?b', 'a%2fb', '-a', 'a'.repeat(254)])(
    'of the Secret %p, which can be no name, is asked nobody for',
    async (name) => {
      const { lookUp, reads } = clusterWith({ [path]: DB });
      expect(await lookUp({ ...PLACE, name }, NEVER)).toBe('no Secret');
      expect(reads).toEqual([]);
    },
  );

  test('comes by one read with the others of its Secret, for a second', async () => {
    const { lookUp, reads, pass } = clusterWith({ [path]: DB });
    await Promise.all([lookUp(PLACE, NEVER), lookUp({ ...PLACE, key: 'User' }, NEVER)]);
    await lookUp(PLACE, NEVER);
    expect(reads).toEqual([path]);
    await pass(1001);
    await lookUp(PLACE, NEVER);
    expect(reads).toEqual([path, path]);
  });

  test('that was not there and now is, is found at once', async () => {
    const { lookUp, cluster } = clusterWith({});
    expect(await lookUp(PLACE, NEVER)).toBe('no Secret');
    cluster.put(path, { data: { other: 'eA==' } });
    expect(await lookUp(PLACE, NEVER)).toBe('no key');
    cluster.put(path, DB);
    expect(await lookUp(PLACE, NEVER)).toBe('there');
  });

  test('is not said to be missing where the server cannot say, and is asked for again', async () => {
    const api = memoryCluster().client(() => 0);
    const problem = new BellhopError('BH_ERR_STORE', { where: ['API'], what: 'is ill' });
    let isIll = true;
    const get: KubernetesApi['get'] = async () => {
      if (isIll) throw problem;
      return { kind: 'found', object: DB };
    };
    const lookUp = openSecretLookup({ ...api, get }, simulation(1).clock);
    expect(await rejectionOf(lookUp(PLACE, NEVER))).toBe(problem);
    isIll = false;
    expect(await lookUp(PLACE, NEVER)).toBe('there');
  });

  test('that is not said in time is a refusal that says so', async () => {
    const api = memoryCluster().client(() => 0);
    const { promise } = Promise.withResolvers<never>();
    const lookUp = openSecretLookup({ ...api, get: () => promise }, simulation(1).clock);
    const late = new AbortController();
    const asked = lookUp(PLACE, late.signal);
    late.abort();
    expect(String(await rejectionOf(asked))).toContain('did not say in time');
  });
});

describe('a pod under missing: deny', () => {
  const MOUNTS = { ENV_VAR, FILE, ANY };
  const decide = async (lookUp: LookUp, key: string, mount: keyof typeof MOUNTS) => {
    const { settings } = readWebhookSettings({ missing: 'deny', secretManagerTypes: ['K8s'] });
    const digest = { md5: String, sha256: String };
    const find = async (): Promise<undefined> => undefined;
    const outside = { lookUp, find, digest, global: () => undefined };
    const rest = { fetching: NO_FETCHING };
    const mutate = openMutate(mutateSettings(settings, ALL_INJECTORS, { ...outside, ...rest }));
    const mountRequirement = MOUNTS[mount];
    const secret = { group: 'db', groupVersion: '', key, mountRequirement, envVar: '' };
    const annotations = { 'flyte.secrets/s0': encodeSecret(secret) };
    const pod = { metadata: { name: 'p', annotations }, spec: { containers: [{ name: 'c' }] } };
    const user = { name: 'u', groups: [] };
    return mutate({ pod, namespace: 'team', dryRun: false, user, signal: NEVER });
  };

  test.each(['ENV_VAR', 'FILE', 'ANY'] as const)('whose %s is there is let in', async (mount) => {
    const { lookUp } = clusterWith({ [path]: DB });
    const decision = await decide(lookUp, 'password', mount);
    expect(decision.kind).toBe('patched');
    // Where it goes before the pod starts, the pod waits.
    expect(JSON.stringify(decision)).not.toContain('"optional":true');
  });

  test.each(['ENV_VAR', 'FILE', 'ANY'] as const)('whose %s is not is denied', async (mount) => {
    const { lookUp, cluster } = clusterWith({ [path]: DB });
    const noKey = await decide(lookUp, 'none', mount);
    const whyNoKey = 'K8s: Secret db in the namespace team has no key none';
    expect(noKey.kind === 'denied' && noKey.message).toEndWith(whyNoKey);
    cluster.remove(path);
    const noSecret = await decide(lookUp, 'none', mount);
    const whyNoSecret = 'K8s: there is no Secret db in the namespace team';
    expect(noSecret.kind === 'denied' && noSecret.message).toEndWith(whyNoSecret);
  });
});
