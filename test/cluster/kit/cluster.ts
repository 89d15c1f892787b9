// A real Kubernetes for tests, see README.md beside this file:
//
//   const cluster = await realCluster('api');
//   describe.skipIf('missing' in cluster)('…', …)
//
// The kit's own cluster is installed on first use (minutes, once), started if it does not run, and
// ended with the run of tests. KUBECONFIG names another one instead: one on this machine (kind), or
// any with USE_EXISTING_CLUSTER=true. KUBEBUILDER_ASSETS names envtest's binaries. Where no cluster
// can be had, the reason is printed; with BELLHOP_REQUIRE_CLUSTER=1 that is an error.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';

const KIT = import.meta.dir;
const INSTALL_MS_MAX = 1_800_000;
const UP_MS_MAX = 300_000;
const CALL_MS_MAX = 60_000;
const POLL_MS = 200;
const ON_THIS_MACHINE = /^https:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/;

/** What one command printed, and how it ended. */
export interface Said {
  readonly ok: boolean;
  readonly out: string;
  readonly err: string;
}

export interface Cluster {
  /** Variables that `up` printed; of a foreign cluster only KUBECONFIG and KUBECTL. */
  readonly env: Readonly<Record<string, string>>;
  /** Objects are given as JSON on standard input: `-f -`. */
  readonly kubectl: (args: readonly string[], input?: unknown) => Promise<Said>;
  /** A namespace of its own with these labels, with a ServiceAccount `default`; its name. */
  readonly namespace: (labels?: Readonly<Record<string, string>>) => Promise<string>;
  /** Ends what `namespace` made. */
  readonly clean: () => Promise<void>;
}

export interface Missing {
  readonly missing: string;
}

/** `api` admits objects; on `node` pods with `nodeName: env.NODE_NAME` run too. */
export async function realCluster(want: 'api' | 'node'): Promise<Cluster | Missing> {
  const found = await tryCluster(want);
  if (!('missing' in found)) return found;
  if (isSet('BELLHOP_REQUIRE_CLUSTER'))
    throw new Error(`a cluster is required here: ${found.missing}`);
  console.log(`skipped: cluster: ${found.missing}`);
  return found;
}

/** The path of helm, built on first use; or why there is none. */
export async function realHelm(): Promise<string | Missing> {
  return installed('helm', 'HELM');
}

/** A folder with the kinds of cert-manager and of the Prometheus operator; or why there is none. */
export async function realKinds(): Promise<string | Missing> {
  return installed('crds', 'CRDS');
}

async function installed(what: string, variable: string): Promise<string | Missing> {
  if (isSet('BELLHOP_NO_CLUSTER')) return { missing: 'BELLHOP_NO_CLUSTER is set' };
  const said = await run([path.join(KIT, 'install'), `--${what}`], INSTALL_MS_MAX);
  if (said.ok) return readEnv(said.out)[variable] ?? '';
  const missing = lastLine(said.err);
  if (isSet('BELLHOP_REQUIRE_CLUSTER')) throw new Error(`${what} is required here: ${missing}`);
  console.log(`skipped: ${what}: ${missing}`);
  return { missing };
}

async function tryCluster(want: 'api' | 'node'): Promise<Cluster | Missing> {
  if (isSet('BELLHOP_NO_CLUSTER')) return { missing: 'BELLHOP_NO_CLUSTER is set' };
  const kubeconfig = process.env['KUBECONFIG'] ?? '';
  if (kubeconfig !== '') return foreign(want, kubeconfig);
  if (want === 'node' && process.getuid?.() !== 0) return { missing: 'a node needs root' };
  const ready = await run([path.join(KIT, 'install'), `--${want}`], INSTALL_MS_MAX);
  if (!ready.ok) return { missing: lastLine(ready.err) };
  // A node without scheduler runs only pods that name it; a Deployment's do not.
  const parts = want === 'node' ? ['--node', '--scheduler'] : ['--api'];
  const up = await run([path.join(KIT, 'up'), ...parts], UP_MS_MAX);
  if (!up.ok) return { missing: lastLine(up.err) };
  return clusterOf(readEnv(up.out));
}

