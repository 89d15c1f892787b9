// The chart's port where values are forgotten: who reaches it, and who may.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { load } from 'js-yaml';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { realHelm } from '../cluster/kit/cluster.ts';
import type { KubeObject, Values } from './_helm.ts';
import { objects, template } from './_helm.ts';

setDefaultTimeout(60_000);
const found = await realHelm();
const release = { helm: found as string, namespace: 'hooks' };
const FROM = [{ podSelector: { matchLabels: { app: 'flyte' } } }];
const USERS = ['system:serviceaccount:flyte:flyte'];

const KINDS = ['Service', 'NetworkPolicy', 'Deployment', 'ClusterRole', 'ConfigMap'] as const;

/** The objects that it may be seen in, as text. */
async function seenIn(values: Values): Promise<Readonly<Record<(typeof KINDS)[number], string>>> {
  const all = await objects(release, values);
  const text = (kind: string): string => JSON.stringify(all.filter((one) => one.kind === kind));
  return Object.fromEntries(KINDS.map((kind) => [kind, text(kind)])) as Awaited<
    ReturnType<typeof seenIn>
  >;
}

function settingsIn(all: readonly KubeObject[]) {
  const map = all.find((one) => one.kind === 'ConfigMap');
  const data = map?.['data'] as Readonly<Record<string, string>> | undefined;
  const { webhook } = load(data?.['bellhop.yaml'] ?? '') as { readonly webhook: unknown };
  return readWebhookSettings(webhook);
}

describe.skipIf(typeof found !== 'string')('the port where values are forgotten', () => {
  test('is in no object unless somebody may call', async () => {
    const seen = await seenIn({});
    for (const kind of KINDS) expect([kind, seen[kind].includes('cache')]).toEqual([kind, false]);
  });

  test.each([
    [{ authentication: 'none', from: FROM }, { authentication: 'none' }],
    [
      { authentication: 'token', tokenSecret: { name: 's', key: 'k' } },
      { authentication: 'token', tokenFile: '/etc/webhook/cache-token/token' },
    ],
    [
      { authentication: 'kubernetes', users: USERS },
      { authentication: 'kubernetes', users: USERS },
    ],
  ])('%j: its settings are good, and it is reached', async (cacheInvalidation, wanted) => {
    const all = await objects(release, { cacheInvalidation, ports: { cache: 9555 } });
    const { settings, problems, warnings } = settingsIn(all);
    expect([problems, warnings]).toEqual([[], []]);
    expect(settings).toMatchObject({ cacheInvalidation: wanted, cacheInvalidationPort: 9555 });
    const service = all.find((one) => one.metadata.name === 'bellhop-cache');
    expect(service?.['spec']).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    const seen = await seenIn({ cacheInvalidation });
    expect(seen.NetworkPolicy).toContain('"port":"cache"');
    expect(seen.NetworkPolicy.includes('"app":"flyte"')).toBe('from' in cacheInvalidation);
    expect(seen.Deployment.includes('cache-token')).toBe('tokenSecret' in cacheInvalidation);
    expect(seen.ClusterRole.includes('tokenreviews')).toBe('users' in cacheInvalidation);
  });

  test.each([
    ['none', { authentication: 'none' }, /cacheInvalidation\.from/],
    ['token', { authentication: 'token' }, /tokenSecret\.name/],
    ['kubernetes', { authentication: 'kubernetes' }, /cacheInvalidation\.users/],
    ['another', { authentication: 'basic' }, /authentication/],
  ])('%s: who may is to be said', async (_, cacheInvalidation, says) => {
    const said = await template(release, { cacheInvalidation });
    expect([said.ok, said.err]).toEqual([false, expect.stringMatching(says)]);
  });
});
