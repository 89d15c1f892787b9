// The other side of a container's addresses: handlers of this process, and ports of this machine.
import net from 'node:net';
import path from 'node:path';
import process from 'node:process';
import type { Listener } from './_types.ts';

/** Sockets that answer, and the words of the relay that hands connections to them. */
export interface Answering {
  readonly relay: readonly string[];
  close(): void;
}

async function forwarder(socket: string, port: number): Promise<() => void> {
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (inner) => {
    const outer = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(one);
      one.once('close', () => open.delete(one));
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(socket, resolve);
  await promise;
  return () => {
    for (const one of open) one.destroy();
    server.close();
  };
}

async function serve({ service }: Listener, socket: string): Promise<() => void> {
  if (typeof service !== 'function') return forwarder(socket, service.loopbackPort);
  const server = Bun.serve({ unix: socket, fetch: async (request) => service(request) });
  return () => void server.stop(true);
}

/** Begins to answer for these listeners, by sockets below a folder. */
export async function answering(listeners: readonly Listener[], dir: string): Promise<Answering> {
  const closes: (() => void)[] = [];
  const words: string[] = [];
  for (const [index, listener] of listeners.entries()) {
    const socket = path.join(dir, `s${index}`);
    closes.push(await serve(listener, socket));
    words.push(listener.address, String(listener.port), socket);
  }
  const script = path.join(import.meta.dirname, '_relay.mjs');
  return {
    relay: words.length === 0 ? [] : [process.execPath, script, ...words],
    close: () => closes.forEach((close) => close()),
  };
}
