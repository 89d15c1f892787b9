import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseCapabilities, parseExecBytesMax } from '../../src/core/io/kernel-facts.ts';
import {
  decodeAnswer,
  decodeInput,
  encodeDocument,
  encodeMount,
  encodeNamespaces,
  encodeQuit,
  encodeUnmount,
  PROTOCOL_VERSION,
  parseDescriptors,
  splitStrings,
  TAG,
} from '../../src/core/io/launcher-wire.ts';
import type { ExecDocument } from '../../src/core/io/types.ts';

const string = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((byte) => byte || 1));
const word = fc.integer({ min: 0, max: 0xffff_ffff });
const long = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const text = fc
  .string({ maxLength: 20, unit: 'binary' })
  .map((value) => value.replaceAll('\0', ''));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The input as src/launcher/arrival.h writes it. */
function input(argv: readonly Uint8Array[], env: readonly Uint8Array[], numbers: bigint[]): Buffer {
  const header = Buffer.alloc(80);
  [0x4e49_4842, PROTOCOL_VERSION, argv.length, env.length, 4711, 8 + 2].forEach((value, i) => {
    header.writeUInt32LE(value, 4 * i);
  });
  numbers.forEach((value, i) => header.writeBigUInt64LE(value, 24 + 8 * i));
  const strings = [...argv, ...env].flatMap((one) => [one, Uint8Array.of(0)]);
  return Buffer.concat([header, ...strings]);
}

describe('the input', () => {
  const parts = fc.tuple(
    fc.array(string, { minLength: 1, maxLength: 8 }),
    fc.array(string, { maxLength: 8 }),
    fc.array(long, { minLength: 7, maxLength: 7 }),
  );

  test('is read as it was written, any bytes, without the name of the program', () => {
    fc.assert(
      fc.property(parts, ([argv, env, numbers]) => {
        const read = decodeInput(input(argv, env, numbers));
        expect(read?.argv.map(hex)).toEqual(argv.slice(1).map(hex));
        expect(read?.env.map(hex)).toEqual(env.map(hex));
        expect(read).toMatchObject({ pid: 4711, cwdGone: true, stdioOpen: [false, true, false] });
        const { ignored, blocked, pending, openFiles, fileSize } = read ?? {};
        const limits = [openFiles, fileSize].flatMap((one) => [one?.soft, one?.hard]);
        expect([ignored, blocked, pending, ...limits]).toEqual(numbers);
      }),
    );
  });

  test('cut anywhere is not taken for whole', () => {
    fc.assert(
      fc.property(parts, fc.nat(), ([argv, env, numbers], at) => {
        const whole = input(argv, env, numbers);
        expect(decodeInput(whole.subarray(0, at % whole.length))).toBeUndefined();
      }),
    );
  });

  test('of another kind or version is refused, and no bytes make it throw', () => {
    const whole = input([Uint8Array.of(65)], [], [0n, 0n, 0n, 0n, 0n, 0n, 0n]);
    expect(decodeInput(whole)).toBeDefined();
    expect(decodeInput(whole.with(0, 0))).toBeUndefined();
    expect(decodeInput(whole.with(4, 1))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeInput(bytes)));
  });

  test('strings are cut at each NUL, empty ones kept, an open end refused', () => {
    expect(splitStrings(Buffer.from('a\0\0b\0'))?.map(hex)).toEqual(['61', '', '62']);
    expect(splitStrings(Buffer.from(''))).toEqual([]);
    expect(splitStrings(Buffer.from('a\0b'))).toBeUndefined();
  });
});

/** The records of a document as the launcher walks through them. */
function records(bytes: Uint8Array): [number, string][] {
  const buffer = Buffer.from(bytes);
  expect(buffer.subarray(0, 8).toString('hex')).toBe('4248455803000000');
  const found: [number, string][] = [];
  let at = 8;
  while (at < buffer.length) {
    const count = buffer.readUInt32LE(at + 4);
    found.push([buffer.readUInt32LE(at), hex(buffer.subarray(at + 8, at + 8 + count))]);
    at += 8 + count;
  }
  expect(at).toBe(buffer.length);
  return found;
}

const u32 = (...values: number[]) => hex(new Uint8Array(Uint32Array.from(values).buffer));
const ended = (value: string | Uint8Array) => `${Buffer.from(value as string).toString('hex')}00`;

const execString = fc.oneof(fc.record({ raw: word }), fc.record({ bytes: string }));
const documents: fc.Arbitrary<ExecDocument> = fc.record(
  {
    program: string,
    path: string,
    argv: fc.array(execString, { maxLength: 6 }),
    env: fc.array(execString, { maxLength: 6 }),
    cwd: text,
    root: text,
    uid: word,
    gid: word,
    groups: fc.array(word, { maxLength: 4 }),
    noNewPrivileges: fc.boolean(),
    dropCapabilities: fc.array(fc.nat(63), { maxLength: 4 }),
    umask: word,
    limits: fc.array(fc.record({ resource: fc.nat(15), soft: long, hard: long }), { maxLength: 3 }),
    failure: fc.record({ notFound: text, notAllowed: text, other: text }),
  },
  { requiredKeys: ['program', 'path', 'argv', 'env', 'failure'] },
);

