/**
 * What the launcher and its child say to each other, as bytes; src/launcher/ is the other end.
 * All numbers are little endian, all strings end in NUL. Nothing here touches a descriptor.
 */
import type { GrowingBytes } from './growing-bytes.ts';
import { growingBytes } from './growing-bytes.ts';
import type { Arrival, ArrivalState, ExecDocument, ExecString } from './types.ts';
import type { MountRequest, NamespaceIds, RelayDocument, RelayUse } from './types.ts';

/** Launcher and runtime of different releases refuse each other by this number. */
export const PROTOCOL_VERSION = 3;

/** In a report the launcher puts `step: ERRNAME (number)` in its place. */
export const REPORT_WHY = '{{why}}';

const INPUT_MAGIC = 0x4e49_4842; // "BHIN"
const DOCUMENT_MAGIC = 0x5845_4842; // "BHEX"
const INPUT_HEADER_BYTES = 80;
/** src/launcher/requests.h, REQUEST_BYTES_MAX. */
export const REQUEST_BYTES_MAX = 16_384;

/** Record tags of the exec document, in the order of `enum tag` in src/launcher/document.h. */
export const TAG = {
  program: 1,
  path: 2,
  arg: 3,
  argRaw: 4,
  env: 5,
  envRaw: 6,
  cwd: 7,
  root: 8,
  uid: 9,
  gid: 10,
  groups: 11,
  noNewPrivileges: 12,
  dropCapabilities: 13,
  umask: 14,
  limit: 15,
  notFound: 16,
  notAllowed: 17,
  other: 18,
  quit: 19,
  relay: 20,
  end: 21,
} as const;

/** Everything the launcher tells about its own start. */
export interface LauncherInput extends Arrival, ArrivalState {
  /** The launcher's process id, to reach its mount namespace by. */
  readonly pid: number;
  /** The working directory was deleted: the child works in `/` instead. */
  readonly cwdGone: boolean;
  /** Which of descriptors 0, 1 and 2 were open. */
  readonly stdioOpen: readonly [boolean, boolean, boolean];
}

const encoder = new TextEncoder();

/** The descriptors in BELLHOP_LAUNCHER; undefined where it is not what a launcher writes. */
export function parseDescriptors(
  text: string,
): { version: number; input: number; document: number; socket: number } | undefined {
  const match = /^(\d{1,4}):(\d{1,9}):(\d{1,9}):(\d{1,9})$/.exec(text);
  if (match === null) return undefined;
  const [version = 0, input = 0, document = 0, socket = 0] = match.slice(1).map(Number);
  return { version, input, document, socket };
}

