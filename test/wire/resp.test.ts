import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { RespError, RespLimitError, encodeCommand, respDecoder } from '../../src/wire/resp.ts';
import type { Reply } from '../../src/wire/resp.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (text: string): Reply[] => respDecoder().push(bytesOf(text));
const bytes = (text: string): Reply => ({ kind: 'bytes', bytes: bytesOf(text) });

describe('a command is a list of bulk strings', () => {
  const COMMANDS: readonly (readonly [(string | Uint8Array)[], string])[] = [
    [['MGET', 'a', ''], '*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$0\r\n\r\n'],
    [['AUTH', 'é\r\n'], '*2\r\n$4\r\nAUTH\r\n$4\r\né\r\n\r\n'],
    [[], '*0\r\n'],
  ];
  test.each([...COMMANDS])('%j', (words, wire) =>
    expect(encodeCommand(words)).toEqual(bytesOf(wire)),
  );
  test('of bytes', () => {
    const wire = Uint8Array.of(...bytesOf('*1\r\n$2\r\n'), 0, 255, 13, 10);
    expect(encodeCommand([Uint8Array.of(0, 255)])).toEqual(wire);
  });
});

describe('an answer', () => {
  const ANSWERS: readonly (readonly [string, Reply])[] = [
    ['+OK\r\n', { kind: 'text', text: 'OK' }],
    [
      '-NOAUTH Authentication required.\r\n',
      { kind: 'error', text: 'NOAUTH Authentication required.' },
    ],
    [':-9223372036854775808\r\n', { kind: 'integer', value: -9223372036854775808n }],
    [':+1\r\n', { kind: 'integer', value: 1n }],
    ['$5\r\na\r\nb\n\r\n', bytes('a\r\nb\n')],
    ['$0\r\n\r\n', bytes('')],
    ['$-1\r\n', { kind: 'null' }],
    ['*-1\r\n', { kind: 'null' }],
    ['_\r\n', { kind: 'null' }],
    ['*0\r\n', { kind: 'list', items: [] }],
    ['*2\r\n$1\r\na\r\n$-1\r\n', { kind: 'list', items: [bytes('a'), { kind: 'null' }] }],
    [
      '*1\r\n*1\r\n*0\r\n',
      { kind: 'list', items: [{ kind: 'list', items: [{ kind: 'list', items: [] }] }] },
    ],
    [
      '%1\r\n+a\r\n:1\r\n',
      {
        kind: 'list',
        items: [
          { kind: 'text', text: 'a' },
          { kind: 'integer', value: 1n },
        ],
      },
    ],
    ['!3\r\nERR\r\n', { kind: 'error', text: 'ERR' }],
    ['#t\r\n', { kind: 'integer', value: 1n }],
    [',1.5\r\n', { kind: 'text', text: '1.5' }],
  ];
  test.each([...ANSWERS])('%j', (wire, reply) => expect(decode(wire)).toEqual([reply]));
});

describe('what is no answer, or too much of one, is refused', () => {
  const limits = { stringBytesMax: 10, replyBytesMax: 37, itemsMax: 3, depthMax: 2 };
  const REFUSED: readonly (readonly [string, string])[] = [
    ['HTTP/1.1\r\n', 'no known type'],
    ['\r\n', 'no known type'],
    ['\n', 'a line feed alone'],
    ['+OK\n', 'a line feed alone'],
    [':1x\r\n', 'an integer that is none'],
    [':\r\n', 'an integer that is none'],
    ['$\r\n', 'a length that is none'],
    ['$-2\r\n', 'a length that is none'],
    ['$1e3\r\n', 'a length that is none'],
    ['$1\r\nab\r\n', 'longer than its length'],
    [`+${'a'.repeat(11)}`, 'a line that does not end'],
  ];
  const TOO_MUCH: readonly (readonly [string, string])[] = [
    ['$11\r\n', 'over the limit of 10'],
    ['*4\r\n', 'over the limit of 3'],
    ['*1\r\n*1\r\n*1\r\n', 'more than 2 levels'],
    ['*3\r\n$9\r\n123456789\r\n$9\r\n123456789\r\n$9\r\n', 'over 37 bytes'],
  ];
  const thrown = (wire: string): unknown => {
    try {
      return respDecoder(limits).push(bytesOf(wire));
    } catch (error) {
      return error;
    }
  };
  test.each([...REFUSED])('%j', (wire, says) => {
    expect(() => respDecoder(limits).push(bytesOf(wire))).toThrow(says);
    expect(thrown(wire)).not.toBeInstanceOf(RespLimitError);
  });
  test.each([...TOO_MUCH])('%j is known as too much', (wire, says) => {
    expect(() => respDecoder(limits).push(bytesOf(wire))).toThrow(says);
    expect(thrown(wire)).toBeInstanceOf(RespLimitError);
  });
});

