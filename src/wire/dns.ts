// Questions to name servers (RFC 1035, 4.1; RFC 6891) for the names that glibc would ask for
// (resolv.conf(5)). The launcher sends them: src/launcher/relay_names.h.
import { inetAddress } from './endpoint.ts';

/** What resolv.conf says, as far as it matters here. */
export interface Resolver {
  /** Addresses as text, the first three that are any. */
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
}

const SERVERS_MAX = 3;
const QUESTIONS_MAX = 8;
const NDOTS_DEFAULT = 1;
const NDOTS_MAX = 15;
const PORT = 53;

/** Reads resolv.conf; the last `search` or `domain` counts, what is not known is passed over. */
export function readResolver(text: string): Resolver {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let ndots = NDOTS_DEFAULT;
  for (const line of text.split('\n')) {
    const [word = '', ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver') servers.push(...rest.slice(0, 1));
    if (word === 'search' || word === 'domain') search = rest;
    if (word !== 'options') continue;
    const [, number] = /(?:^| )ndots:(\d+)/.exec(rest.join(' ')) ?? [];
    if (number !== undefined) ndots = Math.min(NDOTS_MAX, Number(number));
  }
  const usable = servers.filter((one) => inetAddress(one, PORT) !== undefined);
  return { servers: usable.slice(0, SERVERS_MAX), search, ndots };
}

/** The servers' addresses as the kernel has them. */
export function serverAddresses({ servers }: Resolver): Uint8Array[] {
  return servers.flatMap((one) => inetAddress(one, PORT) ?? []);
}

/** The whole names that a name may stand for, in the order in which glibc asks for them. */
export function wholeNames(name: string, { search, ndots }: Resolver): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const below = search.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...below] : [...below, name];
}

const TYPES = { ipv4: 1, ipv6: 28 } as const;
const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 253;
/** RFC 6891, 6.1: an OPT record without options, which lets an answer have 4096 bytes. */
const ANSWER_OF_4096 = [0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0];

/** Questions for all of these names that DNS can have; the first two bytes are for a number. */
export function questionsFor(
  names: readonly string[],
  family: keyof typeof TYPES,
): readonly Uint8Array[] {
  return names.slice(0, QUESTIONS_MAX).flatMap((name) => {
    const labels = name.split('.').map((label) => Buffer.from(label));
    const isName = labels.every(({ length }) => length > 0 && length <= LABEL_BYTES_MAX);
    if (!isName || Buffer.byteLength(name) > NAME_BYTES_MAX) return [];
    // Recursion is desired; one question, and one record behind it.
    const header = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    const encoded = labels.flatMap((label) => [label.length, ...label]);
    return [Uint8Array.of(...header, ...encoded, 0, 0, TYPES[family], 0, 1, ...ANSWER_OF_4096)];
  });
}

/** True where the hosts file has the name: then no name server is asked. */
export function isInHosts(text: string, name: string): boolean {
  const wanted = name.replace(/\.$/, '').toLowerCase();
  return text.split('\n').some((line) => {
    const [, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return names.some((one) => one.toLowerCase() === wanted);
  });
}
