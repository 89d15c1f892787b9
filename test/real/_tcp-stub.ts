// A TCP server that says what no real one can be brought to say here.
import net from 'node:net';

/** `talk` is given what each packet says, and answers by the socket. */
export async function stubServer(talk: (text: string, socket: net.Socket) => void) {
  const listener = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => talk(String(bytes), socket));
  });
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  const close = async (): Promise<void> => void listener.close();
  return { port: (listener.address() as net.AddressInfo).port, [Symbol.asyncDispose]: close };
}
