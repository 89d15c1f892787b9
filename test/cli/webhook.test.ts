// `bellhop webhook` as a process, outside of any cluster: certificates are files.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { closedPort } from '../support/ports.ts';
import { CANARY, bellhop, call, folder } from './_call.ts';

const certs = path.join(folder, 'hook-certs');
const settings = path.join(folder, 'hook.yaml');
let ports: { reviews: number; status: number };
let child: Bun.Subprocess<'ignore', 'ignore', 'pipe'>;

/** Reads the log until a line says this. */
async function lineSaying(what: string): Promise<Readonly<Record<string, unknown>>> {
  // Not `for await`: leaving it would end the log for the next who reads.
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`the log ended without: ${what}`);
    if (value['what'] === what) return value;
  }
}
let lines: AsyncGenerator<Readonly<Record<string, unknown>>>;
async function* logLines(stream: ReadableStream<Uint8Array>) {
  let text = '';
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString();
    const all = text.split('\n');
    text = all.pop() ?? '';
    for (const line of all) yield JSON.parse(line) as Readonly<Record<string, unknown>>;
  }
}

beforeAll(async () => {
  mkdirSync(certs);
  const subject = ['-subj', '/CN=hook', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const files = ['-keyout', `${certs}/tls.key`, '-out', `${certs}/tls.crt`];
  const made = Bun.spawnSync(['openssl', 'req', '-x509', ...key, ...files, ...subject]);
  expect(made.exitCode).toBe(0);
  ports = { reviews: await closedPort(), status: await closedPort() };
  const own = `certificates: files, certDir: ${certs}, drainMs: 1`;
  const listen = `listenPort: ${ports.reviews}, statusPort: ${ports.status}`;
  const managers = 'secretManagerTypes: [K8s], profile: flyte';
  writeFileSync(settings, `apiVersion: bellhop/v1\nwebhook: { ${managers}, ${own}, ${listen} }\n`);
  child = Bun.spawn([bellhop, 'webhook', '-c', settings, '--no-cluster'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/bin:/bin', FLYTE_SECRET_DB_TOKEN: CANARY },
  });
  lines = logLines(child.stderr);
  await lineSaying('serving');
});
afterAll(() => child.kill('SIGKILL'));

const ask = async (key: string): Promise<Readonly<Record<string, unknown>>> => {
  const secret = { group: 'db', groupVersion: '', key, mountRequirement: 1, envVar: '' };
  const annotations = { 'flyte.secrets/s0': encodeSecret(secret) };
  const object = { metadata: { name: 'p', annotations }, spec: { containers: [{ name: 'c' }] } };
  const request = { uid: 'u-1', namespace: 'ns', object };
  const answer = await fetch(`https://localhost:${ports.reviews}/mutate--v1-pod?timeout=10s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }),
    tls: { ca: readFileSync(`${certs}/tls.crt`, 'utf8') },
  });
  expect(answer.headers.get('content-type')).toBe('application/json');
  const { response } = (await answer.json()) as { response: Readonly<Record<string, unknown>> };
  return response;
};

describe('bellhop webhook', () => {
  test('answers as `bellhop mutate` does, and is ready', async () => {
    const response = await ask('password');
    expect(response).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
    const patch = Buffer.from(String(response['patch']), 'base64').toString();
    expect(patch).toContain('"secretKeyRef":{"name":"db","key":"password","optional":true}');
    expect((await fetch(`http://localhost:${ports.status}/readyz`)).status).toBe(200);
    expect(await lineSaying('review')).toMatchObject({ decision: 'patched', by: ['K8s'] });
  });

  test('logs and counts no value, not even of what it puts into a pod itself', async () => {
    const response = await ask('token');
    expect(Buffer.from(String(response['patch']), 'base64').toString()).toContain(CANARY);
    const line = await lineSaying('review');
    expect(line).toMatchObject({ by: ['Global'] });
    const metrics = await (await fetch(`http://localhost:${ports.status}/metrics`)).text();
    expect(metrics).toContain('bellhop_webhook_reviews_total{outcome="patched",dry_run="false"}');
    expect(JSON.stringify(line) + metrics).not.toContain(CANARY);
  });

  test('ends at SIGTERM, with 0', async () => {
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('does not start without a certificate, and says where it looked', () => {
    const none = path.join(folder, 'hook-none.yaml');
    writeFileSync(
      none,
      'apiVersion: bellhop/v1\nwebhook: { certificates: files, certDir: /nowhere }\n',
    );
    const { code, err } = call(['webhook', '-c', none, '--no-cluster']);
    expect(code).toBe(65);
    expect(err).toContain('/nowhere/tls.crt');
  });

  test('does not start where it is to look Secrets up in no cluster', () => {
    const file = path.join(folder, 'hook-deny.yaml');
    writeFileSync(file, 'apiVersion: bellhop/v1\nwebhook: { missing: deny }\n');
    const { code, err } = call(['webhook', '-c', file, '--no-cluster']);
    expect([code, err.includes('webhook.missing: deny')]).toEqual([64, true]);
  });

  test('does not start where it is to make Secrets in no cluster', () => {
    const file = path.join(folder, 'hook-values.yaml');
    const setting = 'webhook: { valueSecrets: { namespaces: [team] } }';
    writeFileSync(file, `apiVersion: bellhop/v1\n${setting}\n`);
    const { code, err } = call(['webhook', '-c', file, '--no-cluster']);
    expect([code, err.includes('webhook.valueSecrets: needs the cluster')]).toEqual([64, true]);
  });

  test('outside of a cluster it says that there is none', () => {
    const { code, err } = call(['webhook', '-c', settings]);
    expect(code).not.toBe(0);
    expect(err).toContain('code: BH_ERR_');
  });
});
