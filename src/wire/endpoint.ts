// Where metrics and logs go to and come from: `udp://host:port` and the like, and the kernel's own
// form of such addresses (struct sockaddr of Linux, uapi/linux/{in,in6,un}.h).

/** A place that packets or streams go to, or are taken at. */
export type Endpoint =
  | { readonly scheme: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'unixgram' | 'unixstream'; readonly path: string };

const SCHEMES = ['udp', 'tcp', 'unixgram', 'unixstream'];
/** sun_path of Linux, with its NUL. */
const UNIX_PATH_BYTES_MAX = 107;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?)$/;

/** Reads an endpoint; `HOST:PORT` alone is UDP. A text is what is wrong with it. */
export function parseEndpoint(text: string): Endpoint | string {
  const [, written, rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/s.exec(text) ?? [];
  const scheme = written ?? 'udp';
  if (!SCHEMES.includes(scheme)) return `${scheme}: is none of ${SCHEMES.join(', ')}`;
  if (scheme === 'unixgram' || scheme === 'unixstream') {
    if (!rest.startsWith('/') || rest.includes('\0')) return 'needs an absolute path';
    const isLong = new TextEncoder().encode(rest).length > UNIX_PATH_BYTES_MAX;
    return isLong ? `its path is over ${UNIX_PATH_BYTES_MAX} bytes` : { scheme, path: rest };
  }
  const colon = rest.lastIndexOf(':');
  const host = rest.slice(0, Math.max(0, colon));
  const port = /^\d{1,5}$/.test(rest.slice(colon + 1)) ? Number(rest.slice(colon + 1)) : 0;
  if (colon < 0 || port < 1 || port > 65_535) return 'needs a port, as in gateway.internal:8125';
  if (!HOST.test(host)) return 'has no host that can be asked for';
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return { scheme: scheme === 'tcp' ? 'tcp' : 'udp', host: bare, port };
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

function ipv4Bytes(text: string): number[] | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts?.every((one) => one < 256) === true ? parts : undefined;
}

const WORDS = 8;

function ipv6Bytes(text: string): number[] | undefined {
  if (!/^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text)) return undefined;
  const last = text.slice(text.lastIndexOf(':') + 1);
  const four = ipv4Bytes(last);
  if (four === undefined && last.includes('.')) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = four ?? [];
  const tail = [(a << 8) | b, (c << 8) | d].map((one) => one.toString(16)).join(':');
  const whole = four === undefined ? text : `${text.slice(0, -last.length)}${tail}`;
  const halves = whole.split('::');
  if (halves.length > 2) return undefined;
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
