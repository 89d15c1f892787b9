// A plain socket that tells what it heard, and how it ended.
import net from 'node:net';

/** What came over a connection. */
export interface Heard {
  readonly text: string;
  /** How it ended; `open` where it went on after what was waited for. */
  readonly end: 'open' | 'end' | 'ECONNRESET' | 'ECONNREFUSED';
}

/** What `hear` sends. */
export const REQUEST = 'GET /x HTTP/1.1\r\nhost: test\r\n\r\n';

/** Lets the event loop turn once. */
export function turn(): Promise<void> {
  return new Promise((done) => void setImmediate(done));
}

/** What a plain socket hears until the connection ends, or `enough` says so. */
export function hear(
  port: number,
  enough: (text: string) => boolean = () => false,
): Promise<Heard> {
  return new Promise((done) => {
    let text = '';
    const socket = net.connect({ host: '127.0.0.1', port }, () => void socket.write(REQUEST));
    const ended = (end: Heard['end']): void => {
      done({ text, end });
      socket.destroy();
    };
    socket.on('data', (piece) => {
      text += String(piece);
      if (enough(text)) ended('open');
    });
    socket.on('end', () => ended('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => ended(error.code as Heard['end']));
  });
}

/** The body of an answer as it came. */
export const bodyOf = (text: string): string => text.split('\r\n\r\n')[1] ?? '';
/** The Content-Length of an answer as it came. */
export const lengthOf = (text: string): number => Number(/^content-length: (\d+)/m.exec(text)?.[1]);
