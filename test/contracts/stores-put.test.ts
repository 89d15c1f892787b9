// What is written to a store comes back from it, on every kind that can be written to.
import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import { ALL_STORES, STORE_KINDS } from '../../src/stores/_all.gen.ts';
import type { World } from './_world.ts';
import { CANARY, open, valueAt } from './_world.ts';
import { WORLDS } from './_worlds.ts';

const kinds = [...STORE_KINDS].filter(([, { writes }]) => writes !== undefined);
const worlds = await Promise.all(
  kinds.map(
    async ([kind]) => [kind, (await WORLDS[kind as keyof typeof WORLDS]?.()) ?? {}] as const,
  ),
);
const bytes = (seed: number, length: number): Uint8Array => {
  return new Uint8Array(length).map((_, n) => (n * seed + seed) % 256);
};

for (const [kind, known] of worlds) {
  describe.skipIf('missing' in known)(`store ${kind}`, () => {
    const world = known as World;
    test('what is written is read, byte for byte; written again it is the newer', async () => {
      const { store, ask } = await open(kind, world.writer ?? world.home);
      const path = `${world.gone(901)}/folder/bellhop.bundle`;
      for (const seed of [3, 7]) {
        const content = bytes(seed, 70_000);
        await store.put?.(path, content, { expireDays: 30 });
        const [answer] = await ask(path);
        const found = valueAt({ path }, answer);
        expect(Buffer.from(found, 'latin1').equals(Buffer.from(content))).toBe(true);
      }
    });
    test('as much as it takes is written', async () => {
      const most = (await ALL_STORES[kind]?.())?.default.writes?.bytesMax ?? 2 * 1024 * 1024;
      const { store, ask } = await open(kind, world.writer ?? world.home);
      const path = world.gone(902);
      const content = bytes(11, most);
      await store.put?.(path, content);
      const [answer] = await ask(path);
      expect(valueAt({ path }, answer)).toHaveLength(most);
    });
    test('wrong credentials write nothing, and are shown nowhere', async () => {
      if (world.remote === undefined) return;
      const { store } = await open(kind, world.remote.wrong);
      const error = await store.put?.(world.gone(903), bytes(1, 10)).catch((one: unknown) => one);
      expect(error instanceof BellhopError ? error.code : 'written').toMatch(
        /BH_ERR_(CREDENTIALS|STORE_DENIED)/,
      );
      expect(Bun.inspect(error)).not.toContain(CANARY);
    });
    test('it says which right writing needs', async () => {
      const { writes } = (await ALL_STORES[kind]?.())?.default ?? {};
      expect(writes?.rights(world.home.options, 'a/b')).not.toEqual([]);
    });
  });
}
