// What a registry has of an image: OCI image-spec 1.1 (manifest.md, image-index.md, config.md), and
// Docker's schema 2, which is the same under other names.
import { isDigest } from './image-name.ts';
import { isRecord } from './read.ts';

/** The types of manifests that are understood, as `Accept` names them. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

const CONFIG_TYPES: ReadonlySet<unknown> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]);

/** One image of an index. */
export interface IndexEntry {
  readonly digest: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

/** An image, by where its configuration is; or one image for each platform. */
export type Manifest =
  | { readonly kind: 'image'; readonly config: string }
  | { readonly kind: 'index'; readonly entries: readonly IndexEntry[] };

/** What an image starts; both may be empty. */
export interface ImageStart {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
}

/** More than any index has. */
const ENTRIES_MAX = 1000;

/** The manifest, or what is wrong with it. */
export function readManifest(bytes: Uint8Array): Manifest | string {
  const manifest = documentOf(bytes, 'its manifest');
  if (typeof manifest === 'string') return manifest;
  if (manifest['schemaVersion'] !== 2) return 'its manifest is of an old kind (schema 1)';
  const { manifests, config, layers } = manifest;
  // Who reads such a document as the one, and who as the other, would see two images.
  const isBoth = manifests !== undefined && (config !== undefined || layers !== undefined);
  if (isBoth) return 'its manifest is an index and an image at once';
  if (Array.isArray(manifests)) {
    if (manifests.length > ENTRIES_MAX) return `its index has more than ${ENTRIES_MAX} images`;
    return { kind: 'index', entries: manifests.flatMap(entryOf) };
  }
  const { digest, mediaType } = isRecord(config) ? config : {};
  if (typeof digest !== 'string' || !isDigest(digest)) {
    return 'its manifest names no configuration that can be checked';
  }
  if (!CONFIG_TYPES.has(mediaType)) return 'it is no image that a container runs';
  return { kind: 'image', config: digest };
}

function entryOf(entry: unknown): IndexEntry[] {
  const { digest, platform } = isRecord(entry) ? entry : {};
  if (typeof digest !== 'string' || !isDigest(digest) || !isRecord(platform)) return [];
  const text = (name: string): string => {
    const value = platform[name];
    return typeof value === 'string' ? value : '';
  };
  const [os, architecture, variant] = [text('os'), text('architecture'), text('variant')];
  return [{ digest, os, architecture, variant }];
}

/** What the configuration of an image says that it starts, or what is wrong with it. */
export function readImageStart(bytes: Uint8Array): ImageStart | string {
  const image = documentOf(bytes, 'its configuration');
  if (typeof image === 'string') return image;
  const config = isRecord(image['config']) ? image['config'] : {};
  const [entrypoint, cmd] = [wordsOf(config['Entrypoint']), wordsOf(config['Cmd'])];
  if (entrypoint === undefined || cmd === undefined) {
    return 'Entrypoint or Cmd of its configuration is no list of texts';
  }
  // As containerd 2 at 030e9a1 has it: internal/cri/opts/spec_opts.go, WithProcessArgs.
  const isNone = entrypoint.length === 1 && entrypoint[0] === '';
  return { entrypoint: isNone ? [] : entrypoint, cmd };
}

function wordsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const words = value.filter((one) => typeof one === 'string');
  return words.length === value.length ? words : undefined;
}

/** Images have some thousands; four MiB of brackets would become hundreds of MiB of objects. */
const PARTS_MAX = 100_000;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** `[`, `{` and `,`: with each of them a value begins. */
const BEGINNING: ReadonlySet<number> = new Set([0x5b, 0x7b, 0x2c]);

/** Whoever may push an image writes what stands here. */
function isLarge(bytes: Uint8Array): boolean {
  let parts = 0;
  let isText = false;
  for (let at = 0; at < bytes.length && parts <= PARTS_MAX; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) isText = !isText;
    else if (isText) at += byte === BACKSLASH ? 1 : 0;
    else if (BEGINNING.has(byte)) parts++;
  }
  return parts > PARTS_MAX;
}

function documentOf(bytes: Uint8Array, called: string): JsonObject | string {
  if (isLarge(bytes)) return `${called} is of more than ${PARTS_MAX} parts`;
  const json = jsonOf(bytes);
  return isRecord(json) ? json : `${called} is no JSON object`;
}

type JsonObject = Readonly<Record<string, unknown>>;

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
