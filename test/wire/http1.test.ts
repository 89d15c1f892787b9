import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { BodyRoom, HttpStep } from '../../src/wire/http1.ts';
import { openHttpReader } from '../../src/wire/http1.ts';

const LIMITS = { headBytesMax: 300, bodyBytesMax: 64, discardBytesMax: 100 };
const ENDLESS: BodyRoom = { take: () => true, give: () => undefined };

/** Each step as one line; the bytes come in pieces of these sizes, then all that is left. */
function steps(text: string, sizes: readonly number[] = [], room = ENDLESS): string[] {
  const reader = openHttpReader(LIMITS, room);
  const bytes = Buffer.from(text, 'latin1');
  const told: string[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.byteLength]) {
    reader.add(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
    for (let step = reader.next(); step.kind !== 'more'; step = reader.next()) {
      told.push(lineOf(step));
      if (step.kind === 'bad') return told;
      if (step.kind === 'continue') break;
    }
  }
  return told;
}

function lineOf(step: HttpStep): string {
  if (step.kind === 'bad') return `${step.status} ${step.what}`;
  if (step.kind !== 'request') return step.kind;
  const { method, target, keepAlive, body } = step.request;
  const text = body === 'too large' ? body : `[${Buffer.from(body).toString('latin1')}]`;
  return `${method} ${target} ${keepAlive ? 'stays' : 'closes'} ${text}`;
}

