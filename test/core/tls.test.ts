// Who is trusted: every fault of a certificate, where authorities come from, and that connections
// of one trust are never used under another.
import { afterEach, expect, test } from 'bun:test';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { TlsFacts } from '../../src/core/io/net-types.ts';
import { FILES } from '../../src/core/io/files.ts';
import { openNet } from '../../src/core/io/net.ts';
import { openTrust, tlsOptions } from '../../src/core/io/tls-trust.ts';
import { fakeIo } from '../support/fake-io.ts';
import { makeCertificates } from './_certificates.ts';
import type { Listener } from './_servers.ts';
import { answerOf, closeAll, listenTls, netWith, outcome, request } from './_servers.ts';

afterEach(closeAll);

const NEVER = new AbortController().signal;
const certificates = makeCertificates();
const { authority, otherAuthority, client, good } = certificates;
const ca = authority.cert;

async function serve(pair: { cert: string; key: string }, more: object = {}): Promise<Listener> {
  const { cert, key } = pair;
  return await listenTls({ cert, key, ...more }, (socket) => socket.write(answerOf('hi')));
}

const HANDSHAKE =
  'handshake (the server wants a client certificate, does not take ours, or speaks no TLS)';

type Kind = 'good' | 'expired' | 'notYetValid' | 'otherName';

function encrypted(key: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' } as const;
  return createPrivateKey(key).export(options).toString();
}

const FAULTS: readonly (readonly [string, Kind, TlsFacts | undefined, string])[] = [
  ['a good certificate', 'good', { ca }, '200 hi'],
  ['one among several authorities', 'good', { ca: `${otherAuthority.cert}\n${ca}` }, '200 hi'],
  ['an expired one', 'expired', { ca }, 'certificate (expired)'],
  ['one of the future', 'notYetValid', { ca }, 'certificate (not yet valid)'],
  ['one for another name', 'otherName', { ca }, 'certificate (wrong host name)'],
  ['that name, asked for', 'otherName', { ca, serverName: 'other.example' }, '200 hi'],
  [
    'a name it has not',
    'good',
    { ca, serverName: 'other.example' },
    'certificate (wrong host name)',
  ],
  ['another authority', 'good', { ca: otherAuthority.cert }, 'certificate (unknown authority)'],
  ['no authority named', 'good', undefined, 'certificate (unknown authority)'],
  ['a client certificate alone', 'good', client, 'certificate (unknown authority)'],
  [
    'authorities that are none',
    'good',
    { ca: 'x' },
    'certificate (the trusted authorities are no PEM certificates)',
  ],
  ['no authority at all', 'good', { ca: '' }, 'certificate (the trusted authorities are empty)'],
  [
    'a client certificate that is none',
    'good',
    { ca, cert: 'x', key: client.key },
    'certificate (the client certificate is no PEM certificate)',
  ],
  [
    'the key of another',
    'good',
    { ca, cert: client.cert, key: good.key },
    'certificate (the client key is no PEM key of its certificate)',
  ],
  [
    'an encrypted key',
    'good',
    { ca, cert: client.cert, key: encrypted(client.key) },
    'certificate (the client key is encrypted: give it without a passphrase)',
  ],
];

for (const [name, kind, tls, expected] of FAULTS) {
  for (const protocol of ['h1', 'h2'] as const) {
    test(`${name}, by ${protocol}: ${expected}`, async () => {
      const { port, received } = await serve(certificates[kind]);
      const more = tls === undefined ? {} : { tls };
      const sent = request(`https://127.0.0.1:${port}/canary`, { protocol, ...more });
      expect(await outcome(netWith().http(sent, NEVER))).toBe(expected);
      if (!expected.startsWith('200')) expect(received()).toBe('');
    });
  }
}

test('a server that wants a client certificate gets it, or refuses', async () => {
  const { port } = await serve(good, { ca, requestCert: true, rejectUnauthorized: true });
  const of = async (tls: TlsFacts): Promise<string> =>
    await outcome(netWith().http(request(`https://127.0.0.1:${port}/`, { tls }), NEVER));
  expect(await of({ ca, ...client })).toBe('200 hi');
  expect(await of({ ca })).toBe(HANDSHAKE);
});

test('a connection of one authority or client is never used for another', async () => {
  const { port, connections } = await serve(good);
  const net = netWith();
  const of = async (tls?: TlsFacts): Promise<string> => {
    const more = tls === undefined ? {} : { tls };
    const said = await outcome(net.http(request(`https://localhost:${port}/`, more), NEVER));
    return `${said}, ${connections()}`;
  };
  expect(await of({ ca })).toBe('200 hi, 1');
  expect(await of({ ca })).toBe('200 hi, 1');
  expect(await of()).toBe('certificate (unknown authority), 1');
  expect(await of({ ca: otherAuthority.cert })).toBe('certificate (unknown authority), 1');
  expect(await of({ ca, ...client })).toBe('200 hi, 2');
  expect(await of({ ca, serverName: '127.0.0.1' })).toBe('200 hi, 3');
  expect(await of({ ca })).toBe('200 hi, 3');
});

