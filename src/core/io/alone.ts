/**
 * The same seam without the launcher, for places where only one file can be copied: the process
 * that runs this TypeScript becomes the user's program itself. What that cannot give back is in
 * `ALONE_DIFFERENCES`; a test compares it with what programs really see.
 */
import { readFileSync } from 'node:fs';
import { becomeAlone, readStdioFlags } from './alone-exec.ts';
import type { Host } from './host.ts';
import { kernelFacts } from './kernel-facts.ts';
import { splitStrings } from './launcher-wire.ts';
import type { Arrival, Kernel } from './types.ts';

/** Arrival and kernel of this very process. */
export function aloneHost(): Host {
  const arrival = readArrival(process.argv.length - 2);
  const stdio = readStdioFlags();
  const facts = kernelFacts();
  const kernel: Kernel = {
    kind: 'alone',
    pid: process.pid,
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
    rootPrefix: '',
    mount: () => 'ENOSYS',
    unmount: () => 'ENOSYS',
    tryNamespaces: () => 'ENOSYS',
    enterNamespaces: () => 'ENOSYS',
    enterRoot: () => 'ENOSYS',
    exec: (document) => becomeAlone(document, { ...arrival, ...stdio }),
  };
  return { arrival, kernel, cwdGone: false, quit: (code) => process.reallyExit(code) };
}

/**
 * The last `argc` strings of our command line: what stands before them is the program, or Bun, its
 * own flags and the script. JavaScript's own view has lost the bytes that are not UTF-8.
 */
function readArrival(argc: number): Arrival {
  const words = splitStrings(readFileSync('/proc/self/cmdline')) ?? [];
  const env = splitStrings(readFileSync('/proc/self/environ')) ?? [];
  return { argv: words.slice(Math.max(0, words.length - argc)), env };
}
