// Builds the image of bellhop without a daemon: dist/image/ARCHITECTURE (an OCI layout) and the
// same as one tar. From scratch: the executable, the C library that it is linked with, roots of
// trust, a user. `npm run image`; what each flag does stands in deploy/image/README.md.
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { parseArgs } from 'node:util';
import type { Machine } from './build.ts';
import { buildArm64, buildIfNeeded } from './build.ts';
import type { Entry, ImageParts, Layout, Pressing } from './oci-layout.ts';
import { layoutOf, writeLayout } from './oci-layout.ts';

const root = path.join(import.meta.dir, '..');

/** The user that the image runs as; a number, so that `runAsNonRoot` can be checked. */
export const USER = 65_532;

/** Where glibc's files are looked for, and where its loader looks for them in the image. */
interface Libc {
  readonly architecture: 'amd64' | 'arm64';
  /** Folders of the build machine: its own, and that of its cross compiler. */
  readonly from: readonly string[];
  /** The path that stands in the executable (PT_INTERP). */
  readonly loader: string;
  /** Debian's glibc looks here without any ld.so.cache. */
  readonly folder: string;
  /** `e_machine` of ELF files. */
  readonly elf: number;
}

const LIBC: Readonly<Record<Machine, Libc>> = {
  x64: {
    architecture: 'amd64',
    from: ['/lib/x86_64-linux-gnu', '/usr/x86_64-linux-gnu/lib'],
    loader: 'lib64/ld-linux-x86-64.so.2',
    folder: 'lib/x86_64-linux-gnu',
    elf: 62,
  },
  arm64: {
    architecture: 'arm64',
    from: ['/lib/aarch64-linux-gnu', '/usr/aarch64-linux-gnu/lib'],
    loader: 'lib/ld-linux-aarch64.so.1',
    folder: 'lib/aarch64-linux-gnu',
    elf: 183,
  },
};

/**
 * What Bun 1.4.5 is linked with (readelf -d). nss_files and nss_dns are part of libc.so.6 since
 * glibc 2.34, so names are looked up without any module.
 */
const LIBRARIES = ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2'];
const GLIBC_BANNER = /GNU C Library \(([^)]*)\) stable release version (\d+)\.(\d+)/;
const GLIBC_WITH_NSS = 234;

/** What an image is built from. */
export interface ImageInput {
  readonly machine: Machine;
  readonly bellhop: string;
  readonly runtime: string;
  readonly name: string;
  readonly pressing: Pressing;
  /** The commit, for the label; none where it is not known. */
  readonly revision?: string | undefined;
}

/** The image of these files; throws where one is missing, or is for another machine. */
export function imageOf(input: ImageInput): Layout {
  return layoutOf(partsOf(input));
}

/** What `imageOf` puts together: for whoever adds a layer of their own. */
export function partsOf(input: ImageInput): ImageParts {
  const libc = LIBC[input.machine];
  const program = (name: string, file: string): Entry => {
    return { name: `usr/bin/${name}`, mode: 0o755, bytes: elfFile(file, libc) };
  };
  return {
    name: input.name,
    architecture: libc.architecture,
    // What seldom changes lies below, and the runtime below the launcher of 10 KB.
    layers: [
      baseLayer(libc),
      [program('bellhop-runtime', input.runtime)],
      [program('bellhop', input.bellhop)],
    ],
    config: {
      User: `${USER}:${USER}`,
      Env: ['PATH=/usr/bin'],
      Entrypoint: ['/usr/bin/bellhop'],
      WorkingDir: '/',
      Labels: labels(input.revision),
    },
    pressing: input.pressing,
  };
}

function labels(revision: string | undefined): Readonly<Record<string, string>> {
  const about = readManifest();
  return {
    'org.opencontainers.image.title': about.name,
    'org.opencontainers.image.description': about.description,
    'org.opencontainers.image.version': about.version,
    'org.opencontainers.image.licenses': about.license,
    ...(revision === undefined ? {} : { 'org.opencontainers.image.revision': revision }),
  };
}

interface Manifest {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly license: string;
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest;
}

