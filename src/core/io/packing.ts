import type { Packing } from './types.ts';

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
