// Headers that go out: what no request can carry never reaches the network, nor any message.
import { afterEach, expect, test } from 'bun:test';
import fc from 'fast-check';
import { closedPort } from '../support/ports.ts';
import type { Answer } from './_servers.ts';
import { answerOf, closeAll, listenPlain, netWith, outcome, request } from './_servers.ts';

afterEach(closeAll);

const NEVER = new AbortController().signal;
const CANARY = 'canary-61bd';
const fine: Answer = (socket) => socket.write(answerOf('fine'));

/** What becomes of a request with this header, and how many connections it took. */
async function sentWith(name: string, value: string) {
  const server = await listenPlain(fine);
  const asked = request(`http://127.0.0.1:${server.port}/`, { headers: { [name]: value } });
  const said = await outcome(netWith().http(asked, NEVER));
  return { said, connections: server.connections(), received: server.received() };
}

test.each([
  ['a line feed', `${CANARY}\nb`],
  ['a carriage return', `${CANARY}\rb`],
  ['a line break and a blank', `${CANARY}\r\n b`],
  ['NUL', `${CANARY}\0b`],
  ['NUL at its end', `${CANARY}\0`],
  ['a character that is no byte', `${CANARY}\u0100`],
  ['half a character', `${CANARY}\ud800`],
])('a value with %s is the failure `header`, which names the header alone', async (_, value) => {
  const { said, connections } = await sentWith('x-vault-namespace', value);
  expect([said, connections]).toEqual(['header (x-vault-namespace)', 0]);
});

test.each([`${CANARY} y`, `${CANARY}\n`, '', 'x-ä', 'x:y'])('the name %j is none', async (name) => {
  const { said, connections } = await sentWith(name, CANARY);
  expect([said, connections]).toEqual(['header (with an odd name)', 0]);
});

test('a value is refused exactly where the platform would refuse it', async () => {
  const [network, url] = [netWith(), `http://127.0.0.1:${await closedPort()}/`];
  const unit = fc.oneof(fc.constantFrom('\r', '\n', '\0', ' ', '\t', 'a', '\xff', '\u0100'));
  const text = fc.oneof(fc.string({ unit, maxLength: 6 }), fc.string({ unit: 'binary' }));
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      const said = await outcome(network.http(request(url, { headers: { 'x-a': value } }), NEVER));
      expect(said).toBe(isTaken(value) ? 'refused (ECONNREFUSED)' : 'header (x-a)');
    }),
  );
});

function isTaken(value: string): boolean {
  try {
    return new Headers({ 'x-a': value }).has('x-a');
  } catch {
    return false;
  }
}

test.each([
  ['white space around it, which is left out', ' \r\n\ta b\t\n', 'a b'],
  ['bytes above 127', 'ä', 'ä'],
  ['nothing', '', ''],
  ['a tab inside', 'a\tb', 'a\tb'],
])('a value with %s is sent', async (_, value, wanted) => {
  const { said, received } = await sentWith('x-a', value);
  expect(said).toBe('200 fine');
  expect(/^x-a: ?(.*)\r$/im.exec(received)?.[1]).toBe(wanted);
});
