// Which proxy a request takes, and what happens on the way through one.
import { afterEach, expect, test } from 'bun:test';
import fc from 'fast-check';
import net from 'node:net';
import process from 'node:process';
import type { HttpRequest } from '../../src/core/io/net-types.ts';
import { proxyFor } from '../../src/core/proxy.ts';
import { closedPort } from '../support/ports.ts';
import { makeCertificates } from './_certificates.ts';
import type { Answer, Listener } from './_servers.ts';
import {
  answerOf,
  closeAll,
  listenPlain,
  listenTls,
  netWith,
  outcome,
  request,
} from './_servers.ts';

afterEach(closeAll);

type Variables = Readonly<Record<string, string>>;

const P = 'http://proxy:3128';
const STRAIGHT = undefined;

const CHOICES: readonly (readonly [Variables, string, string | undefined])[] = [
  [{}, 'http://a.example/', STRAIGHT],
  [{ http_proxy: P }, 'http://a.example/', P],
  [{ http_proxy: P }, 'https://a.example/', STRAIGHT],
  [{ HTTPS_PROXY: P }, 'https://a.example/', P],
  [{ https_proxy: P, HTTPS_PROXY: 'http://other' }, 'https://a.example/', P],
  [{ https_proxy: '', HTTPS_PROXY: P }, 'https://a.example/', P],
  [{ HTTP_PROXY: P }, 'http://a.example/', P],
  [{ HTTP_PROXY: P, REQUEST_METHOD: 'GET' }, 'http://a.example/', STRAIGHT],
  [{ http_proxy: P, REQUEST_METHOD: 'GET' }, 'http://a.example/', P],
  [{ HTTPS_PROXY: P, REQUEST_METHOD: 'GET' }, 'https://a.example/', P],
  [{ all_proxy: P }, 'https://a.example/', P],
  [{ ALL_PROXY: P }, 'http://a.example/', P],
  [{ ALL_PROXY: 'socks5://s', http_proxy: P }, 'http://a.example/', P],
  [{ http_proxy: ' proxy:3128 ' }, 'http://a.example/', P],
  [{ http_proxy: 'HTTPS://proxy' }, 'http://a.example/', 'HTTPS://proxy'],
  [{ http_proxy: P }, 'http://localhost/', STRAIGHT],
  [{ http_proxy: P }, 'http://localhost:8080/', STRAIGHT],
  [{ http_proxy: P }, 'http://127.3.2.1/', STRAIGHT],
  [{ http_proxy: P }, 'http://[::1]/', STRAIGHT],
  [{ http_proxy: P }, 'http://localhost.example/', P],
  [{ http_proxy: P }, 'http://169.254.169.254/', P],
];

for (const [variables, url, expected] of CHOICES) {
  test(`${JSON.stringify(variables)} ${url}: ${expected ?? 'straight'}`, () => {
    expect(proxyFor(new URL(url), (name) => variables[name])).toBe(expected);
  });
}

/** no_proxy, hosts that it covers, hosts that it does not. */
const NO_PROXY: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['*', ['a.example', '10.0.0.1', '[fd00::1]'], []],
  [
    'a.example',
    ['a.example', 'A.EXAMPLE', 'b.a.example', 'a.example.', 'a.example:8080'],
    ['ba.example', 'example', 'a.example.net'],
  ],
  ['.example', ['a.example', 'b.a.example'], ['example', 'anexample']],
  ['*.example', ['a.example'], ['example']],
  ['a.example:8080', ['a.example:8080', 'b.a.example:8080'], ['a.example', 'a.example:80']],
  ['a.example:80', ['a.example', 'a.example:80'], ['a.example:8080']],
  [' a.example , b.example c.example', ['a.example', 'b.example', 'c.example'], ['d.example']],
  [
    '10.0.0.1',
    ['10.0.0.1', '10.0.0.1:8080', '[::ffff:10.0.0.1]'],
    ['10.0.0.11', '110.0.0.1', '10.0.0.1.example'],
  ],
  ['10.0.0.1:8080', ['10.0.0.1:8080'], ['10.0.0.1']],
  ['0.1', [], ['10.0.0.1']],
  ['10.0.0.0/8', ['10.200.3.4', '10.0.0.1:9'], ['11.0.0.1', '[fd00::a]', '10.example']],
  ['10.0.0.0/33', [], ['10.0.0.0']],
  ['0.0.0.0/0', ['1.2.3.4'], ['[fd00::1]', 'a.example']],
  ['192.168.1.128/25', ['192.168.1.200'], ['192.168.1.100']],
  ['fd00::1', ['[fd00::1]', '[fd00:0:0:0:0:0:0:1]', '[fd00::1]:8080'], ['[fd00::2]']],
  ['[fd00::1]:8080', ['[fd00::1]:8080'], ['[fd00::1]']],
  ['fd00:ec2::/32', ['[fd00:ec2::254]'], ['[fd00:ec3::254]', '10.0.0.1']],
  ['::/0', ['[fd00::1]'], ['10.0.0.1']],
  [',, :80 / . 999.1.1.1/8 [', [], ['a.example', '10.0.0.1']],
];

