// What `npm run bench -- webhook` measures beside the webhook, compiled as it is and on the same
// runtime: a server that reads the body of each request and answers the same bytes each time (a
// review that is allowed, without a patch); and one whose handler does the webhook's work and
// nothing else.
// usage: webhook-server noop|plain CERT KEY
import { readFileSync, writeSync } from 'node:fs';
import { plainAnswer } from './webhook-plain.ts';

const [kind, certFile = '', keyFile = ''] = process.argv.slice(2);

const response = { uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true };
const type = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' };
const nothing = `${JSON.stringify({ ...type, response })}\n`;

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') },
  async fetch(request) {
    const text = await request.text();
    const answer = kind === 'noop' ? nothing : plainAnswer(text);
    return new Response(answer, { headers: { 'content-type': 'application/json' } });
  },
});
writeSync(1, `${server.port}\n`);
