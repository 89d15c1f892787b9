// What `npm run bench -- webhook` measures beside the webhook, compiled as it is and on the same
// runtime: noop reads the body of each request and answers the same bytes each time (a review that
// is allowed, without a patch); sized does so with as many bytes as the webhook answers; plain does
// the webhook's work and nothing else.
// usage: webhook-server noop|sized|plain CERT KEY
import { readFileSync, writeSync } from 'node:fs';
import { plainAnswer } from './webhook-plain.ts';

const [kind, certFile = '', keyFile = ''] = process.argv.slice(2);

const response = { uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true };
const type = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' };
const nothing = `${JSON.stringify({ ...type, response })}\n`;

/** By the length of the body: those of one row of the benchmark are equally long. */
const ready = new Map<number, string>();

function readyAnswer(text: string): string {
  const answer = ready.get(text.length) ?? plainAnswer(text);
  ready.set(text.length, answer);
  return answer;
}

function answerTo(text: string): string {
  if (kind === 'noop') return nothing;
  return kind === 'sized' ? readyAnswer(text) : plainAnswer(text);
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') },
  async fetch(request) {
    const answer = answerTo(await request.text());
    return new Response(answer, { headers: { 'content-type': 'application/json' } });
  },
});
writeSync(1, `${server.port}\n`);
