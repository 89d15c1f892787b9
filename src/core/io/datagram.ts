/** Names and UDP packets, for metrics. */

/** The name's first address by the system's resolver, however long that takes. */
export async function resolveHost(host: string): Promise<string | undefined> {
  const found = await Bun.dns.lookup(host, { socketType: 'udp' }).catch(() => []);
  return found[0]?.address;
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
