// A vector of Flyte's run through the mutation, with the stores and the cluster that it describes.
import { ALL_INJECTORS } from '../../src/injectors/_all.gen.ts';
import type { FoundValue } from '../../src/injectors/_injector.ts';
import type { Decision } from '../../src/webhook/decision.ts';
import { globalValues } from '../../src/webhook/global-values.ts';
import { secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import type { ManagersOutside } from '../../src/webhook/managers.ts';
import { mutateSettings } from '../../src/webhook/managers.ts';
import { openMutate } from '../../src/webhook/mutate.ts';
import { openPullSecrets } from '../../src/webhook/pull-secrets.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { openValueCache } from '../../src/webhook/value-cache.ts';
import { applyPatch } from '../../src/wire/json-patch.ts';
import { fakeIo } from '../support/fake-io.ts';
import type { MemoryCluster } from './_memory-api.ts';
import { memoryCluster } from './_memory-api.ts';
import { NO_FETCHING, valueSecretsOn } from './_values.ts';
import type { Json, MutateVector, StoredValue } from './_vectors.ts';

export interface Ran {
  readonly decision: Decision;
  /** The pod afterwards, where it is allowed. */
  readonly pod: Json;
  readonly fetchCalls: readonly string[];
  readonly clusterSecrets: readonly Json[];
}

const hash = (name: 'md5' | 'sha256') => (text: string) => {
  return new Bun.CryptoHasher(name).update(text).digest('hex');
};

function found({ string, base64, error }: StoredValue): FoundValue {
  if (error !== undefined) throw new Error(error);
  return {
    ...(string === undefined ? {} : { text: string }),
    ...(base64 === undefined ? {} : { bytes: Buffer.from(base64, 'base64') }),
  };
}

/** Runs it with settings laid over those of the vector. */
export async function runVector(
  vector: MutateVector,
  more: Json,
  outside: Pick<ManagersOutside, 'startOf'> = {},
): Promise<Ran> {
  const { config, globalEnv = {}, globalFiles = {}, embeddedStore = {} } = vector;
  const { settings, problems } = readWebhookSettings({ ...config, ...more });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const files = Object.entries(globalFiles ?? {}).map(([name, text]) => [
    `/etc/secrets/${name}`,
    text,
  ]);
  const io = fakeIo({ files: Object.fromEntries(files) as Record<string, string> });
  const fetchCalls: string[] = [];
  const cluster = clusterOf(vector.clusterSecrets ?? []);
  const read = async (id: string): Promise<FoundValue | undefined> => {
    fetchCalls.push(id);
    const stored = embeddedStore?.[id];
    return stored === undefined ? undefined : found(stored);
  };
  const cache = openValueCache(read, io.clock);
  const mutate = openMutate(
    mutateSettings(settings, ALL_INJECTORS, {
      global: globalValues({
        fs: io.fs,
        clock: io.clock,
        variable: (name) => (globalEnv ?? {})[name],
      }),
      find: cache.find,
      pullSecrets: openPullSecrets(cluster.client(() => 0)),
      values: valueSecretsOn(cluster.client(() => 0)),
      readPulled: async ({ path, key = '', version = '' }) => {
        return Promise.resolve(Buffer.from(`${path} ${key} ${version}`));
      },
      ...outside,
      fetching: NO_FETCHING,
      digest: { md5: hash('md5'), sha256: hash('sha256') },
    }),
  );
  const { namespace = '' } = (vector.pod['metadata'] ?? {}) as { namespace?: string };
  const decision = await mutate({
    pod: vector.pod,
    namespace: namespace === '' ? 'of-the-request' : namespace,
    dryRun: false,
    user: { name: 'system:serviceaccount:flyte:flytepropeller', groups: [] },
    signal: new AbortController().signal,
  });
  const patch = decision.kind === 'patched' ? decision.patch : [];
  return {
    decision,
    pod: applyPatch(vector.pod, patch) as Json,
    fetchCalls,
    clusterSecrets: secretsIn(cluster),
  };
}

/** Secrets as the cluster of the vector has them, by their paths. */
function clusterOf(secrets: readonly Json[]): MemoryCluster {
  const cluster = memoryCluster();
  for (const secret of secrets) {
    const { name = '', namespace = '' } = secret['metadata'] as Readonly<Record<string, string>>;
    cluster.put(secretPlace(namespace, name).path, secret);
  }
  return cluster;
}

/** The Secrets of a cluster, without what only the API has. */
function secretsIn(cluster: MemoryCluster): readonly Json[] {
  return [...cluster.objects.values()].map((object) => {
    const { apiVersion: _, kind: __, ...secret } = object;
    const { resourceVersion: ___, uid: ____, ...metadata } = secret['metadata'] as Json;
    return { ...secret, metadata };
  });
}
