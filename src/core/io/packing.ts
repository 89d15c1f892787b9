/** DEFLATE without a header (RFC 1951). */
export interface Packing {
  deflate(bytes: Uint8Array): Uint8Array;
  /** Undefined where the bytes are not what `deflate` gives. */
  inflate(bytes: Uint8Array): Uint8Array | undefined;
}

/** By Bun's own zlib; the level is fixed, so that the same bytes are packed alike. */
export const PACKING: Packing = {
  deflate: (bytes) => Bun.deflateSync(new Uint8Array(bytes), { level: 9 }),
  inflate: (bytes) => {
    try {
      return Bun.inflateSync(new Uint8Array(bytes));
    } catch {
      return undefined;
    }
  },
};
