// Faults of the network, by a proxy in a process of its own; see _faults.ts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Certificate } from './_certificates.ts';

const PROGRAM = path.join(import.meta.dir, 'servers/faultproxy.mjs');

/** What the proxy does to connections; what is not named stays as it is. */
export interface NetworkFaults {
  /** Added to every round trip, half in each direction. */
  readonly latencyMs?: number;
  /** 0 to this much more, at random, for each chunk. */
  readonly jitterMs?: number;
  /** Pace of the bytes to the client; null: as they come. */
  readonly bytesPerSecond?: number | null;
  /** The connection ends after so many bytes to the client; with TLS the handshake counts. */
  readonly cutAfter?: number | null;
  readonly cutHow?: 'fin' | 'reset';
  /** Connections are accepted, and no byte passes in either direction. */
  readonly hang?: boolean;
  /** Open and new connections are reset. */
  readonly reset?: boolean;
  /** Nothing listens; open connections live on. */
  readonly refuse?: boolean;
  /** `hang`, `reset` and `cutAfter` strike only the next connections, so many; null: all. */
  readonly connections?: number | null;
}

/** What the proxy has counted since it was started or cleared; `open` is now. */
export interface NetworkCounts {
  readonly accepted: number;
  readonly open: number;
  readonly peak: number;
  readonly bytesToServer: number;
  readonly bytesToClient: number;
  readonly cut: number;
  readonly reset: number;
}

/** A running proxy. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Where clients go: http://127.0.0.1:PORT, or https://localhost:PORT with a certificate. */
  readonly url: string;
  /** Changes what is named, at once, for open connections too. */
  set(faults: NetworkFaults): Promise<void>;
  /** Makes everything normal and forgets the counts. */
  clear(): Promise<void>;
  counts(): Promise<NetworkCounts>;
  close(): Promise<void>;
}

async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes('\n')) break;
  }
  return text.split('\n', 1)[0] ?? '';
}

/** A folder as the proxy wants it; it is read before the proxy says that it is ready. */
function tlsFolder({ key, certificate }: Certificate): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-proxy-'));
  writeFileSync(path.join(folder, 'server.key'), key, { mode: 0o600 });
  writeFileSync(path.join(folder, 'server.pem'), certificate);
  return folder;
}

/**
 * Starts a proxy before a server, which is `host:port` or a URL of it. TLS of the server passes
 * through; with a certificate the proxy speaks TLS itself, and plain to the server. It ends with
 * `close`, or with this process.
 */
export async function faultProxy(upstream: string, tls?: Certificate): Promise<FaultProxy> {
  const target = upstream.includes('://') ? new URL(upstream).host : upstream;
  const folder = tls === undefined ? undefined : tlsFolder(tls);
  const words = [PROGRAM, '0', target, '0', ...(folder === undefined ? [] : [folder])];
  const proxy = Bun.spawn(['node', ...words], {
    env: { ...process.env, BELLHOP_OWNED: '1' },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const said = await firstLine(proxy.stdout);
  if (folder !== undefined) rmSync(folder, { recursive: true });
  if (said === '') throw new Error(`the fault proxy before ${target} did not start`);
  const { port, controlPort } = JSON.parse(said) as { port: number; controlPort: number };
  const control = async (method: string, body?: NetworkFaults): Promise<NetworkCounts> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`http://127.0.0.1:${controlPort}/`, { method, ...sent });
    const { error, stats } = (await answer.json()) as { error?: string; stats: NetworkCounts };
    if (error !== undefined) throw new Error(`the fault proxy: ${error}`);
    return stats;
  };
  const close = async (): Promise<void> => {
    proxy.kill();
    await proxy.exited;
  };
  return {
    port,
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    set: async (faults) => void (await control('POST', faults)),
    clear: async () => void (await control('DELETE')),
    counts: () => control('GET'),
    close,
    [Symbol.asyncDispose]: close,
  };
}
