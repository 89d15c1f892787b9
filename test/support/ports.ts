// Ports of this machine. None is of the range that `listen(0)` takes from: the kernel would give it
// to a server of a test beside this one.
import net from 'node:net';

/** No server listens at this port, nor will, unless the test starts one there. */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const server = net.createServer();
    const { promise: isFree, resolve } = Promise.withResolvers<boolean>();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    if (await isFree) return port;
  }
}
