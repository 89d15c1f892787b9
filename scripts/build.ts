// Builds dist/bellhop (the launcher) and dist/bellhop-runtime (this TypeScript on Bun), which
// belong together and may be moved together. `--if-needed` builds only what is older than its
// sources; without it, sizes are printed. `--arm64` builds both for that machine, in dist/arm64.
// `--pressed` also prints what they come to as layers of an image: a minute of one processor.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { buildLauncher, compilerFor } from './build-launcher.ts';

const root = path.join(import.meta.dir, '..');
const dist = path.join(root, 'dist');

/**
 * Names by which Bun's base executable can be told to do something else than run our program.
 * They are renamed in the executable (same length), for the places where the launcher does not
 * hide them.
 */
const HOOKS = ['BUN_OPTIONS', 'BUN_BE_BUN'];

/** A machine that is built for. */
export type Machine = 'x64' | 'arm64';

const OWN: Machine = process.arch === 'arm64' ? 'arm64' : 'x64';
/** Bun's names of the machines. */
const TARGETS = { x64: 'bun-linux-x64', arm64: 'bun-linux-arm64' } as const;
const PACKAGES = { x64: '@oven/bun-linux-x64', arm64: '@oven/bun-linux-aarch64' } as const;

/** The base executable with its hooks renamed; kept under a name that a new Bun changes. */
function patchedBase(machine: Machine = OWN): string {
  const out = path.join(root, '.cache', `bun-base-${machine}-${Bun.version}`);
  if (existsSync(out)) return out;
  const bytes = machine === OWN ? readFileSync(process.execPath) : fetchedBase(machine);
  for (const hook of HOOKS) {
    const renamed = Buffer.from(hook.replace('BUN', 'BH_'));
    let found = 0;
    for (let at = bytes.indexOf(hook); at >= 0; at = bytes.indexOf(hook, at + 1)) {
      renamed.copy(bytes, at);
      found++;
    }
    if (found === 0) throw new Error(`Bun ${Bun.version} has no ${hook}: look at its hooks again`);
  }
  mkdirSync(path.dirname(out), { recursive: true });
  writeFileSync(`${out}.tmp`, bytes);
  chmodSync(`${out}.tmp`, 0o755);
  Bun.spawnSync(['mv', `${out}.tmp`, out]);
  return out;
}

/** Bun for another machine, from npm's registry, by the digest in package-lock.json. */
function fetchedBase(machine: Machine): Buffer {
  const name = PACKAGES[machine];
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { version: string; integrity: string }>>;
  };
  const wanted = lock.packages[`node_modules/${name}`];
  if (wanted?.version !== Bun.version) throw new Error(`package-lock.json has no ${name}`);
  const folder = path.join(root, '.cache', 'bun-package');
  mkdirSync(folder, { recursive: true });
  const pack = ['npm', 'pack', '--json', `--pack-destination=${folder}`, `${name}@${Bun.version}`];
  const packed = Bun.spawnSync(pack, { cwd: root, stdout: 'pipe', stderr: 'inherit' });
  if (packed.exitCode !== 0) throw new Error(`${name} cannot be had`);
  const [{ filename = '' } = {}] = JSON.parse(packed.stdout.toString()) as { filename?: string }[];
  const file = path.join(folder, path.basename(filename));
  const digest = new Bun.CryptoHasher('sha512').update(readFileSync(file)).digest('base64');
  if (`sha512-${digest}` !== wanted.integrity) throw new Error(`${file} is not what is locked`);
  const member = ['tar', '-xOzf', file, 'package/bin/bun'];
  const binary = Bun.spawnSync(member, { stdout: 'pipe', stderr: 'inherit' });
  rmSync(folder, { recursive: true });
  if (binary.exitCode !== 0) throw new Error(`${file} has no bin/bun`);
  return binary.stdout;
}

