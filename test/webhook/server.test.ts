import { afterEach, describe, expect, test } from 'bun:test';
import net from 'node:net';
import tls from 'node:tls';
import { parseGoDuration } from '../../src/wire/go-duration.ts';
import { limitMs } from '../../src/webhook/answering.ts';
import type { Mutate } from '../../src/webhook/decision.ts';
import { makeCertificates } from '../core/_certificates.ts';
import type { Client } from './_client.ts';
import { openClient, posted } from './_client.ts';
import type { AnswerJson } from './_reviews.ts';
import {
  PATCHED,
  VECTORS,
  bodyText,
  bodyWith,
  deciding,
  vector,
  withoutPatch,
} from './_reviews.ts';
import { endAll, serve, swappable } from './_server.ts';

const made = makeCertificates();
const ca = made.authority.cert;
const mutate = deciding(PATCHED);
const BODY = bodyWith(() => undefined);
const clients: Client[] = [];
const client = (port: number, more: object = {}): Client => {
  const one = openClient({ port, ca, ...more });
  clients.push(one);
  return one;
};

afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await endAll();
});

describe('every recorded request of HTTP has its recorded status', () => {
  test.each(VECTORS.map((one) => [one.id, one] as const))('%s', async (_id, one) => {
    const { reviewsPort: port } = await serve({ certificates: swappable(made.good), mutate });
    const { method, path, headers } = one.request;
    const body = Buffer.from(bodyText(one) ?? '');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.byteLength}\r\n`;
    const request = Buffer.concat([Buffer.from(`${head}${lines.join('')}\r\n`), body]);
    const answer = await client(port).send(request);
    expect(answer.status).toBe(one.expected.status);
    if (one.expected.text !== undefined) expect(answer.body).toBe(one.expected.text);
    else expect(answer.head).toContain('\r\nContent-Type: application/json\r\n');
    if (one.id === 'http/ok-v1') {
      const wanted = one.expected.json as AnswerJson;
      expect(withoutPatch(JSON.parse(answer.body) as AnswerJson)).toEqual(withoutPatch(wanted));
    }
  });
});

test('one connection has many requests, by whatever method and in chunks', async () => {
  const { reviewsPort: port, said } = await serve({ certificates: swappable(made.good), mutate });
  const one = client(port);
  const chunk = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
  const head = 'PUT /mutate--v1-pod HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const request of [posted(BODY), Buffer.from(head + chunk), posted(BODY)]) {
    const answer = JSON.parse((await one.send(request)).body) as AnswerJson;
    expect(answer.response.allowed).toBe(true);
    expect(answer.response.patchType).toBe('JSONPatch');
  }
  expect(said().match(/"decision":"patched"/g)).toHaveLength(3);
});

describe('TLS', () => {
  const handshake = async (port: number, options: tls.ConnectionOptions): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      ca,
      servername: 'localhost',
      ...options,
    });
    socket.on('secureConnect', () => resolve(`${socket.getProtocol()} ${socket.getCipher().name}`));
    socket.on('error', () => resolve('refused'));
    const told = await promise;
    socket.destroy();
    return told;
  };
  const V2 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const AEAD = 'ECDHE-ECDSA-AES128-GCM-SHA256';
  test.each([
    ['1.3 is spoken', {}, /^TLSv1\.3 TLS_/],
    [
      '1.2 with AEAD is spoken',
      { ...V2, ciphers: AEAD },
      /^TLSv1\.2 ECDHE-ECDSA-AES128-GCM-SHA256$/,
    ],
    ['1.2 with CBC is refused', { ...V2, ciphers: 'ECDHE-ECDSA-AES128-SHA' }, /^refused$/],
    [
      '1.2 without forward secrecy is refused',
      { ...V2, ciphers: 'AES128-GCM-SHA256' },
      /^refused$/,
    ],
    ['1.1 is refused', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' } as const, /^refused$/],
    ['HTTP/2 alone is refused', { ALPNProtocols: ['h2'] }, /^refused$/],
  ])('%s, also after the certificate has changed', async (_name, options, wanted) => {
    const certificates = swappable(made.good);
    const { reviewsPort: port } = await serve({ certificates, mutate });
    expect(await handshake(port, options)).toMatch(wanted);
    certificates.swap(made.client);
    expect(await handshake(port, options)).toMatch(wanted);
  });

  test('a new certificate is for new connections; one that does not fit changes nothing', async () => {
    const certificates = swappable(made.good);
    const { reviewsPort: port, said, statusPort } = await serve({ certificates, mutate });
    const old = client(port);
    await old.send(posted(BODY));
    certificates.swap(made.client);
    const fresh = client(port);
    await fresh.send(posted(BODY));
    expect(fresh.certificate()).not.toBe(old.certificate());
    expect((await old.send(posted(BODY))).status).toBe(200);
    certificates.swap({ cert: made.good.cert, key: made.client.key });
    const third = client(port);
    await third.send(posted(BODY));
    expect(third.certificate()).toBe(fresh.certificate());
    expect(said()).toContain('a new certificate does not fit its key');
    const metrics = await (await fetch(`http://127.0.0.1:${statusPort}/metrics`)).text();
    expect(metrics).toContain('certificate_changes_total{result="refused"} 1\n');
    expect(metrics).toContain('certificate_changes_total{result="used"} 1\n');
  });
});

