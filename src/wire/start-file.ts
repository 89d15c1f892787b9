// The file that `bellhop become` reads, as src/launcher/start_file.h has it: {u32 magic, u32
// version}, then records {u32 tag, u32 length, payload}, little endian; END is the last byte.

const MAGIC = 0x5453_4842; // "BHST"
const VERSION = 1;
const TAG = { variable: 1, argument: 2, text: 3, from: 4, end: 5 } as const;
const NUL = Uint8Array.of(0);

/** A variable or an argument (0 is the program), put together of its parts in the container. */
export interface StartFileTarget {
  readonly to: { readonly variable: Uint8Array } | { readonly argument: number };
  readonly parts: readonly StartFilePart[];
}

/** Bytes without NUL, or a variable that the container has. */
export type StartFilePart = { readonly text: Uint8Array } | { readonly from: Uint8Array };

/** The bytes of the file. */
export function encodeStartFile(targets: readonly StartFileTarget[]): Uint8Array {
  const records = targets.flatMap(({ to, parts }) => {
    const target =
      'variable' in to
        ? record(TAG.variable, to.variable, NUL)
        : record(TAG.argument, words(to.argument));
    return [target, ...parts.map(partRecord)];
  });
  return Buffer.concat([words(MAGIC, VERSION), ...records, record(TAG.end)]);
}

function partRecord(part: StartFilePart): Uint8Array {
  return 'from' in part ? record(TAG.from, part.from, NUL) : record(TAG.text, part.text);
}

function record(tag: number, ...payload: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(payload);
  return Buffer.concat([words(tag, bytes.length), bytes]);
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}
