// Who calls, as a real API server says by a TokenReview.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openSystem } from '../../src/core/io/system.ts';
import type { Caller } from '../../src/webhook/callers.ts';
import { byTokenReview } from '../../src/webhook/callers.ts';
import { openKubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import type { ApiServer } from '../real/_kube-apiserver.ts';
import { startApiServer } from '../real/_kube-apiserver.ts';
import { kubeconfigOf, tokenOf } from './_kubeconfig.ts';

const started = await startApiServer();
const missing = 'missing' in started;
const { io } = openSystem();
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

function server(): ApiServer {
  if ('missing' in started) throw new Error(started.missing);
  return started;
}
afterAll(async () => {
  if (!missing) await started.stop();
});

/** Asks with the rights of this service account. */
async function callerBy(account: string, token: string): Promise<Caller> {
  const own = await tokenOf(server(), 'hooks', account);
  const options = { kubeconfig: kubeconfigOf(server(), 'hooks', { token: own }) };
  const api = await openKubernetesApi({ io, options, variable: () => undefined, callMsMax: 3000 });
  const users = ['system:serviceaccount:flyte:*'];
  return byTokenReview({ api, clock: io.clock, users })(`Bearer ${token}`);
}

describe.skipIf(missing)('a token of the cluster', () => {
  beforeAll(async () => {
    for (const name of ['hooks', 'flyte', 'other']) {
      await server().admin('POST', '/api/v1/namespaces', { metadata: { name } });
    }
    const name = 'token-reviews';
    // As the chart has it.
    const rule = { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'] };
    await server().admin('POST', `${RBAC}/clusterroles`, {
      metadata: { name },
      rules: [{ ...rule, verbs: ['create'] }],
    });
    await server().admin('POST', `${RBAC}/clusterrolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: 'hook', namespace: 'hooks' }],
    });
  });

  test('is of who it was given to, in its namespace', async () => {
    const name = 'system:serviceaccount:flyte:flyte';
    const token = await tokenOf(server(), 'flyte', 'flyte');
    expect(await callerBy('hook', token)).toEqual({ kind: 'allowed', name });
  });

  test('of another namespace may not', async () => {
    const token = await tokenOf(server(), 'other', 'flyte');
    const name = 'system:serviceaccount:other:flyte';
    expect(await callerBy('hook', token)).toEqual({ kind: 'denied', name });
  });

  test('that was changed is of nobody', async () => {
    const token = await tokenOf(server(), 'flyte', 'flyte');
    expect(await callerBy('hook', `${token.slice(0, -4)}AAAA`)).toEqual({ kind: 'unknown' });
  });

  test('without the right to ask, nobody can say', async () => {
    const token = await tokenOf(server(), 'flyte', 'flyte');
    expect(await callerBy('without', token)).toMatchObject({ kind: 'unsure' });
  });
});
