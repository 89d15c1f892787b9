// Copies of the Secrets that images are pulled with, beside the pods that need them (Flyte's
// `imagePullSecrets`).
import type { PullSecrets } from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import { recordIn } from '../stores/_rest.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';
import { sameJson } from './pod-state.ts';
import { untilAborted } from './until-aborted.ts';

const WRITES_MAX = 3;

/** Keeps copies as the original is. Nothing is written on a dry run. */
export function openPullSecrets(api: KubernetesApi): PullSecrets {
  return {
    mirror: async (name, { namespace, dryRun, signal }) => {
      const inTime = waitingBy(signal);
      const original = await inTime(async () => api.get(secretPlace(api.namespace, name).path));
      if (original.kind === 'absent') return false;
      if (namespace === api.namespace || dryRun) return true;
      await copy(api, original.object, { name, namespace, inTime });
      return true;
    },
  };
}

type InTime = <T>(work: () => Promise<T>) => Promise<T>;

/** Nothing is begun for a pod that is late. */
function waitingBy(signal: AbortSignal): InTime {
  return async (work) => {
    const done = signal.aborted ? 'late' : await untilAborted(work(), signal);
    if (done !== 'late') return done;
    throw new Refusal(
      'the API server did not see in time to the Secret that images are pulled with',
    );
  };
}

interface To {
  readonly name: string;
  readonly namespace: string;
  readonly inTime: InTime;
}

/** Somebody else may be first, with the same copy. */
async function copy(api: KubernetesApi, original: KubeObject, to: To): Promise<void> {
  const { inTime } = to;
  const place = secretPlace(to.namespace, to.name);
  const wanted = copyOf(original, to);
  for (let write = 0; write < WRITES_MAX; write++) {
    const there = await inTime(async () => api.get(place.path));
    if (there.kind === 'absent') {
      const made = await inTime(async () => api.create(place.collection, wanted));
      if (made.kind === 'written') return;
      continue;
    }
    if (isSame(there.object, wanted)) return;
    const { resourceVersion } = recordIn(there.object, 'metadata');
    const metadata = { ...recordIn(wanted, 'metadata'), resourceVersion };
    const updated = await inTime(async () => api.update(place.path, { ...wanted, metadata }));
    if (updated.kind === 'written') return;
  }
  throw new Refusal(`Secret ${to.name}, which images are pulled with, keeps changing; try again`);
}

function copyOf(
  original: KubeObject,
  { name, namespace }: Pick<To, 'name' | 'namespace'>,
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
