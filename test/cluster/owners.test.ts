// Why bellhop's registration has no owner, as Flyte's has: Kubernetes does not follow an owner with
// a namespace from an object without one.
import { afterAll, describe, expect, test } from 'bun:test';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, until } from './kit/cluster.ts';

const START_MS_MAX = 2_400_000;
const found = await realCluster('api');
const cluster = found as Cluster;
const can = !('missing' in found) && cluster.env['CONTROLLERS'] === 'yes';
const { kubectl } = cluster;
const NAME = `owned-${crypto.randomUUID().slice(0, 8)}`;

afterAll(async () => {
  if (!can) return;
  await kubectl(['delete', 'mutatingwebhookconfiguration', NAME, '--ignore-not-found']);
  await cluster.clean();
});

describe.skipIf(!can)('a registration whose owner is a ReplicaSet', () => {
  test(
    'is not collected with it, and a Warning says so',
    async () => {
      const namespace = await cluster.namespace();
      const labels = { app: 'hook' };
      const containers = [{ name: 'c', image: 'i' }];
      const kind = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };
      const template = { metadata: { labels }, spec: { containers } };
      const spec = { replicas: 0, selector: { matchLabels: labels }, template };
      await kubectl(['apply', '-f', '-'], { ...kind, metadata: { name: 'hook', namespace }, spec });
      const own = ['-n', namespace, 'replicaset', 'hook'];
      const { out: uid } = await kubectl(['get', ...own, '-o', 'jsonpath={.metadata.uid}']);
      const said = await kubectl(['apply', '-f', '-'], {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        metadata: { name: NAME, ownerReferences: [{ ...kind, name: 'hook', uid }] },
        webhooks: [],
      });
      expect(said.ok).toBe(true);
      await until(async () => {
        const events = ['get', 'events', '-n', 'default', '-o', 'json'];
        const { items } = JSON.parse((await kubectl(events)).out) as {
          items: { reason: string; involvedObject: { name: string } }[];
        };
        return items.some(({ reason, involvedObject }) => {
          return reason === 'OwnerRefInvalidNamespace' && involvedObject.name === NAME;
        });
      });
      expect((await kubectl(['delete', ...own])).ok).toBe(true);
      expect((await kubectl(['get', 'mutatingwebhookconfiguration', NAME])).ok).toBe(true);
    },
    START_MS_MAX,
  );
});
