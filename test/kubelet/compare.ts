// What a real kubelet gave against what `bellhop run` gives: the list of differences. Pure.
import type { Context } from './normalise.ts';
import { NOT_COMPARABLE, type Rule } from './rules.ts';
import type { Entry, Mount, Seen, Text } from './vectors.ts';

/** One deviation; a side that has nothing there is undefined. */
export interface Difference {
  path: string;
  expected: unknown;
  got: unknown;
}

/** What a snapshot becomes for comparing: maps are looked at key by key, all else as a whole. */
type Tree = Map<string, unknown>;

const keyOf = (text: Text): string => (typeof text === 'string' ? text : `base64:${text.base64}`);

// Bytes say all of size and digest, the digest all of the size.
function entryTree(entry: Entry): Tree {
  const fields = new Map<string, unknown>(Object.entries(entry));
  fields.delete('path');
  if (entry.content !== undefined) fields.delete('sha256');
  if (entry.content !== undefined || entry.sha256 !== undefined) fields.delete('size');
  return prefixed('.', fields);
}

function prefixed(before: string, map: Map<string, unknown>): Tree {
  return new Map([...map].map(([key, value]) => [`${before}${key}`, value]));
}

function bracketed<T>(items: T[], key: (item: T) => string, tree: (item: T) => unknown): Tree {
  const out: Tree = new Map();
  for (const item of items) {
    const name = `[${key(item)}]`;
    const before = out.get(name);
    out.set(name, before === undefined ? tree(item) : ['twice', before, tree(item)]);
  }
  return out;
}

function mountTree({ parents, entries, ...mount }: Mount): Tree {
  const fields = prefixed('.', new Map(Object.entries(mount)));
  fields.delete('.path');
  fields.set(
    '.parents',
    bracketed(parents, (entry) => entry.path, entryTree),
  );
  fields.set(
    '.entries',
    bracketed(entries, (entry) => entry.path, entryTree),
  );
  return fields;
}

function seenTree({ env, fds, mounts, ...seen }: Seen): Tree {
  const fields = prefixed('.', new Map(Object.entries(seen)));
  fields.set(
    '.env',
    bracketed(
      env,
      ({ name }) => keyOf(name),
      ({ value }) => value,
    ),
  );
  fields.set(
    '.fds',
    bracketed(
      fds,
      ({ fd }) => String(fd),
      (fd) => fd,
    ),
  );
  fields.set(
    '.mounts',
    bracketed(mounts, (mount) => mount.path, mountTree),
  );
  return fields;
}

function plain(value: unknown): unknown {
  return value instanceof Map
    ? Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]))
    : value;
}

function* differ(expected: unknown, got: unknown, at: string): Generator<Difference> {
  if (expected instanceof Map && got instanceof Map) {
    for (const key of new Set<string>([...expected.keys(), ...got.keys()])) {
      yield* differ(expected.get(key), got.get(key), at + key);
    }
  } else if (!Bun.deepEquals(expected, got, true)) {
    yield { path: at, expected: plain(expected), got: plain(got) };
  }
}

/** Where the pair comes from, and which rows count. */
interface Compared extends Context {
  rules?: readonly Rule[];
}

/** Names of the differences that these snapshots have, and that are explained. */
export function explained(expected: Seen, got: Seen, context: Context): string[] {
  const rest = compare(expected, got, context).length;
  const names = new Set(NOT_COMPARABLE.map(({ named }) => named).filter((name) => name !== ''));
  return [...names].filter((name) => {
    const others = NOT_COMPARABLE.filter(({ named }) => named !== name);
    return compare(expected, got, { ...context, rules: others }).length > rest;
  });
}

/** Every difference that no row of NOT_COMPARABLE explains, or none of these rows. */
export function compare(expected: Seen, got: Seen, context: Compared): Difference[] {
  const { rules = NOT_COMPARABLE } = context;
  const pair = { expected: structuredClone(expected), got: structuredClone(got) };
  for (const rule of rules) {
    if (rule.modes.includes(context.mode)) rule.apply(pair, context);
  }
  return [...differ(seenTree(pair.expected), seenTree(pair.got), '')].map((difference) => ({
    ...difference,
    path: difference.path.replace(/^\./, ''),
  }));
}
