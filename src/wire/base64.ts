// Base 64 of RFC 4648, read strictly: what is not of the alphabet is no data.

/** The bytes, or undefined where the text is no Base64 with its padding. */
export function fromBase64(text: string): Uint8Array | undefined {
  const isWhole = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  return isWhole ? Uint8Array.from(Buffer.from(text, 'base64')) : undefined;
}

/** The bytes, or undefined where the text is no Base64 for URLs; padding may be left out. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const [, digits = '', padding = ''] = /^([A-Za-z0-9_-]*)(={0,2})$/.exec(text) ?? ['', '?'];
  const isWhole = padding === '' ? digits.length % 4 !== 1 : text.length % 4 === 0;
  if (digits === '?' || !isWhole) return undefined;
  return Uint8Array.from(Buffer.from(digits, 'base64url'));
}

/** Base64 for URLs without padding; text counts as UTF-8. */
export function toBase64Url(data: Uint8Array | string): string {
  return Buffer.from(data).toString('base64url');
}