test('an answer is inside until it is complete', () => {
  const decoder = respDecoder();
  const states = ['*2\r\n', '$1\r\n', 'a', '\r\n', '+x\r', '\n', '+', 'y\r\n'].map((part) => {
    const { length } = decoder.push(bytesOf(part));
    return `${length}${decoder.isInside() ? '…' : ''}`;
  });
  expect(states).toEqual(['0…', '0…', '0…', '0…', '0…', '1', '0…', '1']);
});

/** The obvious encoder of answers, the model of the decoder. */
function encode(reply: Reply): Uint8Array {
  switch (reply.kind) {
    case 'text':
      return bytesOf(`+${reply.text}\r\n`);
    case 'error':
      return bytesOf(`-${reply.text}\r\n`);
    case 'integer':
      return bytesOf(`:${String(reply.value)}\r\n`);
    case 'null':
      return bytesOf('$-1\r\n');
    case 'bytes':
      return Buffer.concat([bytesOf(`$${reply.bytes.length}\r\n`), reply.bytes, bytesOf('\r\n')]);
    case 'list':
      return Buffer.concat([bytesOf(`*${reply.items.length}\r\n`), ...reply.items.map(encode)]);
  }
}

const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''));
const leaf: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ kind: fc.constant('text'), text: line }),
  fc.record({ kind: fc.constant('error'), text: line }),
  fc.record({ kind: fc.constant('integer'), value: fc.bigInt() }),
  fc.record({ kind: fc.constant('bytes'), bytes: fc.uint8Array({ maxLength: 9_000 }) }),
  fc.constant({ kind: 'null' } as const),
);
const list = (item: fc.Arbitrary<Reply>): fc.Arbitrary<Reply> =>
  fc.record({ kind: fc.constant('list'), items: fc.array(item, { maxLength: 5 }) });
const reply = fc.oneof(leaf, list(leaf), list(fc.oneof(leaf, list(leaf))));

test('answers come back however their bytes are cut', () => {
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20_000 })),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 5 }), sizes, (replies, cuts) => {
      const wire = Buffer.concat(replies.map(encode));
      const decoder = respDecoder();
      const found: Reply[] = [];
      for (let at = 0, turn = 0; at < wire.length; turn += 1) {
        const size = cuts[turn % cuts.length] ?? 1;
        found.push(...decoder.push(wire.subarray(at, at + size)));
        at += size;
      }
      expect(found).toEqual(replies);
      expect(decoder.isInside()).toBe(false);
    }),
    { seed: 20260104, numRuns: 1_000 },
  );
});

test('any bytes give answers or a RespError', () => {
  const part = fc.constantFrom(
    '*',
    '$',
    '+',
    '-',
    ':',
    '%',
    '1',
    '2',
    '-1',
    '\r\n',
    '\r',
    '\n',
    'a',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      try {
        respDecoder().push(bytesOf(parts.join('')));
      } catch (error) {
        expect(error).toBeInstanceOf(RespError);
      }
    }),
    { seed: 1, numRuns: 5_000 },
  );
});

test('a megabyte that comes byte by byte is read, and so are 100,000 answers at once', () => {
  const large = new Uint8Array(1_000_000).fill(10);
  const decoder = respDecoder();
  const found: Reply[] = [];
  for (const one of encode({ kind: 'bytes', bytes: large }))
    found.push(...decoder.push(Uint8Array.of(one)));
  expect(found).toEqual([{ kind: 'bytes', bytes: large }]);
  expect(decode(':1\r\n'.repeat(100_000))).toHaveLength(100_000);
});
