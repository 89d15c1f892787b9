// Ways to a test's API server for programs: kubeconfig files in the server's own folder.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ApiServer } from '../real/_kube-apiserver.ts';

/** Who one is: a token, a file beside it that has one, or else the administrator. */
export type User = { readonly token: string } | { readonly tokenFile: true };

/** Writes one; its path. */
export function kubeconfigOf(
  { url, files }: Pick<ApiServer, 'url' | 'files'>,
  namespace: string,
  ...[user, token]: readonly [User?, string?]
): string {
  const folder = path.dirname(files.ca);
  const own = `${Math.random().toString(36).slice(2)}`;
  const file = path.join(folder, `config-${own}`);
  const tokenFile = path.join(folder, `token-${own}`);
  if (token !== undefined) writeFileSync(tokenFile, token);
  const admin = { 'client-certificate': files.cert, 'client-key': files.key };
  const who = user === undefined ? admin : 'token' in user ? user : { tokenFile };
  const ca = readFileSync(files.ca).toString('base64');
  const content = {
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': ca } }],
    users: [{ name: 'u', user: who }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace } }],
    'current-context': 'x',
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  return file;
}

/** A token of a service account, which is made where it is missing. */
export async function tokenOf(server: ApiServer, namespace: string, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const api = { apiVersion: 'v1', kind: 'ServiceAccount' };
  await server.admin('POST', accounts, { ...api, metadata: { name } }).catch(() => undefined);
  const answer: unknown = await server.admin('POST', `${accounts}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  });
  return (answer as { status?: { token?: string } }).status?.token ?? '';
}
