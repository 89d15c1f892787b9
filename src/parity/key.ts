import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';

/** The variable that may hold the key: the same text on both sides. */
export const KEY_VARIABLE = 'BELLHOP_SNAPSHOT_KEY';

const KEY_BYTES_MIN = 16;
const KEY_BYTES_MAX = 4096;
const FRESH_BYTES = 32;

/** The key, and where it was written if it is new. */
export interface SnapshotKey {
  readonly bytes: Uint8Array;
  readonly written?: string;
}

/**
 * The key of the digests: `--key-file`, then BELLHOP_SNAPSHOT_KEY, then the one that an earlier
 * snapshot of this user made here, else a new one. It is never printed.
 */
export function openKey(io: Io, file: string | undefined): SnapshotKey {
  if (file !== undefined) return { bytes: checked(readKey(io, file), `--key-file ${file}`) };
  const variable = keyVariable(io);
  if (variable !== undefined) return { bytes: checked(variable, KEY_VARIABLE) };
  const own = `/dev/shm/bellhop-snapshot-${io.kernel.uid}.key`;
  const kept = keptKey(io, own);
  if (kept !== undefined) return { bytes: checked(kept, own) };
  const hex = Buffer.from(io.random(FRESH_BYTES)).toString('hex');
  const bytes = Buffer.from(`${hex}\n`);
  try {
    io.fs.write(own, bytes, 0o600);
  } catch (error) {
    throw noKey(`no key is given, and a new one cannot be kept (${errnoOf(error)})`, own);
  }
  return { bytes: trimmed(bytes), written: own };
}

const ASK = `make one (\`openssl rand -hex 32\`) and give both sides the same: --key-file FILE, or ${KEY_VARIABLE}`;

function noKey(what: string, where: string): BellhopError {
  return new BellhopError('BH_ERR_SNAPSHOT_KEY', { where: [where], what, help: ASK });
}

function errnoOf(error: unknown): string {
  if (error instanceof FsError) return error.errno;
  throw error;
}

function readKey(io: Io, file: string): Uint8Array {
  try {
    return trimmed(io.fs.readWaiting(file, KEY_BYTES_MAX));
  } catch (error) {
    throw noKey(`cannot be read (${errnoOf(error)})`, `--key-file ${file}`);
  }
}

function keyVariable(io: Io): Uint8Array | undefined {
  const prefix = Buffer.from(`${KEY_VARIABLE}=`);
  const entry = io.arrival.env.findLast((one) => prefix.equals(one.subarray(0, prefix.length)));
  return entry === undefined ? undefined : trimmed(entry.subarray(prefix.length));
}

/** One that another user could have put there, or can read, is no key. */
function keptKey(io: Io, file: string): Uint8Array | undefined {
  const there = io.fs.stat(file);
  if (there === undefined) return undefined;
  if (there.kind !== 'file' || there.uid !== io.kernel.uid || (there.mode & 0o077) !== 0) {
    throw noKey('is not a file of this user alone (mode 0600)', file);
  }
  try {
    return trimmed(io.fs.read(file, KEY_BYTES_MAX));
  } catch (error) {
    throw noKey(`cannot be read (${errnoOf(error)})`, file);
  }
}

/** Without white space at its end: files of keys mostly end with a newline. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && [0x0a, 0x0d, 0x20, 0x09].includes(bytes[end - 1] ?? 0)) end -= 1;
  return bytes.slice(0, end);
}

function checked(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length >= KEY_BYTES_MIN) return bytes;
  throw noKey(`is a key of ${bytes.length} bytes, and the least is ${KEY_BYTES_MIN}`, where);
}