const post = (headers: string, body = ''): string =>
  `POST /a HTTP/1.1\r\nHost: h\r\n${headers}\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);

describe('a request is read', () => {
  test.each([
    ['with a length', post('Content-Length: 3\r\n', 'abc'), ['POST /a stays [abc]']],
    ['without a body', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', ['GET / stays []']],
    ['by the old version', 'GET / HTTP/1.0\r\n\r\n', ['GET / closes []']],
    [
      'that stays in the old version',
      'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
      ['GET / stays []'],
    ],
    ['that closes', post('Connection: te, close\r\n'), ['POST /a closes []']],
    ['in chunks', chunked('3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n'), ['POST /a stays [abcd]']],
    ['after blank lines', `\r\n\r\n${post('')}`, ['POST /a stays []']],
    [
      'behind another',
      post('Content-Length: 1\r\n', 'a') + post(''),
      ['POST /a stays [a]', 'POST /a stays []'],
    ],
    [
      'in one byte less than the limit',
      post('Content-Length: 63\r\n', 'x'.repeat(63)),
      [`POST /a stays [${'x'.repeat(63)}]`],
    ],
    [
      'that is too large',
      post('Content-Length: 64\r\n', 'x'.repeat(64)) + post(''),
      ['POST /a stays too large', 'POST /a stays []'],
    ],
    [
      'that is too large in chunks',
      chunked(`40\r\n${'x'.repeat(64)}\r\n0\r\n\r\n`),
      ['POST /a stays too large'],
    ],
    [
      'that waits to be let on',
      post('Expect: 100-continue\r\nContent-Length: 1\r\n'),
      ['continue'],
    ],
  ])('%s', (_name, text, wanted) => expect(steps(text)).toEqual(wanted));

  test('the same in whatever pieces it comes', () => {
    const texts = [
      post('Content-Length: 3\r\n', 'abc'),
      chunked('3\r\nabc\r\n0\r\n\r\n'),
      chunked(`40\r\n${'x'.repeat(64)}\r\n0\r\n\r\n`),
      post('Content-Length: 90\r\n', 'x'.repeat(90)),
    ];
    const pieces = fc.array(fc.nat(20), { maxLength: 40 });
    const all = fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(all, pieces, (some, sizes) => {
        expect(steps(some.join(''), sizes)).toEqual(steps(some.join('')));
      }),
    );
  });
});

describe('what two readers could read in two ways is refused', () => {
  test.each([
    [
      'a length and chunks',
      post('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'),
      '400 two lengths of one body',
    ],
    [
      'two lengths',
      post('Content-Length: 1\r\nContent-Length: 2\r\n'),
      '400 Content-Length is no size',
    ],
    [
      'two equal lengths',
      post('Content-Length: 1\r\nContent-Length: 1\r\n'),
      '400 Content-Length is no size',
    ],
    ['a length with a sign', post('Content-Length: +1\r\n'), '400 Content-Length is no size'],
    ['an unknown coding', post('Transfer-Encoding: gzip, chunked\r\n'), '501 an unknown coding'],
    [
      'chunks in the old version',
      'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n',
      '400 two lengths of one body',
    ],
    [
      'a blank before the colon',
      post('Content-Length : 1\r\n'),
      '400 line 3 of the head is no header',
    ],
    ['a folded header', post('A: b\r\n c\r\n'), '400 line 4 of the head is no header'],
    ['a line break alone', 'POST / HTTP/1.1\nHost: h\r\n\r\n', '400 the first line is no request'],
    ['a control character', post('A: b\u0000\r\n'), '400 line 3 of the head is no header'],
    [
      'a line break alone in a header',
      post('A: b\nContent-Length: 5\r\n'),
      '400 line 3 of the head is no header',
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', '400 one header Host is needed'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400 one header Host is needed'],
    [
      'a chunk that is longer than it says',
      chunked('1\r\nab\r\n0\r\n\r\n'),
      '400 a chunk is longer than it says',
    ],
    ['a chunk without a size', chunked('\r\n'), '400 a chunk without its size'],
    [
      'a chunk of a size that is no number',
      chunked('0x1\r\na\r\n'),
      '400 a chunk without its size',
    ],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '505 HTTP/1.1 is spoken here'],
    ['another Expect', post('Expect: x\r\n'), '417 an unknown Expect'],
  ])('%s', (_name, text, wanted) => expect(steps(text)).toEqual([wanted]));
});

describe('nothing grows without a limit', () => {
  test.each([
    ['a head without an end', 'A'.repeat(301), '431 a head of more than 300 bytes'],
    [
      'a head that is too long',
      post(`A: ${'b'.repeat(300)}\r\n`),
      '431 a head of more than 300 bytes',
    ],
    [
      'a body without an end',
      post('Content-Length: 999\r\n', 'x'.repeat(101)),
      '400 a body without an end',
    ],
    [
      'a line of a chunk without an end',
      chunked('1'.repeat(257)),
      '400 a chunk with a line that is too long',
    ],
    [
      'trailers without an end',
      chunked(`0\r\n${`A: ${'b'.repeat(90)}\r\n`.repeat(50)}`),
      '400 trailers are too long',
    ],
  ])('%s', (_name, text, wanted) => expect(steps(text)).toEqual([wanted]));

  test('what bodies take together is given back, whatever becomes of them', () => {
    let taken = 0;
    const room = {
      take: (bytes: number) => {
        taken += bytes;
        return true;
      },
      give: (bytes: number) => {
        taken -= bytes;
      },
    };
    const body = 'x'.repeat(60);
    steps(post('Content-Length: 60\r\n', body), [70, 20], room);
    expect(taken).toBe(0);
    steps(chunked(`3c\r\n${body}\r\n3c\r\n${body}\r\n0\r\n\r\n`), [90, 20, 30], room);
    expect(taken).toBe(0);
    const reader = openHttpReader(LIMITS, room);
    reader.add(Buffer.from(post('Content-Length: 60\r\n', 'half')));
    reader.next();
    expect(taken).toBe(4);
    reader.drop();
    expect(taken).toBe(0);
  });
  test('a body that there is no room for is refused', () => {
    const full = { take: () => false, give: () => undefined };
    const text = post('Content-Length: 60\r\n', 'x'.repeat(60));
    expect(steps(text, [70], full)).toEqual(['503 no room for a body now']);
  });

  test('any bytes have an end: no throw, no step that repeats itself', () => {
    const piece = fc.oneof(
      fc.constantFrom('GET / HTTP/1.1\r\n', 'Host: h\r\n', '\r\n', 'Content-Length: 3\r\n', 'abc'),
      fc.constantFrom(
        'Transfer-Encoding: chunked\r\n',
        '3\r\n',
        '0\r\n\r\n',
        'Expect: 100-continue\r\n',
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 9 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(9)), (pieces, sizes) => {
        expect(steps(pieces.join(''), sizes).length).toBeLessThan(pieces.length + 2);
      }),
      { numRuns: 2000 },
    );
  });
});
