// Pods reach the machine by the gateway's address, servers of tests listen on the loopback.
import net from 'node:net';

/** A server that leads to another; it listens for everybody, at a port that is free. */
export async function forwarding(
  url: URL,
): Promise<{ readonly server: net.Server; readonly port: number }> {
  const server = net.createServer((socket) => {
    const there = net.connect(Number(url.port), url.hostname);
    socket.on('error', () => there.destroy());
    there.on('error', () => socket.destroy());
    socket.pipe(there).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return { server, port: (server.address() as net.AddressInfo).port };
}
