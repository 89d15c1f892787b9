// What no Redis can be brought to do here: connections that end inside, and answers without end.
import { describe, expect, test } from 'bun:test';
import type { Socket } from 'node:net';
import { plain } from '../real/_answers.ts';
import { stubServer } from '../real/_tcp-stub.ts';
import { openReal } from '../support/real-store.ts';

const open = (port: number, env: Record<string, string> = {}, startMsMax = 10_000) => {
  const options = { kind: 'redis', url: `redis://127.0.0.1:${port}` };
  return openReal(options, { env, startMsMax, attemptsMax: 2 });
};

/** Answers of each connection in turn, the last one for all others; then it is closed. */
async function closing(answers: readonly string[]) {
  let asked = 0;
  const stub = await stubServer((_, socket) => {
    socket.end(answers[asked] ?? answers.at(-1) ?? '');
    asked += 1;
  });
  return { ...stub, asked: () => asked, [Symbol.asyncDispose]: stub[Symbol.asyncDispose] };
}

const NOPERM = '-NOPERM this user has no permissions\r\n';
const DENIED = expect.stringMatching(/^BH_ERR_STORE_DENIED: .*, b: it may not be read/);

describe('a connection that ends before all keys are answered', () => {
  test('is asked again, whatever was said of the last key', async () => {
    const inside = `$1\r\n1\r\n${NOPERM}`;
    await using stub = await closing([inside, `${inside}$1\r\n3\r\n$-1\r\n`]);
    const answers = await (await open(stub.port)).fetch('a', 'b', 'c', 'd');
    expect(answers.map(plain)).toEqual(['1', DENIED, '3', 'absent: there is no such key']);
    expect(stub.asked()).toBe(2);
  });

  test('each time, is an outage, never a denial of the others', async () => {
    await using stub = await closing([`$1\r\n1\r\n${NOPERM}`]);
    const work = (await open(stub.port)).fetch('a', 'b', 'c');
    expect(String(plain((await work.catch(answersOf))[2]))).toMatch(/^BH_ERR_STORE: .*cut off/);
  });

  test.each([
    ['-DENIED Redis is running in protected mode\r\n', 'BH_ERR_CREDENTIALS', 1],
    ['-WRONGPASS invalid username-password pair\r\n', 'BH_ERR_CREDENTIALS', 1],
    ['-ERR max number of clients reached\r\n', 'BH_ERR_STORE', 2],
  ])('with %j says why it does not let us in', async (said, code, atLeast) => {
    await using stub = await closing([said]);
    const work = (await open(stub.port, { REDISCLI_AUTH: 'x' }, 1000)).fetch('a', 'b', 'c');
    const answers = await work.catch(answersOf);
    expect(String(plain(answers[2]))).toStartWith(`${code}: `);
    expect(stub.asked()).toBeGreaterThanOrEqual(atLeast);
  });
});

test('a connection that fails leaves the keys of the others', async () => {
  const seen = new Set<Socket>();
  await using stub = await stubServer((text, socket) => {
    if (seen.has(socket)) return;
    seen.add(socket);
    if (text.includes('\r\nk0\r\n')) socket.write('$-1\r\n'.repeat(1000));
    else socket.end();
  });
  const keys = Array.from({ length: 1001 }, (_, n) => `k${n}`);
  const answers = await (await open(stub.port)).fetch(...keys);
  expect(answers.slice(0, 1000).every(({ kind }) => kind === 'absent')).toBe(true);
  expect(String(plain(answers[1000]))).toMatch(/^BH_ERR_STORE: .*cut off/);
});

/** A problem that holds for all, as the answer of each. */
function answersOf(problem: unknown) {
  return [0, 1, 2].map(() => ({ kind: 'failed', problem }) as never);
}

const MIB = 1024 * 1024;
const field = `$${MIB}\r\n${'x'.repeat(MIB)}\r\n`;

/** Goes on with the same bytes until the other side has had enough. */
function repeat(socket: Socket, text: string, times: number): void {
  for (let n = 0; n < times && !socket.destroyed; n++) socket.write(text);
}

describe('more than bellhop takes is asked for once, and is BH_ERR_VALUE', () => {
  test.each([
    ['a value over 64 MiB', `$${64 * MIB + 1}\r\n`, 0],
    ['a hash of too many fields', '*100001\r\n', 0],
    ['a hash over 128 MiB', '*200\r\n', 130],
    ['answers over 128 MiB in all', '', 130],
  ])('%s', async (_, head, times) => {
    let asked = 0;
    await using stub = await stubServer((_text, socket) => {
      asked += 1;
      socket.write(head);
      repeat(socket, field, times);
    });
    const keys = Array.from({ length: 200 }, (_key, n) => `k${n}`);
    const answers = await (await open(stub.port)).fetch(...keys).catch(answersOf);
    expect(String(plain(answers[0]))).toMatch(/^BH_ERR_VALUE: .*more than bellhop takes: .* over/);
    expect(asked).toBe(1);
  });
});
