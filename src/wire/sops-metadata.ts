// The metadata of sops 3.13.3 files (stores/stores.go, stores/flatten.go).
import type { SopsEntry, SopsNode } from './sops-tree.ts';

/** Why a file cannot be opened; never with a value in it. */
export class SopsProblem extends Error {}

/** A file's data key, sealed for one recipient by age. */
export interface SopsAgeKey {
  readonly recipient: string;
  /** An armored age file; its content is the data key of 32 bytes. */
  readonly enc: string;
}

/** Which values are encrypted; at most one of the rules is there. */
export interface SopsRules {
  readonly unencryptedSuffix?: string;
  readonly encryptedSuffix?: string;
  readonly unencryptedRegex?: RegExp;
  readonly encryptedRegex?: RegExp;
  /** The rule asks comments, which are not read: a value is encrypted where it looks like it. */
  readonly byComments?: true;
}

export interface SopsMetadata {
  readonly ageKeys: readonly SopsAgeKey[];
  /** Names of other kinds of keys that seal the data key too: `pgp`, `kms` … */
  readonly otherKeys: readonly string[];
  readonly rules: SopsRules;
  readonly lastModified: string;
  /** Encrypted; empty where the file has none. */
  readonly mac: string;
  readonly macOnlyEncrypted: boolean;
}

const OTHER_KEYS = ['kms', 'gcp_kms', 'hckms', 'azure_kv', 'hc_vault', 'pgp'];
const DEFAULT_SUFFIX = '_unencrypted';
const FLAT_PREFIX = 'sops_';

/** The metadata from their mapping; undefined where the value is none. */
export function readMetadata(node: SopsNode | undefined): SopsMetadata | undefined {
  return node?.kind === 'map' ? metadataOf(new Map(node.entries)) : undefined;
}

/** The same from a .env file, which has it in names like `sops_age__list_0__map_enc`. */
export function flatMetadataAmong(entries: readonly SopsEntry[]): SopsMetadata | undefined {
  const flat = entries.filter(([name]) => isFlatMetadata(name));
  if (flat.length === 0) return undefined;
  const top = new Map<string, SopsNode>();
  const lists = new Map<string, Map<string, [string, SopsNode][]>>();
  for (const [name, value] of flat) {
    const [, list = '', index = '', key = ''] =
      /^sops_(\w+?)__list_(\d+)__map_(\w+)$/.exec(name) ?? [];
    if (list === '') top.set(name.slice(FLAT_PREFIX.length), value);
    else {
      const items = lists.get(list) ?? new Map<string, [string, SopsNode][]>();
      items.set(index, [...(items.get(index) ?? []), [key, value]]);
      lists.set(list, items);
    }
  }
  for (const [name, items] of lists) {
    const maps = [...items.values()].map((all): SopsNode => ({ kind: 'map', entries: all }));
    top.set(name, { kind: 'list', items: maps });
  }
  return metadataOf(top);
}

export function isFlatMetadata(name: string): boolean {
  return name.startsWith(FLAT_PREFIX);
}

type Members = ReadonlyMap<string, SopsNode>;

function metadataOf(members: Members): SopsMetadata {
  const isShared = [...members.keys()].some((name) => name.startsWith('key_groups'));
  if (isShared) throw new SopsProblem('its data key is split over key groups');
  const lastModified = textAt(members, 'lastmodified');
  if (lastModified === '') throw new SopsProblem('its sops metadata has no lastmodified');
  return {
    ageKeys: itemsAt(members, 'age').map((item) => ({
      recipient: textAt(item, 'recipient'),
      enc: textAt(item, 'enc'),
    })),
    otherKeys: OTHER_KEYS.filter((name) => itemsAt(members, name).length > 0),
    rules: rulesOf(members),
    lastModified,
    mac: textAt(members, 'mac'),
    macOnlyEncrypted: textAt(members, 'mac_only_encrypted') === 'true',
  };
}

function rulesOf(members: Members): SopsRules {
  const given = (name: string): string => textAt(members, name);
  if (given('encrypted_suffix') !== '') return { encryptedSuffix: given('encrypted_suffix') };
  if (given('encrypted_regex') !== '')
    return { encryptedRegex: regexAt(members, 'encrypted_regex') };
  if (given('unencrypted_regex') !== '') {
    return { unencryptedRegex: regexAt(members, 'unencrypted_regex') };
  }
  if (given('encrypted_comment_regex') !== '' || given('unencrypted_comment_regex') !== '') {
    return { byComments: true };
  }
  return { unencryptedSuffix: given('unencrypted_suffix') || DEFAULT_SUFFIX };
}

/** Go's expressions are not quite JavaScript's; where they mean something else, the MAC tells. */
function regexAt(members: Members, name: string): RegExp {
  const [, flag = '', source = ''] = /^(\(\?i\))?([^]*)$/.exec(textAt(members, name)) ?? [];
  try {
    return new RegExp(source, flag === '' ? '' : 'i');
  } catch {
    throw new SopsProblem(`its ${name} is an expression that only Go reads`);
  }
}

function itemsAt(members: Members, name: string): Members[] {
  const list = members.get(name);
  if (list?.kind !== 'list') return [];
  return list.items.map((item) => new Map(item.kind === 'map' ? item.entries : []));
}

function textAt(members: Members, name: string): string {
  const node = members.get(name);
  if (node?.kind !== 'leaf') return '';
  switch (node.leaf.type) {
    case 'str':
      return new TextDecoder().decode(node.leaf.bytes);
    case 'bool':
      return String(node.leaf.value);
    case 'number':
    case 'null':
    case 'comment':
      return '';
  }
}