/** Compiles a program as the runtime is compiled; the file's base name is part of its bytes. */
export function compileRuntime(source: string, outfile: string, machine: Machine = OWN): void {
  const done = Bun.spawnSync(
    [
      process.execPath,
      'build',
      '--compile',
      '--minify',
      '--bytecode',
      '--format=esm',
      '--splitting',
      '--no-compile-autoload-dotenv',
      '--no-compile-autoload-bunfig',
      `--target=${TARGETS[machine]}`,
      `--compile-executable-path=${patchedBase(machine)}`,
      source,
      '--outfile',
      outfile,
    ],
    { cwd: root, stdout: 'pipe', stderr: 'pipe' },
  );
  if (done.exitCode !== 0) throw new Error(`bun build failed:\n${done.stderr.toString()}`);
}

function buildRuntime(): void {
  mkdirSync(dist, { recursive: true });
  compileRuntime(path.join(root, 'src/main.ts'), path.join(dist, 'bellhop-runtime'));
}

/** Builds launcher and runtime for arm64; their folder. */
export function buildArm64(): string {
  const folder = path.join(dist, 'arm64');
  mkdirSync(folder, { recursive: true });
  buildLauncher({ machine: 'arm64', out: path.join(folder, 'bellhop') });
  compileRuntime(path.join(root, 'src/main.ts'), path.join(folder, 'bellhop-runtime'), 'arm64');
  return folder;
}

function newestSource(folder: string): number {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile())
      newest = Math.max(newest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newest;
}

function isFresh(file: string): boolean {
  if (!existsSync(file)) return false;
  const newest = Math.max(
    newestSource(path.join(root, 'src')),
    newestSource(path.join(root, 'scripts')),
  );
  return statSync(file).mtimeMs > newest;
}

/** Builds what is missing or old; without a C compiler there is only the runtime, said so. */
export function buildIfNeeded(): { readonly launcher: boolean } {
  const launcher = path.join(dist, 'bellhop');
  if (!isFresh(path.join(dist, 'bellhop-runtime'))) buildRuntime();
  const canCompile = compilerFor('x64') !== undefined;
  if (canCompile && !isFresh(launcher)) buildLauncher({ machine: 'x64', out: launcher });
  return { launcher: existsSync(launcher) };
}

const MEGABYTE = 1_000_000;

/** How a file is pressed, by the head of its column. */
const PRESSED = {
  'gzip -6': (bytes: Uint8Array) => Bun.gzipSync(bytes.slice(), { level: 6 }),
  'zstd -19': (bytes: Uint8Array) => Bun.zstdCompressSync(bytes.slice(), { level: 19 }),
} as const;

function row(first: string, cells: readonly string[]): string {
  return [first.padEnd(24), ...cells.map((cell) => cell.padStart(10))].join(' ');
}

function sizes(file: string, isPressed: boolean): string {
  const press = isPressed ? Object.values(PRESSED) : [];
  const pressed = press.map((by) => by(readFileSync(file)).byteLength);
  const shown = (bytes: number): string =>
    bytes < MEGABYTE ? `${bytes} B` : `${(bytes / MEGABYTE).toFixed(1)} MB`;
  return row(path.relative(root, file), [statSync(file).size, ...pressed].map(shown));
}

if (import.meta.main) {
  if (process.argv.includes('--if-needed')) {
    buildIfNeeded();
  } else if (process.argv.includes('--arm64')) {
    console.log(buildArm64());
  } else {
    buildRuntime();
    const files = [path.join(dist, 'bellhop-runtime')];
    for (const machine of ['x64', 'arm64'] as const) {
      const out =
        machine === 'x64' ? path.join(dist, 'bellhop') : path.join(dist, 'arm64', 'bellhop');
      if (compilerFor(machine) === undefined) {
        console.log(`no C compiler for ${machine}: no launcher for it`);
        continue;
      }
      mkdirSync(path.dirname(out), { recursive: true });
      buildLauncher({ machine, out });
      files.push(out);
    }
    const isPressed = process.argv.includes('--pressed');
    console.log(row('', ['raw', ...(isPressed ? Object.keys(PRESSED) : [])]));
    for (const file of files) console.log(sizes(file, isPressed));
  }
}
