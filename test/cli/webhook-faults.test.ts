// What is thrown where nobody takes it does not end the webhook silently, nor show a value.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseFlags } from '../../src/cli/parse.ts';
import webhook from '../../src/cli/webhook.ts';
import { openSystem } from '../../src/core/io/system.ts';
import type { Io } from '../../src/core/io/types.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { closedPort } from '../support/ports.ts';

const CANARY = 'canary-5d10';

test.each([
  ['rejection', 'on', 0],
  ['exception', 'ended on', 70],
])('a process: after a %s it says %p', (kind, says, code) => {
  const program = path.join(import.meta.dir, '_faulty.ts');
  const ran = Bun.spawnSync([process.execPath, program, kind, CANARY]);
  const [out, err] = [ran.stdout.toString(), ran.stderr.toString()];
  expect([out, ran.exitCode]).toEqual([says, code]);
  const lines = err.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    what: 'a fault of bellhop itself',
    code: 'BH_ERR_BUG',
    kind,
    why: expect.stringMatching(/^TypeError at _faulty\.ts:/),
  });
  expect(out + err).not.toContain(CANARY);
});

/** The command with an outside that tells how it is called back. */
async function started() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-faults-'));
  const { good } = makeCertificates();
  writeFileSync(path.join(folder, 'tls.crt'), good.cert);
  writeFileSync(path.join(folder, 'tls.key'), good.key);
  const status = await closedPort();
  const ports = `listenPort: ${await closedPort()}, statusPort: ${status}`;
  const own = `certificates: files, certDir: ${folder}, drainMs: 1`;
  const file = path.join(folder, 'bellhop.yaml');
  writeFileSync(file, `apiVersion: bellhop/v1\nwebhook: { ${own}, ${ports} }\n`);
  const { promise: serving, resolve } = Promise.withResolvers<() => void>();
  let fault: Parameters<Io['onFault']>[0] = () => expect.unreachable();
  let said = '';
  const io: Io = {
    ...openSystem().io,
    stderr: (text) => void (said += String(text)),
    onFault: (work) => {
      fault = work;
      return () => undefined;
    },
    onEndSignal: (end) => {
      resolve(end);
      return () => undefined;
    },
  };
  const flags = ['-c', file, '--no-cluster'];
  const ended = webhook.run(io, parseFlags(webhook, flags, { offset: 1, log: 'text' }));
  const end = await Promise.race([serving, ended.then(() => expect.unreachable())]);
  const at = async (where: string) => fetch(`http://127.0.0.1:${status}/${where}`);
  const isReady = async () => (await at('readyz')).ok;
  const metrics = async () => (await at('metrics')).text();
  const done = () => rmSync(folder, { recursive: true });
  return { fault: () => fault, said: () => said, end, ended, isReady, metrics, done };
}

test('the command serves on after a rejection, and ends with 0 when it is told to', async () => {
  const { fault, said, end, ended, isReady, metrics, done } = await started();
  fault()(new Error(CANARY), 'rejection');
  expect(await isReady()).toBe(true);
  expect(await metrics()).toContain('\nbellhop_webhook_cache_bytes 0\n');
  expect(said()).toContain('"code":"BH_ERR_BUG","kind":"rejection"');
  end();
  expect(await ended).toBe(0);
  expect(said()).not.toContain(CANARY);
  done();
});

test('the command ends with 70 after exceptions, gracefully', async () => {
  const { fault, said, ended, done } = await started();
  fault()(new Error(CANARY), 'exception');
  fault()('again', 'exception');
  expect(await ended).toBe(70);
  expect(said()).toContain('"what":"ending"');
  expect(said()).not.toContain(CANARY);
  done();
});
