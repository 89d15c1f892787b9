// Certificates that are made here, judged by OpenSSL and by the platform; and pairs of others.
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import {
  BACKDATE_MS,
  isPair,
  issuerOf,
  makeAuthority,
  makeLeaf,
  pairProblem,
  readCertificates,
} from '../../src/webhook/certificates-x509.ts';
import type { Pair } from '../../src/webhook/certificates-x509.ts';

setDefaultTimeout(60_000);
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-x509-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 0);
const DAY_MS = 86_400_000;
const NAMES = ['hook.flyte.svc', 'hook', 'hook.flyte', 'hook.flyte.svc.cluster.local'];

function bytes(): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(16));
}

function made(nowMs = NOW_MS, lifeMs = 30 * DAY_MS, dnsNames = NAMES) {
  const authority = makeAuthority(bytes(), { nowMs, lifeMs: 365 * DAY_MS });
  const leaf = makeLeaf({ authority, dnsNames, random: bytes(), nowMs, lifeMs });
  return { authority, leaf };
}

function file(name: string, text: string): string {
  const full = path.join(folder, name);
  writeFileSync(full, text);
  return full;
}

function openssl(...args: readonly string[]): string {
  const ran = Bun.spawnSync(['openssl', ...args], { cwd: folder, stdin: 'ignore' });
  return `${ran.exitCode} ${ran.stdout.toString()}${ran.stderr.toString()}`;
}

describe('OpenSSL', () => {
  const { authority, leaf } = made();
  const ca = file('ca.pem', authority.certPem);
  const cert = file('leaf.pem', leaf.certPem);
  const at = ['-attime', `${NOW_MS / 1000}`];
  const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', ca, ...at];

  test.each([...NAMES])('finds the leaf right by its strict rules, for %s', (name) => {
    expect(openssl(...strict, '-verify_hostname', name, cert)).toBe(`0 ${cert}: OK\n`);
  });

  test('finds it wrong for another name, another authority, and another time', () => {
    expect(openssl(...strict, '-verify_hostname', 'kube-system.svc', cert)).not.toMatch(/^0/);
    const other = file('other.pem', made().authority.certPem);
    expect(openssl('verify', '-CAfile', other, ...at, cert)).not.toMatch(/^0/);
    const late = ['-attime', `${(NOW_MS + 31 * DAY_MS) / 1000}`];
    expect(openssl('verify', '-CAfile', ca, ...late, cert)).not.toMatch(/^0/);
  });

  test('reads the members that are wanted', () => {
    const shown = openssl('x509', '-in', cert, '-noout', '-text');
    for (const one of ['CA:FALSE', 'Digital Signature', 'TLS Web Server Authentication']) {
      expect(shown).toContain(one);
    }
    expect(openssl('x509', '-in', ca, '-noout', '-text')).toContain('CA:TRUE, pathlen:0');
  });

  test('takes any times and names: from 1951 to 2199, and whatever a Service is called', () => {
    const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
    const years = fc.integer({ min: Date.UTC(1951, 0), max: Date.UTC(2198, 0) });
    fc.assert(
      fc.property(label, label, years, (service, namespace, nowMs) => {
        const name = `${service}.${namespace}.svc`;
        const one = made(nowMs, 30 * DAY_MS, [name]);
        const [facts] = readCertificates(one.leaf.certPem) ?? [];
        expect(facts?.notBeforeMs).toBe(Math.floor((nowMs - BACKDATE_MS) / 1000) * 1000);
        expect(facts?.notAfterMs).toBe(Math.floor((nowMs + 30 * DAY_MS) / 1000) * 1000);
        const wish = { nowMs, dnsNames: [name], authorities: one.authority.certPem };
        expect(pairProblem(one.leaf, wish)).toBeUndefined();
        const [own, leafFile] = [file('p-ca', one.authority.certPem), file('p', one.leaf.certPem)];
        const when = ['-attime', `${Math.floor(nowMs / 1000)}`];
        const all = ['verify', '-x509_strict', '-CAfile', own, ...when, '-verify_hostname', name];
        expect(openssl(...all, leafFile)).toBe(`0 ${leafFile}: OK\n`);
      }),
      { numRuns: 25 },
    );
  });
});

