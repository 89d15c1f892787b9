import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readImageStart, readManifest } from '../../src/wire/oci.ts';

const SHA = `sha256:${'ab'.repeat(32)}`;
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const OCI = 'application/vnd.oci.image.config.v1+json';
const IMAGE = { schemaVersion: 2, config: { mediaType: OCI, digest: SHA }, layers: [] };
const ENTRY = { digest: SHA, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } };

describe('a manifest', () => {
  test.each([OCI, 'application/vnd.docker.container.image.v1+json'])('with a %s', (mediaType) => {
    const read = readManifest(bytes({ ...IMAGE, config: { mediaType, digest: SHA } }));
    expect(read).toEqual({ kind: 'image', config: SHA });
  });

  test('that is an index: what has no platform or no digest is left out', () => {
    const manifests = [
      ENTRY,
      { digest: SHA },
      { ...ENTRY, digest: '../x' },
      null,
      { platform: {} },
    ];
    const read = readManifest(bytes({ schemaVersion: 2, manifests }));
    const entries = [{ digest: SHA, os: 'linux', architecture: 'arm64', variant: 'v8' }];
    expect(read).toEqual({ kind: 'index', entries });
  });

  test.each([
    ['no JSON', 'x', 'no JSON object'],
    ['a list', [], 'no JSON object'],
    ['schema 1', { schemaVersion: 1 }, 'of an old kind (schema 1)'],
    ['both at once', { ...IMAGE, manifests: [] }, 'an index and an image at once'],
    ['layers in an index', { schemaVersion: 2, layers: [], manifests: [] }, 'at once'],
    ['no configuration', { schemaVersion: 2 }, 'names no configuration that can be checked'],
    [
      'a path for a digest',
      { ...IMAGE, config: { mediaType: OCI, digest: 'sha256:../../other/blobs/x' } },
      'names no configuration that can be checked',
    ],
    [
      'an artifact',
      { ...IMAGE, config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: SHA } },
      'no image that a container runs',
    ],
    ['too many', { schemaVersion: 2, manifests: Array(1001).fill(ENTRY) }, 'more than 1000 images'],
  ])('%s is refused', (_, value, words) => {
    expect(readManifest(typeof value === 'string' ? Buffer.from(value) : bytes(value))).toContain(
      words,
    );
  });
});

describe('a configuration', () => {
  test.each([
    [{ config: { Entrypoint: ['/e'], Cmd: ['c', ''] } }, { entrypoint: ['/e'], cmd: ['c', ''] }],
    [{ config: { Entrypoint: null, Cmd: null } }, { entrypoint: [], cmd: [] }],
    [{ config: null }, { entrypoint: [], cmd: [] }],
    // One empty word is none.
    [{ config: { Entrypoint: [''], Cmd: ['c'] } }, { entrypoint: [], cmd: ['c'] }],
    [{ config: { Entrypoint: ['', 'x'] } }, { entrypoint: ['', 'x'], cmd: [] }],
    [{}, { entrypoint: [], cmd: [] }],
  ])('%j', (value, start) => {
    expect(readImageStart(bytes(value))).toEqual(start);
  });

  test.each([
    { config: { Cmd: 'text' } },
    { config: { Entrypoint: [1] } },
    { config: { Cmd: {} } },
  ])('%j is refused', (value) =>
    expect(readImageStart(bytes(value))).toContain('no list of texts'),
  );

  test('that is not UTF-8 is refused', () => {
    expect(readImageStart(new Uint8Array([123, 34, 255, 34, 58, 49, 125]))).toContain(
      'no JSON object',
    );
  });
});

test('whatever the bytes, nothing is thrown', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (given) => {
        readManifest(given);
        readImageStart(given);
      },
    ),
  );
});

/** As text: as a value it would be what it is here about. */
const listOf = (what: string, count: number): string => `[${Array(count).fill(what).join(',')}]`;

describe('what its author can make large', () => {
  test.each([
    ['empty lists', listOf('[]', 100_001)],
    ['numbers', listOf('1', 100_001)],
    ['lists in lists', '['.repeat(100_001)],
    ['objects in objects', '{"a":'.repeat(100_001)],
    ['behind a text that ends with a backslash', `["\\\\",${listOf('[]', 100_001)}]`],
  ])('is not made objects of: %s', (_, text) => {
    const document = Buffer.from(`{"schemaVersion":2,"config":{"Cmd":["c"]},"x":${text}}`);
    expect(readManifest(document)).toContain('of more than 100000 parts');
    expect(readImageStart(document)).toContain('of more than 100000 parts');
  });

  test('is read where it is one long text', () => {
    const Labels = { sbom: '[{,"\\'.repeat(200_000) };
    const read = readImageStart(bytes({ config: { Cmd: ['c'], Labels } }));
    expect(read).toEqual({ entrypoint: [], cmd: ['c'] });
  });
});
