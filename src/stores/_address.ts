// Addresses of servers as options and variables give them. One rule for all: a user or a password
// in an address would be a credential in the plan, and what else follows the path leads elsewhere.
import type { StoreContext } from './_store.ts';
import { settingsProblem } from './_tls-files.ts';

/**
 * Origin and path of an http(s) URL, without a slash at the end; undefined for what is none, or has
 * a user, a password, a query or a fragment.
 */
export function plainAddress(written: string): string | undefined {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const more = [url.username, url.password, url.search, url.hash];
  if (more.some((one) => one !== '')) return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** What keeps it from being a URL at all, where that can be told; never repeats it. */
export function addressFault(written: string): string | undefined {
  const [, host] = /^https?:\/\/(?:[^@/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)/i.exec(written) ?? [];
  if (host === undefined || URL.canParse(written)) return undefined;
  if (host === '') return 'has no host';
  if (/^\[.*%/.test(host)) return 'has an IPv6 address with a zone (%), which no URL can have';
  const isHost = URL.canParse(`http://${host}`);
  if (!isHost) return 'has a host that is no name and no address';
  return `has a port that is none: it is a number up to ${PORT_MAX}`;
}

const PORT_MAX = 65_535;

/** How an address is told, and what it must be. */
export interface AddressWish {
  /** What it is called in messages; `its address` where absent. */
  readonly called?: string;
  /** True where a credential that others take too is sent to it: https only. */
  readonly isSecure?: boolean;
}

/** The plain address. BH_ERR_SETTINGS where it is none; the message does not repeat it. */
export function checkedAddress(
  context: StoreContext,
  written: string,
  { called = 'its address', isSecure = false }: AddressWish = {},
): string {
  const address = plainAddress(written);
  if (address?.startsWith(isSecure ? 'https:' : 'http') === true) return address;
  const fault = addressFault(written);
  if (fault !== undefined) throw settingsProblem(context, `${called} ${fault}`);
  const form = `${isSecure ? 'https' : 'http(s)'}://HOST[:PORT][/PATH]`;
  const what = `${called} must be ${form}, without user, password, query and fragment`;
  throw settingsProblem(context, what);
}
