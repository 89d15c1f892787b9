import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../src/core/io/types.ts';
import type { Decision } from '../../src/webhook/decision.ts';
import { makeCertificates } from '../core/_certificates.ts';
import type { Client } from './_client.ts';
import { openClient, posted } from './_client.ts';
import { PATCHED, bodyWith, deciding } from './_reviews.ts';
import { CLOCK, endAll, serve, swappable } from './_server.ts';

const made = makeCertificates();
const ca = made.authority.cert;
const REVIEW = posted(bodyWith(() => undefined));
const CLIENTS = 8;
const DRAIN_MS = 5000;
const OTHER_MS = 1_000_000;

/** The real clock, but what is to happen after `heldMs` happens when the test says so. */
function clockHolding(heldMs: number): { clock: Clock; release: () => void } {
  const held: (() => void)[] = [];
  const after: Clock['after'] = (ms, work) => {
    if (ms !== heldMs) return CLOCK.after(ms, work);
    held.push(work);
    return () => undefined;
  };
  const release = (): void => {
    for (const work of held.splice(0)) work();
  };
  return { clock: { ...CLOCK, after }, release };
}

async function readiness(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  return `${answer.status} ${(await answer.text()).trim()}`;
}

afterEach(endAll);

describe('a graceful end', () => {
  test.each([
    ['keep-alive', true],
    ['a connection each', false],
  ])('with 8 clients that keep sending, by %s, fails no call', async (_name, keepAlive) => {
    const { clock, release } = clockHolding(DRAIN_MS);
    const server = await serve({
      certificates: swappable(made.good),
      mutate: deciding(PATCHED),
      settings: { drainMs: DRAIN_MS },
      more: { clock },
    });
    let isEnding = false;
    const heads: string[] = [];
    const send = async (): Promise<void> => {
      const client = openClient({ port: server.reviewsPort, ca, keepAlive });
      // As long as the cluster sends here: until each client has sent 25 after the signal.
      for (let after = 0; after < 25; ) {
        const wasEnding = isEnding;
        const { status, head } = await client.send(REVIEW);
        expect(status).toBe(200);
        if (!wasEnding) continue;
        heads.push(head);
        after++;
      }
    };
    const all = Array.from({ length: CLIENTS }, send);
    await openClient({ port: server.reviewsPort, ca, keepAlive: false }).send(REVIEW);
    expect(await readiness(server.statusPort)).toBe('200 ok');
    server.end();
    isEnding = true;
    expect(await readiness(server.statusPort)).toBe('503 ending');
    await Promise.all(all);
    expect(heads).toHaveLength(25 * CLIENTS);
    expect(heads.filter((head) => !head.includes('\r\nConnection: close\r\n'))).toEqual([]);
    release();
    await server.ended;
    const late = openClient({ port: server.reviewsPort, ca }).send(REVIEW);
    expect(await late.catch(() => 'refused')).toBe('refused');
  });

  const pending = async (
    settings = {},
  ): Promise<{
    server: Awaited<ReturnType<typeof serve>>;
    answer: Promise<number>;
    decide: () => void;
  }> => {
    const { promise: decision, resolve } = Promise.withResolvers<Decision>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const server = await serve({
      certificates: swappable(made.good),
      mutate: async () => {
        begin();
        return await decision;
      },
      settings: { answerMsMax: OTHER_MS, ...settings },
    });
    const client: Client = openClient({ port: server.reviewsPort, ca });
    const answer = client.send(REVIEW).then(
      ({ status }) => status,
      () => 0,
    );
    await begun;
    return { server, answer, decide: () => resolve(PATCHED) };
  };
  test('finishes what is in flight', async () => {
    const { server, answer, decide } = await pending();
    server.end();
    decide();
    expect(await answer).toBe(200);
    await server.ended;
  });
  test('but not for ever', async () => {
    const { server, answer } = await pending({ finishMsMax: 1 });
    server.end();
    await server.ended;
    expect(await answer).toBe(0);
  });
  test('the second signal ends at once', async () => {
    const { server, answer } = await pending({ drainMs: OTHER_MS });
    server.end();
    server.end();
    await server.ended;
    expect(await answer).toBe(0);
  });
});

test.each([
  ['keep-alive', true],
  ['a connection each', false],
])('certificates that change under load fail no call, by %s', async (_name, keepAlive) => {
  const certificates = swappable(made.good);
  const { reviewsPort: port } = await serve({ certificates, mutate: deciding(PATCHED) });
  const seen = new Set<string>();
  let count = 0;
  const send = async (): Promise<void> => {
    const client = openClient({ port, ca, keepAlive });
    for (let done = 0; done < 60; done++) {
      expect((await client.send(REVIEW)).status).toBe(200);
      seen.add(client.certificate());
      if (++count % 21 === 0) certificates.swap(count % 42 === 0 ? made.good : made.client);
      if (done % 20 === 19) client.close();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, send));
  expect(count).toBe(60 * CLIENTS);
  expect(seen.size).toBe(2);
});

test('as a process: SIGTERM makes it unready and it serves on; the second ends it', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-webhook-'));
  try {
    const files = [path.join(folder, 'tls.crt'), path.join(folder, 'tls.key')] as const;
    writeFileSync(files[0], made.good.cert);
    writeFileSync(files[1], made.good.key);
    const program = path.join(import.meta.dir, '_program.ts');
    const child = Bun.spawn([process.execPath, program, ...files, String(OTHER_MS)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    const [port = 0, statusPort = 0] = Buffer.from(value ?? [])
      .toString()
      .split(' ')
      .map(Number);
    expect(await readiness(statusPort)).toBe('200 ok');
    child.kill('SIGTERM');
    while ((await readiness(statusPort)) !== '503 ending');
    const { head, status } = await openClient({ port, ca }).send(REVIEW);
    expect(status).toBe(200);
    expect(head).toContain('\r\nConnection: close\r\n');
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(await new Response(child.stderr).text()).toContain('"decision":"patched"');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
