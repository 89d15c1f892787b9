// Listens inside of a container's network and hands every connection to a socket of the file
// system, on whose other side a simulator answers: socket files are reached from any network.
// Arguments: ADDRESS PORT SOCKET, as often as wanted. Prints one byte once all of them listen.
import net from 'node:net';

const words = process.argv.slice(2);
const listeners = [];
for (let at = 0; at + 2 < words.length; at += 3) {
  const [host, port, socket] = words.slice(at, at + 3);
  const server = net.createServer({ allowHalfOpen: true }, (inner) => {
    const outer = net.connect({ path: socket, allowHalfOpen: true });
    inner.pipe(outer);
    outer.pipe(inner);
    inner.on('error', () => outer.destroy());
    outer.on('error', () => inner.destroy());
  });
  const { promise, resolve, reject } = Promise.withResolvers();
  server.once('error', reject);
  server.listen({ host, port: Number(port) }, resolve);
  listeners.push(promise);
}
await Promise.all(listeners);
process.stdout.write('.');
