// What the simulators of Azure share: the identity endpoints and Key Vault, both on the stub of
// test/real/servers.
import { readFileSync } from 'node:fs';
import { loopback } from './_aws.ts';
import type { Yard } from './_container.ts';
import type { BuiltImage, Listener, Service } from './_types.ts';

/** A subscription on the stub. */
export interface AzureWorld {
  /** Key Vault and Entra, over TLS. */
  readonly vault: string;
  /** PEM file of the authority that signed the vault's certificate. */
  readonly caFile: string;
  /** The endpoint of App Service's kind, as this machine reaches it, and its header. */
  readonly identity: string;
  readonly identityHeader: string;
  readonly reachable: readonly number[];
}

/** Where the simulators of Azure run their containers. */
export interface AzurePlatform {
  readonly yard: Yard;
  readonly azure: AzureWorld;
  readonly images: Readonly<Record<string, BuiltImage>>;
}

/** Where a container finds its identity. */
export const IDENTITY = { address: '127.0.0.1', port: 42_356 } as const;
export const IDENTITY_HEADER = '3b1d9e0c-identity';

/** App Service's kind of 2019-08-01: header X-IDENTITY-HEADER (azure-identity 1.27.0). */
export function appService(world: AzureWorld): Service {
  return (request) => {
    const { search } = new URL(request.url);
    if (request.headers.get('x-identity-header') !== IDENTITY_HEADER) {
      return Response.json({ statusCode: 401, message: 'no valid header' }, { status: 401 });
    }
    const headers = { 'x-identity-header': world.identityHeader };
    return fetch(`${world.identity}${search}`, { headers });
  };
}

/** Azure ML's kind of 2017-09-01: header `secret`, expires_on as text (azure-identity 1.27.0). */
export function azureMlIdentity(world: AzureWorld): Service {
  return async (request) => {
    const { searchParams } = new URL(request.url);
    const isRight = request.headers.get('secret') === IDENTITY_HEADER;
    if (!isRight || searchParams.get('api-version') !== '2017-09-01') {
      return Response.json({ statusCode: 400, message: 'bad request' }, { status: 400 });
    }
    searchParams.set('api-version', '2019-08-01');
    const headers = { 'x-identity-header': world.identityHeader };
    return fetch(`${world.identity}?${searchParams.toString()}`, { headers });
  };
}

/** The identity endpoint, and ports of this machine. */
export function azureNetwork(world: AzureWorld, service: Service): Listener[] {
  return [{ ...IDENTITY, service }, ...loopback(world.reachable)];
}

/** A secret that the platform cannot read: the container does not start. */
export class VaultError extends Error {}

/** The value behind a Key Vault reference, by the platform's own identity. */
export async function vaultSecret(world: AzureWorld, url: string): Promise<string> {
  const query = 'api-version=2019-08-01&resource=https://vault.azure.net';
  const headers = { 'x-identity-header': world.identityHeader };
  const given = await fetch(`${world.identity}?${query}`, { headers });
  const { access_token: token } = (await given.json()) as { access_token: string };
  const at = url.replace(/^https:\/\/[^/]+/, world.vault);
  const answer = await fetch(`${at}?api-version=7.4`, {
    headers: { authorization: `Bearer ${token}` },
    tls: { ca: readFileSync(world.caFile, 'utf8') },
  });
  if (!answer.ok) throw new VaultError(`Failed to fetch secret ${url}: HTTP ${answer.status}`);
  return ((await answer.json()) as { value: string }).value;
}