test('a leaf never outlives its authority', () => {
  const authority = makeAuthority(bytes(), { nowMs: NOW_MS, lifeMs: DAY_MS });
  const wish = { authority, dnsNames: NAMES, random: bytes(), nowMs: NOW_MS };
  const leaf = makeLeaf({ ...wish, lifeMs: 30 * DAY_MS });
  expect(readCertificates(leaf.certPem)?.[0]?.notAfterMs).toBe(NOW_MS + DAY_MS);
});

test("Flyte's shape is served: RSA 4096, the key in PKCS#1", () => {
  const request = ['req', '-x509', '-newkey', 'rsa:4096', '-nodes', '-days', '36135'];
  const names = ['-subj', '/CN=hook.flyte.svc', '-addext', 'subjectAltName=DNS:hook.flyte.svc'];
  expect(openssl(...request, ...names, '-keyout', 'f.key', '-out', 'f.crt')).toMatch(/^0/);
  expect(openssl('rsa', '-in', 'f.key', '-traditional', '-out', 'f1.key')).toMatch(/^0/);
  const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
  const pair = { certPem: read('f.crt'), keyPem: read('f1.key') };
  expect(pair.keyPem).toContain('BEGIN RSA PRIVATE KEY');
  const wish = {
    nowMs: Date.now() + 1000,
    dnsNames: ['hook.flyte.svc'],
    authorities: pair.certPem,
  };
  expect(pairProblem(pair, wish)).toBeUndefined();
});

describe('a pair that cannot be used', () => {
  const { leaf, authority } = made();
  const other = made();
  const wish = { nowMs: NOW_MS, dnsNames: NAMES, authorities: authority.certPem };
  const cases: readonly (readonly [string, Pair, Partial<typeof wish>])[] = [
    ['its certificate is no PEM certificate', { ...leaf, certPem: 'x' }, {}],
    [
      'its certificate is no PEM certificate',
      { ...leaf, certPem: `${leaf.certPem}${leaf.certPem.replace(/\n.{20}/, '\nAAAA')}` },
      {},
    ],
    ['its key is no PEM private key', { ...leaf, keyPem: '' }, {}],
    ['its key is no PEM private key', { ...leaf, keyPem: leaf.certPem }, {}],
    ['its key is not that of the certificate', { ...leaf, keyPem: other.leaf.keyPem }, {}],
    ['its certificate ended at 2026-12-21T12:00:00.000Z', leaf, { nowMs: NOW_MS + 31 * DAY_MS }],
    [
      'its certificate is not valid before 2026-11-21T11:55:00.000Z',
      leaf,
      { nowMs: NOW_MS - DAY_MS },
    ],
    ['its certificate is not for else.flyte.svc', leaf, { dnsNames: ['else.flyte.svc'] }],
    [
      'its certificate is of none of the authorities beside it',
      leaf,
      { authorities: other.authority.certPem },
    ],
    ['its certificate is of none of the authorities beside it', leaf, { authorities: '' }],
  ];
  test.each([...cases])('%s', (what, pair, more) => {
    expect(pairProblem(pair, { ...wish, ...more })).toBe(what);
  });

  test('any text is judged, and none of it is said again', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(leaf.certPem, leaf.keyPem, authority.certPem),
      fc.string().map((one) => leaf.keyPem.replace(/\n.{10}/, `\n${one}`)),
      fc.string().map((one) => leaf.certPem.replace(/\n.{10}/, `\n${one}`)),
    );
    fc.assert(
      fc.property(text, text, text, (certPem, keyPem, authorities) => {
        const problem = pairProblem({ certPem, keyPem }, { ...wish, authorities });
        expect(problem ?? '').toMatch(/^(|its [\w .:-]*)$/);
        expect(typeof isPair({ certPem, keyPem })).toBe('boolean');
        issuerOf(certPem, authorities, NOW_MS);
      }),
      { numRuns: 500 },
    );
  });
});