describe('the exec document', () => {
  test('has one record for each thing said, none for what is not said, and ends with END', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const strings = (tag: number, list: ExecDocument['argv']) =>
          list.map((one) => ('raw' in one ? [tag + 1, u32(one.raw)] : [tag, ended(one.bytes)]));
        const given = <T>(tag: number, value: T | undefined, write: (value: T) => string) =>
          value === undefined ? [] : [[tag, write(value)]];
        const { cwd, root, uid, gid, groups, dropCapabilities, umask, failure } = document;
        const limits = document.limits ?? [];
        const limit = ({ soft, hard }: { soft: bigint; hard: bigint }) =>
          hex(new Uint8Array(BigUint64Array.of(soft, hard).buffer));
        expect(records(encodeDocument(document))).toEqual([
          [TAG.program, ended(document.program)],
          [TAG.path, ended(document.path)],
          ...strings(TAG.arg, document.argv),
          ...strings(TAG.env, document.env),
          ...given(TAG.cwd, cwd, ended),
          ...given(TAG.root, root, ended),
          ...given(TAG.uid, uid, u32),
          ...given(TAG.gid, gid, u32),
          ...given(TAG.groups, groups, (list) => u32(...list)),
          ...(document.noNewPrivileges === true ? [[TAG.noNewPrivileges, '']] : []),
          ...given(TAG.dropCapabilities, dropCapabilities, (list) => u32(...list)),
          ...given(TAG.umask, umask, u32),
          ...limits.map((one) => [TAG.limit, u32(one.resource) + limit(one)]),
          [TAG.notFound, ended(failure.notFound)],
          [TAG.notAllowed, ended(failure.notAllowed)],
          [TAG.other, ended(failure.other)],
          [TAG.end, ''],
        ] as [number, string][]);
      }),
    );
  });

  test('refuses a NUL inside a string and a number that does not fit, as a bug of ours', () => {
    const failure = { notFound: '', notAllowed: '', other: '' };
    const document = { program: Uint8Array.of(65), path: Uint8Array.of(), argv: [], env: [] };
    const nul = { ...document, env: [{ bytes: Uint8Array.of(65, 0, 66) }], failure };
    expect(() => encodeDocument(nul)).toThrow('NUL');
    for (const uid of [-1, 1.5, 2 ** 32]) {
      expect(() => encodeDocument({ ...document, failure, uid })).toThrow('32 bits');
    }
  });

  test('10,000 long entries arrive whole', () => {
    const failure = { notFound: '', notAllowed: '', other: '' };
    const env = Array.from({ length: 10_000 }, (_, i) => ({ bytes: Buffer.alloc(i % 400, 66) }));
    const document = { program: Uint8Array.of(65), path: Uint8Array.of(), argv: [], env, failure };
    const found = records(encodeDocument(document)).filter(([tag]) => tag === TAG.env);
    expect(found.map(([, value]) => value)).toEqual(env.map(({ bytes }) => ended(bytes)));
  });

  test('may say that nothing is to be started', () => {
    expect(records(encodeQuit(3))).toEqual([
      [TAG.quit, u32(3)],
      [TAG.end, ''],
    ]);
  });
});

describe('requests and answers', () => {
  test('a mount has its flags as 64 bits and four strings', () => {
    const request = { source: 's', target: '/ä', type: '', flags: 1 << 18, data: 'mode=1777' };
    const strings = ['s', '/ä', '', 'mode=1777'].map(ended).join('');
    expect(hex(encodeMount(request))).toBe(u32(1, 1 << 18, 0) + strings);
  });

  test('an unmount and a namespace are as short as that', () => {
    expect(hex(encodeUnmount('/x', false))).toBe(u32(2, 0) + ended('/x'));
    expect(hex(encodeUnmount('/x', true))).toBe(u32(2, 2) + ended('/x'));
    expect(hex(encodeNamespaces({ uid: 5, gid: 6 }))).toBe(u32(3, 5, 6));
  });

  test('an answer is a number of four bytes and nothing else', () => {
    expect(decodeAnswer(Uint8Array.of(22, 0, 0, 0))).toBe(22);
    expect(decodeAnswer(Uint8Array.of())).toBeUndefined();
    expect(decodeAnswer(Uint8Array.of(1, 0, 0, 0, 0))).toBeUndefined();
  });

  test('the variable of the launcher is read strictly', () => {
    const fds = { version: 3, input: 3, document: 4, socket: 5 };
    expect(parseDescriptors('3:3:4:5')).toEqual(fds);
    for (const wrong of [
      '',
      '2:3:4',
      '3:3:4:5:6',
      '2:-3:4:5',
      ' 1:3:4:5',
      '3:3:4:5\n',
      '2:a:4:5',
    ]) {
      expect(parseDescriptors(wrong)).toBeUndefined();
    }
  });
});

describe('facts of the kernel', () => {
  test('effective capabilities', () => {
    const status = 'CapPrm:\t0\nCapEff:\t000001fffeffffff\nCapBnd:\t0\n';
    expect(parseCapabilities(status)).toBe(0x1ff_feff_ffffn);
    expect(parseCapabilities('Name:\tx\n')).toBe(0n);
  });

  test('room for argv and env by the soft stack limit', () => {
    const line = (soft: string) => `Max stack size             ${soft}      unlimited     bytes\n`;
    expect(parseExecBytesMax(line('8388608'))).toBe(2_097_152);
    expect(parseExecBytesMax(line('1048576'))).toBe(262_144);
    expect(parseExecBytesMax(line('unlimited'))).toBe(6 * 1024 * 1024);
    expect(parseExecBytesMax(line('4096'))).toBe(131_072);
    expect(parseExecBytesMax('')).toBe(6 * 1024 * 1024);
  });
});