for (const [list, covered, others] of NO_PROXY) {
  test(`no_proxy=${list} covers ${covered.join(' ')}, and not ${others.join(' ')}`, () => {
    for (const name of ['no_proxy', 'NO_PROXY']) {
      const variables: Variables = { http_proxy: P, [name]: list };
      const of = (host: string): string | undefined =>
        proxyFor(new URL(`http://${host}/`), (asked) => variables[asked]);
      for (const host of covered) expect([host, of(host)]).toEqual([host, STRAIGHT]);
      for (const host of others) expect([host, of(host)]).toEqual([host, P]);
    }
  });
}

test('no text of no_proxy makes the choice fail', () => {
  const entry = fc.oneof(
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc.domain(),
    fc.constantFrom('/', ':', '*'),
  );
  const lists = fc.array(entry).map((parts) => parts.join(','));
  const hosts = fc.oneof(
    fc.ipV4(),
    fc.domain(),
    fc.ipV6().map((address) => `[${address}]`),
  );
  fc.assert(
    fc.property(lists, hosts, (list, host) => {
      const url = URL.parse(`http://${host}/`);
      if (url === null) return;
      const variables: Variables = { http_proxy: P, no_proxy: list };
      expect([P, STRAIGHT]).toContain(proxyFor(url, (name) => variables[name]));
      const all: Variables = { http_proxy: P, no_proxy: `${list},${host}` };
      expect(proxyFor(url, (name) => all[name])).toBe(STRAIGHT);
    }),
  );
});

const NEVER = new AbortController().signal;
const CANARY = 'canary-77';
const { authority, good } = makeCertificates();
const TLS = { ca: authority.cert, serverName: 'localhost' };

/** CONNECT to any name of the port here, then bytes. */
const tunnel: Answer = (client, _count, piece) => {
  const port = Number(/^CONNECT [^ ]*:(\d+) /.exec(piece.toString())?.[1]);
  client.removeAllListeners('data');
  const server = net.connect(port, '127.0.0.1');
  server.on('error', () => client.destroy());
  client.write('HTTP/1.1 200 OK\r\n\r\n');
  client.pipe(server).pipe(client);
};

function through({ port }: Listener, more: Variables = {}): Variables {
  const proxy = `http://user:${CANARY}@127.0.0.1:${port}`;
  return { http_proxy: proxy, https_proxy: proxy, ...more };
}

async function said(
  variables: Variables,
  url: string,
  more: Partial<HttpRequest> = {},
): Promise<string> {
  return await outcome(netWith(variables).http(request(url, { tls: TLS, ...more }), NEVER));
}

for (const protocol of ['h1', 'h2'] as const) {
  test(`TLS goes through the proxy by a tunnel, wanted by ${protocol}`, async () => {
    const target = await listenTls(good, (socket) => socket.write(answerOf('hi')));
    const proxy = await listenPlain(tunnel);
    const url = `https://a.example:${target.port}/`;
    expect(await said(through(proxy), url, { protocol })).toBe('200 hi');
    const login = Buffer.from(`user:${CANARY}`).toString('base64');
    expect(proxy.received()).toContain(`Proxy-Authorization: Basic ${login}\r\n`);
    expect(target.received().toLowerCase()).not.toContain('proxy-');
  });
}

