// Certificates in files, as the kubelet changes them and as people do.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FILES } from '../../src/core/io/files.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { openCertificateFiles, readAuthorities } from '../../src/webhook/certificates-files.ts';
import type { FileCertificates } from '../../src/webhook/certificates-files.ts';
import { makeAuthority, makeLeaf } from '../../src/webhook/certificates-x509.ts';
import type { Pair } from '../../src/webhook/certificates-x509.ts';
import { simulation } from '../support/simulated.ts';

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const folders: string[] = [];
afterAll(() => {
  for (const one of folders) rmSync(one, { recursive: true, force: true });
});

function bytes(): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(16));
}

const authority = makeAuthority(bytes(), { nowMs: START_MS, lifeMs: 1000 * HOUR_MS });

function pair(lifeMs = 100 * HOUR_MS, nowMs = START_MS): Pair {
  return makeLeaf({ authority, dnsNames: ['hook.flyte.svc'], random: bytes(), nowMs, lifeMs });
}

/** A folder as the kubelet writes it: everything changes at once, by one link. */
function mounted(first: Pair) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-files-'));
  folders.push(folder);
  let count = 0;
  const write = ({ certPem, keyPem }: Pair): void => {
    count += 1;
    mkdirSync(path.join(folder, `..${count}`));
    writeFileSync(path.join(folder, `..${count}`, 'tls.crt'), certPem);
    writeFileSync(path.join(folder, `..${count}`, 'tls.key'), keyPem);
    symlinkSync(`..${count}`, path.join(folder, '..new'));
    renameSync(path.join(folder, '..new'), path.join(folder, '..data'));
  };
  write(first);
  for (const name of ['tls.crt', 'tls.key']) {
    symlinkSync(path.join('..data', name), path.join(folder, name));
  }
  return { folder, write, file: (name: string) => path.join(folder, name) };
}

function open(folder: string, pollMs: number | undefined) {
  const simulated = simulation();
  const told: string[] = [];
  const clock = { ...simulated.clock, now: () => START_MS + simulated.clock.now() };
  const files: FileCertificates = openCertificateFiles({
    fs: FILES,
    clock,
    random: (count) => new Uint8Array(count),
    tell: (level, what) => told.push(`${level}: ${what}`),
    certFile: path.join(folder, 'tls.crt'),
    keyFile: path.join(folder, 'tls.key'),
    dnsNames: ['hook.flyte.svc'],
    pollMs,
  });
  const changes: string[] = [];
  files.source.onChange(() => changes.push(files.source.current().certPem));
  const wait = async (ms: number): Promise<void> => {
    await simulated.run(
      new Promise<void>((resolve) => {
        clock.after(ms, resolve);
      }),
    );
  };
  return { ...files, told, changes, wait };
}

describe('files', () => {
  test("a change by the kubelet's link is seen with the next look, and told", async () => {
    const [one, two] = [pair(), pair()];
    const at = mounted(one);
    const { source, wait, changes } = open(at.folder, 1000);
    expect(source.current()).toEqual({ ...one, notAfterMs: START_MS + 100 * HOUR_MS });
    await wait(5000);
    expect(changes).toEqual([]);
    at.write(two);
    await wait(1100);
    expect(changes).toEqual([two.certPem]);
    expect(source.current().keyPem).toBe(two.keyPem);
  });

  const BROKEN: readonly (readonly [string, (one: Pair) => Pair])[] = [
    ['a key that does not fit', (one) => ({ ...one, keyPem: pair().keyPem })],
    ['half of a certificate', (one) => ({ ...one, certPem: one.certPem.slice(0, 300) })],
    ['nothing', () => ({ certPem: '', keyPem: '' })],
    ['one that has ended', () => pair(HOUR_MS, START_MS - 2 * HOUR_MS)],
    ['more than a certificate', (one) => ({ ...one, certPem: 'x'.repeat(1024 * 1024 + 1) })],
  ];
  test.each([...BROKEN])('%s never replaces a good one, and is told once', async (_, spoil) => {
    const one = pair();
    const at = mounted(one);
    const { source, wait, told, faults, changes } = open(at.folder, 1000);
    at.write(spoil(one));
    await wait(30_000);
    expect(source.current().certPem).toBe(one.certPem);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^error: .*tls.(crt|key).*what is served stays/);
    expect(told.join('\n')).not.toContain(one.keyPem.slice(30, 60));
    expect(faults()).toHaveLength(1);
    const two = pair();
    at.write(two);
    await wait(1100);
    expect(changes).toEqual([two.certPem]);
    expect(faults()).toEqual([]);
  });

  test('files that are gone change nothing, and neither does a half that came alone', async () => {
    const [one, two] = [pair(), pair()];
    const at = mounted(one);
    const { source, wait, changes } = open(at.folder, 1000);
    rmSync(at.file('tls.key'));
    await wait(3000);
    expect(source.current().certPem).toBe(one.certPem);
    writeFileSync(at.file('tls.key'), two.keyPem);
    await wait(3000);
    expect(changes).toEqual([]);
    rmSync(at.file('tls.crt'));
    writeFileSync(at.file('tls.crt'), two.certPem);
    await wait(1100);
    expect(changes).toEqual([two.certPem]);
  });

  test('the end of what is served is told', async () => {
    const at = mounted(pair(HOUR_MS));
    const { wait, faults } = open(at.folder, 60_000);
    await wait(2 * HOUR_MS);
    expect(faults().join()).toContain('has ended');
  });

  test('given ones are read once', async () => {
    const one = pair();
    const at = mounted(one);
    const { source, wait, changes } = open(at.folder, undefined);
    at.write(pair());
    await wait(60_000);
    expect(source.current().certPem).toBe(one.certPem);
    expect(changes).toEqual([]);
  });

  const NONE: readonly (readonly [string, string, Pair])[] = [
    [
      'BH_ERR_SETTINGS',
      'its key is not that of the certificate',
      { ...pair(), keyPem: pair().keyPem },
    ],
    ['BH_ERR_SETTINGS', 'its certificate is not for hook.flyte.svc', withOtherName()],
  ];
  test.each([...NONE])('a beginning without a good pair is %s: %s', (code, what, broken) => {
    const at = mounted(broken);
    const problem = problemOf(() => open(at.folder, 1000));
    expect([problem.code, problem.what]).toEqual([code, what] as never);
  });

  test('a file that is not there is named', () => {
    const problem = problemOf(() => open('/nowhere', 1000));
    expect(problem.message).toBe('/nowhere/tls.crt: cannot be read (ENOENT)');
  });

  test('authorities are read as certificates, or not at all', () => {
    const at = mounted({ certPem: `# ours\n${authority.certPem}`, keyPem: 'rubbish' });
    expect(readAuthorities(FILES, at.file('tls.crt'))).toBe(authority.certPem);
    expect(problemOf(() => readAuthorities(FILES, at.file('tls.key'))).code).toBe(
      'BH_ERR_SETTINGS',
    );
    expect(problemOf(() => readAuthorities(FILES, '/nowhere')).code).toBe('BH_ERR_INPUT_READ');
  });
});

function withOtherName(): Pair {
  const wish = { authority, dnsNames: ['else'], random: bytes(), nowMs: START_MS };
  return makeLeaf({ ...wish, lifeMs: HOUR_MS });
}

function problemOf(work: () => unknown): BellhopError {
  try {
    work();
  } catch (error) {
    if (error instanceof BellhopError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}
