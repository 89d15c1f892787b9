// A real kube-apiserver for tests, where its binary is: no package has it, and building it with Go
// takes minutes. KUBE_APISERVER names the binary, or it lies where the Kubernetes test bed puts it.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { closedPort } from '../support/ports.ts';
import { bed } from '../support/testbed.ts';
import { realServer } from './_servers.ts';

const READY_MS_MAX = 90_000;
const POLL_MS = 100;
const START = path.join(import.meta.dir, 'servers/kubernetes/apiserver');

/** A running API server, and an administrator's way to it. */
export interface ApiServer {
  readonly url: string;
  /** Files of PEM text, in a folder that goes with the server. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
  /** A request as administrator; the answer's JSON. Throws for 400 and above. */
  readonly admin: (method: string, at: string, body?: object) => Promise<Record<string, never>>;
  stop(): Promise<void>;
}

/** Starts one, or tells why not. */
export async function startApiServer(): Promise<ApiServer | { readonly missing: string }> {
  const binary = findBinary();
  if (binary === undefined) {
    return skipped('no kube-apiserver: KUBE_APISERVER names none, and the test bed has built none');
  }
  const etcd = await realServer('etcd');
  if (etcd.missing !== undefined) return { missing: etcd.missing };
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-kube-'));
  const port = await closedPort();
  const prefix = `/${path.basename(folder)}`;
  const started = Bun.spawn([START, folder, `${port}`, etcd.get('ETCD_ENDPOINT'), prefix, binary], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: Bun.file(path.join(folder, 'log')),
  });
  const end = (): void => started.kill('SIGKILL');
  process.once('exit', end);
  const server = serverIn(folder, port, async () => {
    process.off('exit', end);
    end();
    await started.exited;
    rmSync(folder, { recursive: true, force: true });
  });
  const deadline = performance.now() + READY_MS_MAX;
  while (!(await isReady(server))) {
    if (started.exitCode !== null || performance.now() > deadline) {
      const log = readFileSync(path.join(folder, 'log'), 'utf8').trim().split('\n').slice(-3);
      await server.stop();
      return skipped(`kube-apiserver did not become ready: ${log.join(' | ')}`);
    }
    await Bun.sleep(POLL_MS);
  }
  return server;
}

function skipped(missing: string): { readonly missing: string } {
  const wanted = process.env['KUBE_APISERVER'] ?? process.env['BELLHOP_REQUIRE_CLUSTER'];
  if (wanted !== undefined && wanted !== '') throw new Error(missing);
  console.log(`skipped: kubernetes: ${missing}`);
  return { missing };
}

function findBinary(): string | undefined {
  const named = process.env['KUBE_APISERVER'];
  if (named !== undefined) return named;
  const kubernetes = path.join(bed, 'kubernetes');
  if (!existsSync(kubernetes)) return undefined;
  return readdirSync(kubernetes)
    .filter((folder) => folder.startsWith('bin-'))
    .map((folder) => path.join(kubernetes, folder, 'kube-apiserver'))
    .find((file) => existsSync(file));
}

function serverIn(folder: string, port: number, stop: () => Promise<void>): ApiServer {
  const files = {
    ca: path.join(folder, 'ca.crt'),
    cert: path.join(folder, 'admin.crt'),
    key: path.join(folder, 'admin.key'),
  };
  const url = `https://127.0.0.1:${port}`;
  return {
    url,
    files,
    stop,
    admin: async (method, at, body) => {
      const [ca, cert, key] = [files.ca, files.cert, files.key].map((f) => readFileSync(f, 'utf8'));
      const answer = await fetch(`${url}${at}`, {
        method,
        headers: { 'content-type': 'application/json' },
        tls: { ca, cert, key },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      } as BunFetchRequestInit);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${text.slice(0, 300)}`);
      return text.startsWith('{') ? (JSON.parse(text) as Record<string, never>) : {};
    },
  };
}

async function isReady(server: ApiServer): Promise<boolean> {
  try {
    await server.admin('GET', '/readyz');
    return true;
  } catch {
    return false;
  }
}
