// Servers, load and figures of `npm run bench -- webhook`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildIfNeeded, compileRuntime } from '../../scripts/build.ts';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { closedPort } from '../support/ports.ts';
import { bodyWith } from '../webhook/_reviews.ts';

/** What the load has seen. */
export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Not answered, answered with an error, or without what was expected. */
  readonly failed: number;
  /** Processor time of the load itself. */
  readonly clientMs: number;
}

export interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  /** What each answer must hold. */
  readonly expect: string;
  readonly idleMiB: number;
  readonly kill: () => void;
}

/** A folder with certificates and programs. */
export interface Tools {
  readonly at: (name: string) => string;
  readonly remove: () => void;
}

const TICKS_A_SECOND = 100;
const ROOT = path.join(import.meta.dir, '../..');
const RUNTIME = path.join(ROOT, 'dist/bellhop-runtime');

export function openTools(): Tools {
  if (Bun.which('go') === null) throw new Error('the load is made by a program in Go: install go');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-bench-'));
  const at = (name: string): string => path.join(folder, name);
  const { good, authority } = makeCertificates();
  writeFileSync(at('tls.crt'), good.cert);
  writeFileSync(at('tls.key'), good.key);
  writeFileSync(at('ca.crt'), authority.cert);
  buildIfNeeded();
  compileRuntime(path.join(import.meta.dir, 'webhook-server.ts'), at('server'));
  const source = path.join(import.meta.dir, 'webhook-load.go');
  const done = Bun.spawnSync(['go', 'build', '-o', at('load'), source], {
    env: { ...process.env, CGO_ENABLED: '0' },
    stderr: 'inherit',
  });
  if (done.exitCode !== 0) throw new Error('go build failed');
  return { at, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The recorded review, its pod asking for secrets of these groups as files. */
export function reviewOf(groups: readonly string[]): string {
  return bodyWith((review) => {
    const { object } = review['request'] as { object: { metadata: Record<string, unknown> } };
    const annotations = groups.map((group, index) => {
      const secret = { group, groupVersion: '', key: 'token', mountRequirement: 2, envVar: '' };
      return [`flyte.secrets/s${index}`, encodeSecret(secret)] as const;
    });
    object.metadata['annotations'] = Object.fromEntries(annotations);
  });
}

/** One of webhook-server.ts. */
export async function startBeside(
  name: 'noop' | 'sized' | 'plain',
  { at }: Tools,
): Promise<Contender> {
  const child = Bun.spawn([at('server'), name, at('tls.crt'), at('tls.key')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { value } = await child.stdout.getReader().read();
  const port = Number(Buffer.from(value ?? []).toString());
  const expect = name === 'noop' ? '"allowed":true' : '"patchType":"JSONPatch"';
  return contender(child, { name, port, expect });
}

export interface WebhookWish {
  /** Members of `webhook:` in bellhop.yaml, as YAML between braces. */
  readonly settings: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** `bellhop webhook` itself, outside of any cluster, its log going nowhere. */
export async function startWebhook(
  { at }: Tools,
  { settings, variables = {} }: WebhookWish,
): Promise<Contender> {
  const [port, statusPort] = [await closedPort(), await closedPort()];
  const own = `certificates: files, certDir: ${at('.')}, drainMs: 1`;
  const ports = `listenPort: ${port}, statusPort: ${statusPort}`;
  const file = at(`bellhop-${port}.yaml`);
  writeFileSync(file, `apiVersion: bellhop/v1\nwebhook: { ${settings}, ${own}, ${ports} }\n`);
  const child = Bun.spawn([RUNTIME, 'webhook', '-c', file, '--no-cluster'], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { PATH: process.env['PATH'] ?? '', ...variables },
  });
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${statusPort}/readyz`).catch(() => undefined);
    if (answer?.status === 200) break;
    if (child.exitCode !== null) throw new Error('bellhop webhook has ended at its start');
    await Bun.sleep(20);
  }
  return contender(child, { name: 'webhook', port, expect: '"patchType":"JSONPatch"' });
}

function contender(
  { pid }: Bun.Subprocess,
  { name, port, expect }: { readonly name: string; readonly port: number; readonly expect: string },
): Contender {
  const url = `https://localhost:${port}/mutate--v1-pod?timeout=10s`;
  const idleMiB = memoryOf(pid, 'VmRSS');
  return { name, pid, url, expect, idleMiB, kill: () => process.kill(pid, 'SIGKILL') };
}

/** Sends this body so (webhook-load.go). */
export function load(
  { at }: Tools,
  { url, expect }: Contender,
  [kind, body, ...how]: readonly ['closed' | 'open', string, ...(readonly number[])],
): Load {
  const command = [at('load'), kind, url, at('ca.crt'), at(body), expect, ...how.map(String)];
  const done = Bun.spawnSync(command, { stderr: 'inherit' });
  if (done.exitCode !== 0) throw new Error('the load has failed');
  return JSON.parse(done.stdout.toString()) as Load;
}

/** Processor time of a process so far. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (1000 * (Number(fields[11]) + Number(fields[12]))) / TICKS_A_SECOND;
}

export function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1];
  return Math.round(Number(kilobytes) / 102.4) / 10;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
