// Mistakes at our end that the next attempt meets again: told at once, and no fallback covers them.
import { afterAll, expect, test } from 'bun:test';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { BellhopError } from '../../src/core/errors.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import type { Bound, StoreOptions } from '../../src/plan/types.ts';
import { closeAll, listenPlain, listenTls } from '../core/_servers.ts';
import { gatherReal } from '../support/real-store.ts';
import { answerOf, certificates, faultServer } from './_faults.ts';

const CANARY = 'canary-90aa';
const { good, otherAuthority, caFile } = certificates();
const folder = mkdtempSync(`${tmpdir()}/own-faults-`);
const written = (name: string, text: string): string => {
  writeFileSync(`${folder}/${name}`, text);
  return `${folder}/${name}`;
};
const server = await faultServer({ tls: good });
const proxy = await faultServer({ answer: () => answerOf(407, '') });
afterAll(async () => {
  closeAll();
  await Promise.all([server.close(), proxy.close()]);
  rmSync(folder, { recursive: true });
});

const http: StoreOptions = { kind: 'http', url: server.url, ca: caFile };
const elsewhere: StoreOptions = { ...http, url: 'https://svc.internal:1' };
const cert = written('cert.pem', good.certificate);
const locked = createPrivateKey(good.key).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: CANARY,
});
symlinkSync('loop', `${folder}/loop`);
Bun.spawnSync(['mkfifo', `${folder}/fifo`]);
Bun.spawnSync(['truncate', '-s', '65M', `${folder}/long`]);

const huge = await listenPlain((socket) => {
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 67108865\r\n\r\nx');
});

interface Row {
  readonly store: StoreOptions;
  readonly env?: Readonly<Record<string, string>>;
  readonly path?: string;
  /** BH_ERR_SETTINGS where absent. */
  readonly code?: string;
  readonly says: string;
}

const ROWS: Readonly<Record<string, Row>> = {
  'authorities that are no PEM': {
    store: { ...http, ca: written('ca.txt', 'none') },
    says: 'no PEM certificate',
  },
  'authorities that are a key': {
    store: { ...http, ca: written('ca.key', good.key) },
    says: 'no PEM certificate',
  },
  'authorities that are broken PEM': {
    store: { ...http, ca: written('broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n') },
    says: 'the trusted authorities are no PEM certificates',
  },
  'a key of another certificate': {
    store: { ...http, cert, key: written('other.key', otherAuthority.key) },
    says: 'the client key is no PEM key of its certificate',
  },
  'an encrypted key': {
    store: { ...http, cert, key: written('locked.key', String(locked)) },
    says: 'the client key is encrypted',
  },
  'SSL_CERT_FILE that is not there': {
    store: { kind: 'http', url: server.url },
    env: { SSL_CERT_FILE: `${folder}/none.pem` },
    says: 'SSL_CERT_FILE cannot be read: ENOENT',
  },
  'a proxy that wants credentials': {
    store: elsewhere,
    env: { HTTPS_PROXY: proxy.url.replace('//', `//u:${CANARY}@`) },
    code: 'BH_ERR_CREDENTIALS',
    says: 'the proxy wants credentials (407)',
  },
  'the same, asked without TLS': {
    store: { kind: 'http', url: 'http://svc.internal:1' },
    env: { http_proxy: proxy.url },
    code: 'BH_ERR_CREDENTIALS',
    says: 'the proxy wants credentials (407)',
  },
  'a proxy of another kind': {
    store: elsewhere,
    env: { HTTPS_PROXY: `socks5://u:${CANARY}@127.0.0.1:1` },
    says: 'the URL of the proxy',
  },
  'a link that leads to itself': {
    store: { kind: 'file', folder },
    path: 'loop',
    says: 'cannot be read (ELOOP)',
  },
  'a pipe where a file should be': {
    store: { kind: 'file', folder },
    path: 'fifo',
    says: 'not a file or folder',
  },
  'an answer over the limit': {
    store: { kind: 'http', url: `http://127.0.0.1:${huge.port}` },
    code: 'BH_ERR_VALUE',
    says: 'over 67108864 bytes',
  },
  'a file over the limit': {
    store: { kind: 'file', folder },
    path: 'long',
    code: 'BH_ERR_VALUE',
    says: 'more than bellhop takes (67108864 bytes',
  },
};

test.each(Object.entries(ROWS))('%s', async (_, row) => {
  const { store, env = {}, path = 'x', code = 'BH_ERR_SETTINGS', says } = row;
  const bound: Bound = {
    called: 'secret s',
    reference: { store: 'mine', path },
    fallbacks: [{ store: 'vars', path: 'FALLBACK' }],
  };
  const { answers, warnings, trace } = await gatherReal([bound], {
    stores: { mine: store, vars: { kind: 'env' } },
    env: { ...env, FALLBACK: 'from the fallback' },
    startMsMax: 3000,
  });
  const problem = selectValue(answers, bound);
  if (!(problem instanceof BellhopError)) return expect.unreachable();
  expect([problem.code, problem.message]).toEqual([code, expect.stringContaining(says)]);
  expect(trace.spans().filter(({ kind }) => kind === 'attempt').length).toBeLessThan(2);
  expect(JSON.stringify([problem.message, problem.help, warnings])).not.toContain(CANARY);
});

test('TLS without the client certificate that the server wants ends after five attempts', async () => {
  const { key } = good;
  const wants = { key, cert: good.certificate, requestCert: true, rejectUnauthorized: true };
  const { port } = await listenTls(wants, (socket) => socket.end());
  const bound: Bound = { called: 's', reference: { store: 'mine', path: 'x' }, fallbacks: [] };
  const { answers, trace } = await gatherReal([bound], {
    stores: { mine: { ...http, url: `https://localhost:${port}` } },
    startMsMax: 60_000,
  });
  const problem = selectValue(answers, bound);
  if (!(problem instanceof BellhopError)) return expect.unreachable();
  expect(problem.code).toBe('BH_ERR_STORE');
  expect(problem.message).toContain('the server wants a client certificate');
  expect(problem.message).toContain('speaks no TLS');
  expect(trace.spans().filter(({ kind }) => kind === 'attempt').length).toBe(5);
});
