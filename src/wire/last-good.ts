// The encrypted copy of the last complete success: one line of JSON that says how it is encrypted,
// then the sealed bytes. The line is authenticated with them, so its age cannot be changed.

/** What stands in the open. */
export interface CopyHeader {
  readonly format: typeof COPY_FORMAT;
  readonly writtenMs: number;
  /** The data key, encrypted under the policy's key; base64. */
  readonly wrapped: string;
  /** Base64. */
  readonly nonce: string;
}

/** One answer of the copy, by where it came from: a value, a map's values, or that it is absent. */
export interface CopyEntry {
  /** Store, the digest of what says where it is, path and version. */
  readonly of: string;
  /** Base64; one value, or a map's. */
  readonly value?: string;
  readonly entries?: readonly (readonly [key: string, value: string])[];
  /** The store has said that it does not exist. */
  readonly absent?: true;
}

export const COPY_FORMAT = 'bellhop/last-good/v1';

const NEWLINE = 0x0a;
const HEADER_BYTES_MAX = 16 * 1024;

/** The header's line, which is also what is authenticated beside the sealed bytes. */
export function headerLine(header: CopyHeader): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(header)}\n`);
}

/** A copy taken apart; undefined where it is none. */
export function splitCopy(
  bytes: Uint8Array,
):
  | { readonly header: CopyHeader; readonly line: Uint8Array; readonly sealed: Uint8Array }
  | undefined {
  const end = bytes.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE);
  if (end < 0) return undefined;
  const line = bytes.subarray(0, end + 1);
  const header = parsed(line);
  if (!isHeader(header)) return undefined;
  return { header, line, sealed: bytes.subarray(end + 1) };
}

/** The entries of an opened copy; undefined where it holds something else. */
export function readEntries(plain: Uint8Array): readonly CopyEntry[] | undefined {
  const entries = parsed(plain);
  return Array.isArray(entries) && entries.every(isEntry) ? entries : undefined;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function isHeader(value: unknown): value is CopyHeader {
  const { format, writtenMs, wrapped, nonce } = membersOf(value);
  const texts = [wrapped, nonce].every((one) => typeof one === 'string');
  return format === COPY_FORMAT && Number.isFinite(writtenMs) && texts;
}

function isEntry(value: unknown): value is CopyEntry {
  const { of, value: one, entries, absent } = membersOf(value);
  const isMap = Array.isArray(entries) && entries.every((pair) => isPair(pair));
  return typeof of === 'string' && (typeof one === 'string' || isMap || absent === true);
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && pair.every((one) => typeof one === 'string');
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
