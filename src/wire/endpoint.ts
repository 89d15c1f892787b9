// Where metrics and logs go to and come from: `udp://host:port` and the like, and the kernel's own
// form of such addresses (struct sockaddr of Linux, uapi/linux/{in,in6,un}.h).

import { invariant } from '../core/errors.ts';

/** A place that packets or streams go to, or are taken at. */
export type Endpoint =
  | { readonly scheme: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'unixgram' | 'unixstream'; readonly path: string };

const PORT_MAX = 65_535;
/** sun_path of Linux, with its NUL. */
const UNIX_PATH_BYTES_MAX = 107;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?)$/;

/** Reads an endpoint; `HOST:PORT` alone is UDP. A text is what is wrong with it. */
export function parseEndpoint(text: string): Endpoint | string {
  const [, scheme = 'udp', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/s.exec(text) ?? [];
  if (scheme === 'udp' || scheme === 'tcp') return inetEndpoint(scheme, rest);
  if (scheme === 'unixgram' || scheme === 'unixstream') return unixEndpoint(scheme, rest);
  return `${scheme}: is none of udp, tcp, unixgram, unixstream`;
}

/** An endpoint that was checked where it came in: by the schema of settings, or with the plan. */
export function knownEndpoint(text: string): Endpoint {
  const read = parseEndpoint(text);
  invariant(typeof read !== 'string', 'an endpoint of a plan was checked before it is used');
  return read;
}

function unixEndpoint(scheme: 'unixgram' | 'unixstream', path: string): Endpoint | string {
  if (!path.startsWith('/') || path.includes('\0')) return 'needs an absolute path';
  const isLong = new TextEncoder().encode(path).length > UNIX_PATH_BYTES_MAX;
  return isLong ? `its path is over ${UNIX_PATH_BYTES_MAX} bytes` : { scheme, path };
}

function inetEndpoint(scheme: 'udp' | 'tcp', text: string): Endpoint | string {
  const [, host = '', digits = '0'] = /^(.*):(\d{1,5})$/s.exec(text) ?? [];
  const port = Number(digits);
  if (port < 1 || port > PORT_MAX) return 'needs a port, as in gateway.internal:8125';
  if (!HOST.test(host)) return 'has no host that can be asked for';
  return { scheme, host: host.startsWith('[') ? host.slice(1, -1) : host, port };
}

/** As it is read. */
export function endpointText(one: Endpoint): string {
  if ('path' in one) return `${one.scheme}://${one.path}`;
  return `${one.scheme}://${one.host.includes(':') ? `[${one.host}]` : one.host}:${one.port}`;
}

export function isStream({ scheme }: Endpoint): boolean {
  return scheme === 'tcp' || scheme === 'unixstream';
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

/** sockaddr_un. */
export function unixAddress(path: string): Uint8Array {
  return Uint8Array.of(AF_UNIX, 0, ...new TextEncoder().encode(path), 0);
}

/** sockaddr_in or sockaddr_in6; undefined where the text is a name and no address. */
export function inetAddress(host: string, port: number): Uint8Array | undefined {
  const portBytes = [port >> 8, port & 0xff];
  const four = ipv4Bytes(host);
  if (four !== undefined) {
    return Uint8Array.of(AF_INET, 0, ...portBytes, ...four, 0, 0, 0, 0, 0, 0, 0, 0);
  }
  const six = ipv6Bytes(host);
  if (six === undefined) return undefined;
  return Uint8Array.of(AF_INET6, 0, ...portBytes, 0, 0, 0, 0, ...six, 0, 0, 0, 0);
}

/**
 * Stands for an address that nobody knows yet: Linux connects no socket there without asking for
 * broadcast (ip(7)), or without a scope (ipv6(7)), so nothing is sent before a name server has
 * given another of that family.
 */
export const NOWHERE = { ipv4: '255.255.255.255', ipv6: 'fe80::1' } as const;

function ipv4Bytes(text: string): number[] | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts?.every((one) => one < 256) === true ? parts : undefined;
}

const WORDS = 8;

/** RFC 4291, 2.2: eight groups, `::` for one or more that are 0, IPv4 for the last two. */
function ipv6Bytes(text: string): number[] | undefined {
  const halves = withoutIpv4(text).split('::');
  if (!text.includes(':') || halves.length > 2) return undefined;
  const [head = [], rest = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = WORDS - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const words = [...head, ...Array.from({ length: missing }, () => '0'), ...rest];
  if (!words.every((word) => /^[0-9A-Fa-f]{1,4}$/.test(word))) return undefined;
  return words.flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 0xff];
  });
}

/** With IPv4 at the end as two groups. */
function withoutIpv4(text: string): string {
  const last = text.slice(text.lastIndexOf(':') + 1);
  const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(last) ?? [];
  if (!last.includes('.') || ipv4Bytes(last) === undefined) return text;
  const groups = [(a << 8) | b, (c << 8) | d].map((one) => one.toString(16)).join(':');
  return `${text.slice(0, -last.length)}${groups}`;
}