test('verification stays on where the environment of the runtime switches it off', async () => {
  const { port } = await serve(good);
  const script = `
    const { netWith, outcome, request } = await import('./test/core/_servers.ts');
    const never = new AbortController().signal;
    for (const protocol of ['h1', 'h2']) {
      const sent = request('https://127.0.0.1:${port}/', { protocol });
      console.log(await outcome(netWith().http(sent, never)));
    }
    const tls = {};
    console.log(await outcome(netWith().connect({ host: '127.0.0.1', port: ${port}, tls }, never)));
    process.exit(0);`;
  const run = Bun.spawn([process.execPath, '-e', script], {
    env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    stderr: 'ignore',
  });
  const line = 'certificate (unknown authority)\n';
  expect(await new Response(run.stdout).text()).toBe(line.repeat(3));
});

function withFolder(work: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-trust-'));
    try {
      await work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

test(
  'SSL_CERT_FILE and SSL_CERT_DIR are trusted where a request names no authority',
  withFolder(async (folder) => {
    const file = path.join(folder, 'company.pem');
    writeFileSync(file, `# a comment\n${ca}`);
    writeFileSync(path.join(folder, 'README'), 'no certificate');
    symlinkSync('company.pem', path.join(folder, '0a1b2c3d.0'));
    const { port } = await serve(good);
    const of = async (variables: Record<string, string>, tls?: TlsFacts): Promise<string> => {
      const sent = request(`https://127.0.0.1:${port}/`, tls === undefined ? {} : { tls });
      return await outcome(netWith(variables).http(sent, NEVER));
    };
    expect(await of({ SSL_CERT_FILE: file })).toBe('200 hi');
    expect(await of({ SSL_CERT_FILE: file }, client)).toBe('200 hi');
    expect(await of({ SSL_CERT_DIR: `/nowhere:${folder}` })).toBe('200 hi');
    expect(await of({ SSL_CERT_FILE: '', SSL_CERT_DIR: '' })).toBe(
      'certificate (unknown authority)',
    );
    const other = { ca: otherAuthority.cert };
    expect(await of({ SSL_CERT_FILE: file }, other)).toBe('certificate (unknown authority)');
    expect(await of({ NODE_EXTRA_CA_CERTS: file })).toBe('certificate (unknown authority)');
    expect(await of({ SSL_CERT_FILE: `${folder}/gone` })).toBe(
      'certificate (SSL_CERT_FILE cannot be read: ENOENT)',
    );
    expect(await of({ SSL_CERT_FILE: path.join(folder, 'README') })).toBe(
      'certificate (SSL_CERT_FILE and SSL_CERT_DIR hold no certificate)',
    );
  }),
);

test('the bundle of the machine is read once, where no variable replaces it', () => {
  const files = { '/etc/pki/tls/certs/ca-bundle.crt': ca, '/my.pem': otherAuthority.cert };
  const { fs } = fakeIo({ files });
  expect(openTrust(fs, () => undefined).ofMachine()).toBe(ca);
  expect(openTrust(fs, () => undefined).fromVariables()).toBeUndefined();
  const given = openTrust(fs, (name) => (name === 'SSL_CERT_FILE' ? '/my.pem' : undefined));
  expect(given.fromVariables()).toBe(otherAuthority.cert);
  expect(given.ofMachine()).toBeUndefined();
  expect(openTrust(fakeIo({}).fs, () => undefined).ofMachine()).toBeUndefined();
});

test('a server that only the bundle of the machine knows is trusted, at no cost to others', async () => {
  const { port, connections } = await serve(good);
  const asked: string[] = [];
  const read = (file: string, bytesMax: number): Uint8Array => {
    asked.push(file);
    return file.startsWith('/etc/') ? Buffer.from(ca) : FILES.read(file, bytesMax);
  };
  const net = openNet({ ...FILES, read }, { argv: [], env: [] });
  const known = { tls: { ca }, protocol: 'h2' } as const;
  const url = `https://127.0.0.1:${port}/`;
  expect(await outcome(net.http(request(url, known), NEVER))).toBe('200 hi');
  expect(asked).toEqual([]);
  const all = Array.from({ length: 5 }, () => outcome(net.http(request(url), NEVER)));
  expect(new Set(await Promise.all(all))).toEqual(new Set(['200 hi']));
  expect(asked).toEqual(['/etc/ssl/certs/ca-certificates.crt']);
  const before = connections();
  expect(await outcome(net.http(request(url), NEVER))).toBe('200 hi');
  expect(connections()).toBe(before);
  const connected = await net.connect({ host: '127.0.0.1', port, tls: {} }, NEVER);
  connected.close();
});

test('what Bun is told always verifies', () => {
  expect(tlsOptions(undefined, undefined)).toEqual({ rejectUnauthorized: true });
  expect(tlsOptions({ ca: 'a', serverName: 'b' }, 'c')).toEqual({
    rejectUnauthorized: true,
    ca: 'a',
    serverName: 'b',
  });
});
