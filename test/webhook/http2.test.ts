import { afterEach, expect, test } from 'bun:test';
import http2 from 'node:http2';
import { REVIEW_BYTES_MAX } from '../../src/wire/admission.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { openClient, posted } from './_client.ts';
import type { AnswerJson } from './_reviews.ts';
import { PATCHED, bodyWith, deciding, vector } from './_reviews.ts';
import { endAll, serve, swappable } from './_server.ts';

const made = makeCertificates();
const ca = made.authority.cert;
const mutate = deciding(PATCHED);
const BODY = bodyWith(() => undefined);

afterEach(endAll);

async function post(
  session: http2.ClientHttp2Session,
  body: string | Uint8Array,
  path = '/mutate--v1-pod',
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/json',
  });
  let status = 0;
  let text = '';
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  stream.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  stream.on('end', () => resolve({ status, text }));
  stream.on('error', reject);
  stream.end(body);
  return await promise;
}

test('enableHTTP2: HTTP/2 is spoken beside HTTP/1.1, with the same answers', async () => {
  const certificates = swappable(made.good);
  const settings = { enableHttp2: true };
  const { reviewsPort: port, ...server } = await serve({ certificates, mutate, settings });
  const session = http2.connect(`https://localhost:${port}`, { ca });
  const answers = await Promise.all([1, 2, 3].map(() => post(session, BODY)));
  for (const { status, text } of answers) {
    expect(status).toBe(200);
    expect((JSON.parse(text) as AnswerJson).response.patchType).toBe('JSONPatch');
  }
  expect(await post(session, '', '/x')).toEqual({ status: 404, text: '404 page not found\n' });
  const large = await post(session, Buffer.alloc(REVIEW_BYTES_MAX, ' '));
  expect(JSON.parse(large.text)).toEqual(vector('http/too-large').expected.json as AnswerJson);
  const old = openClient({ port, ca });
  expect((await old.send(posted(BODY))).status).toBe(200);
  old.close();
  server.end();
  await server.ended;
  expect(session.closed || session.destroyed).toBe(true);
});
