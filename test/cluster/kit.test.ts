// Which cluster tests may touch, and what is said where there is none.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

setDefaultTimeout(60_000);

const SCRIPT = `
import { realCluster } from '${path.join(import.meta.dir, 'kit/cluster.ts')}';
const found = await realCluster('WANT');
console.log(JSON.stringify(found.missing ?? found.env));
`;

/** What a run of tests is told, in an environment of its own. */
function told(want: 'api' | 'node', env: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-kit-'));
  try {
    const script = path.join(folder, 'x.ts');
    writeFileSync(script, SCRIPT.replace('WANT', want));
    const given = { PATH: process.env['PATH'] ?? '', HOME: folder, ...env };
    const done = Bun.spawnSync([process.execPath, script], { env: given });
    return { ok: done.exitCode === 0, said: done.stdout.toString() + done.stderr.toString() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A kubeconfig for an address that nobody has (RFC 5737). */
function kubeconfig(use: (file: string) => void): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-kit-'));
  const file = path.join(folder, 'config');
  const cluster = { name: 'c', cluster: { server: 'https://203.0.113.7:6443' } };
  const context = { name: 'x', context: { cluster: 'c', user: 'u' } };
  const config = { apiVersion: 'v1', kind: 'Config', clusters: [cluster], contexts: [context] };
  writeFileSync(
    file,
    JSON.stringify({ ...config, 'current-context': 'x', users: [{ name: 'u', user: {} }] }),
  );
  use(file);
  rmSync(folder, { recursive: true, force: true });
}

describe('a cluster for tests', () => {
  test('is not wanted: said, and no failure', () => {
    const { ok, said } = told('api', { BELLHOP_NO_CLUSTER: '1' });
    expect([ok, said]).toEqual([true, expect.stringContaining('BELLHOP_NO_CLUSTER is set')]);
    expect(said).toContain('skipped: cluster: ');
  });

  test('where it is required and there is none, that is an error', () => {
    const { ok, said } = told('api', { BELLHOP_NO_CLUSTER: '1', BELLHOP_REQUIRE_CLUSTER: '1' });
    expect([ok, said]).toEqual([false, expect.stringContaining('a cluster is required here')]);
  });

  test.skipIf(Bun.which('kubectl') === null)('is never a foreign one by accident', () => {
    kubeconfig((file) => {
      const { ok, said } = told('api', { KUBECONFIG: file });
      expect([ok, said]).toEqual([true, expect.stringContaining('USE_EXISTING_CLUSTER=true')]);
      expect(said).toContain('https://203.0.113.7:6443');
    });
  });

  test('gets no image where it is not the own one', () => {
    kubeconfig((file) => {
      const { said } = told('node', { KUBECONFIG: file });
      expect(said).toContain('images go into the node of the kit');
    });
  });
});
