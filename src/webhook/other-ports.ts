// The ports beside the reviews': how the server does, and where values are forgotten.
import type { CertificateSource } from './certificate-source.ts';
import type { Connection, Handle, Wire } from './connection.ts';
import type { Address, Listening } from './listen.ts';
import { HANDSHAKE_MS_MAX, listenPlain, listenTls } from './listen.ts';

/** Where values are forgotten, and what is answered there. */
export interface InvalidationPort {
  readonly address: Address;
  /** True where a token comes that nobody else may see: then by the certificate of the reviews. */
  readonly isTls: boolean;
  readonly handle: Handle;
}

export interface OtherPorts {
  /** Of the status. */
  readonly address: Address;
  readonly invalidation?: InvalidationPort;
  readonly certificates: CertificateSource;
}

type Open = (wire: Wire) => Connection;

export interface Openers {
  readonly status: Open;
  readonly invalidation: (handle: Handle) => Open;
}

export interface OpenPorts {
  /** With the reviews' own. */
  readonly all: readonly Listening[];
  readonly statusPort: number;
  readonly invalidationPort: number | undefined;
}

const CONNECTIONS_MAX = 64;

/** Opens them; where one cannot be had, none stays open, and that is thrown. */
export async function listenOthers(
  { address, invalidation, certificates }: OtherPorts,
  reviews: Listening,
  open: Openers,
): Promise<OpenPorts> {
  const all = [reviews];
  const ports = { connectionsMax: CONNECTIONS_MAX };
  try {
    const status = await listenPlain({ ...ports, address, open: open.status });
    all.push(status);
    const forgetting =
      invalidation === undefined
        ? undefined
        : await listenInvalidation(invalidation, certificates, open.invalidation);
    if (forgetting !== undefined) all.push(forgetting);
    return { all, statusPort: status.port, invalidationPort: forgetting?.port };
  } catch (error) {
    for (const one of all) one.stop();
    throw error;
  }
}

async function listenInvalidation(
  { address, isTls, handle }: InvalidationPort,
  certificates: CertificateSource,
  open: Openers['invalidation'],
): Promise<Listening> {
  const setting = { address, connectionsMax: CONNECTIONS_MAX, open: open(handle) };
  if (!isTls) return listenPlain(setting);
  const handshakeMsMax = HANDSHAKE_MS_MAX;
  // Told by the reviews' port already.
  const onNewCertificate = (): void => undefined;
  return listenTls({ ...setting, certificates, handshakeMsMax, onNewCertificate });
}
