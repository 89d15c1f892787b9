// Servers for `npm run bench -- webhook`, compiled as bellhop is: the webhook with K8s, or one of
// the same runtime that reads the body and answers the same bytes each time.
// usage: webhook-server noop|webhook CERT KEY
import { readFileSync, writeSync } from 'node:fs';
import { openLog } from '../../src/webhook/log.ts';
import { openMetrics } from '../../src/webhook/metrics.ts';
import { SERVER_DEFAULTS, startServer } from '../../src/webhook/server.ts';
import { mutateByK8s } from '../webhook/_mutate.ts';
import { CLOCK, swappable } from '../webhook/_server.ts';

const [kind, certFile = '', keyFile = ''] = process.argv.slice(2);
const cert = readFileSync(certFile, 'utf8');
const key = readFileSync(keyFile, 'utf8');

function noop(): number {
  const response = { uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true };
  const type = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' };
  const text = `${JSON.stringify({ ...type, response })}\n`;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { cert, key },
    async fetch(request) {
      await request.arrayBuffer();
      return new Response(text, { headers: { 'content-type': 'application/json' } });
    },
  });
  return server.port ?? 0;
}

async function webhook(): Promise<number> {
  const free = { host: '127.0.0.1', port: 0 };
  const { reviewsPort } = await startServer({
    settings: { ...SERVER_DEFAULTS, reviews: free, status: free },
    mutate: mutateByK8s(),
    certificates: swappable({ cert, key }),
    clock: CLOCK,
    log: openLog({ level: 'info', clock: CLOCK, write: (text) => void writeSync(2, text) }),
    metrics: openMetrics(),
  });
  return reviewsPort;
}

writeSync(1, `${kind === 'noop' ? noop() : await webhook()}\n`);
