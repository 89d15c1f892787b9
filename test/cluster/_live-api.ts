// The API of a cluster as plain requests, whatever its kubeconfig asks for: `kubectl proxy`.
import type { Cluster } from './kit/cluster.ts';

const START_MS_MAX = 30_000;
const CALL_MS_MAX = 60_000;

/** One answer: the object, or the Status that says why not. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface LiveApi {
  readonly call: (method: string, at: string, body?: object) => Promise<Answer>;
  /** What a GET gives; throws where it is refused. */
  readonly get: (at: string) => Promise<unknown>;
  close(): void;
}

/** Opens a way to the API server that ends with `close`. */
export async function openApi({ env }: Cluster): Promise<LiveApi> {
  const child = Bun.spawn(
    [env['KUBECTL'] ?? 'kubectl', `--kubeconfig=${env['KUBECONFIG']}`, 'proxy', '--port=0'],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
  );
  const port = await portOf(child.stdout);
  if (port === undefined) {
    child.kill();
    throw new Error('kubectl proxy does not say where it listens');
  }
  const call: LiveApi['call'] = async (method, at, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${at}`, {
      method,
      signal: AbortSignal.timeout(CALL_MS_MAX),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    });
    return { status: answer.status, body: await answer.text() };
  };
  return {
    call,
    get: async (at) => {
      const { status, body } = await call('GET', at);
      if (status !== 200) throw new Error(`${at}: ${status} ${body}`);
      return JSON.parse(body);
    },
    close: () => child.kill(),
  };
}

async function portOf(output: ReadableStream<Uint8Array>): Promise<string | undefined> {
  let said = '';
  const late = Bun.sleep(START_MS_MAX).then(() => undefined);
  const read = async (): Promise<string | undefined> => {
    for await (const part of output) {
      said += Buffer.from(part).toString();
      const port = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) return port;
    }
    return undefined;
  };
  return Promise.race([read(), late]);
}

/** Does all of them, at most so many at a time; results come in the order of the work. */
export async function inTurns<T, R>(
  work: readonly T[],
  atOnceMax: number,
  carryOut: (one: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = work.entries();
  const worker = async (): Promise<void> => {
    for (const [index, one] of queue) results[index] = await carryOut(one);
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, work.length) }, worker));
  return results;
}
