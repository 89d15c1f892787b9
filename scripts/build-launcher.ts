/** Builds the launcher: one static file of a few KB a machine, the same bytes each time. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type Machine = 'x64' | 'arm64';

export interface LauncherBuild {
  readonly machine: Machine;
  /** Where the executable goes; its folders are made. */
  readonly out: string;
}

const root = path.join(import.meta.dirname, '..');
const BYTES_AIM = 20_480;

/** Why each flag: no libc and nothing that needs one, no build paths or ids in the file. */
const FLAGS = [
  '-std=gnu11 -Oz -Wall -Wextra -Werror -Wno-main -ffreestanding -fno-builtin -nostdlib',
  '-static -fno-pie -no-pie -fno-stack-protector -fno-ident -fno-strict-aliasing',
  '-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-tree-loop-distribute-patterns',
  '-fomit-frame-pointer',
  // Without these it is smaller, measured with gcc 12: by 600 bytes of 20 KB.
  '-fno-shrink-wrap -fno-ipa-sra -fno-expensive-optimizations -fno-tree-coalesce-vars',
  '-fno-bit-tests -fno-guess-branch-probability -fno-tree-tail-merge -fno-tree-loop-im',
  '-fno-tree-phiprop -fno-tree-dse',
  '-ffunction-sections -fdata-sections -Wl,--gc-sections -Wl,--build-id=none -s',
  '-Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,-z,noseparate-code',
].flatMap((line) => line.split(' '));

/** An arm64 kernel may have 64 KiB pages; ld's default alignment covers them without padding. */
const MACHINE_FLAGS: Record<Machine, readonly string[]> = {
  x64: ['-march=x86-64', '-mno-red-zone', '-fcf-protection=none'],
  arm64: ['-march=armv8-a', '-mno-outline-atomics', '-mcmodel=tiny'],
};

/** The compiler for a machine, or undefined where this one has none. */
export function compilerFor(machine: Machine): string | undefined {
  const own = process.arch === machine ? ['cc', 'gcc'] : [];
  const cross = machine === 'arm64' ? 'aarch64-linux-gnu-gcc' : 'x86_64-linux-gnu-gcc';
  return [...own, cross].find((name) => Bun.which(name) !== null);
}

/** Compiles one launcher and returns its size in bytes; throws with the compiler's words. */
export function buildLauncher({ machine, out }: LauncherBuild): number {
  const compiler = compilerFor(machine);
  if (compiler === undefined) throw new Error(`no C compiler for ${machine} on this machine`);
  mkdirSync(path.dirname(out), { recursive: true });
  const source = 'src/launcher/launcher.c';
  const args = [...FLAGS, ...MACHINE_FLAGS[machine], source, '-o', path.resolve(out)];
  const run = spawnSync(compiler, args, { cwd: root, encoding: 'utf8' });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`${compiler} ${source}:\n${run.stderr}`);
  dropSections(out);
  return statSync(out).size;
}

/**
 * Takes away the table of sections behind what is loaded, which only linkers read (ELF-64, gABI):
 * 500 bytes of 20 KB.
 */
function dropSections(file: string): void {
  const bytes = readFileSync(file);
  const [at, size, count] = [
    bytes.readUInt32LE(32),
    bytes.readUInt16LE(54),
    bytes.readUInt16LE(56),
  ];
  const ends = Array.from({ length: count }, (_, index) => {
    const header = at + index * size;
    const fileBytes = bytes.readUInt32LE(header + 32);
    // What has no bytes in the file may lie behind its end: only memory is made of it.
    return fileBytes === 0 ? 0 : bytes.readUInt32LE(header + 8) + fileBytes;
  });
  bytes.fill(0, 40, 48);
  bytes.fill(0, 58, 64);
  writeFileSync(file, bytes.subarray(0, Math.max(at + count * size, ...ends)));
}

function main(args: readonly string[]): number {
  const known = new Set(['--arm64', '--out']);
  const unknown = args.filter((arg, i) =>
    arg.startsWith('--') ? !known.has(arg) : args[i - 1] !== '--out',
  );
  if (unknown.length > 0) {
    process.stderr.write(
      `unknown: ${unknown.join(' ')}\nusage: build-launcher [--arm64] [--out DIR]\n`,
    );
    return 64;
  }
  const at = args.indexOf('--out');
  const dist = at < 0 ? path.join(root, 'dist') : (args[at + 1] ?? 'dist');
  const builds: LauncherBuild[] = [{ machine: 'x64', out: path.join(dist, 'bellhop') }];
  if (args.includes('--arm64'))
    builds.push({ machine: 'arm64', out: path.join(dist, 'arm64/bellhop') });
  for (const build of builds) {
    const bytes = buildLauncher(build);
    const remark = bytes > BYTES_AIM ? ` (more than the aim of ${BYTES_AIM})` : '';
    process.stdout.write(`${build.out}: ${build.machine}, ${bytes} bytes${remark}\n`);
    if (!existsSync(build.out)) return 1;
  }
  return 0;
}

if (import.meta.main) process.exit(main(process.argv.slice(2)));
