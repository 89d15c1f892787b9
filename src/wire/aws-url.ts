// URLs of AWS requests: RFC 3986 encoding, as Signature Version 4 and S3 want it ("UriEncode" in
// the S3 API reference).

const HEX_PAIR_OR_OTHER = /%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~%]+|%/g;

/** Everything but letters, digits and `-._~` as upper-case `%XX`; half surrogates as U+FFFD. */
export function encodeUri(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, (one) => {
    return `%${one.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** Each segment between slashes encoded once; slashes stay. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeUri).join('/');
}

/** What of a URL's text is encoded stays so, in one way of writing it; the rest is encoded. */
export function normalizeEncoding(text: string): string {
  return text.replace(HEX_PAIR_OR_OTHER, (part) => {
    if (part.length !== 3 || !part.startsWith('%')) return encodeUri(part);
    const character = String.fromCharCode(Number.parseInt(part.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : part.toUpperCase();
  });
}

/** `name=value` pairs joined by `&`, encoded, in the order given. */
export function encodeQuery(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${encodeUri(name)}=${encodeUri(value)}`).join('&');
}

/**
 * The path of a URL for an object's key, each segment encoded once. Undefined for a key with a
 * segment `.` or `..`: every URL parser takes these away, even as %2E, so that another object
 * would be asked for.
 */
export function objectPath(key: string): string | undefined {
  const hasDots = key.split('/').some((segment) => segment === '.' || segment === '..');
  return hasDots ? undefined : `/${encodePath(key)}`;
}
