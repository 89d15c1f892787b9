// Runs the pinned Bun with the given arguments. npm may refuse Bun's install script, and then the
// `bun` command of the package only prints a complaint; the binary itself is in the platform
// package. Where the script did run, it moved the binary into the `bun` package.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'node_modules');
const PLACEHOLDER_BYTES_MAX = 4096;
const musl = !process.report?.getReport()?.header?.glibcVersionRuntime;
const platform = `${process.platform}-${process.arch === 'arm64' ? 'aarch64' : 'x64'}`;
const places = [
  'bun/bin/bun.exe',
  `@oven/bun-${platform}${musl ? '-musl' : ''}/bin/bun`,
  `@oven/bun-${platform}${musl ? '-musl' : ''}-baseline/bin/bun`,
].map((place) => path.join(modules, place));
const binary = places.find((p) => existsSync(p) && statSync(p).size > PLACEHOLDER_BYTES_MAX);
if (binary === undefined) {
  console.error(`bellhop: no Bun for ${platform} (looked for ${places.join(', ')}); run npm ci`);
  process.exit(1);
}
const run = spawnSync(binary, process.argv.slice(2), { stdio: 'inherit' });
process.exit(run.status ?? 1);
