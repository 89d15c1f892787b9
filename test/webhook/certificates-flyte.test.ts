// In the place of a running Flyte: its Secret is never written, what it serves stays trusted, and
// no call fails because of us.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { makeAuthority, makeLeaf, readCertificates } from '../../src/webhook/certificates-x509.ts';
import { dnsNamesOf, secretNamesOf } from '../../src/webhook/certificates-names.ts';
import { recordIn } from '../../src/stores/_rest.ts';
import type { Replica, World } from './_world.ts';
import { DAY_MS, FLYTES, REGISTRATION, SECRET, WISH, trustedCount, world } from './_world.ts';
import { trustedIn } from '../../src/webhook/registration.ts';

setDefaultTimeout(60_000);
const YEARS_MS = 99 * 365 * DAY_MS;
/** Flyte's names: none of cluster.local. */
const NAMES = ['hook', 'hook.flyte', 'hook.flyte.svc'];

function b64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function bytes(): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(16));
}

/** What a starting Flyte does: new certificates, a new Secret, and its registration over ours. */
function startFlyte({ cluster, nowMs }: World) {
  const life = { nowMs: nowMs(), lifeMs: YEARS_MS };
  const authority = makeAuthority(bytes(), life);
  const pair = makeLeaf({ ...life, authority, dnsNames: NAMES, random: bytes() });
  cluster.remove(FLYTES);
  cluster.put(FLYTES, {
    apiVersion: 'v1',
    kind: 'Secret',
    immutable: true,
    metadata: { name: 'flyte-pod-webhook' },
    data: {
      'ca.crt': b64(authority.certPem),
      'tls.crt': b64(pair.certPem),
      'tls.key': b64(pair.keyPem),
    },
  });
  const old = cluster.objects.get(REGISTRATION) ?? { metadata: { name: 'hook' } };
  const { name, namespace, path, port } = { ...WISH.target, kind: 'service' } as never;
  const clientConfig = {
    service: { name, namespace, path, port },
    caBundle: b64(authority.certPem),
  };
  cluster.put(REGISTRATION, { ...old, webhooks: [{ name: WISH.entryName, clientConfig }] });
  return { authority: readCertificates(authority.certPem)?.[0], pair };
}

function trusted({ cluster }: World): readonly string[] {
  return trustedIn(cluster.objects.get(REGISTRATION), WISH).map((one) => one.fingerprint);
}

function leaf({ source }: Replica): string | undefined {
  return source?.current().certPem;
}

describe("Flyte's Secret", () => {
  test('is never written; what it holds is served until our own authority is known', async () => {
    const made = world();
    const { authority, pair } = startFlyte(made);
    const before = made.cluster.objects.get(FLYTES);
    const a = made.replica('a');
    await made.pass(1000);
    // At once: nothing has to be waited for.
    expect(leaf(a)).toBe(pair.certPem);
    await made.pass(10_000);
    expect(leaf(a)).toBe(pair.certPem);
    expect(trusted(made)).toContain(authority?.fingerprint ?? '');
    expect(trustedCount(made)).toBe(2);
    await made.pass(80_000);
    expect(leaf(a)).not.toBe(pair.certPem);
    // Flyte's own replicas are served as before.
    expect(trusted(made)).toContain(authority?.fingerprint ?? '');
    expect(made.cluster.objects.get(FLYTES)).toEqual(before ?? {});
    expect(made.cluster.objects.has(SECRET)).toBe(true);
    expect(made.broken).toEqual([]);
  });

  test('is trusted no more once a leaf of ours would have ended', async () => {
    const made = world();
    startFlyte(made);
    made.replica('a', { pollMs: DAY_MS / 4 });
    await made.pass(29 * DAY_MS);
    expect(trustedCount(made)).toBe(2);
    await made.pass(3 * DAY_MS);
    expect(trustedCount(made)).toBe(1);
    expect(made.broken).toEqual([]);
  });

  test('of a Flyte that starts again: its new authority is kept, ours is put back', async () => {
    const made = world();
    startFlyte(made);
    const a = made.replica('a');
    await made.pass(120_000);
    const ours = trusted(made);
    const { authority } = startFlyte(made);
    expect(trusted(made)).toEqual([authority?.fingerprint ?? '']);
    await made.pass(4000);
    expect(new Set(trusted(made))).toEqual(new Set([...ours, authority?.fingerprint ?? '']));
    await made.pass(2000);
    made.broken.length = 0;
    await made.pass(60_000);
    expect(made.broken).toEqual([]);
    expect(leaf(a)).toBeDefined();
  });

  test('of a Flyte that starts again all the time: the caBundle does not grow for ever', async () => {
    const made = world();
    made.replica('a');
    await made.pass(20_000);
    const [ours] = trusted(made);
    for (let count = 0; count < 50; count += 1) {
      const { authority } = startFlyte(made);
      await made.pass(10_000);
      expect(trusted(made)).toContain(authority?.fingerprint ?? '');
      expect(trusted(made)).toContain(ours ?? '');
    }
    expect(trustedCount(made)).toBe(32);
  });

  test('with a key that does not fit is not used, and its authority stays trusted', async () => {
    const made = world();
    const { authority } = startFlyte(made);
    const old = made.cluster.objects.get(FLYTES) ?? {};
    const { keyPem } = makeAuthority(bytes(), { nowMs: made.nowMs(), lifeMs: YEARS_MS });
    made.cluster.put(FLYTES, {
      ...old,
      data: { ...recordIn(old, 'data'), 'tls.key': b64(keyPem) },
    });
    const a = made.replica('a');
    await made.pass(4000);
    expect(leaf(a)).toBeUndefined();
    await made.pass(10_000);
    expect(leaf(a)).toBeDefined();
    expect(trusted(made)).toContain(authority?.fingerprint ?? '');
    expect(made.broken).toEqual([]);
    expect(made.told.join('\n')).not.toContain('PRIVATE');
  });

  test('under our own name is served, and still never written', async () => {
    const made = world();
    const { pair } = startFlyte(made);
    const before = made.cluster.objects.get(FLYTES);
    const a = made.replica('a', { secretName: 'flyte-pod-webhook', flyteSecretName: undefined });
    await made.pass(300_000);
    expect(leaf(a)).toBe(pair.certPem);
    expect(made.cluster.objects.get(FLYTES)).toEqual(before ?? {});
    expect(a.manager.status().faults.join()).toContain("is somebody else's and is not written");
    expect(trustedCount(made)).toBe(1);
    expect(made.broken).toEqual([]);
  });
});

test('names: a plain section of Flyte gives us a Secret of our own beside its', () => {
  expect(secretNamesOf({ secretName: 'flyte-pod-webhook', flyteSecretName: undefined })).toEqual({
    secretName: 'flyte-pod-webhook-bellhop',
    flyteSecretName: 'flyte-pod-webhook',
  });
  expect(secretNamesOf({ secretName: 'own', flyteSecretName: '' })).toEqual({
    secretName: 'own',
    flyteSecretName: undefined,
  });
  expect(secretNamesOf({ secretName: 'own', flyteSecretName: 'theirs' })).toEqual({
    secretName: 'own',
    flyteSecretName: 'theirs',
  });
  const long = secretNamesOf({ secretName: 'x'.repeat(253), flyteSecretName: undefined });
  expect(long.secretName).toHaveLength(253);
  expect(long.secretName).toEndWith('-bellhop');
  expect(dnsNamesOf('hook', 'flyte')).toEqual([
    'hook.flyte.svc',
    'hook',
    'hook.flyte',
    'hook.flyte.svc.cluster.local',
  ]);
});
