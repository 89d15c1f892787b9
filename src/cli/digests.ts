/** Digests of text, in hexadecimal, as names of Flyte's have them. */
export const DIGESTS = {
  md5: (text: string): string => new Bun.CryptoHasher('md5').update(text).digest('hex'),
  sha256: (text: string): string => new Bun.CryptoHasher('sha256').update(text).digest('hex'),
};