test('plain requests are asked of the proxy itself, and `never` and no_proxy go straight', async () => {
  const target = await listenPlain((socket) => socket.write(answerOf('straight')));
  const proxy = await listenPlain((socket) => socket.write(answerOf('by proxy')));
  const url = `http://[::ffff:127.0.0.1]:${target.port}/`;
  expect(await said(through(proxy), 'http://a.example/x')).toBe('200 by proxy');
  expect(proxy.received()).toStartWith('GET http://a.example/x HTTP/1.1\r\n');
  expect(await said(through(proxy), `http://127.0.0.1:${target.port}/`)).toBe('200 straight');
  expect(await said(through(proxy, { no_proxy: '*' }), url)).toBe('200 straight');
  expect(await said(through(proxy), url, { proxy: 'never' })).toBe('200 straight');
});

for (const [status, expected] of [
  ['407 Login', 'proxy (the proxy wants credentials (407))'],
  ['403 No', 'proxy (ERR_PROXY_TUNNEL)'],
  ['502 Bad', 'proxy (ERR_PROXY_TUNNEL)'],
] as const) {
  test(`a proxy that answers CONNECT by ${status}: ${expected}`, async () => {
    const proxy = await listenPlain((socket) => socket.end(answerOf(CANARY, `HTTP/1.1 ${status}`)));
    expect(await said(through(proxy), 'https://a.example/')).toBe(expected);
  });
}

test('a plain 407 is the proxy, and its other answers are answers', async () => {
  const of = async (status: string): Promise<string> => {
    const proxy = await listenPlain((socket) => socket.end(answerOf('x', `HTTP/1.1 ${status}`)));
    return await said(through(proxy), 'http://a.example/');
  };
  expect(await of('407 Login')).toBe('proxy (the proxy wants credentials (407))');
  expect(await of('502 Bad')).toBe('502 x');
});

const NO_URL =
  /^proxy \(the URL of the proxy, of a variable like https_proxy, is not http or https\)$/;

for (const [value, expected] of [
  [`socks5://user:${CANARY}@127.0.0.1:1`, NO_URL],
  [`http://user:${CANARY}@:99999`, NO_URL],
  [`http://user:${CANARY}@bellhop.invalid:1`, /^name not \w+ \(E\w+, of the proxy\)$/],
] as const) {
  test(`a proxy that cannot be used, ${value.slice(0, 9)}: ${expected.source}`, async () => {
    expect(await said({ https_proxy: value }, 'https://a.example/')).toMatch(expected);
  });
}

test('a proxy that refuses is named, without its password', async () => {
  const proxy = `http://user:${CANARY}@127.0.0.1:${await closedPort()}`;
  const of = await said({ https_proxy: proxy }, 'https://a.example/');
  expect(of).toBe('refused (ECONNREFUSED, of the proxy)');
});

test('the environment of the runtime itself steers nothing', async () => {
  const target = await listenPlain((socket) => socket.write(answerOf('straight')));
  const proxy = await listenPlain((socket) => socket.write(answerOf('by proxy')));
  const dead = `http://127.0.0.1:${await closedPort()}`;
  const script = `
    const { netWith, outcome, request } = await import('./test/core/_servers.ts');
    const ask = async (net, url) =>
      console.log(await outcome(net.http(request(url), new AbortController().signal)));
    await ask(netWith(), 'http://127.0.0.1:${target.port}/');
    await ask(netWith({ http_proxy: 'http://127.0.0.1:${proxy.port}' }), 'http://a.example/');
    process.exit(0);`;
  const steering = { HTTP_PROXY: dead, http_proxy: dead, ALL_PROXY: dead, NO_PROXY: 'a.example' };
  const run = Bun.spawn([process.execPath, '-e', script], {
    env: { ...process.env, ...steering },
    stderr: 'ignore',
  });
  expect(await new Response(run.stdout).text()).toBe('200 straight\n200 by proxy\n');
});