describe('a client that is slow or says nothing is sent away', () => {
  const quick = { requestMsMax: 50, idleMsMax: 50, lingerMsMax: 50 };
  const closes = async (port: number, sent: string, isTls: boolean): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const where = { host: '127.0.0.1', port };
    const socket = isTls
      ? tls.connect({ ...where, ca, servername: 'localhost' })
      : net.connect(where);
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''));
    socket.write(sent);
    return await promise;
  };
  test.each([
    ['in its head', 'POST /mutate--v1-pod HTTP/1.1\r\nHost: x', 'HTTP/1.1 408 Request Timeout'],
    ['in its body', posted('abc').toString().slice(0, -1), 'HTTP/1.1 408 Request Timeout'],
    ['idle', '', ''],
  ])('%s', async (_name, sent, wanted) => {
    const certificates = swappable(made.good);
    const { reviewsPort } = await serve({ certificates, mutate, more: { limits: quick } });
    expect(await closes(reviewsPort, sent, true)).toBe(wanted);
  });
  test('plain HTTP on the port of TLS', async () => {
    const { reviewsPort } = await serve({ certificates: swappable(made.good), mutate });
    expect(await closes(reviewsPort, 'GET / HTTP/1.1\r\n\r\n', false)).toBe('');
  });
});

describe('a decision has a deadline', () => {
  test.each([
    ['', 9500],
    ['timeout=10s', 9500],
    ['timeout=5s', 4500],
    ['a=b&timeout=600ms', 300],
    ['timeout=1m', 9500],
    ['timeout=x', 9500],
    ['timeout=-5s', 9500],
  ])('%p: %d ms', (query, ms) => {
    expect(limitMs(query, { answerMsMax: 9500, answerMarginMs: 500 })).toBe(ms);
  });
  test.each([
    ['1.5h', 5_400_000],
    ['1m30s', 90_000],
    ['.5s', 500],
    ['0', 0],
    ['3\u00b5s', 0.003],
    ['', undefined],
    ['5', undefined],
    ['s', undefined],
    ['.s', undefined],
  ])('Go reads %p as %p ms', (text, ms) => expect(parseGoDuration(text)).toBe(ms as number));

  test('what is not decided by then is code 504 with the uid, and the work is told', async () => {
    const { promise: told, resolve } = Promise.withResolvers<void>();
    const never: Mutate = ({ signal }) => {
      signal.addEventListener('abort', () => resolve());
      return new Promise(() => undefined);
    };
    const { reviewsPort } = await serve({ certificates: swappable(made.good), mutate: never });
    const answer = await client(reviewsPort).send(posted(BODY, '/mutate--v1-pod?timeout=20ms'));
    await told;
    const { response } = JSON.parse(answer.body) as AnswerJson;
    expect(response).toMatchObject({ allowed: false, status: { code: 504 } });
    expect(response.uid).toBe((vector('http/ok-v1').expected.json as AnswerJson).response.uid);
  });
});
