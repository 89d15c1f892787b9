// A configuration service of the plainest kind: what was PUT at a path is the answer to its GET.

/** The service on a port of this machine. */
export interface Web {
  readonly port: number;
  readonly url: string;
  put(path: string, bytes: Uint8Array | string): void;
  close(): void;
}

const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** Starts one that is empty. */
export function openWeb(): Web {
  const kept = new Map<string, Uint8Array>();
  const at = (url: string): string => new URL(url).pathname.slice(1);
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    maxRequestBodySize: BODY_BYTES_MAX,
    async fetch(request) {
      if (request.method === 'PUT') {
        kept.set(at(request.url), new Uint8Array(await request.arrayBuffer()));
        return new Response('', { status: 201 });
      }
      const bytes = kept.get(at(request.url));
      return bytes === undefined ? new Response('', { status: 404 }) : new Response(bytes);
    },
  });
  return {
    port: server.port ?? 0,
    url: `http://127.0.0.1:${server.port}`,
    put: (path, bytes) => void kept.set(path, new Uint8Array(Buffer.from(bytes))),
    close: () => void server.stop(true),
  };
}
