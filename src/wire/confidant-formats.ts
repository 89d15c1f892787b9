// What confidant-client 2.7.1 makes of a service: formatter.py, `--out-format env_export` and
// `credential_combined`. It asks nobody whether a credential is enabled.
import type { CredentialFacts, Json, JsonObject, Pairs, Service } from './confidant.ts';
import { digitsOf, isJsonObject } from './confidant.ts';

/** A blind credential that was opened. */
export interface OpenedBlind extends CredentialFacts {
  readonly pairs: Pairs;
}

/** A service whose blind credentials were opened. */
export interface OpenedService extends Pick<Service, 'revision' | 'credentials'> {
  readonly blind: readonly OpenedBlind[];
}

/**
 * The variables that a shell has after it has read `env_export`. Names are `prefix` (or the
 * credential's own `env_var_prefix`) and the key, in capitals; keys that are no names are left out.
 * The first of several with one name counts, as the shell sets only what is not set.
 */
export function exportedVariables(service: OpenedService, prefix: string): Map<string, Json> {
  const found = new Map<string, Json>();
  const add = ({ pairs }: OpenedBlind, own: string): void => {
    for (const [key, value] of pairs) {
      const name = `${own.toUpperCase()}${key.toUpperCase()}`;
      if (isName(key) && /^[A-Za-z_]\w*$/.test(name) && !found.has(name)) found.set(name, value);
    }
  };
  for (const one of service.credentials) add(one, ownPrefix(one) || prefix);
  // For these an empty prefix of their own counts.
  for (const one of service.blind) add(one, ownPrefix(one) ?? prefix);
  return found;
}

function ownPrefix({ metadata }: OpenedBlind): string | undefined {
  const { env_var_prefix: prefix } = metadata;
  return typeof prefix === 'string' ? prefix : undefined;
}

/** Python's `(\W|^\d)` finds nothing in it. */
function isName(key: string): boolean {
  return !/[^\p{L}\p{N}_]|^\p{Nd}/u.test(key);
}

/** The text that `credential_combined` prints, byte for byte. */
export function combinedText(service: OpenedService): string {
  const all: readonly OpenedBlind[] = [...service.credentials, ...service.blind];
  const pairs = all.flatMap((one) => [...one.pairs]);
  const sources = all.flatMap(({ id, pairs: own }) => {
    return [...own.keys()].map((key): [string, Json] => [key, id]);
  });
  return pythonJson(
    {
      credentials: Object.fromEntries(pairs),
      credentials_metadata: {
        revision: service.revision,
        credentials: all.map(({ id, revision, name, metadata }): JsonObject => {
          const facts = { id, revision, name };
          return Object.keys(metadata).length === 0 ? facts : { ...facts, metadata };
        }),
      },
      credentials_source: Object.fromEntries(sources),
    },
    '',
  );
}

const STEP = '    ';

/** json.dumps(value, sort_keys=True, indent=4, separators=(',', ': ')) of Python 3. */
function pythonJson(value: Json, indent: string): string {
  const inner = indent + STEP;
  if (Array.isArray(value)) {
    const items = value.map((one: Json) => `${inner}${pythonJson(one, inner)}`);
    return items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (isJsonObject(value)) {
    const names = Object.keys(value).toSorted(byCodePoints);
    const members = names.map((name) => {
      return `${inner}${quoted(name)}: ${pythonJson(value[name] ?? null, inner)}`;
    });
    return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
  }
  return typeof value === 'string' ? quoted(value) : (digitsOf(value) ?? JSON.stringify(value));
}

/** Python compares text by code points, JavaScript by UTF-16 units. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (const [index, one] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (one !== other) return (one.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
  }
  return left.length - right.length;
}

/** In ASCII. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