function baseLayer(libc: Libc): Entry[] {
  const given = path.join(root, 'deploy/image/rootfs');
  const files = readdirSync(given, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const text = (name: string, bytes: Uint8Array): Entry => ({ name, mode: 0o644, bytes });
  const notices = ['LICENSE', 'NOTICE'].map((name) => {
    return text(`usr/share/doc/bellhop/${name}`, readFileSync(path.join(root, name)));
  });
  return [
    ...files.map((file) => text(path.relative(given, file), readFileSync(file))),
    text('etc/ssl/certs/ca-certificates.crt', Buffer.from(`${rootCertificates.join('\n')}\n`)),
    { name: 'tmp', mode: 0o1777, folder: true },
    ...libcEntries(libc),
    ...notices,
    ...libcNotice(),
  ];
}

/** The loader and the libraries, all from one folder: parts of two glibcs do not fit together. */
function libcEntries(libc: Libc): Entry[] {
  const loader = path.basename(libc.loader);
  const wanted = [loader, ...LIBRARIES];
  const folder = libc.from.find((one) => wanted.every((name) => existsSync(path.join(one, name))));
  if (folder === undefined) {
    throw new Error(`no glibc for ${libc.architecture}: ${wanted.join(', ')} must lie in one of
  ${libc.from.join(', ')} (Debian: libc6, or libc6-${libc.architecture}-cross)`);
  }
  const entry = (name: string, as: string): Entry => {
    const bytes = elfFile(realpathSync(path.join(folder, name)), libc);
    return { name: as, mode: 0o755, bytes };
  };
  const libraries = LIBRARIES.map((name) => entry(name, `${libc.folder}/${name}`));
  checkGlibc(readFileSync(path.join(folder, 'libc.so.6')));
  return [entry(loader, libc.loader), ...libraries];
}

/** An older glibc looks names up by modules that would be missing in the image. */
function checkGlibc(bytes: Buffer): void {
  const [, , major, minor] = GLIBC_BANNER.exec(bytes.toString('latin1')) ?? [];
  const version = Number(major) * 100 + Number(minor);
  if (!(version >= GLIBC_WITH_NSS)) throw new Error('glibc 2.34 or later is needed for the image');
}

/** The LGPL asks for its notice beside the library; Debian keeps it here. */
function libcNotice(): Entry[] {
  const file = ['libc6', 'libc6-arm64-cross']
    .map((name) => `/usr/share/doc/${name}/copyright`)
    .find((one) => existsSync(one));
  if (file === undefined) return [];
  return [{ name: 'usr/share/doc/libc6/copyright', mode: 0o644, bytes: readFileSync(file) }];
}

function elfFile(file: string, libc: Libc): Uint8Array {
  if (!existsSync(file)) throw new Error(`${file} is missing`);
  const bytes = readFileSync(file);
  const isElf = bytes.subarray(0, 4).toString('latin1') === '\x7fELF';
  if (!isElf || bytes.readUInt16LE(18) !== libc.elf) {
    throw new Error(`${file} is no ELF file for ${libc.architecture}`);
  }
  return bytes;
}

const MEGABYTE = 1_000_000;
const LEVELS = { gzip: 9, zstd: 19 } as const;

function readFlags() {
  const { values } = parseArgs({
    options: {
      machine: { type: 'string', default: 'x64' },
      bellhop: { type: 'string' },
      runtime: { type: 'string' },
      name: { type: 'string', default: `bellhop:${readManifest().version}` },
      layer: { type: 'string', default: 'zstd' },
      level: { type: 'string' },
      revision: { type: 'string' },
      out: { type: 'string', default: path.join(root, 'dist/image') },
    },
  });
  const { machine, layer: kind } = values;
  if (machine !== 'x64' && machine !== 'arm64') throw new Error('--machine is x64 or arm64');
  if (kind !== 'gzip' && kind !== 'zstd') throw new Error('--layer is gzip or zstd');
  const level = values.level === undefined ? LEVELS[kind] : Number(values.level);
  return { ...values, machine, pressing: { kind, level } } as const;
}

function main(): void {
  const flags = readFlags();
  const isGiven = flags.bellhop !== undefined && flags.runtime !== undefined;
  const isArm = flags.machine === 'arm64';
  const built = (): string => {
    if (isArm) return buildArm64();
    if (!buildIfNeeded().launcher) throw new Error('a C compiler (cc) is needed');
    return path.join(root, 'dist');
  };
  const folderOfFiles = isGiven ? '' : built();
  const layout = imageOf({
    ...flags,
    bellhop: flags.bellhop ?? path.join(folderOfFiles, 'bellhop'),
    runtime: flags.runtime ?? path.join(folderOfFiles, 'bellhop-runtime'),
  });
  const folder = path.join(flags.out, LIBC[flags.machine].architecture);
  writeLayout(layout, folder);
  const sizes = layout.layerBytes.map((bytes) => (bytes / MEGABYTE).toFixed(2)).join(' + ');
  console.log(`${folder}.tar\n${flags.name}@${layout.digest}\nlayers: ${sizes} MB`);
}

if (import.meta.main) main();
