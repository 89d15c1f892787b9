// All secret managers at once, with stores in memory, for fuzzing: nothing of theirs may fail
// whatever a pod asks for.
import { ALL_INJECTORS } from '../../src/injectors/_all.gen.ts';
import type { FoundValue } from '../../src/injectors/_injector.ts';
import type { Mutate } from '../../src/webhook/decision.ts';
import { mutateSettings } from '../../src/webhook/managers.ts';
import { openMutate } from '../../src/webhook/mutate.ts';
import { openPullSecrets } from '../../src/webhook/pull-secrets.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { memoryCluster } from './_memory-api.ts';
import { mutateByK8s } from './_mutate.ts';
import { NO_FETCHING, valueSecretsOn } from './_values.ts';

/** How pods are decided about: by K8s alone, or by all managers of a profile. */
export const WAYS = ['k8s', 'flyte', 'native', 'v1'] as const;
export type Way = (typeof WAYS)[number];

const TYPES = ['Embedded', 'AWS', 'GCP', 'Azure', 'Vault', 'Confidant', 'K8s'];
const VALUES: readonly FoundValue[] = [
  { text: 'value $(HOME) $$' },
  { bytes: Buffer.from([0xff, 0x00, 0x80]) },
  { text: 'a\0b' },
  {},
];

const hash = (name: 'md5' | 'sha256') => (text: string) => {
  return new Bun.CryptoHasher(name).update(text).digest('hex');
};

function byAll(section: object): Mutate {
  const { settings, problems } = readWebhookSettings({
    secretManagerTypes: TYPES,
    pull: { image: 'bellhop:1', imagePullSecrets: ['registry'] },
    // What every image starts is known, so that variables can be given.
    images: { '*': { entrypoint: ['/program'], cmd: ['$(HOME)'] } },
    statusAnnotation: true,
    embeddedSecretManagerConfig: { imagePullSecrets: { enabled: true } },
    ...section,
  });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return openMutate(
    mutateSettings(settings, ALL_INJECTORS, {
      global: (group, key) => (group.length % 3 === 0 && key !== '' ? `$(${key})` : undefined),
      // By what is asked for, so that the same input has the same answer.
      find: async (id) => {
        if (id.length % 5 === 0) throw new Error('the store is down');
        return Promise.resolve(id.length % 2 === 0 ? undefined : VALUES[id.length % VALUES.length]);
      },
      pullSecrets: openPullSecrets(memoryCluster().client(() => 0)),
      values: valueSecretsOn(memoryCluster().client(() => 0)),
      fetching: NO_FETCHING,
      digest: { md5: hash('md5'), sha256: hash('sha256') },
    }),
  );
}

/** One of each. */
export const MUTATES: Readonly<Record<Way, Mutate>> = {
  k8s: mutateByK8s(),
  flyte: byAll({ profile: 'flyte' }),
  native: byAll({
    profile: 'native',
    valueSecrets: { namespaces: ['*'] },
    allow: [{ name: 'everybody everything' }],
  }),
  v1: byAll({ profile: 'flyte', compat: 'v1', secretManagerTypes: ['Vault', 'AWS', 'GCP', 'K8s'] }),
};
