// Certificates that replicas share, against a real API server: three processes, rotation every
// second under a steady load of pods, and what others do to the Secret and the registration.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { makeAuthority } from '../../src/webhook/certificates-x509.ts';
import type { Opened } from './_certificates.ts';
import { REGISTRATION, SECRET, load, openCluster, until } from './_certificates.ts';
import { judge } from './_replicas.ts';

const cluster = await openCluster();
const { missing } = cluster;
const open = (): Opened => cluster.open();

afterAll(async () => {
  if (!missing) await open().stop();
});

function otherAuthority(): string {
  const life = { nowMs: Date.now(), lifeMs: 3_600_000 };
  return makeAuthority(crypto.getRandomValues(new Uint8Array(16)), life).certPem;
}

const RESTARTS = 6;

async function hasIssuer(): Promise<boolean> {
  return (await open().inspect()).state.issuer !== undefined;
}

/** True where the caBundle has the authority of what the Secret says is served. */
async function isRight(): Promise<boolean> {
  const { state } = await open().inspect();
  const issuer = state.authorities.find((one) => one.fingerprint === state.issuer);
  const text = Buffer.from(await open().bundle(), 'base64').toString();
  return issuer !== undefined && text.includes(issuer.pem);
}

async function isAnswered(): Promise<boolean> {
  return (await open().createPod()) === undefined;
}

describe.skipIf(missing)('three replicas', () => {
  beforeAll(async () => {
    for (const name of ['a', 'b', 'c']) open().start(name);
    await until('all serve', () => open().replicas.every((one) => one.port() !== undefined));
    await until('the first pod is answered', isAnswered);
  });

  test('rotation every second for 30 s under load: no call fails', async () => {
    const { server, replicas, registration } = open();
    const watching = judge(server, replicas, registration);
    const pods = load(open(), 8);
    await Bun.sleep(30_000);
    await pods.stop();
    await watching.stop();
    const { leaves, issuers, connections, refused } = watching;
    const figures = { pods: pods.done, connections, leaves: leaves.size, issuers: issuers.size };
    const bad = { failed: pods.failed.length, refused: refused.length };
    console.log(JSON.stringify({ ...figures, ...bad }));
    expect(pods.failed).toEqual([]);
    expect(refused).toEqual([]);
    expect(pods.done).toBeGreaterThan(200);
    expect(leaves.size).toBeGreaterThanOrEqual(15);
    expect(issuers.size).toBeGreaterThanOrEqual(3);
    const { faults, secrets } = await open().inspect();
    expect(faults).toEqual([]);
    expect(secrets).toBe(1);
  }, 60_000);

  test('replicas are restarted in turn while all that goes on: no call fails', async () => {
    const { server, replicas, registration } = open();
    const watching = judge(server, replicas, registration);
    const pods = load(open(), 4);
    for (let count = 0; count < RESTARTS; count += 1) {
      const next = open().start(`next-${count}`);
      await until('the next one serves', () => next.port() !== undefined);
      await replicas.find((one) => one.isListed())?.terminate();
    }
    await pods.stop();
    await watching.stop();
    const { leaves, issuers, refused } = watching;
    const figures = { restarts: RESTARTS, pods: pods.done, leaves: leaves.size };
    console.log(JSON.stringify({ ...figures, issuers: issuers.size, failed: pods.failed.length }));
    expect(pods.failed).toEqual([]);
    expect(refused).toEqual([]);
    expect(leaves.size).toBeGreaterThanOrEqual(5);
  }, 60_000);

  const TAMPERED: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['emptied', async () => open().setBundle('')],
    ['another authority', async () => open().setBundle(otherAuthority())],
    ['deleted', async () => open().server.admin('DELETE', REGISTRATION)],
  ];
  test.each([...TAMPERED])(
    'the caBundle %s: restored within seconds',
    async (_, tamper) => {
      await tamper();
      const restoredMs = await until('restored', isRight);
      const answeredMs = await until('answered', isAnswered);
      console.log(JSON.stringify({ restoredMs, answeredMs }));
      expect(restoredMs).toBeLessThan(5000);
      expect(answeredMs).toBeLessThan(10_000);
    },
    40_000,
  );

  test('the Secret deleted, then rubbish: no call fails', async () => {
    const { server, replicas, registration } = open();
    const watching = judge(server, replicas, registration);
    const pods = load(open(), 2);
    await server.admin('DELETE', SECRET);
    await until('made anew', hasIssuer);
    const spoilt = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hook-tls' } };
    await server.admin('PUT', SECRET, { ...spoilt, data: { 'tls.crt': 'eA==', 'ca.crt': '' } });
    await until('mended', hasIssuer);
    await Bun.sleep(2000);
    await pods.stop();
    await watching.stop();
    expect(pods.failed).toEqual([]);
    expect(watching.refused).toEqual([]);
    expect(replicas.flatMap((one) => one.lines).join('\n')).not.toContain('PRIVATE KEY');
  }, 60_000);
});
