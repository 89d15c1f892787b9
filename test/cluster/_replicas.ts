// Replicas as processes behind one address, and a judge who connects to each of them all the time
// with what API servers trust, also with what they trusted a moment ago.
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import type { RegistrationWish } from '../../src/webhook/registration.ts';
import { trustedIn } from '../../src/webhook/registration.ts';
import { registrationPlace } from '../../src/webhook/kubernetes-objects.ts';
import type { ApiServer } from '../real/_kube-apiserver.ts';
import type { ReplicaLine, ReplicaWish } from './_certificate-replica.ts';

export const PROGRAM = path.join(import.meta.dir, '_certificate-replica.ts');
/** API servers were measured to see a changed registration after 1.5 s at the latest. */
const CACHE_MS = 1500;
const CONNECT_MS_MAX = 5000;
/** Endpoints change that long after a pod was told to end. */
const HEARD_MS = 600;

export interface Running {
  readonly name: string;
  readonly lines: string[];
  readonly exited: Promise<unknown>;
  port(): number | undefined;
  isAlive(): boolean;
  kill(): void;
  /** Ends it as the kubelet does; what sends requests there hears of it a little later. */
  terminate(): Promise<void>;
  /** True until those who send requests have heard that it ends. */
  isListed(): boolean;
}

export function startReplica(wish: ReplicaWish): Running {
  const child = Bun.spawn([process.execPath, PROGRAM, JSON.stringify(wish)], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines: string[] = [];
  let port: number | undefined;
  let isListed = true;
  void readLines(child.stdout, (text) => {
    const line = JSON.parse(text) as ReplicaLine;
    if ('port' in line) port = line.port;
    else lines.push(`${wish.name}: ${line.level}: ${line.what}`);
  });
  const end = (): void => child.kill('SIGKILL');
  process.once('exit', end);
  return {
    name: wish.name,
    lines,
    exited: child.exited,
    port: () => (child.exitCode === null && child.signalCode === null ? port : undefined),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: end,
    isListed: () => isListed,
    terminate: async () => {
      child.kill('SIGTERM');
      await Bun.sleep(HEARD_MS);
      isListed = false;
      await child.exited;
    },
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void) {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
}

/** One address for all that live, as a Service is. */
export async function serviceOf(replicas: readonly Running[]) {
  let turn = 0;
  const server = net.createServer((client) => {
    const ports = replicas.flatMap((one) => (one.isListed() ? (one.port() ?? []) : []));
    turn += 1;
    const upstream = net.connect({ host: '127.0.0.1', port: ports[turn % ports.length] ?? 1 });
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const one of [client, upstream]) one.on('error', end).on('close', end);
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  return { port, close: () => server.close() };
}

export interface Judge {
  /** Connections that a client who trusts the registration would have refused. */
  readonly refused: string[];
  readonly leaves: Set<string>;
  readonly issuers: Set<string>;
  connections: number;
  stop(): Promise<void>;
}

export function judge(api: ApiServer, replicas: readonly Running[], wish: RegistrationWish): Judge {
  const seen: { readonly pem: string; readonly atMs: number }[] = [];
  const found: Judge = {
    refused: [],
    leaves: new Set(),
    issuers: new Set(),
    connections: 0,
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      const existing = await api.admin('GET', registrationPlace(wish.name).path).catch(() => ({}));
      const pem = trustedIn(existing, wish)
        .map((one) => one.pem)
        .join('');
      const nowMs = performance.now();
      if (seen.at(-1)?.pem !== pem) seen.push({ pem, atMs: nowMs });
      // What was replaced less than that ago is still in use somewhere.
      while ((seen[1]?.atMs ?? Infinity) < nowMs - CACHE_MS) seen.shift();
      await Promise.all(replicas.map(async (one) => lookAt(one, seen, found)));
      await Bun.sleep(20);
    }
  })();
  return found;
}

async function lookAt(
  replica: Running,
  seen: readonly { readonly pem: string }[],
  found: Judge,
): Promise<void> {
  const port = replica.port();
  if (port === undefined) return;
  for (const { pem } of seen.filter((one) => one.pem !== '')) {
    const outcome = await connect(port, pem);
    if (outcome === 'gone') continue;
    found.connections += 1;
    if ('refused' in outcome) found.refused.push(`${replica.name}: ${outcome.refused}`);
    else {
      found.leaves.add(outcome.leaf);
      found.issuers.add(outcome.issuer);
    }
  }
}

type Connected = 'gone' | { refused: string } | { leaf: string; issuer: string };

async function connect(port: number, ca: string): Promise<Connected> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: 'localhost' });
    socket.setTimeout(CONNECT_MS_MAX, () => {
      socket.destroy();
      resolve({ refused: 'no handshake in time' });
    });
    socket.once('secureConnect', () => {
      const { fingerprint256, issuer } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ leaf: fingerprint256, issuer: String(issuer.CN) });
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      resolve(/ECONN|EPIPE|closed/i.test(code) ? 'gone' : { refused: code });
    });
    socket.once('close', () => resolve('gone'));
  });
}