/** Reads memfd A; undefined where it is not whole or not of our version. */
export function decodeInput(bytes: Uint8Array): LauncherInput | undefined {
  if (bytes.length < INPUT_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (index: number) => view.getUint32(index * 4, true);
  if (word(0) !== INPUT_MAGIC || word(1) !== PROTOCOL_VERSION) return undefined;
  const argc = word(2);
  const strings = splitStrings(bytes.subarray(INPUT_HEADER_BYTES));
  if (strings?.length !== argc + word(3)) return undefined;
  const flags = word(5);
  const long = (offset: number) => view.getBigUint64(offset, true);
  return {
    argv: strings.slice(1, argc),
    env: strings.slice(argc),
    pid: word(4),
    cwdGone: (flags & 8) !== 0,
    stdioOpen: [(flags & 1) !== 0, (flags & 2) !== 0, (flags & 4) !== 0],
    ignored: long(24),
    blocked: long(32),
    pending: long(40),
    openFiles: { soft: long(48), hard: long(56) },
    fileSize: { soft: long(64), hard: long(72) },
  };
}

/** Cuts at each NUL; undefined where the last string has none. */
export function splitStrings(bytes: Uint8Array): Uint8Array[] | undefined {
  const strings: Uint8Array[] = [];
  let from = 0;
  while (from < bytes.length) {
    const end = bytes.indexOf(0, from);
    if (end < 0) return undefined;
    strings.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return strings;
}

/** The exec document, memfd B. */
export function encodeDocument(document: ExecDocument): Uint8Array {
  const out = startDocument();
  putString(out, TAG.program, document.program);
  putString(out, TAG.path, document.path);
  for (const arg of document.argv) putExecString(out, TAG.arg, arg);
  for (const entry of document.env) putExecString(out, TAG.env, entry);
  putIdentity(out, document);
  for (const { resource, soft, hard } of document.limits ?? []) {
    putHeader(out, TAG.limit, 20);
    out.u32(resource);
    out.u64(soft);
    out.u64(hard);
  }
  if (document.relay !== undefined) putRelay(out, document.relay);
  putString(out, TAG.notFound, encoder.encode(document.failure.notFound));
  putString(out, TAG.notAllowed, encoder.encode(document.failure.notAllowed));
  putString(out, TAG.other, encoder.encode(document.failure.other));
  return endDocument(out);
}

/** A document that starts nothing: the launcher ends with this code. */
export function encodeQuit(code: number): Uint8Array {
  const out = startDocument();
  putNumbers(out, TAG.quit, [code]);
  return endDocument(out);
}

/** A document that starts no program: the launcher itself is the relay, and ends with 0. */
export function encodeRelay(relay: RelayDocument): Uint8Array {
  const out = startDocument();
  putRelay(out, relay);
  putNumbers(out, TAG.quit, [0]);
  return endDocument(out);
}

/** The request for mount(2). */
export function encodeMount(request: MountRequest): Uint8Array {
  const strings = [request.source, request.target, request.type, request.data];
  return encodeRequest([1, request.flags, 0], strings);
}

/** The request for umount2(2); detach is MNT_DETACH. */
export function encodeUnmount(path: string, detach: boolean): Uint8Array {
  return encodeRequest([2, detach ? 2 : 0], [path]);
}

/** src/launcher/requests.h, MAPS_BY_CHILD: nothing is mapped yet. */
const MAPS_BY_CHILD = 0xffff_ffff;

/** The request for a mount namespace, the ids being those that are seen inside. */
export function encodeNamespaces(ids: NamespaceIds): Uint8Array {
  const { uid, gid } = ids === 'all' ? { uid: MAPS_BY_CHILD, gid: MAPS_BY_CHILD } : ids;
  return encodeRequest([3, uid, gid], []);
}

/** The question whether namespaces are granted; nothing changes. */
export function encodeTrial(): Uint8Array {
  return encodeRequest([4], []);
}

/** The request to make a mount point the root. */
export function encodeRoot(path: string): Uint8Array {
  return encodeRequest([5], [path]);
}

/** The errno number of an answer, 0 for success; undefined where it is no answer. */
export function decodeAnswer(bytes: Uint8Array): number | undefined {
  if (bytes.length !== 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
}

function encodeRequest(words: readonly number[], strings: readonly string[]): Uint8Array {
  const out = growingBytes();
  for (const word of words) out.u32(word);
  for (const text of strings) out.string(encoder.encode(text));
  return out.done();
}

function startDocument(): GrowingBytes {
  const out = growingBytes();
  out.u32(DOCUMENT_MAGIC);
  out.u32(PROTOCOL_VERSION);
  return out;
}

function endDocument(out: GrowingBytes): Uint8Array {
  putNumbers(out, TAG.end, []);
  return out.done();
}

function putIdentity(out: GrowingBytes, document: ExecDocument): void {
  const { cwd, root, uid, gid, groups, dropCapabilities, umask } = document;
  if (cwd !== undefined) putString(out, TAG.cwd, encoder.encode(cwd));
  if (root !== undefined) putString(out, TAG.root, encoder.encode(root));
  if (uid !== undefined) putNumbers(out, TAG.uid, [uid]);
  if (gid !== undefined) putNumbers(out, TAG.gid, [gid]);
  if (groups !== undefined) putNumbers(out, TAG.groups, groups);
  if (document.noNewPrivileges === true) putNumbers(out, TAG.noNewPrivileges, []);
  if (dropCapabilities !== undefined) putNumbers(out, TAG.dropCapabilities, dropCapabilities);
  if (umask !== undefined) putNumbers(out, TAG.umask, [umask]);
}

/** In the order of `enum use` in src/launcher/relay_parts.h. */
const USES: readonly RelayUse[] = ['statsd', 'statsdFrames', 'statsdLines', 'datagrams', 'stream'];

function putRelay(out: GrowingBytes, relay: RelayDocument): void {
  const record = growingBytes();
  record.u32(relay.failExit);
  record.string(encoder.encode(relay.tags));
  record.string(encoder.encode(relay.notStarted));
  record.u32(relay.lookMs);
  record.u32(relay.servers.length);
  for (const server of relay.servers) record.bytes(server);
  const questions = growingBytes();
  for (const question of relay.questions) questions.bytes(question);
  record.bytes(questions.done());
  record.u32(relay.targets.length);
  for (const { stream, packetBytesMax, address } of relay.targets) {
    record.u32(stream ? 1 : 0);
    record.u32(packetBytesMax);
    record.bytes(address);
  }
  record.u32(relay.listeners.length);
  for (const { use, target, lenient, address, report } of relay.listeners) {
    record.u32(USES.indexOf(use) + 1);
    record.u32(target);
    record.u32(lenient ? 1 : 0);
    record.bytes(address);
    record.string(encoder.encode(report));
  }
  const bytes = record.done();
  out.u32(TAG.relay);
  out.bytes(bytes);
}

function putHeader(out: GrowingBytes, tag: number, payloadBytes: number): void {
  out.u32(tag);
  out.u32(payloadBytes);
}

function putString(out: GrowingBytes, tag: number, bytes: Uint8Array): void {
  putHeader(out, tag, bytes.length + 1);
  out.string(bytes);
}

function putNumbers(out: GrowingBytes, tag: number, numbers: readonly number[]): void {
  putHeader(out, tag, 4 * numbers.length);
  for (const value of numbers) out.u32(value);
}

/** The tag of a raw index is the one after that of the bytes. */
function putExecString(out: GrowingBytes, tag: 3 | 5, value: ExecString): void {
  if ('raw' in value) putNumbers(out, tag + 1, [value.raw]);
  else putString(out, tag, value.bytes);
}
