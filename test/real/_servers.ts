// Real servers for tests. The kit is test/real/servers (its README.md says what each one is).
//
//   const vault = await realServer('openbao');
//   describe.skipIf(vault.missing !== undefined)('vault', () => {
//     test('reads', async () => { await fetch(`${vault.get('VAULT_ADDR')}/v1/…`) });
//   });
//
// The server is installed on first use, started if it does not run, and ended with this process
// unless it ran before or somebody else uses it too; so keys and names in it are to be random.
// Where it cannot be had, tests are skipped and the reason is printed; with CI=true or
// BELLHOP_REQUIRE_SERVERS=1 that is an error. The two slow builds are used only where they are
// installed, or with BELLHOP_SLOW_SERVERS=1; gcs, registry and statsd-exporter only where there is
// Go.
// BELLHOP_NO_SERVERS=1 skips everything here.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { installedAt } from '../support/testbed.ts';

const KIT = path.join(import.meta.dir, 'servers');
const READY_MS_MAX = 400_000;
const SLOW_READY_MS_MAX = 1_800_000;
const DOWN_MS_MAX = 60_000;

/** Kinds of servers, see test/real/servers/README.md. */
export type ServerName =
  | 'akv'
  | 'azurite'
  | 'confidant'
  | 'consul'
  | 'etcd'
  | 'etcd-tls'
  | 'gcs'
  | 'gsm'
  | 'ministack'
  | 'moto'
  | 'openbao'
  | 'openbao-tls'
  | 'rclone-s3'
  | 'redis'
  | 'redis-tls'
  | 'registry'
  | 'statsd-exporter'
  | 'versitygw';

/** Built with Go for minutes. */
export const SLOW_SERVERS: readonly ServerName[] = ['consul', 'versitygw'];

/** Built with Go, which a machine need not have: then they are not required either. */
const WITH_GO: readonly ServerName[] = ['gcs', 'registry', 'statsd-exporter'];

/** A running server, or the reason why there is none. */
export interface RealServer {
  readonly name: ServerName;
  /** What a client needs, as variables of the environment; empty where the server is missing. */
  readonly env: Readonly<Record<string, string>>;
  /** Why the server cannot be had. */
  readonly missing?: string;
  /** One variable of `env`; '' where the server is missing, an error for an unknown name. */
  get(variable: string): string;
}

/** How a server is wanted. */
export interface ServerWish {
  /** An instance of one's own; the kind's own port if not given. */
  readonly port?: number;
  /** Settings of the kind, as variables of `up`: MINISTACK_AUTH, CONFIDANT_BACKEND … */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a server if it does not run; tells in `missing` why not, or throws where it must run. */
export async function realServer(name: ServerName, wish: ServerWish = {}): Promise<RealServer> {
  const unwanted = reasonNotToTry(name);
  const outcome = unwanted === undefined ? await up(name, wish) : { missing: unwanted };
  if (!('missing' in outcome)) return found(name, outcome.env);
  const { missing } = outcome;
  if (isRequired(name)) throw new Error(`the server ${name} is required here: ${missing}`);
  console.log(`skipped: ${name}: ${missing}`);
  return { name, env: {}, missing, get: () => '' };
}

/**
 * Ends the servers that run for a process and for nobody else, at once. Without it they end half a
 * second after the process, however it ended.
 */
export function releaseServers(pid: number): void {
  const down = path.join(KIT, 'down');
  Bun.spawnSync([down, 'for', String(pid)], { timeout: DOWN_MS_MAX, stderr: 'inherit' });
}

/** The process that servers started here end with: the whole run of tests, or this one. */
function owner(): string {
  return process.env['BELLHOP_SERVERS_FOR'] ?? String(process.pid);
}

/** CI asks for the quick servers only; who asks for slow ones by name gets an error as well. */
function isRequired(name: ServerName): boolean {
  if (isSlow(name)) return isSet('BELLHOP_SLOW_SERVERS');
  if (WITH_GO.includes(name) && Bun.which('go') === null && !isInstalled(name)) return false;
  return process.env['CI'] === 'true' || isSet('BELLHOP_REQUIRE_SERVERS');
}

function reasonNotToTry(name: ServerName): string | undefined {
  if (isSet('BELLHOP_NO_SERVERS')) return 'BELLHOP_NO_SERVERS is set';
  if (!isSlow(name) || isSet('BELLHOP_SLOW_SERVERS') || isInstalled(name)) return undefined;
  return 'it takes minutes to build; BELLHOP_SLOW_SERVERS=1 builds it';
}

function isSlow(name: ServerName): boolean {
  return SLOW_SERVERS.includes(name);
}

function isSet(variable: string): boolean {
  return !['', '0', undefined].includes(process.env[variable]);
}

function isInstalled(name: ServerName): boolean {
  return existsSync(path.join(installedAt(name), '.pin'));
}

type Outcome = { readonly env: Readonly<Record<string, string>> } | { readonly missing: string };

/** Runs `up`; asynchronous, so that several servers may start at the same time. */
async function up(name: ServerName, { port, settings }: ServerWish): Promise<Outcome> {
  const timeout = isSlow(name) ? SLOW_READY_MS_MAX : READY_MS_MAX;
  const begun = Bun.spawn(
    [path.join(KIT, 'up'), name, ...(port === undefined ? [] : [`${port}`])],
    {
      env: { ...process.env, ...settings, BELLHOP_SERVERS_FOR: owner() },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout,
      killSignal: 'SIGTERM',
    },
  );
  const [lines, said] = await Promise.all([
    new Response(begun.stdout).text(),
    new Response(begun.stderr).text(),
    begun.exited,
  ]);
  if (begun.exitCode === 0) return { env: variablesOf(lines) };
  const late = begun.signalCode !== null || begun.exitCode === 130;
  const why = late ? `not ready after ${timeout / 1000} s` : `exit code ${begun.exitCode}`;
  return { missing: `${why}: ${said.trim().split('\n').slice(-4).join(' | ')}` };
}

/** Reads lines KEY=VALUE. */
export function variablesOf(lines: string): Record<string, string> {
  const pairs = lines.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function found(name: ServerName, env: Readonly<Record<string, string>>): RealServer {
  const get = (variable: string): string => {
    const value = env[variable];
    if (value === undefined) {
      throw new Error(`${name} gives no ${variable}, only ${Object.keys(env).join(', ')}`);
    }
    return value;
  };
  return { name, env, get };
}
