import { BellhopError } from '../core/errors.ts';
import { textIn } from '../stores/_rest.ts';
import type { KubernetesApi } from './kubernetes-api.ts';

/** The minor version of Kubernetes 1 that has `fileKeyRef` without a feature gate (EnvFiles). */
const MINOR_MIN = 35;

/**
 * What is wrong with `fileKeyRef` on this cluster, or undefined. An older API server would drop the
 * field and refuse every pod; an older kubelet would start programs with empty variables, which
 * nobody but the operator can know of.
 */
export async function fileKeyRefProblem(
  api: Pick<KubernetesApi, 'get'>,
): Promise<BellhopError | undefined> {
  const found = await api.get('/version');
  const version = found.kind === 'found' ? textIn(found.object, 'gitVersion') : undefined;
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version ?? '') ?? [];
  if (Number(major) > 1 || Number(minor) >= MINOR_MIN) return undefined;
  const known = version === undefined ? 'does not say its version' : `is ${version}`;
  const what = `needs Kubernetes 1.${MINOR_MIN} on every node, and the API server ${known}`;
  const help = 'leave it at `launcher`, which needs nothing of the cluster';
  return new BellhopError('BH_ERR_SETTINGS', {
    where: ['webhook.pull.variables: fileKeyRef'],
    what,
    help,
  });
}
