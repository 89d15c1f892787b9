/** Names and UDP packets, for metrics. */
import { NetError } from './net-types.ts';

/** The name's first address by the system's resolver; the signal ends the waiting, not the work. */
export async function resolveHost(host: string, signal: AbortSignal): Promise<string | undefined> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new NetError('aborted', ''));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const looked = Bun.dns.lookup(host, { socketType: 'udp' }).then(
    (found) => found[0]?.address,
    () => undefined,
  );
  try {
    return await Promise.race([looked, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Where the packet cannot be sent, nobody is told. */
export async function sendDatagram(
  { address, port }: { readonly address: string; readonly port: number },
  text: string,
): Promise<void> {
  try {
    const isSix = address.includes(':');
    const socket = await Bun.udpSocket({ hostname: isSix ? '::' : '0.0.0.0' });
    socket.send(text, port, address);
    socket.close();
  } catch {
    // No route, no family, no descriptor: a start does not fail for what it tells of itself.
  }
}
