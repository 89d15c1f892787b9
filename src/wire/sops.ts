// Files encrypted by sops 3.13.3 (sops.go, aes/cipher.go): AES-256-GCM with nonces of 32 bytes for
// each value, and SHA-512 over all of them.
import { fromBase64 } from './base64.ts';
import { equalBytes, hex } from './digests.ts';
import { SopsProblem, flatMetadataAmong, isFlatMetadata, readMetadata } from './sops-metadata.ts';
import type { SopsMetadata, SopsRules } from './sops-metadata.ts';
import { dotenvEntries, jsonOf, treesOf } from './sops-tree.ts';
import type { SopsEntry, SopsLeaf, SopsNode } from './sops-tree.ts';

export { type SopsAgeKey, type SopsMetadata, SopsProblem } from './sops-metadata.ts';

/** What a file holds: a YAML or JSON text, a .env file, or any bytes (sops' `binary`). */
export type SopsFormat = 'tree' | 'dotenv' | 'binary';

/** A file that was read, and not opened. */
export interface SopsFile {
  readonly format: SopsFormat;
  readonly metadata: SopsMetadata;
  /** The documents without the metadata. */
  readonly trees: readonly SopsNode[];
}

/** What opens a file, passed in. */
export interface SopsCryptography {
  /** AES-256-GCM, the tag at the end of what is sealed; undefined where something does not fit. */
  openAesGcm(
    key: { readonly key: Uint8Array; readonly nonce: Uint8Array; readonly aad: Uint8Array },
    sealed: Uint8Array,
  ): Promise<Uint8Array | undefined>;
  sha512(data: Uint8Array): Uint8Array;
}

const METADATA_NAME = 'sops';
const encoder = new TextEncoder();

/**
 * Reads a file; throws a SopsProblem where it is none of sops, a YamlProblem where it is no YAML.
 * YAML is read as kubectl does: with dates and `<<` in plain sight, which sops reads otherwise, the
 * checksum is another, and the file is refused when it is opened.
 */
export function readSops(text: string, format: SopsFormat): SopsFile {
  return format === 'dotenv' ? readFlat(text) : readTrees(text, format);
}

function readFlat(text: string): SopsFile {
  const entries = dotenvEntries(text);
  if (entries === undefined) throw new SopsProblem('a line is no NAME=value');
  const metadata = flatMetadataAmong(entries);
  if (metadata === undefined) throw new SopsProblem('it has no sops metadata');
  const rest = entries.filter(([name]) => !isFlatMetadata(name));
  return { format: 'dotenv', metadata, trees: [{ kind: 'map', entries: rest }] };
}

function readTrees(text: string, format: SopsFormat): SopsFile {
  let metadata: SopsMetadata | undefined;
  const trees = treesOf(text).map((tree): SopsNode => {
    if (tree.kind !== 'map') throw new SopsProblem('a document is no mapping');
    const isMetadata = ([name]: SopsEntry): boolean => name === METADATA_NAME;
    metadata ??= readMetadata(tree.entries.find(isMetadata)?.[1]);
    return { kind: 'map', entries: tree.entries.filter((entry) => !isMetadata(entry)) };
  });
  if (metadata === undefined) throw new SopsProblem('it has no sops metadata');
  return { format, metadata, trees };
}

/**
 * Opens a file with its data key, and checks that nothing was changed. Gives JSON, one line a
 * document; for `binary` the bytes themselves. Throws a SopsProblem.
 */
export async function openSops(
  file: SopsFile,
  dataKey: Uint8Array,
  cryptography: SopsCryptography,
): Promise<Uint8Array> {
  const { metadata } = file;
  const opening: Opening = { metadata, dataKey, cryptography, checked: [] };
  const opened: SopsNode[] = [];
  for (const tree of file.trees) opened.push(await openNode(opening, [], tree));
  await checkMac(opening);
  if (file.format === 'binary') return binaryOf(opened);
  return encoder.encode(opened.map(jsonOf).join('\n'));
}

interface Opening {
  readonly metadata: SopsMetadata;
  readonly dataKey: Uint8Array;
  readonly cryptography: SopsCryptography;
  /** What the checksum is of, in order. */
  readonly checked: Uint8Array[];
}

type Path = readonly string[];

async function openNode(opening: Opening, path: Path, node: SopsNode): Promise<SopsNode> {
  switch (node.kind) {
    case 'leaf':
      return { kind: 'leaf', leaf: await openLeaf(opening, path, node.leaf) };
    case 'list': {
      const items: SopsNode[] = [];
      for (const item of node.items) items.push(await openNode(opening, path, item));
      return { kind: 'list', items };
    }
    case 'map': {
      const entries: SopsEntry[] = [];
      for (const [name, value] of node.entries) {
        entries.push([name, await openNode(opening, [...path, name], value)]);
      }
      return { kind: 'map', entries };
    }
  }
}

async function openLeaf(opening: Opening, path: Path, leaf: SopsLeaf): Promise<SopsLeaf> {
  const { metadata, checked } = opening;
  const isSealed = leaf.type !== 'null' && isEncrypted(metadata.rules, path, leaf);
  const opened = isSealed ? await unseal(opening, path, leaf) : leaf;
  if (isSealed || !metadata.macOnlyEncrypted) checked.push(checkedBytes(opened));
  return opened;
}

