/**
 * The child's side of the launcher: the runtime works here, the process that becomes the user's
 * program is our parent. What we were given and what we answer go through three descriptors.
 */
import { fstatSync, readFileSync, readlinkSync } from 'node:fs';
import { readSync, writeFileSync, writeSync } from 'node:fs';
import { BellhopError, invariant } from '../errors.ts';
import { errnoName } from './errno.ts';
import type { Host } from './host.ts';
import { kernelFacts } from './kernel-facts.ts';
import {
  decodeAnswer,
  decodeInput,
  encodeDocument,
  encodeMount,
  encodeNamespaces,
  encodeQuit,
  encodeRelay,
  encodeRoot,
  encodeTrial,
  encodeUnmount,
  parseDescriptors,
  PROTOCOL_VERSION,
  REQUEST_BYTES_MAX,
} from './launcher-wire.ts';
import type { ArrivalState, Kernel } from './types.ts';

/** The variable by which the launcher tells the child its descriptors. */
export const LAUNCHER_VARIABLE = 'BELLHOP_LAUNCHER';

interface Channel {
  readonly documentFd: number;
  readonly socketFd: number;
  readonly launcherPid: number;
}

/** Arrival and kernel by the launcher of this variable; throws where it is not one of ours. */
export function launcherHost(variable: string): Host {
  const fds = parseDescriptors(variable);
  if (fds === undefined) throw mismatch(`${LAUNCHER_VARIABLE} is not as our launcher writes it`);
  if (fds.version !== PROTOCOL_VERSION) {
    throw mismatch(`the launcher speaks protocol ${fds.version}, not ${PROTOCOL_VERSION}`);
  }
  const input = decodeInput(readWhole(fds.input));
  if (input === undefined) throw mismatch('the input of the launcher is not whole');
  const channel = { documentFd: fds.document, socketFd: fds.socket, launcherPid: input.pid };
  const { ignored, blocked, pending, openFiles, fileSize } = input;
  return {
    arrival: { argv: input.argv, env: input.env },
    kernel: launcherKernel(channel, { ignored, blocked, pending, openFiles, fileSize }),
    cwdGone: input.cwdGone,
    quit: (code) => {
      // Also for errors: where SIGCHLD is ignored the launcher cannot learn our exit code.
      writeWhole(fds.document, encodeQuit(code));
      return leave(code);
    },
  };
}

/**
 * After `enterNamespaces` the program's files lie below `/proc/PID/root`. An absolute link met
 * there leads back into our own root, so callers resolve links one by one below the prefix.
 */
function launcherKernel(channel: Channel, arrival: ArrivalState): Kernel {
  const facts = kernelFacts();
  let rootPrefix = '';
  return {
    kind: 'launcher',
    pid: channel.launcherPid,
    arrival,
    get uid() {
      return facts.uid;
    },
    get gid() {
      return facts.gid;
    },
    get groups() {
      return facts.groups;
    },
    get capabilities() {
      return facts.capabilities;
    },
    get execBytesMax() {
      return facts.execBytesMax;
    },
    get rootPrefix() {
      return rootPrefix;
    },
    mount: (request) => ask(channel, encodeMount(request)),
    unmount: (path, options) => ask(channel, encodeUnmount(path, options?.detach === true)),
    tryNamespaces: () => ask(channel, encodeTrial()),
    enterNamespaces: (ids) => {
      const errno =
        ask(channel, encodeNamespaces(ids)) ??
        (ids === 'all' ? mapEverybody(channel.launcherPid) : undefined);
      if (errno === undefined) rootPrefix = `/proc/${channel.launcherPid}/root`;
      return errno;
    },
    enterRoot: (path) => ask(channel, encodeRoot(path)),
    // The launcher, which passes the signal on, ends with 143 whatever we answer.
    finishFirst: () => void process.on('SIGTERM', () => {}),
    relay: (document) => {
      writeWhole(channel.documentFd, encodeRelay(document));
      return leave(0);
    },
    exec: (document) => {
      writeWhole(channel.documentFd, encodeDocument(document));
      return leave(0);
    },
  };
}

/** The launcher's user namespace, if it has one of its own, gets everybody that ours has. */
function mapEverybody(launcherPid: number): string | undefined {
  const of = `/proc/${launcherPid}`;
  try {
    if (readlinkSync(`${of}/ns/user`) === readlinkSync('/proc/self/ns/user')) return undefined;
    for (const map of ['uid_map', 'gid_map']) {
      const extents = readFileSync(`/proc/self/${map}`, 'latin1').trim().split('\n');
      const lines = extents.map((line) => {
        const [inside = '', , count = ''] = line.trim().split(/\s+/);
        return `${inside} ${inside} ${count}\n`;
      });
      writeFileSync(`${of}/${map}`, lines.join(''));
    }
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return typeof code === 'string' ? code : 'EIO';
  }
}

/** One message out, one in; the kernel keeps them whole. */
function ask(channel: Channel, request: Uint8Array): string | undefined {
  if (request.length > REQUEST_BYTES_MAX) return 'ENAMETOOLONG';
  const answer = new Uint8Array(8);
  writeSync(channel.socketFd, request);
  const count = readSync(channel.socketFd, answer);
  const errno = decodeAnswer(answer.subarray(0, count));
  invariant(errno !== undefined, 'the launcher answers each request with a number');
  return errno === 0 ? undefined : errnoName(errno);
}

function readWhole(fd: number): Uint8Array {
  const bytes = new Uint8Array(fstatSync(fd).size);
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(fd, bytes, done, bytes.length - done, done);
    if (count === 0) return bytes.subarray(0, done);
    done += count;
  }
  return bytes;
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, done);
}

/** Without exit handlers and clean-up, which cost 0.3 ms of 2.7 and find nothing to do. */
function leave(code: number): never {
  return process.reallyExit(code);
}

function mismatch(what: string): BellhopError {
  const help = 'install bellhop and bellhop-runtime from one release, and start `bellhop`';
  return new BellhopError('BH_ERR_SETTINGS', { where: [], what, help });
}
