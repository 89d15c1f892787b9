import { describe, expect, test } from 'bun:test';
import type { Connection, ConnectionSetting, HttpAnswer } from '../../src/webhook/connection.ts';
import { openConnection } from '../../src/webhook/connection.ts';

const LIMITS = {
  headBytesMax: 300,
  bodyBytesMax: 64,
  discardBytesMax: 100,
  requestMsMax: 10,
  idleMsMax: 100,
  sendMsMax: 20,
  lingerMsMax: 5,
  waitingBytesMax: 200,
};
const GET = Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
const OK: HttpAnswer = { status: 200, contentType: 'text/plain', text: 'ok' };

interface Stand {
  readonly connection: Connection;
  /** What went out and what was done to the connection, in order. */
  readonly told: string[];
  readonly clock: { ms: number };
  /** Answers the oldest request that waits. */
  readonly answer: (made?: HttpAnswer) => Promise<void>;
  readonly wire: { isFull: boolean };
}

function stand(more: Partial<ConnectionSetting> = {}): Stand {
  const told: string[] = [];
  const clock = { ms: 0 };
  const wire = { isFull: false };
  const waiting: ((answer: HttpAnswer) => void)[] = [];
  const connection = openConnection(
    {
      write: (text) => {
        told.push(text.replace(/\r\n[^]*\r\n\r\n/, ' '));
        return !wire.isFull;
      },
      end: () => told.push('end'),
      destroy: () => told.push('destroy'),
    },
    {
      limits: LIMITS,
      room: { take: () => true, give: () => undefined },
      handle: () => new Promise((resolve) => waiting.push(resolve)),
      isEnding: () => false,
      nowMs: () => clock.ms,
      date: () => 'now',
      ...more,
    },
  );
  const answer = async (made = OK): Promise<void> => {
    waiting.shift()?.(made);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { connection, told, clock, answer, wire };
}

const ANSWER = 'HTTP/1.1 200 OK ok';

describe('requests of one connection', () => {
  test('are answered one after another, also where they come together', async () => {
    const { connection, told, answer } = stand();
    connection.received(Buffer.concat([GET, GET]));
    await answer();
    expect(told).toEqual([ANSWER]);
    await answer();
    expect(told).toEqual([ANSWER, ANSWER]);
  });
  test('wait while the client does not read, and then for so long only', async () => {
    const { connection, told, answer, wire, clock } = stand();
    wire.isFull = true;
    connection.received(Buffer.concat([GET, GET]));
    await answer();
    await answer();
    expect(told).toEqual([ANSWER]);
    wire.isFull = false;
    connection.drained();
    await answer();
    expect(told).toEqual([ANSWER, ANSWER]);
    wire.isFull = true;
    connection.received(GET);
    await answer();
    clock.ms = 21;
    connection.sweep(clock.ms);
    expect(told).toEqual([ANSWER, ANSWER, ANSWER, 'destroy']);
  });
  test('may not pile up behind one that is being answered', () => {
    const { connection, told } = stand();
    connection.received(GET);
    connection.received(Buffer.alloc(200));
    expect(told).toEqual([]);
    connection.received(Buffer.alloc(1));
    expect(told).toEqual(['destroy']);
  });
  test('a HEAD is answered without a body', async () => {
    const { connection, told, answer } = stand();
    connection.received(Buffer.from('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n'));
    await answer();
    expect(told).toEqual(['HTTP/1.1 200 OK ']);
  });
  test('a handler that fails is status 500', async () => {
    const { connection, told } = stand({ handle: () => Promise.reject(new Error('x')) });
    connection.received(GET);
    await Promise.resolve();
    await Promise.resolve();
    expect(told).toEqual(['HTTP/1.1 500 Internal Server Error internal error\n']);
  });
});

describe('a connection ends', () => {
  test('with the answer to a request that says so', async () => {
    const { connection, told, answer } = stand();
    connection.received(Buffer.from('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'));
    await answer();
    expect(told).toEqual([ANSWER, 'end']);
  });
  test('with what is no request, and hears nothing more', () => {
    const { connection, told, clock } = stand();
    connection.received(Buffer.from('x\r\n\r\n'));
    connection.received(GET);
    expect(told).toEqual(['HTTP/1.1 400 Bad Request the first line is no request\n', 'end']);
    clock.ms = 6;
    connection.sweep(clock.ms);
    expect(told.at(-1)).toBe('destroy');
  });
  test('never for its age while a request is being answered', async () => {
    const { connection, told, answer, clock } = stand();
    connection.received(GET);
    clock.ms = 1_000_000;
    connection.sweep(clock.ms);
    connection.endIfIdle();
    expect(told).toEqual([]);
    await answer();
    connection.endIfIdle();
    expect(told).toEqual([ANSWER, 'end']);
  });
  test('not where a request has begun, when idle ones do', () => {
    const { connection, told } = stand();
    connection.received(GET.subarray(0, 5));
    connection.endIfIdle();
    expect(told).toEqual([]);
  });
  test('an answer that comes after the client has gone goes nowhere', async () => {
    const { connection, told, answer } = stand();
    connection.received(GET);
    connection.closed();
    await answer();
    expect(told).toEqual([]);
  });
});
