// An OCI image layout as a folder and as one tar, written without a daemon: image-spec 1.1
// (https://github.com/opencontainers/image-spec). The same input gives the same bytes: entries are
// sorted, times are zero, owners are root, and no date is written anywhere.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** One entry of a layer; names have no slash in front. Folders above it are added by themselves. */
export type Entry =
  | { readonly name: string; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly name: string; readonly mode: number; readonly folder: true };

/** How layers are pressed: zstd is smaller and faster to unpack, gzip is read by everything. */
export type Pressing = { readonly kind: 'gzip' | 'zstd'; readonly level: number };

/** What an image is made of. */
export interface ImageParts {
  /** As runtimes call it when it is imported, e.g. `bellhop:0.1.0`. */
  readonly name: string;
  readonly architecture: 'amd64' | 'arm64';
  /** From the bottom up. */
  readonly layers: readonly (readonly Entry[])[];
  /** The `config` member of the image configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly pressing: Pressing;
}

/** A layout in memory: its files by name, and the digest by which the image is known. */
export interface Layout {
  readonly digest: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Pressed, in the order of the layers. */
  readonly layerBytes: readonly number[];
}

const TYPE = 'application/vnd.oci.image';
const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;

/** Puts the layers and their descriptions together. */
export function layoutOf(parts: ImageParts): Layout {
  const files = new Map<string, Uint8Array>();
  const put = (mediaType: string, bytes: Uint8Array) => {
    const digest = sha256(bytes);
    files.set(`blobs/sha256/${digest.slice('sha256:'.length)}`, bytes);
    return { mediaType, digest, size: bytes.byteLength };
  };
  const tars = parts.layers.map(tarOf);
  const layers = tars.map((tar) => {
    return put(`${TYPE}.layer.v1.tar+${parts.pressing.kind}`, pressed(tar, parts.pressing));
  });
  const config = put(
    `${TYPE}.config.v1+json`,
    json({
      architecture: parts.architecture,
      os: 'linux',
      config: parts.config,
      rootfs: { type: 'layers', diff_ids: tars.map(sha256) },
      history: tars.map(() => ({ created_by: 'bellhop scripts/image.ts' })),
    }),
  );
  const mediaType = `${TYPE}.manifest.v1+json`;
  const manifest = put(mediaType, json({ schemaVersion: 2, mediaType, config, layers }));
  const platform = { architecture: parts.architecture, os: 'linux' };
  const annotations = {
    'io.containerd.image.name': parts.name,
    'org.opencontainers.image.ref.name': parts.name.slice(parts.name.lastIndexOf(':') + 1),
  };
  const index = { ...manifest, platform, annotations };
  files.set('index.json', json({ schemaVersion: 2, manifests: [index] }));
  files.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  return { digest: manifest.digest, files, layerBytes: layers.map(({ size }) => size) };
}

/** Writes the folder anew, and the same as one tar beside it: `FOLDER.tar`. */
export function writeLayout(layout: Layout, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, bytes] of layout.files) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
  const entries = [...layout.files].map(([name, bytes]) => ({ name, mode: 0o644, bytes }));
  writeFileSync(`${folder}.tar`, tarOf(entries));
}

/** A ustar archive (POSIX.1-1988), sorted by name, with the folders that lead to its files. */
export function tarOf(entries: readonly Entry[]): Uint8Array {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    const steps = entry.name.split('/').slice(0, -1);
    for (let n = 1; n <= steps.length; n++) {
      const name = steps.slice(0, n).join('/');
      if (!all.has(name)) all.set(name, { name, mode: 0o755, folder: true });
    }
    all.set(entry.name, entry);
  }
  const sorted = [...all.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const blocks = sorted.flatMap((entry) => {
    if ('folder' in entry) return [headerOf(`${entry.name}/`, entry.mode, 0)];
    const { bytes } = entry;
    const rest = (BLOCK_BYTES - (bytes.byteLength % BLOCK_BYTES)) % BLOCK_BYTES;
    return [headerOf(entry.name, entry.mode, bytes.byteLength), bytes, new Uint8Array(rest)];
  });
  return Buffer.concat([...blocks, new Uint8Array(2 * BLOCK_BYTES)]);
}

function headerOf(name: string, mode: number, sizeBytes: number): Uint8Array {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw new Error(`too long for ustar: ${name}`);
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits, '0'), at);
  };
  header.write(name, 0);
  octal(mode, 100, 7);
  octal(0, 108, 7); // user
  octal(0, 116, 7); // group
  octal(sizeBytes, 124, 11);
  octal(0, 136, 11); // time of change
  header.write('        ', 148); // the sum counts its own field as blanks
  header.write(name.endsWith('/') ? '5' : '0', 156);
  header.write('ustar\x0000', 257);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  header.write('\x00 ', 154);
  return header;
}

function pressed(bytes: Uint8Array, { kind, level }: Pressing): Uint8Array {
  return kind === 'gzip' ? gzipSync(bytes, { level }) : Bun.zstdCompressSync(bytes, { level });
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
