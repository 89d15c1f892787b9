/** The workshop of these tests: builds the small C programs and the stand-in, runs recipes. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildLauncher, compilerFor } from '../../scripts/build-launcher.ts';
import { built as builtBellhop } from '../support/built.ts';

export interface Tools {
  readonly dir: string;
  readonly launcher: string;
  readonly standIn: string;
  readonly probe: string;
  readonly starter: string;
}

/** Longer than anything here takes on a busy machine; reached only where something hangs. */
export const TIMEOUT_MS = 60_000;
export const isRoot = process.getuid?.() === 0;

/** Why these tests cannot run here; in CI that is a failure and not a reason to skip. */
export const missing = compilerFor(process.arch === 'arm64' ? 'arm64' : 'x64')
  ? undefined
  : 'no C compiler (cc) on this machine';
if (missing !== undefined && process.env['CI'] === 'true') throw new Error(missing);

let built: Tools | undefined;

/** Every test file that uses the tools ends with `afterAll(removeTools)`. */
export function removeTools(): void {
  if (built !== undefined) rmSync(built.dir, { recursive: true, force: true });
  built = undefined;
}

/** Builds everything into a temporary folder that others may read too. */
export function tools(): Tools {
  if (built !== undefined) return built;
  const dir = mkdtempSync(path.join(tmpdir(), 'bellhop-launcher-'));
  try {
    chmodSync(dir, 0o777);
    built = build(dir);
    return built;
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

function build(dir: string): Tools {
  const launcher = path.join(dir, 'bellhop');
  buildLauncher({ machine: process.arch === 'arm64' ? 'arm64' : 'x64', out: launcher });
  for (const name of ['probe', 'starter', 'companion']) {
    const source = path.join(import.meta.dirname, `${name}.c`);
    must('cc', ['-static', '-O1', '-Wall', '-Wextra', source, '-o', path.join(dir, name)]);
  }
  const standIn = path.join(dir, 'bellhop-runtime');
  compileStandIn(standIn);
  const probe = path.join(dir, 'probe');
  return { dir, launcher, standIn, probe, starter: path.join(dir, 'starter') };
}

function compileStandIn(out: string): void {
  const entry = path.join(import.meta.dirname, 'stand-in.ts');
  const flags = ['--minify', '--bytecode', '--format=esm'];
  const quiet = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  must(process.execPath, ['build', '--compile', ...flags, ...quiet, entry, '--outfile', out]);
}

function must(command: string, args: readonly string[]): void {
  const run = spawnSync(command, args, { encoding: 'utf8', cwd: tmpdir() });
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')}:\n${run.stderr}`);
}

export interface Recipe {
  readonly program: string;
  readonly argv: readonly (string | Uint8Array)[];
  readonly env?: readonly (string | Uint8Array)[];
  readonly conditions?: readonly string[];
}

/** The text of a recipe for test/launcher/starter.c. */
export function recipeText(recipe: Recipe): string {
  const hex = (text: string | Uint8Array) => Buffer.from(text as string).toString('hex');
  return [
    ...(recipe.conditions ?? []),
    ...recipe.argv.map((arg) => `arg ${hex(arg)}`),
    ...(recipe.env ?? ['PATH=/usr/bin:/bin']).map((entry) => `env ${hex(entry)}`),
    `exec ${recipe.program}\n`,
  ].join('\n');
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

let count = 0;

/** Starts a program under a recipe and waits for its end. */
export function start(recipe: Recipe): Ended {
  const { dir, starter } = tools();
  const file = path.join(dir, `recipe-${count++}`);
  writeFileSync(file, recipeText(recipe));
  const run = spawnSync(starter, [file], { encoding: 'utf8', timeout: TIMEOUT_MS, input: '' });
  rmSync(file);
  return { code: run.status, signal: run.signal, stdout: run.stdout, stderr: run.stderr };
}

/** `bellhop run OPTIONS -- COMMAND` under conditions. */
export function run(
  options: readonly string[],
  command: readonly (string | Uint8Array)[],
  conditions: readonly string[] = [],
): Ended {
  const argv = ['bellhop', 'run', ...options, '--', ...command];
  return start({ program: tools().launcher, argv, conditions });
}

export type Picture = Record<string, string | string[]>;

/**
 * Directly, by launcher and stand-in (beside a relay), by the stand-in alone, or by what is
 * shipped: as `run`, with or without a pod, or as `snapshot`.
 */
export type Way =
  | 'direct'
  | 'launcher'
  | 'relayed'
  | 'alone'
  | 'shipped'
  | 'delivered'
  | 'snapshot';

/** The flag of the stand-in by which a relay listens at a socket file of its own. */
export function relayFlag(socket: string, gateway = 'udp://127.0.0.1:9'): string {
  const relay = { listen: [`unixgram://${socket}`], taken: 'fail', tags: {}, forward: [] };
  return `--relay=${JSON.stringify({ statsd: gateway, tags: 'none', relay })}`;
}

/** What the probe sees when it is started in one of these ways. */
export function picture(way: Way, recipe: Omit<Recipe, 'program'>): Picture {
  const { dir, probe, launcher, standIn } = tools();
  const out = path.join(dir, 'picture.json');
  rmSync(out, { force: true });
  const inner = [probe, out, ...recipe.argv];
  const shipped = SHIPPED.includes(way) ? builtBellhop().bellhop : '';
  const ours = { shipped, delivered: shipped, snapshot: shipped };
  const program = { direct: probe, launcher, relayed: launcher, alone: standIn, ...ours }[way];
  const place = way === 'delivered' ? path.join(folder('delivered'), 'config') : '';
  const command = way === 'snapshot' ? ['snapshot', ...snapshotFlags(dir)] : ['run'];
  const relay = way === 'relayed' ? [relayFlag(path.join(folder('relayed'), 'socket'))] : [];
  const flags = way === 'delivered' ? ['-f', podFile(dir, place)] : relay;
  const outer = way === 'direct' ? inner : ['bellhop', ...command, ...flags, '--', ...inner];
  const ended = start({ ...recipe, program, argv: outer });
  // A start as root mounts, and this machine is no container that ends.
  if (place !== '' && isRoot) spawnSync('umount', ['--lazy', place]);
  if (ended.code !== 0 || !existsSync(out)) {
    throw new Error(`${way}: code ${ended.code} ${ended.signal}\n${ended.stderr}`);
  }
  return JSON.parse(readFileSync(out, 'utf8')) as Picture;
}

const SHIPPED: readonly Way[] = ['shipped', 'delivered', 'snapshot'];

/** Where `picture` by way of a snapshot leaves it. */
export function snapshotFile(): string {
  return path.join(tools().dir, 'snapshot.json');
}

function snapshotFlags(dir: string): string[] {
  const key = path.join(dir, 'snapshot.key');
  writeFileSync(key, 'the key of the tests of the launcher\n');
  chmodSync(key, 0o644);
  rmSync(snapshotFile(), { force: true });
  return ['--key-file', key, '--out', snapshotFile(), '--path', path.join(dir, 'nothing-here')];
}

/** A pod with one variable and one volume. */
function podFile(dir: string, mountPath: string): string {
  const file = path.join(dir, 'pod.yaml');
  const container = {
    name: 'main',
    image: 'i',
    env: [{ name: 'DELIVERED', value: 'yes' }],
    volumeMounts: [{ name: 'v', mountPath }],
  };
  const documents = [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [container], volumes: [{ name: 'v', configMap: { name: 'c' } }] },
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { key: 'value' } },
  ];
  writeFileSync(file, documents.map((one) => JSON.stringify(one)).join('\n---\n'));
  chmodSync(file, 0o644);
  return file;
}

/** The fields in which two pictures differ: `name: seen instead of expected`. */
export function differences(expected: Picture, seen: Picture): string[] {
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(seen)])];
  const words = (value: string | string[] | undefined) => JSON.stringify(value) ?? 'nothing';
  return keys
    .filter((key) => words(expected[key]) !== words(seen[key]))
    .map((key) => `${key}: ${words(seen[key])} instead of ${words(expected[key])}`.slice(0, 300));
}

/** A fresh folder that every user may write to. */
export function folder(name: string): string {
  const dir = path.join(tools().dir, `${name}-${count++}`);
  mkdirSync(dir);
  chmodSync(dir, 0o777);
  return dir;
}
