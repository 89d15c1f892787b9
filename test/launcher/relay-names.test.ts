// A gateway that moves is found by its name: name servers of these tests, and a relay that asks.
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import net from 'node:net';
import { afterAll, describe, expect, test } from 'bun:test';
import { questionsFor } from '../../src/wire/dns.ts';
import { inetAddress, NOWHERE } from '../../src/wire/endpoint.ts';
import { closedPort } from '../support/ports.ts';
import { missing, removeTools, TIMEOUT_MS } from './_bench.ts';
import { beside } from './_relay.ts';

afterAll(removeTools);

const OLD = '127.0.0.2';
const NEW = '127.0.0.3';
const NAME = 'gateway.test';

/** What a name server says to a question: whole packets, none for silence. */
type Says = (asked: Buffer, name: string) => readonly Buffer[];

interface NameServer {
  readonly sockaddr: string;
  readonly names: string[];
  says: Says;
  close(): void;
}

function nameIn(packet: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; (packet[at] ?? 0) > 0; at += (packet[at] ?? 0) + 1) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + (packet[at] ?? 0)));
  }
  return labels.join('.');
}

async function bound(host: string, port = 0): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.bind(port, host, done));
  // Whoever has had an answer listens no longer.
  return socket.on('error', () => undefined);
}

async function nameServer(says: Says): Promise<NameServer> {
  const socket = await bound('127.0.0.1');
  const { port } = socket.address();
  const sockaddr = Buffer.from(inetAddress('127.0.0.1', port) ?? []).toString('base64');
  const server: NameServer = { sockaddr, names: [], says, close: () => void socket.close() };
  socket.on('message', (asked, from) => {
    server.names.push(nameIn(asked));
    for (const one of server.says(asked, nameIn(asked))) socket.send(one, from.port, from.address);
  });
  return server;
}

const QUESTION_END = (asked: Buffer): number => 12 + nameIn(asked).length + 2 + 4;

/** An answer with these records, each behind a pointer to the question's name. */
function answer(
  asked: Buffer,
  records: readonly (readonly [type: number, data: Buffer])[],
  code = 0,
) {
  const head = Buffer.from(asked.subarray(0, QUESTION_END(asked)));
  head[2] = 0x81;
  head[3] = 0x80 | code;
  head.writeUInt16BE(records.length, 6);
  head.writeUInt16BE(0, 10);
  const bodies = records.map(([type, data]) => {
    const body = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 5, data.length >> 8, data.length]);
    return Buffer.concat([body, data]);
  });
  return Buffer.concat([head, ...bodies]);
}

const A = (address: string) => [1, Buffer.from(address.split('.').map(Number))] as const;
/** 16 bytes that are no address. */
const ALIAS = [5, Buffer.from('\x05other\x04test\x03abc\0', 'latin1')] as const;
const NO_NAME = 3;

interface Heard {
  readonly lines: string[];
  close(): void;
}

async function gatewayAt(host: string, port: number, isTcp = false): Promise<Heard> {
  const lines: string[] = [];
  const take = (bytes: Buffer): void => {
    lines.push(
      ...bytes
        .toString('latin1')
        .split('\n')
        .filter((one) => one.startsWith('m')),
    );
  };
  if (!isTcp) {
    const socket = await bound(host, port);
    socket.on('message', take);
    return { lines, close: () => void socket.close() };
  }
  const server = net.createServer((socket) => void socket.on('data', take).on('error', () => {}));
  await new Promise<void>((done) => server.listen(port, host, done));
  return { lines, close: () => void server.close() };
}

async function world(
  servers: readonly NameServer[],
  more: { names?: string[]; isTcp?: boolean; isKnown?: boolean } = {},
) {
  const { names = [NAME], isTcp = false, isKnown = true } = more;
  const [port, listen] = [await closedPort(), await closedPort()];
  const [old, moved] = [await gatewayAt(OLD, port, isTcp), await gatewayAt(NEW, port, isTcp)];
  const look = {
    servers: servers.map((one) => one.sockaddr),
    questions: questionsFor(names, 'ipv4').map((one) => Buffer.from(one).toString('base64')),
    addresses: { [NAME]: isKnown ? OLD : NOWHERE.ipv4 },
    lookMs: 20,
  };
  const { child, pid } = beside(
    {
      gateway: `${isTcp ? 'tcp' : 'udp'}://${NAME}:${port}`,
      relay: { listen: [`udp://127.0.0.1:${listen}`] },
      flags: [`--look=${JSON.stringify(look)}`],
    },
    ['hold'],
  );
  await pid();
  const sender = createSocket('udp4');
  let sent = 0;
  /** Sends metrics until it is so. */
  const until = async (is: () => boolean): Promise<void> => {
    while (!is()) {
      sent += 1;
      await new Promise<void>((done) =>
        sender.send(`m${sent}:1|c`, listen, '127.0.0.1', () => done()),
      );
      await new Promise((done) => void setImmediate(done));
    }
  };
  const end = async (): Promise<void> => {
    child.stdin.end();
    child.kill();
    await child.exited;
    sender.close();
    for (const one of [old, moved, ...servers]) one.close();
  };
  return { old, moved, until, end };
}

