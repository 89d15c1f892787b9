// What the simulators of Google share: the metadata server, Secret Manager (the stub of
// test/real/servers behind both), and where images are.
import { loopback } from './_aws.ts';
import type { Yard } from './_container.ts';
import type { BuiltImage, Listener } from './_types.ts';

/** A project, on the stub of Secret Manager and of the metadata server. */
export interface GoogleWorld {
  readonly project: string;
  readonly region: string;
  readonly endpoint: string;
  readonly token: string;
  readonly reachable: readonly number[];
}

/** Where the simulators of Google run their containers. */
export interface GooglePlatform {
  readonly yard: Yard;
  readonly google: GoogleWorld;
  readonly images: Readonly<Record<string, BuiltImage>>;
}

/** Names of the metadata server, which has this address in every network of Google's. */
export const METADATA_HOSTS: Readonly<Record<string, string>> = {
  'metadata.google.internal': '169.254.169.254',
  metadata: '169.254.169.254',
};

/** The metadata server, and ports of this machine. */
export function googleNetwork({ endpoint, reachable }: GoogleWorld): Listener[] {
  const service = { loopbackPort: Number(new URL(endpoint).port) };
  return [{ address: '169.254.169.254', port: 80, service }, ...loopback(reachable)];
}

/** A secret's version that cannot be read: the container does not start. */
export class AccessError extends Error {}

/** The bytes of a version of `NAME` or `projects/P/secrets/NAME`. */
export async function accessVersion(
  world: GoogleWorld,
  secret: string,
  version: string,
): Promise<Uint8Array> {
  const name = secret.includes('/') ? secret : `projects/${world.project}/secrets/${secret}`;
  const url = `${world.endpoint}/v1/${name}/versions/${version}:access`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${world.token}` } });
  if (!answer.ok) {
    throw new AccessError(`${name}/versions/${version} was not readable: HTTP ${answer.status}`);
  }
  const { payload } = (await answer.json()) as { payload: { data: string } };
  return new Uint8Array(Buffer.from(payload.data, 'base64'));
}
