// `npm run bench stores`: the time of a start that fetches N values, over the floor: a minimal
// client on the same compiled runtime that makes the fewest requests. A server adds 20 ms.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildIfNeeded, compileRuntime } from '../../scripts/build.ts';
import type { Contender, Row } from './measure.ts';
import { keepResults, machine, measure } from './measure.ts';

const ROUNDS = 15;
const COLD_ROUNDS = 5;
const COUNTS = [1, 10, 20, 50, 200];
const COLD_COUNT = 10;
const ROOT = path.join(import.meta.dir, '../..');
const MS_ADDED = 20;

/** One way of asking: the store's settings, and where value `n` of them is. */
interface Way {
  readonly store: string;
  readonly settings: string;
  readonly reference: (n: number) => string;
  /** The fewest requests that the API has for so many values. */
  readonly requests: (count: number) => number;
}

const WAYS: readonly Way[] = [
  {
    store: 'aws-secrets-manager',
    settings: 'kind: aws-secrets-manager, region: us-east-1',
    reference: (n) => `bench/${n}`,
    requests: (count) => Math.ceil(count / 20),
  },
  {
    store: 'vault, one path',
    settings: 'kind: vault, mounts: { secret: kv2 }',
    reference: (n) => `secret/bench/all#k${n}`,
    requests: () => 1,
  },
  {
    store: 'vault',
    settings: 'kind: vault, mounts: { secret: kv2 }',
    reference: (n) => `secret/bench/${n}#k0`,
    requests: (count) => count,
  },
  {
    store: 'aws-ssm',
    settings: 'kind: aws-ssm, region: us-east-1',
    reference: (n) => `bench/${n}`,
    requests: (count) => Math.ceil(count / 10),
  },
  {
    store: 's3',
    settings: 'kind: s3, region: us-east-1, pathStyle: true',
    reference: (n) => `bucket/bench/${n}`,
    requests: (count) => count,
  },
];

interface Tools {
  readonly folder: string;
  readonly bellhop: string;
  readonly floor: string;
  readonly go: string | undefined;
  readonly url: string;
  readonly ca: string;
}

/** `npm run bench stores [STORE]`: all of them, or one, whose figures are not kept. */
export async function bench(only?: string): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-bench-'));
  const { ca, server, url } = await startServer(folder);
  try {
    const tools = buildTools(folder, { ca, url });
    console.log(`${machine()}; ${ROUNDS} interleaved rounds, ${MS_ADDED} ms a request\n`);
    console.log(heading());
    const results: object[] = [];
    for (const way of WAYS.filter(({ store }) => only === undefined || store === only)) {
      for (const count of COUNTS) results.push(await compare(tools, way, count));
    }
    if (only !== undefined) return;
    const cold = isRoot() ? WAYS.map((way) => coldRow(tools, way)) : [];
    keepResults('stores', { rounds: ROUNDS, results, cold });
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function startServer(folder: string) {
  const at = (name: string): string => path.join(folder, name);
  const openssl = (...args: string[]): void => {
    const done = Bun.spawnSync(['openssl', ...args], { cwd: folder, stderr: 'pipe' });
    if (done.exitCode !== 0) throw new Error(`openssl: ${done.stderr.toString()}`);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  writeFileSync(at('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=bench CA');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
  openssl('x509', '-req', '-in', 'server.csr', ...signing, '-out', 'server.pem');
  const script = path.join(import.meta.dir, 'store-server.mjs');
  const command = ['node', script, at('server.key'), at('server.pem')];
  const server = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' });
  const reader = server.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value).trim());
  return { server, ca: at('ca.pem'), url: `https://localhost:${port}` };
}

function buildTools(folder: string, at: { ca: string; url: string }): Tools {
  const { launcher } = buildIfNeeded();
  const bellhop = path.join(ROOT, 'dist', launcher ? 'bellhop' : 'bellhop-runtime');
  const floor = path.join(folder, 'floor');
  compileRuntime(path.join(import.meta.dir, 'floor.ts'), floor);
  return { folder, bellhop, floor, go: buildGo(folder), ...at };
}

function buildGo(folder: string): string | undefined {
  if (Bun.which('go') === null) return undefined;
  const out = path.join(folder, 'floor-go');
  const source = path.join(import.meta.dir, 'floor.go');
  const env = { ...process.env, CGO_ENABLED: '0' };
  const done = Bun.spawnSync(['go', 'build', '-o', out, source], { env, stderr: 'inherit' });
  return done.exitCode === 0 ? out : undefined;
}

/** Where the program looks for its stores: variables, as a container has them. */
function variablesOf({ url, ca }: Tools): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'AKIABENCH',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_CA_BUNDLE: ca,
    VAULT_ADDR: url,
    VAULT_TOKEN: 'bench',
    VAULT_CACERT: ca,
  };
}