describe.skipIf(missing !== undefined)('a gateway by its name', () => {
  test.each([false, true])(
    'that has moved is found, and what comes goes there (over TCP: %j)',
    async (isTcp) => {
      const server = await nameServer((asked) => [answer(asked, [A(OLD)])]);
      const { old, moved, until, end } = await world([server], { isTcp });
      await until(() => old.lines.length > 3 && server.names.length > 3);
      expect(moved.lines).toEqual([]);
      server.says = (asked) => [answer(asked, [ALIAS, A(NEW)])];
      await until(() => moved.lines.length > 3);
      const before = old.lines.length;
      await until(() => moved.lines.length > 20);
      expect(old.lines).toHaveLength(before);
      await end();
    },
    TIMEOUT_MS,
  );

  test.each([false, true])(
    'that has no address at first is found once it has one, and gets what waited (over TCP: %j)',
    async (isTcp) => {
      const server = await nameServer((asked) => [answer(asked, [], NO_NAME)]);
      const { moved, until, end } = await world([server], { isTcp, isKnown: false });
      await until(() => server.names.length > 3);
      expect(moved.lines).toEqual([]);
      server.says = (asked) => [answer(asked, [ALIAS, A(NEW)])];
      await until(() => moved.lines.length > 3);
      expect(moved.lines[0]).toBe('m1:1|c');
      await end();
    },
    TIMEOUT_MS,
  );

  test(
    'that is one of several stays the one that it is',
    async () => {
      const server = await nameServer((asked) => [answer(asked, [A(NEW), A(OLD), A('127.0.0.9')])]);
      const { old, moved, until, end } = await world([server]);
      await until(() => old.lines.length > 10 && server.names.length > 5);
      expect(moved.lines).toEqual([]);
      await end();
    },
    TIMEOUT_MS,
  );

  test(
    'is asked for by each name that it may have, in their order, until one has an answer',
    async () => {
      const server = await nameServer((asked, name) => {
        return [name === 'gateway.b.test' ? answer(asked, [A(NEW)]) : answer(asked, [], NO_NAME)];
      });
      const names = ['gateway.a.test', 'gateway.b.test', 'gateway.c.test'];
      const { moved, until, end } = await world([server], { names });
      await until(() => moved.lines.length > 3 && server.names.length >= 4);
      expect(server.names.slice(0, 4)).toEqual([
        'gateway.a.test',
        'gateway.b.test',
        'gateway.a.test',
        'gateway.b.test',
      ]);
      await end();
    },
    TIMEOUT_MS,
  );

  test(
    'is asked of the next server where one is silent, or cannot say',
    async () => {
      const silent = await nameServer(() => []);
      const broken = await nameServer((asked) => [answer(asked, [], 2)]);
      const server = await nameServer((asked) => [answer(asked, [A(NEW)])]);
      const { moved, until, end } = await world([silent, broken, server]);
      await until(() => moved.lines.length > 3);
      expect([silent, broken].map((one) => one.names.length > 0)).toEqual([true, true]);
      await end();
    },
    TIMEOUT_MS,
  );

  test(
    'does not move by what is no answer of a name server',
    async () => {
      const rubbish = (asked: Buffer): readonly Buffer[] => {
        const good = answer(asked, [A(NEW)]);
        const other = Buffer.from(good);
        other[1] = (other[1] ?? 0) ^ 1;
        const loops = Buffer.concat([good.subarray(0, 12), Buffer.alloc(40, 0xc0)]);
        const long = answer(asked, [[1, Buffer.alloc(5, 9)]]);
        const many = Buffer.from(answer(asked, []));
        many.writeUInt16BE(0xffff, 6);
        const cut = Array.from({ length: good.length - 1 }, (_, n) => good.subarray(0, n));
        return [other, ...cut, loops, long, many, Buffer.alloc(4096, 0xff)];
      };
      const server = await nameServer(rubbish);
      const { old, moved, until, end } = await world([server]);
      await until(() => old.lines.length > 10 && server.names.length > 5);
      expect(moved.lines).toEqual([]);
      server.says = (asked) => [answer(asked, [A(NEW)])];
      await until(() => moved.lines.length > 3);
      await end();
    },
    TIMEOUT_MS,
  );
});

test('a question is the one that a resolver of others asks', async () => {
  const seen: Buffer[] = [];
  const socket = await bound('127.0.0.1');
  socket.on('message', (asked, from) => {
    seen.push(asked);
    socket.send(answer(asked, [A(NEW)]), from.port, from.address);
  });
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  expect(await resolver.resolve4('gateway.Test-1.example')).toEqual([NEW]);
  const [theirs = Buffer.of()] = seen;
  const [ours = Buffer.of()] = questionsFor(['gateway.Test-1.example'], 'ipv4');
  const end = QUESTION_END(theirs);
  // Behind the number: recursion is desired, one question, and the question.
  expect(Buffer.from(ours.subarray(2, 10)).equals(theirs.subarray(2, 10))).toBe(true);
  expect(Buffer.from(ours.subarray(12, end)).equals(theirs.subarray(12, end))).toBe(true);
  socket.close();
});
