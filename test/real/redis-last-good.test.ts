// The address of a Redis may have its password in it: that is who we are, not where, so a last good
// copy outlives a new password, and not another database.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { generateIdentity } from 'age-encryption';
import { RedisClient } from 'bun';
import { openBudget } from '../../src/core/budget.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { planWith, realIo } from '../support/real-store.ts';
import { plain } from './_answers.ts';
import { faultProxy } from './_faults.ts';
import { realServer } from './_servers.ts';

const server = await realServer('redis');
const skip = server.missing !== undefined;
const CANARY = `canary-${crypto.randomUUID()}`;
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-redis-copy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const AGE = await generateIdentity();
const STORES = { r: { kind: 'redis' }, copies: { kind: 'file', folder }, age: { kind: 'env' } };
const LAST_GOOD = {
  to: { store: 'copies', path: 'copy' },
  key: { age: { store: 'age', path: 'AGE' } },
  maxAgeSeconds: 600,
};

/** What one start has of the key, and what it warns of; a whole one writes its copy. */
async function started(REDIS_URL: string, startMs: number) {
  const io = realIo({ REDIS_URL, AGE });
  const bound = { reference: { store: 'r', path: CANARY }, called: 'c' };
  const plan = planWith([bound], STORES, { ...DEFAULT_POLICY, lastGood: LAST_GOOD });
  const budget = openBudget(io.clock, startMs);
  const { answers, warnings, remember } = await gather(plan, { io, objects: [], budget });
  const [given] = [...answers.values()];
  if (given?.answer.kind === 'value') expect(await remember()).toBeUndefined();
  budget.end();
  return { said: String(plain(given?.answer)), warnings };
}

test.skipIf(skip)('a copy outlives a new password, and not another database', async () => {
  const upstream = new URL(server.get('REDIS_URL'));
  const client = new RedisClient(upstream.href);
  await client.set(CANARY, 'kept');
  client.close();
  await using proxy = await faultProxy(upstream.host);
  const at = (password: string, db: number): string => {
    return `redis://:${password}@127.0.0.1:${proxy.port}/${db}`;
  };
  expect((await started(at(upstream.password, 0), 10_000)).said).toBe('kept');
  await proxy.set({ cutAfter: 0, cutHow: 'reset' });
  expect(await started(at('a-new-one', 0), 1500)).toEqual({
    said: 'kept',
    warnings: [expect.stringContaining('was used')],
  });
  const other = await started(at(upstream.password, 1), 1500);
  expect([other.said, other.warnings]).toEqual([
    expect.stringMatching(/^BH_ERR_STORE/),
    [expect.stringContaining('it lacks 1 of 1 values')],
  ]);
});
