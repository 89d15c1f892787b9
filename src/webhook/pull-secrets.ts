// Copies of the Secrets that images are pulled with, beside the pods that need them (Flyte's
// `imagePullSecrets`).
import type { PullSecrets } from '../injectors/_injector.ts';
import { recordIn } from '../stores/_rest.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';
import { sameJson } from './pod-state.ts';

const WRITES_MAX = 3;

/** Keeps copies as the original is. Nothing is written on a dry run. */
export function openPullSecrets(api: KubernetesApi): PullSecrets {
  return {
    mirror: async (name, { namespace, dryRun }) => {
      const original = await api.get(secretPlace(api.namespace, name).path);
      if (original.kind === 'absent') return false;
      if (namespace === api.namespace || dryRun) return true;
      await copy(api, original.object, { name, namespace });
      return true;
    },
  };
}

/** Somebody else may be first, with the same copy. */
async function copy(
  api: KubernetesApi,
  original: KubeObject,
  to: { readonly name: string; readonly namespace: string },
): Promise<void> {
  const place = secretPlace(to.namespace, to.name);
  const wanted = copyOf(original, to);
  for (let write = 0; write < WRITES_MAX; write++) {
    const there = await api.get(place.path);
    if (there.kind === 'absent') {
      const made = await api.create(place.collection, wanted);
      if (made.kind === 'written') return;
      continue;
    }
    if (isSame(there.object, wanted)) return;
    const { resourceVersion } = recordIn(there.object, 'metadata');
    const metadata = { ...recordIn(wanted, 'metadata'), resourceVersion };
    const updated = await api.update(place.path, { ...wanted, metadata });
    if (updated.kind === 'written') return;
  }
}

function copyOf(
  original: KubeObject,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): KubeObject {
  const { labels, annotations } = recordIn(original, 'metadata');
  const { type, data } = original;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    type,
    data,
  };
}

function isSame(there: KubeObject, wanted: KubeObject): boolean {
  return there['type'] === wanted['type'] && sameJson(there['data'], wanted['data']);
}
