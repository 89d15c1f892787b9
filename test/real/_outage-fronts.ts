// What is broken between a start and its server.
import type {
  Certificate,
  Fault,
  FaultServer,
  FaultServerSettings,
  HttpAnswer,
} from './_faults.ts';
import { answerOf, certificates, faultProxy, faultServer } from './_faults.ts';
import type { Front, Stand } from './_outage.ts';
import { boundsOf, start } from './_outage.ts';

/** The real server behind a fault server that was told what to do. */
export async function behind(
  stand: Stand,
  tell: (server: FaultServer) => void,
  settings: FaultServerSettings = {},
): Promise<Front> {
  const server = await faultServer({ upstream: stand.upstream, ...settings });
  tell(server);
  return {
    url: server.url,
    requests: () => server.requests.length,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Every request meets the fault, or the first ones. */
export function meeting(fault: Fault, times?: number): (stand: Stand) => Promise<Front> {
  return async (stand) =>
    behind(stand, (server) => {
      if (times === undefined) server.always(fault);
      else server.next(fault, { times });
    });
}

/** Answers instead of the server's, so many; then the server's own. */
export function answering(
  answer: (stand: Stand) => HttpAnswer,
  times?: number,
): (stand: Stand) => Promise<Front> {
  return async (stand) => meeting({ kind: 'answer', answer: answer(stand) }, times)(stand);
}

/** Retry-After in seconds, in the words of the store's API. */
export function waitFor(seconds: string): (stand: Stand) => HttpAnswer {
  return ({ throttled }) => {
    return { ...throttled, headers: { ...throttled.headers, 'retry-after': seconds } };
  };
}

/** An error of a server that is not well, in nobody's words. */
export function failing(status: number): () => HttpAnswer {
  return () => answerOf(status, 'upstream connect error', 'text/plain');
}

/** A server that shows this certificate. */
export function showing(certificate: Certificate): (stand: Stand) => Promise<Front> {
  return async (stand) => {
    const front = await behind(stand, () => undefined, { tls: certificate });
    return { ...front, caFile: certificates().caFile };
  };
}

/** A place where there is nothing. */
export async function nowhere(url: string): Promise<Front> {
  return { url, requests: () => 0, [Symbol.asyncDispose]: async () => {} };
}

/** The port is closed, and opens after a while. */
export async function closedFor(stand: Stand, ms: number): Promise<Front> {
  const proxy = await faultProxy(stand.upstream.url);
  await proxy.set({ refuse: true });
  const timer = setTimeout(() => void proxy.clear(), ms);
  return {
    url: proxy.url,
    requests: async () => (await proxy.counts()).accepted,
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await proxy.close();
    },
  };
}

/** Connections are reset a few bytes before the end of their first answer; all, or the first. */
export async function resetInBody(stand: Stand, connections?: number): Promise<Front> {
  const proxy = await faultProxy(stand.upstream.url);
  await start(boundsOf(stand.references.slice(0, 1)), stand.around(proxy.url));
  const { bytesToClient } = await proxy.counts();
  await proxy.clear();
  const which = connections === undefined ? {} : { connections };
  await proxy.set({ cutAfter: bytesToClient - BYTES_CUT, cutHow: 'reset', ...which });
  return {
    url: proxy.url,
    requests: async () => (await proxy.counts()).accepted,
    [Symbol.asyncDispose]: () => proxy.close(),
  };
}

const BYTES_CUT = 5;

/** A listener with a full queue that nobody empties: the kernel drops what knocks. */
const BLACK_HOLE = `
import socket, sys
hole = socket.socket()
hole.bind(('127.0.0.1', 0))
hole.listen(0)
knocking = []
for _ in range(4):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(hole.getsockname())
    knocking.append(one)
print(hole.getsockname()[1], flush=True)
sys.stdin.read()
`;

/** An address where no packet is ever answered. */
export async function blackHole(): Promise<Front & { readonly port: number }> {
  const holder = Bun.spawn(['python3', '-c', BLACK_HOLE], { stdin: 'pipe', stdout: 'pipe' });
  const reader = holder.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(Buffer.from(value ?? []).toString());
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests: () => 0,
    [Symbol.asyncDispose]: async () => {
      holder.kill();
      await holder.exited;
    },
  };
}
