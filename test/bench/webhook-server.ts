// Servers for `npm run bench -- webhook`, compiled as bellhop is: the webhook with K8s; the same
// with decisions that are remembered, which is what the server alone costs; and one of the same
// runtime that reads the body and answers the same bytes each time.
// usage: webhook-server noop|ready|webhook CERT KEY
import { readFileSync, writeSync } from 'node:fs';
import type { Decision, Mutate } from '../../src/webhook/decision.ts';
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

/** Decides about the first pod with so many annotations; the others are answered the same. */
function remembering(mutate: Mutate): Mutate {
  const decisions = new Map<number, Promise<Decision>>();
  return (request) => {
    const { annotations = {} } = request.pod['metadata'] as { annotations?: object };
    const count = Object.keys(annotations).length;
    const known = decisions.get(count) ?? mutate(request);
    decisions.set(count, known);
    return known;
  };
}

async function webhook(mutate: Mutate): Promise<number> {
  const free = { host: '127.0.0.1', port: 0 };
  const { reviewsPort } = await startServer({
    settings: { ...SERVER_DEFAULTS, reviews: free, status: free },
    mutate,
    certificates: swappable({ cert, key }),
    clock: CLOCK,
    log: openLog({ level: 'info', clock: CLOCK, write: (text) => void writeSync(2, text) }),
    metrics: openMetrics(),
  });
  return reviewsPort;
}

const mutate = kind === 'ready' ? remembering(mutateByK8s()) : mutateByK8s();
writeSync(1, `${kind === 'noop' ? noop() : await webhook(mutate)}\n`);
