// Each fault of the fault proxy does what it says: seen with a plain socket.
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { answerOf, certificates, faultProxy, faultServer } from './_faults.ts';
import { REQUEST, bodyOf, hear, turn } from './_hear.ts';

const RIGHT = JSON.stringify({ values: [1, 2, 3, 4, 5] });
const server = await faultServer({ answer: () => answerOf(200, RIGHT) });
const proxy = await faultProxy(server.url);
afterAll(async () => {
  await proxy.close();
  await server.close();
});
beforeEach(async () => {
  server.clear();
  await proxy.clear();
});

describe('faults of the network', () => {
  const isWhole = (text: string): boolean => bodyOf(text) === RIGHT;

  test('none: bytes pass, and are counted', async () => {
    expect((await hear(proxy.port, isWhole)).end).toBe('open');
    const { accepted, bytesToServer, bytesToClient } = await proxy.counts();
    expect([accepted, bytesToServer]).toEqual([1, REQUEST.length]);
    expect(bytesToClient).toBeGreaterThan(RIGHT.length);
  });

  test.each([
    [{ reset: true }, { text: '', end: 'ECONNRESET' }],
    [{ refuse: true }, { text: '', end: 'ECONNREFUSED' }],
    [{ cutAfter: 8 }, { text: 'HTTP/1.1', end: 'end' }],
    [
      { cutAfter: 8, cutHow: 'reset' },
      { text: 'HTTP/1.1', end: 'ECONNRESET' },
    ],
  ] as const)('%j', async (faults, heard) => {
    await proxy.set(faults);
    expect(await hear(proxy.port)).toEqual(heard);
    await proxy.clear();
    expect((await hear(proxy.port, isWhole)).end).toBe('open');
  });

  test('a hang: nothing arrives on either side, and all of it once it is over', async () => {
    await proxy.set({ hang: true });
    const heard = hear(proxy.port, isWhole);
    while ((await proxy.counts()).open === 0) await turn();
    expect(server.requests).toHaveLength(0);
    await proxy.clear();
    expect((await heard).end).toBe('open');
  });

  test('latency: at least so much later', async () => {
    await proxy.set({ latencyMs: 40 });
    const start = performance.now();
    await hear(proxy.port, isWhole);
    expect(performance.now() - start).toBeGreaterThanOrEqual(39);
  });

  test('only the next connection', async () => {
    await proxy.set({ reset: true, connections: 1 });
    expect((await hear(proxy.port)).end).toBe('ECONNRESET');
    expect((await hear(proxy.port, isWhole)).end).toBe('open');
  });

  test('a setting that is not there', async () => {
    const refused = await proxy.set({ lag: 1 } as object).catch(String);
    expect(refused).toContain('no setting "lag"');
  });

  test('with a certificate it speaks TLS itself', async () => {
    const { good, ca } = certificates();
    await using own = await faultProxy(server.url, good);
    expect(await (await fetch(own.url, { tls: { ca } })).text()).toBe(RIGHT);
  });
});