/** Never a cluster that only happens to be the shell's current one. */
async function foreign(want: 'api' | 'node', kubeconfig: string): Promise<Cluster | Missing> {
  if (want === 'node') {
    return { missing: 'images go into the node of the kit: run it without KUBECONFIG' };
  }
  const assets = path.join(process.env['KUBEBUILDER_ASSETS'] ?? '', 'kubectl');
  const kubectl = existsSync(assets) ? assets : Bun.which('kubectl');
  if (kubectl === null) return { missing: 'KUBECONFIG is set, and there is no kubectl' };
  const server = '-o=jsonpath={.clusters[0].cluster.server}';
  const env = { KUBECONFIG: kubeconfig, KUBECTL: kubectl, CONTROLLERS: 'yes' };
  const cluster = clusterOf(env);
  const { ok, out, err } = await cluster.kubectl(['config', 'view', '--minify', server]);
  if (!ok) return { missing: `KUBECONFIG: ${lastLine(err)}` };
  if (!ON_THIS_MACHINE.test(out) && process.env['USE_EXISTING_CLUSTER'] !== 'true') {
    return { missing: `KUBECONFIG is for ${out}: USE_EXISTING_CLUSTER=true allows its use` };
  }
  const version = await cluster.kubectl(['version']);
  return version.ok ? cluster : { missing: `KUBECONFIG: ${lastLine(version.err)}` };
}

function clusterOf(env: Readonly<Record<string, string>>): Cluster {
  const made: string[] = [];
  const kubectl = async (args: readonly string[], input?: unknown): Promise<Said> => {
    const command = [env['KUBECTL'] ?? 'kubectl', `--kubeconfig=${env['KUBECONFIG']}`, ...args];
    return run(command, CALL_MS_MAX, input === undefined ? undefined : JSON.stringify(input));
  };
  const must = async (args: readonly string[], input?: unknown): Promise<void> => {
    const said = await kubectl(args, input);
    if (!said.ok) throw new Error(`kubectl ${args.join(' ')}: ${said.err}`);
  };
  return {
    env,
    kubectl,
    namespace: async (labels = {}) => {
      const name = `bellhop-${randomBytes(4).toString('hex')}`;
      const metadata = { name, labels };
      await must(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata });
      made.push(name);
      if (env['CONTROLLERS'] === 'no') await must(['-n', name, 'create', 'sa', 'default']);
      await until(async () => (await kubectl(['-n', name, 'get', 'sa/default'])).ok);
      return name;
    },
    clean: async () => {
      for (const name of made.splice(0)) {
        await kubectl(['delete', 'namespace', name, '--wait=false', '--ignore-not-found']);
      }
    },
  };
}

/** Asks until the answer is yes; throws where it never is. */
export async function until(isSo: () => Promise<boolean>, msMax = CALL_MS_MAX): Promise<void> {
  const end = performance.now() + msMax;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not so after ${msMax} ms: ${isSo.toString()}`);
    await Bun.sleep(POLL_MS);
  }
}

/** Carries out a command of the kit or of the machine. */
export async function run(
  command: readonly string[],
  msMax: number,
  input?: string,
): Promise<Said> {
  const child = Bun.spawn([...command], {
    // A cluster that is started here ends with the whole run of tests.
    env: { BELLHOP_SERVERS_FOR: String(process.pid), ...process.env },
    stdin: input === undefined ? 'ignore' : new Blob([input]),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: msMax,
  });
  const [out, err, exit] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { ok: exit === 0, out, err };
}

/** `KEY=VALUE` lines. */
function readEnv(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => /^[A-Z_]+=/.test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => line.startsWith('error: ')) ?? lines.at(-1) ?? 'no reason given';
}

function isSet(variable: string): boolean {
  return !['', '0', undefined].includes(process.env[variable]);
}
