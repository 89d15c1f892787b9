// Pods that ask for values of the webhook, and what is decided about them.
import { expect } from 'bun:test';
import { ALL_INJECTORS } from '../../src/injectors/_all.gen.ts';
import type { FoundValue } from '../../src/injectors/_injector.ts';
import type { Decision } from '../../src/webhook/decision.ts';
import type { KubernetesApi, KubeObject } from '../../src/webhook/kubernetes-api.ts';
import { mutateSettings } from '../../src/webhook/managers.ts';
import { openMutate } from '../../src/webhook/mutate.ts';
import type { ReadPulled } from '../../src/webhook/pulled-values.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { ANY, ENV_VAR, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { applyPatch } from '../../src/wire/json-patch.ts';
import type { MemoryCluster } from './_memory-api.ts';
import { memoryCluster } from './_memory-api.ts';
import { KEPT, NO_FETCHING, valueSecretsOn } from './_values.ts';
import type { Json } from './_vectors.ts';

export const CANARY = 'canary-77ad';
export const USER = 'system:serviceaccount:flyte:flytepropeller';
export const OWNER = { apiVersion: 'batch/v1', kind: 'Job', name: 'train', uid: 'u-1' };

/** What a pod asks for, and the world that it asks in. */
export interface Wish {
  readonly secrets: readonly Partial<Parameters<typeof encodeSecret>[0]>[];
  readonly settings?: Json;
  readonly metadata?: Json;
  readonly spec?: Json;
  readonly dryRun?: boolean;
  readonly values?: Readonly<Record<string, FoundValue>>;
  readonly cluster?: MemoryCluster;
  readonly around?: (api: KubernetesApi) => KubernetesApi;
  readonly signal?: AbortSignal;
  /** Values of other stores. */
  readonly readPulled?: ReadPulled;
}

const NONE = { group: '', groupVersion: '', key: '', mountRequirement: ANY, envVar: '' };
export const TOK = { key: 'tok', mountRequirement: ENV_VAR };

export function podOf({ secrets, metadata = {}, spec = {} }: Wish): Json {
  const named = secrets.map((one, n) => {
    return [`flyte.secrets/s${n}`, encodeSecret({ ...NONE, ...one })] as const;
  });
  const labels = { organization: 'o', project: 'p', domain: 'd' };
  return {
    metadata: { name: 'p', labels, annotations: Object.fromEntries(named), ...metadata },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  };
}

/** What becomes of the pod; the key for names is the same in all worlds. */
export async function decide(wish: Wish, pod = podOf(wish)) {
  const { settings: more = {}, dryRun = false, values = {}, around = (api) => api } = wish;
  const { cluster = memoryCluster(), signal = new AbortController().signal } = wish;
  const reading = wish.readPulled === undefined ? {} : { readPulled: wish.readPulled };
  const own = { secretManagerTypes: ['Embedded', 'AWS', 'K8s'], pull: { image: 'b:1' }, ...KEPT };
  const { settings, problems } = readWebhookSettings({ ...own, ...more });
  expect(problems).toEqual([]);
  const hash = (name: 'md5' | 'sha256') => (text: string) => {
    return new Bun.CryptoHasher(name).update(text).digest('hex');
  };
  const mutate = openMutate(
    mutateSettings(settings, ALL_INJECTORS, {
      global: (group) => (group === 'global' ? CANARY : undefined),
      find: async (id) => {
        const [, key = ''] = /__domain__d__project__p__key__(.*)$/s.exec(id) ?? [];
        return key === 'none' || key === '' ? undefined : (values[key] ?? { text: CANARY });
      },
      values: valueSecretsOn(around(cluster.client(() => 0))),
      ...reading,
      fetching: NO_FETCHING,
      digest: { md5: hash('md5'), sha256: hash('sha256') },
    }),
  );
  const user = { name: USER, groups: [] };
  const decision = await mutate({ pod, namespace: 'team', dryRun, user, signal });
  const patch = decision.kind === 'patched' ? decision.patch : [];
  return { decision, cluster, mutate, pod: applyPatch(pod, patch) as Json };
}

export const messageOf = (decision: Decision): string => {
  return decision.kind === 'denied' ? decision.message : expect.unreachable();
};
export const secretsIn = ({ objects }: MemoryCluster): readonly KubeObject[] => {
  return [...objects.values()].filter(({ type }) => type === 'bellhop/values');
};
export const nameIn = (decision: Decision): string => {
  return decision.kind === 'patched' ? (decision.secret?.name ?? '') : expect.unreachable();
};