function isEncrypted(rules: SopsRules, path: Path, leaf: SopsLeaf): boolean {
  const { unencryptedSuffix, encryptedSuffix, unencryptedRegex, encryptedRegex } = rules;
  if (rules.byComments === true) return leaf.type === 'str' && SEALED.test(textOf(leaf.bytes));
  if (encryptedSuffix !== undefined) return path.some((name) => name.endsWith(encryptedSuffix));
  if (encryptedRegex !== undefined) return path.some((name) => encryptedRegex.test(name));
  if (unencryptedRegex !== undefined) return !path.some((name) => unencryptedRegex.test(name));
  return !path.some((name) => name.endsWith(unencryptedSuffix ?? ''));
}

const SEALED = /^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]/;

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** An empty text stays one when it is encrypted. */
async function unseal(opening: Opening, path: Path, leaf: SopsLeaf): Promise<SopsLeaf> {
  const at = path.join('.');
  if (leaf.type !== 'str') throw new SopsProblem(`${at}: not encrypted, but should be`);
  if (leaf.bytes.length === 0) return leaf;
  const opened = await openText(opening, textOf(leaf.bytes), `${path.join(':')}:`);
  if (opened === undefined) throw new SopsProblem(`${at}: does not open with the data key`);
  const value = leafOf(opened.type, opened.bytes);
  if (value === undefined) throw new SopsProblem(`${at}: of no type that sops has`);
  return value;
}

async function openText(
  { dataKey, cryptography }: Opening,
  text: string,
  aad: string,
): Promise<{ type: string; bytes: Uint8Array } | undefined> {
  const [, data = '', iv = '', tag = '', type = ''] = SEALED.exec(text) ?? [];
  const [sealed, nonce, end] = [data, iv, tag].map(fromBase64);
  if (sealed === undefined || end?.length !== 16 || nonce === undefined || nonce.length === 0) {
    return undefined;
  }
  const key = { key: dataKey, nonce, aad: encoder.encode(aad) };
  const bytes = await cryptography.openAesGcm(key, Buffer.concat([sealed, end]));
  return bytes === undefined ? undefined : { type, bytes };
}

function leafOf(type: string, bytes: Uint8Array): SopsLeaf | undefined {
  const text = textOf(bytes);
  switch (type) {
    case 'str':
    case 'bytes':
    case 'time':
      return { type: 'str', bytes };
    case 'int':
      return /^-?\d{1,19}$/.test(text) ? { type: 'number', text: String(BigInt(text)) } : undefined;
    case 'float':
      return /^-?\d+(?:\.\d+)?$/.test(text) ? { type: 'number', text } : undefined;
    case 'bool':
      return /^(?:True|False)$/.test(text) ? { type: 'bool', value: text === 'True' } : undefined;
    case 'comment':
      return { type: 'comment' };
    default:
      return undefined;
  }
}

/** What a value adds to the checksum: sops.go, ToBytes. */
function checkedBytes(leaf: SopsLeaf): Uint8Array {
  switch (leaf.type) {
    case 'str':
      return leaf.bytes;
    case 'bool':
      return encoder.encode(leaf.value ? 'True' : 'False');
    case 'number':
      return encoder.encode(/^-?\d{1,18}$/.test(leaf.text) ? leaf.text : numberText(leaf.text));
    case 'null':
    case 'comment':
      return new Uint8Array();
  }
}

/** As Go prints it: 64 bits of integer, else the shortest digits of a double, without exponent. */
function numberText(text: string): string {
  if (/^-?\d+$/.test(text) && BigInt(text) === BigInt.asIntN(64, BigInt(text))) return text;
  const [, sign = '', whole = '', fraction = '', exponent = ''] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(Number(text))) ?? [];
  const point = whole.length + Number(exponent);
  const digits = `${whole}${fraction}`;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const padded = digits.padEnd(point, '0');
  const rest = padded.slice(point);
  return `${sign}${padded.slice(0, point)}${rest === '' ? '' : `.${rest}`}`;
}

/** The first bytes of a checksum of encrypted values only: SHA-256 of `sops`. */
const MAC_ONLY_ENCRYPTED = '8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69';

async function checkMac(opening: Opening): Promise<void> {
  const { metadata, checked, cryptography } = opening;
  const first = metadata.macOnlyEncrypted ? [Buffer.from(MAC_ONLY_ENCRYPTED, 'hex')] : [];
  const digest = hex(cryptography.sha512(Buffer.concat([...first, ...checked]))).toUpperCase();
  const written = await openText(opening, metadata.mac, metadata.lastModified);
  if (written === undefined) throw new SopsProblem('its checksum does not open with the data key');
  if (!equalBytes(written.bytes, encoder.encode(digest))) {
    throw new SopsProblem('its checksum is another: it was changed without sops');
  }
}

function binaryOf([tree]: readonly SopsNode[]): Uint8Array {
  const data =
    tree?.kind === 'map' ? tree.entries.find(([name]) => name === 'data')?.[1] : undefined;
  if (data?.kind === 'leaf' && data.leaf.type === 'str') return data.leaf.bytes;
  throw new SopsProblem('it holds no binary data');
}
