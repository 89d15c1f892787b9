// The image as a layout of files; test/cluster/image.test.ts runs it.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { imageOf } from '../../scripts/image.ts';
import type { ImageInput } from '../../scripts/image.ts';
import { tarOf } from '../../scripts/oci-layout.ts';
import { built } from '../support/built.ts';

setDefaultTimeout(60_000);
const { bellhop, kind: builtAs } = built();
/** The launcher stands in for the runtime too: 10 KB are pressed sooner than 110 MB. */
const INPUT: ImageInput = {
  machine: 'x64',
  bellhop,
  runtime: bellhop,
  name: 'registry.example/bellhop:1',
  pressing: { kind: 'zstd', level: 1 },
};

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}
interface Config {
  readonly config: {
    readonly User: string;
    readonly Entrypoint: string[];
    readonly Labels: object;
  };
  readonly rootfs: { readonly diff_ids: string[] };
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Reads an image as a registry's client does: from the index, by digests. */
function readImage(input: ImageInput) {
  const { files, digest } = imageOf(input);
  const blob = ({ digest: name }: { digest: string }): Uint8Array => {
    const bytes = files.get(`blobs/${name.replace(':', '/')}`);
    if (bytes === undefined) throw new Error(`no blob ${name}`);
    return bytes;
  };
  const parse = <T>(bytes: Uint8Array | undefined): T => {
    return JSON.parse(Buffer.from(bytes ?? []).toString()) as T;
  };
  const index = parse<{ manifests: Descriptor[] }>(files.get('index.json'));
  const [first] = index.manifests;
  const manifest = parse<{ config: Descriptor; layers: Descriptor[] }>(
    first === undefined ? undefined : blob(first),
  );
  const config = parse<Config>(blob(manifest.config));
  const tars = manifest.layers.map((layer) => {
    const isGzip = layer.mediaType.endsWith('+gzip');
    return isGzip ? gunzipSync(blob(layer)) : Bun.zstdDecompressSync(blob(layer));
  });
  return { digest, index, manifest, config, tars, blob, files };
}

/** What the machine's own tar lists: mode, owner, name. */
function listed(tar: Uint8Array): string[] {
  const args = ['tar', '--numeric-owner', '-tvf', '-'];
  const said = Bun.spawnSync(args, { stdin: tar, env: { ...process.env, TZ: 'UTC' } });
  expect(said.stderr.toString()).toBe('');
  return said.stdout.toString().trim().split('\n');
}

describe('the image', () => {
  test('has the same digest for the same input, and another one for another', () => {
    expect(imageOf(INPUT).digest).toBe(imageOf({ ...INPUT }).digest);
    expect(imageOf({ ...INPUT, revision: 'abc' }).digest).not.toBe(imageOf(INPUT).digest);
  });

  test.each(['gzip', 'zstd'] as const)('says of each part what it is: %s', (kind) => {
    const image = readImage({ ...INPUT, pressing: { kind, level: 1 } });
    const parts = [...image.index.manifests, image.manifest.config, ...image.manifest.layers];
    for (const part of parts) {
      const bytes = image.blob(part);
      expect([sha256(bytes), bytes.byteLength]).toEqual([part.digest, part.size]);
    }
    expect(image.config.rootfs.diff_ids).toEqual(image.tars.map(sha256));
    expect(parts.length + 2).toBe(image.files.size);
  });

  test('holds no time, and everything belongs to root', () => {
    const image = readImage(INPUT);
    expect(JSON.stringify(image.config)).not.toContain('"created"');
    for (const line of image.tars.flatMap(listed)) {
      expect(line).toMatch(/^[d-]r[w-][xts-].* 0\/0 +\d+ 1970-01-01 00:00 /);
    }
  });

  test('runs as a user by number, and starts the launcher', () => {
    const { config } = readImage(INPUT).config;
    expect([config.User, config.Entrypoint]).toEqual(['65532:65532', ['/usr/bin/bellhop']]);
    expect(config.Labels).toMatchObject({ 'org.opencontainers.image.version': '0.1.0' });
  });

  test.skipIf(builtAs !== 'launcher')('has every library that the runtime is linked with', () => {
    const runtime = path.join(path.dirname(bellhop), 'bellhop-runtime');
    const { stdout } = Bun.spawnSync(['readelf', '-d', runtime]);
    const needed = [...stdout.toString().matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
    const base = listed(readImage(INPUT).tars[0] ?? new Uint8Array()).join('\n');
    expect(needed.length).toBeGreaterThan(3);
    for (const name of needed) expect(base).toContain(`/${name}`);
  });

  test('refuses files of another machine', () => {
    expect(() => imageOf({ ...INPUT, machine: 'arm64' })).toThrow(/for arm64/);
    expect(() => imageOf({ ...INPUT, bellhop: import.meta.path })).toThrow(/no ELF file/);
  });
});

describe('an archive', () => {
  test('is unpacked by tar as it was given', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-tar-'));
    try {
      const bytes = Buffer.alloc(1500, 'a');
      const tar = tarOf([
        { name: 'b/c/d', mode: 0o640, bytes },
        { name: 'a', mode: 0o644, bytes: new Uint8Array(0) },
      ]);
      writeFileSync(path.join(folder, 'x.tar'), tar);
      expect(Bun.spawnSync(['tar', '-xf', 'x.tar'], { cwd: folder }).exitCode).toBe(0);
      expect(readFileSync(path.join(folder, 'b/c/d'))).toEqual(bytes);
      expect(readFileSync(path.join(folder, 'a')).byteLength).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('refuses a name that ustar cannot hold', () => {
    const entry = { name: 'x'.repeat(101), mode: 0o644, bytes: new Uint8Array(0) };
    expect(() => tarOf([entry])).toThrow(/too long/);
  });
});
