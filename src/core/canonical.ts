/** JSON values, as RFC 8259 has them. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [k: string]: Json };

/**
 * Canonical JSON after RFC 8785: members sorted by UTF-16 code units, no white space, numbers and
 * strings as ECMAScript prints them. Members that are undefined are left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => `${JSON.stringify(name)}:${canonicalJson(one)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/**
 * `sha256:` and the hexadecimal digest of a text's UTF-8 bytes. By Bun's own hasher: every start
 * from a plan checks one, and loading node:crypto for it costs 6 ms (Bun 1.4.5, without JIT).
 */
export function digestOf(text: string): string {
  return `sha256:${new Bun.CryptoHasher('sha256').update(text).digest('hex')}`;
}
