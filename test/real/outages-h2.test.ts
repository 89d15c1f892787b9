// HTTP/2, where all requests of a store share one connection: what ends it must not end them.
import { afterEach, describe, expect, test } from 'bun:test';
import type { FaultProxy, NetworkFaults } from './_faults.ts';
import { faultProxy } from './_faults.ts';
import type { Outcome, Stand } from './_outage.ts';
import { BUDGET_MS, CANARY, TOLERANCE_MS, reasonsOf, startBehind, unnamed } from './_outage.ts';
import { realServer } from './_servers.ts';
import { vaultStand } from './_outage-stands.ts';

const PATHS = 100;
const server = await realServer('openbao-tls');
const { stand } = await vaultStand(PATHS, 'openbao-tls');
const caFile = server.env['VAULT_CACERT'];

describe.skipIf(stand === undefined)('Vault by HTTP/2, 100 paths', () => {
  const vault = stand as Stand;
  const proxies: FaultProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  async function startThrough(faults: NetworkFaults): Promise<Outcome & { proxy: FaultProxy }> {
    const proxy = await faultProxy(vault.upstream.url);
    proxies.push(proxy);
    await proxy.set(faults);
    const url = proxy.url.replace('http://127.0.0.1', 'https://localhost');
    const front = {
      url,
      ...(caFile === undefined ? {} : { caFile }),
      requests: () => 0,
      [Symbol.asyncDispose]: async () => {},
    };
    const outcome = await startBehind(front, vault);
    expect(outcome.tookMs).toBeLessThan(BUDGET_MS + TOLERANCE_MS);
    expect(outcome.shown).not.toContain(CANARY);
    return { ...outcome, proxy };
  }

  test('nothing is wrong: one connection carries all', async () => {
    const { outcome, values, proxy } = await startThrough({});
    expect([outcome, values]).toEqual(['all values', vault.values]);
    expect((await proxy.counts()).accepted).toBe(1);
  });

  test.each([
    ['hangs', { hang: true, connections: 1 }],
    ['is reset at once', { reset: true, connections: 1 }],
    ['is reset among the answers', { cutAfter: 6000, cutHow: 'reset', connections: 1 }],
    ['ends among the answers', { cutAfter: 6000, cutHow: 'fin', connections: 1 }],
  ] as const)('the first connection %s: all values, by another', async (_, faults) => {
    const { outcome, values, proxy } = await startThrough(faults);
    expect([outcome, values]).toEqual(['all values', vault.values]);
    // All that were lost together come back together, not each by a connection of its own.
    expect((await proxy.counts()).accepted).toBeWithin(2, PATHS / 10);
  });

  test.each([
    ['hangs', { hang: true }, /no answer/],
    ['is reset', { reset: true }, /reset/],
    ['is refused', { refuse: true }, /refused/],
    ['ends in the handshake', { cutAfter: 700, cutHow: 'fin' }, /reset|cut off|protocol|handshake/],
  ] as const)(
    'every connection %s: nothing, and each path with its reasons',
    async (_, faults, why) => {
      const { outcome, values, problems, ...rest } = await startThrough(faults);
      expect([outcome, values]).toEqual(['BH_ERR_STORE', []]);
      expect(unnamed({ outcome, values, problems, ...rest }, vault.references)).toEqual([]);
      for (const problem of problems) {
        expect(problem.message).toMatch(why);
        expect(reasonsOf(problem)?.length).toBeGreaterThan(0);
      }
    },
  );
});
