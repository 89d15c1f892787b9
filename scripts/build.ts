// Builds dist/bellhop (the launcher) and dist/bellhop-runtime (this TypeScript on Bun), which
// belong together and may be moved together. `--if-needed` builds only what is older than its
// sources; without it, sizes are printed.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
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

/** The base executable with its hooks renamed; kept under a name that a new Bun changes. */
export function patchedBase(): string {
  const out = path.join(root, '.cache', `bun-base-${Bun.version}`);
  if (existsSync(out)) return out;
  const bytes = readFileSync(process.execPath);
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

/** Compiles a program as the runtime is compiled; the file's base name is part of its bytes. */
export function compileRuntime(source: string, outfile: string): void {
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
      `--compile-executable-path=${patchedBase()}`,
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

function sizes(file: string): string {
  const raw = statSync(file).size;
  const gzip = Bun.gzipSync(readFileSync(file), { level: 6 }).byteLength;
  const zstd = Bun.zstdCompressSync(readFileSync(file), { level: 19 }).byteLength;
  const shown = (bytes: number): string =>
    bytes < MEGABYTE ? `${bytes} B` : `${(bytes / MEGABYTE).toFixed(1)} MB`;
  return `${path.relative(root, file).padEnd(24)} ${shown(raw).padStart(10)} ${shown(gzip).padStart(10)} ${shown(zstd).padStart(10)}`;
}

if (import.meta.main) {
  if (process.argv.includes('--if-needed')) {
    buildIfNeeded();
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
    console.log(
      `${''.padEnd(24)} ${'raw'.padStart(10)} ${'gzip -6'.padStart(10)} ${'zstd -19'.padStart(10)}`,
    );
    for (const file of files) console.log(sizes(file));
  }
}
