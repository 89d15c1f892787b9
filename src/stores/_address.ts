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
  const form = `${isSecure ? 'https' : 'http(s)'}://HOST[:PORT][/PATH]`;
  const what = `${called} must be ${form}, without user, password, query and fragment`;
  throw settingsProblem(context, what);
}