function planFile(tools: Tools, way: Way, count: number): string {
  const settings = path.join(tools.folder, 'bellhop.yaml');
  const env = Array.from({ length: count }, (_, n) => `  V${n}: "x:${way.reference(n)}"`);
  const head = `apiVersion: bellhop/v1\nstores: { x: { ${way.settings} } }\nenv:\n`;
  writeFileSync(settings, `${head}${env.join('\n')}\n`);
  const made = Bun.spawnSync([tools.bellhop, 'plan', '-c', settings], { stderr: 'inherit' });
  const file = path.join(tools.folder, 'plan.json');
  writeFileSync(file, made.stdout);
  return file;
}

function contendersOf(tools: Tools, way: Way, count: number): Contender[] {
  const args = [way.store, String(count), tools.url, tools.ca];
  const plan = planFile(tools, way, count);
  const go = tools.go === undefined ? [] : [{ name: 'Go', command: [tools.go, ...args] }];
  return [
    {
      name: 'bellhop',
      command: [tools.bellhop, 'run', '--plan', plan, '--', '/bin/true'],
      env: variablesOf(tools),
    },
    { name: 'floor', command: [tools.floor, ...args] },
    ...go,
  ];
}

function heading(): string {
  const columns = [
    'N',
    'bellhop ms',
    'floor ms',
    'ratio',
    'Go ms',
    'computed',
    'requests',
    'least',
  ];
  return `${'store'.padEnd(22)}${columns.map((one) => one.padStart(11)).join('')}`;
}

async function compare(tools: Tools, way: Way, count: number): Promise<object> {
  const contenders = contendersOf(tools, way, count);
  const rows = measure(contenders, ROUNDS);
  const requests = await requestsOfOne(tools, contenders[0]);
  return report(way, count, { rows, requests });
}

/** How many requests one start makes. */
async function requestsOfOne(tools: Tools, contender: Contender | undefined): Promise<number> {
  const tls = { ca: readFileSync(tools.ca, 'utf8') };
  const counted = async (): Promise<number> => {
    return Number(await (await fetch(`${tools.url}/requests`, { tls })).text());
  };
  await counted();
  const env = { PATH: process.env['PATH'] ?? '', ...contender?.env };
  Bun.spawnSync([...(contender?.command ?? [])], { env });
  return counted();
}

function report(
  way: Way,
  count: number,
  { rows, requests }: { rows: readonly Row[]; requests: number },
): object {
  const [own = 0, floor = 0, go] = rows.map((row) => row.wallMs.min);
  const least = way.requests(count);
  const cells = [
    String(count),
    own.toFixed(1),
    floor.toFixed(1),
    (own / floor).toFixed(2),
    go === undefined ? '-' : go.toFixed(1),
    String(MS_ADDED),
    String(requests),
    String(least),
  ];
  console.log(`${way.store.padEnd(22)}${cells.map((one) => one.padStart(11)).join('')}`);
  return { store: way.store, count, requests, least, ratio: own / floor, rows };
}

/** Nothing of the program in the page cache: the first start on a node. */
function coldRow(tools: Tools, way: Way): object {
  const contenders = contendersOf(tools, way, COLD_COUNT);
  const times = contenders.map((): number[] => []);
  for (let round = 0; round < COLD_ROUNDS; round++) {
    contenders.forEach(({ command, env }, index) => {
      Bun.spawnSync(['sync']);
      writeFileSync('/proc/sys/vm/drop_caches', '3');
      const startMs = performance.now();
      Bun.spawnSync([...command], { env: { PATH: process.env['PATH'] ?? '', ...env } });
      times[index]?.push(performance.now() - startMs);
    });
  }
  const least = times.map((list) => Math.min(...list).toFixed(0));
  const names = contenders.map(({ name }, index) => `${name} ${least[index]} ms`);
  console.log(`cold, ${way.store}, N = ${COLD_COUNT}: ${names.join(', ')}`);
  return { store: way.store, count: COLD_COUNT, times };
}
