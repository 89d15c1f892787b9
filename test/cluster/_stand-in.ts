// Stands in for bellhop's runtime until it has the command `webhook`: reads the chart's bellhop.yaml,
// answers /healthz and /readyz, and marks every pod that it is asked about. Compiled into the image
// of test/cluster/installed.test.ts.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';

interface Settings {
  readonly webhook: {
    readonly listenPort: number;
    readonly statusPort: number;
    readonly certDir: string;
  };
}

const flag = process.argv.find((one) => one.startsWith('--config=')) ?? '';
const { webhook } = load(readFileSync(flag.slice('--config='.length), 'utf8')) as Settings;
const pem = (name: string): string => readFileSync(path.join(webhook.certDir, name), 'utf8');

const reviews = Bun.serve({
  port: webhook.listenPort,
  hostname: '::',
  tls: { cert: pem('tls.crt'), key: pem('tls.key') },
  async fetch(request) {
    const { request: asked } = (await request.json()) as { request: { uid: string } };
    const operation = { op: 'add', path: '/metadata/annotations/bellhop~1status', value: 'seen' };
    const patch = btoa(JSON.stringify([operation]));
    const response = { uid: asked.uid, allowed: true, patchType: 'JSONPatch', patch };
    return Response.json({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
  },
});
const status = Bun.serve({ port: webhook.statusPort, hostname: '::', fetch: () => new Response() });
process.once('SIGTERM', () => {
  void reviews.stop(true);
  void status.stop(true);
});
