// A server of the webhook with certificates of its own, and what it said.
import type { CertificateSource, ServerCertificate } from '../../src/webhook/certificate-source.ts';
import type { Clock } from '../../src/core/io/types.ts';
import type { Mutate } from '../../src/webhook/decision.ts';
import { openLog } from '../../src/webhook/log.ts';
import { openMetrics } from '../../src/webhook/metrics.ts';
import type { RunningServer, ServerParts, ServerSettings } from '../../src/webhook/server.ts';
import { SERVER_DEFAULTS, startServer } from '../../src/webhook/server.ts';
import type { Pair } from '../core/_certificates.ts';

export const CLOCK: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

const YEAR_2100_MS = 4_102_444_800_000;

/** A source whose certificate changes when it is told to. */
export interface Swappable extends CertificateSource {
  swap(pair: Pair, notAfterMs?: number): void;
}

export function swappable(first: Pair, notAfterMs = YEAR_2100_MS): Swappable {
  const listeners = new Set<() => void>();
  const made = ({ cert, key }: Pair, ms: number): ServerCertificate => ({
    certPem: cert,
    keyPem: key,
    notAfterMs: ms,
  });
  let current = made(first, notAfterMs);
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    swap(pair, ms = YEAR_2100_MS) {
      current = made(pair, ms);
      for (const listener of listeners) listener();
    },
  };
}

export interface TestServer extends RunningServer {
  /** All lines of the log so far. */
  readonly said: () => string;
  readonly figures: RunningServer['figures'];
}

export interface TestSetting {
  readonly certificates: CertificateSource;
  readonly mutate: Mutate;
  readonly settings?: Partial<ServerSettings>;
  readonly more?: Partial<ServerParts>;
}

const running = new Set<RunningServer>();

/** Ends the servers of a test. */
export async function endAll(): Promise<void> {
  for (const one of running) {
    one.end();
    one.end();
    await one.ended;
  }
  running.clear();
}

export async function serve({
  certificates,
  mutate,
  settings,
  more,
}: TestSetting): Promise<TestServer> {
  const lines: string[] = [];
  const free = { host: '127.0.0.1', port: 0 };
  const log = openLog({
    level: 'debug',
    clock: CLOCK,
    write: (text) => {
      lines.push(text);
    },
  });
  const server = await startServer({
    settings: { ...SERVER_DEFAULTS, reviews: free, status: free, drainMs: 0, ...settings },
    mutate,
    certificates,
    clock: CLOCK,
    log,
    metrics: openMetrics(),
    ...more,
  });
  running.add(server);
  const said = (): string => {
    log.flush();
    return lines.join('');
  };
  return { ...server, said };
}
