/**
 * Which proxy a request takes, from the variables that Go's httpproxy (golang.org/x/net 0.55) and
 * curl 8 read. Where the two differ:
 *
 * | question | here |
 * |---|---|
 * | http_proxy and HTTP_PROXY are both set | the one in small letters, as curl |
 * | HTTP_PROXY beside REQUEST_METHOD (a CGI script: it may be the client's header) | not read |
 * | all_proxy | read where the scheme's own is not set, as curl |
 * | no_proxy holds `.example.com` | its subdomains alone, as Go; `example.com` is both |
 * | no_proxy holds a port, or a range of addresses | obeyed, as Go |
 * | no_proxy is parted by blanks | as well as by commas, as curl |
 */

/** One variable; undefined where it is not set. */
export type Variable = (name: string) => string | undefined;

/**
 * The proxy's URL, undefined where the request goes straight. It may hold a password, and it may
 * be no URL that can be used: both are for the caller to keep in mind.
 */
export function proxyFor(url: URL, variable: Variable): string | undefined {
  const proxy = proxyOfScheme(url.protocol, variable);
  if (proxy === undefined || goesStraight(url, variable)) return undefined;
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

function proxyOfScheme(protocol: string, variable: Variable): string | undefined {
  const isPlain = protocol !== 'https:';
  const own = isPlain ? 'http_proxy' : 'https_proxy';
  const capitalsAreOurs = !isPlain || filled(variable('REQUEST_METHOD')) === undefined;
  return (
    filled(variable(own)) ??
    (capitalsAreOurs ? filled(variable(own.toUpperCase())) : undefined) ??
    filled(variable('all_proxy')) ??
    filled(variable('ALL_PROXY'))
  );
}

function filled(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === '' ? undefined : text;
}

function goesStraight(url: URL, variable: Variable): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const address = addressOf(host);
  if (host === 'localhost' || (address !== undefined && isLoopback(address))) return true;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const list = filled(variable('no_proxy')) ?? filled(variable('NO_PROXY')) ?? '';
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry === '*' || covers(entry, { host, port, address }));
}

interface Target {
  readonly host: string;
  readonly port: string;
  /** 16 bytes, where the host is an address. */
  readonly address: readonly number[] | undefined;
}

function covers(entry: string, target: Target): boolean {
  if (entry.includes('/')) return coversRange(entry, target);
  const { name, port } = splitPort(entry);
  if (name === '' || (port !== undefined && port !== target.port)) return false;
  const address = addressOf(name);
  if (address !== undefined) return target.address?.join() === address.join();
  if (target.address !== undefined) return false;
  const suffix = name.replace(/^\*(?=\.)/, '').replace(/\.$/, '');
  if (suffix === '') return false;
  if (suffix.startsWith('.')) return target.host.endsWith(suffix);
  return target.host === suffix || target.host.endsWith(`.${suffix}`);
}

/** `name:port`, `[v6]:port`, or either without a port; more than one colon is an address. */
function splitPort(entry: string): { name: string; port?: string } {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry);
  const parts = bracketed ?? /^([^:]*)(?::(\d+))?$/.exec(entry);
  if (parts === null) return { name: entry };
  const [, name = '', port] = parts;
  return port === undefined ? { name } : { name, port: String(Number(port)) };
}

function coversRange(entry: string, { address }: Target): boolean {
  const slash = entry.lastIndexOf('/');
  const base = addressOf(entry.slice(0, slash));
  const written = entry.slice(slash + 1);
  if (address === undefined || base === undefined || !/^\d{1,3}$/.test(written)) return false;
  const isV4 = !entry.includes(':');
  if (isV4 !== isMapped(address)) return false;
  const bits = Number(written) + (isV4 ? MAPPED_BITS : 0);
  if (bits > ADDRESS_BITS) return false;
  return address.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return byte >> (8 - kept) === (base[index] ?? 0) >> (8 - kept);
  });
}

const ADDRESS_BITS = 128;
const MAPPED_BITS = 96;
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

function isMapped(address: readonly number[]): boolean {
  return MAPPED.every((byte, index) => address[index] === byte);
}

function isLoopback(address: readonly number[]): boolean {
  if (isMapped(address)) return address[12] === 127;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** The 16 bytes of an address; IPv4 as ::ffff:a.b.c.d. Undefined where it is a name. */
function addressOf(text: string): readonly number[] | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? [...MAPPED, ...bytes] : undefined;
  }
  // The URL parser knows every spelling of IPv6 and prints one.
  const host = text.includes(':') ? URL.parse(`http://[${text}]/`)?.hostname : undefined;
  if (host === undefined) return undefined;
  const [left = '', right] = host.slice(1, -1).split('::');
  const head = groupsOf(left);
  const tail = groupsOf(right ?? '');
  const zeros = Array.from({ length: GROUPS - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 255]);
}

const GROUPS = 8;

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
