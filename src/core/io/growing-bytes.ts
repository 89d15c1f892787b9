// Bytes that grow, in the numbers and strings that the launcher reads.
import { invariant } from '../errors.ts';

/** What is put one behind another; numbers are little endian. */
export interface GrowingBytes {
  u32(value: number): void;
  u64(value: bigint): void;
  /** Their count first. */
  bytes(value: Uint8Array): void;
  /** Adds the NUL. */
  string(bytes: Uint8Array): void;
  done(): Uint8Array;
}

/** Empty; doubling keeps 10,000 entries cheap. */
export function growingBytes(): GrowingBytes {
  let bytes = new Uint8Array(4096);
  let view = new DataView(bytes.buffer);
  let length = 0;
  const reserve = (count: number) => {
    const offset = length;
    length += count;
    if (length <= bytes.length) return offset;
    const larger = new Uint8Array(Math.max(bytes.length * 2, length));
    larger.set(bytes);
    bytes = larger;
    view = new DataView(larger.buffer);
    return offset;
  };
  return {
    u32: (value) => {
      invariant(Number.isInteger(value) && value >= 0 && value < 2 ** 32, 'a number fits 32 bits');
      const offset = reserve(4);
      view.setUint32(offset, value, true);
    },
    u64: (value) => {
      const offset = reserve(8);
      view.setBigUint64(offset, value, true);
    },
    bytes: (value) => {
      const offset = reserve(4 + value.length);
      view.setUint32(offset, value.length, true);
      bytes.set(value, offset + 4);
    },
    string: (text) => {
      invariant(!text.includes(0), 'a string for the launcher has no NUL inside');
      const offset = reserve(text.length + 1);
      bytes.set(text, offset);
    },
    done: () => bytes.subarray(0, length),
  };
}
