import { afterAll, describe, expect, test } from 'bun:test';
import { differences, isRoot, missing, picture, removeTools, TIMEOUT_MS } from './_bench.ts';
import type { Picture } from './_bench.ts';
import { CONDITIONS } from './conditions.ts';

describe.skipIf(missing !== undefined)('through the launcher a program sees no difference', () => {
  for (const { name, lines, env, argv, root } of CONDITIONS) {
    const why = root === true && !isRoot ? ' (skipped: needs root)' : '';
    test.skipIf(why !== '')(
      `${name}${why}`,
      () => {
        const recipe = { argv: argv ?? ['a', 'b c'], conditions: lines, ...(env ? { env } : {}) };
        const direct = picture('direct', recipe);
        expect(differences(direct, picture('launcher', recipe))).toEqual([]);
      },
      TIMEOUT_MS,
    );
  }
});

const hex = (text: string): string => Buffer.from(text).toString('hex');
const OURS = hex('BELLHOP_');
const DELIVERED = hex('DELIVERED=yes');

/** Without what bellhop consumes, and without what the pod of this test declares. */
function comparable(seen: Picture): Picture {
  const env = Array.isArray(seen['env']) ? seen['env'] : [];
  return { ...seen, env: env.filter((one) => !one.startsWith(OURS) && one !== DELIVERED) };
}

const WAYS = {
  shipped: 'without a plan',
  delivered: 'with a pod delivered',
  snapshot: 'behind a snapshot',
} as const;

describe.skipIf(missing !== undefined)('nor through what is shipped', () => {
  for (const way of ['shipped', 'delivered', 'snapshot'] as const) {
    for (const { name, lines, env, argv, root } of CONDITIONS) {
      const why = root === true && !isRoot ? ' (skipped: needs root)' : '';
      test.skipIf(why !== '')(
        `${WAYS[way]}: ${name}${why}`,
        () => {
          const recipe = { argv: argv ?? ['a', 'b c'], conditions: lines, ...(env ? { env } : {}) };
          const direct = comparable(picture('direct', recipe));
          const seen = picture(way, recipe);
          expect(differences(direct, comparable(seen))).toEqual([]);
          const isDelivered = JSON.stringify(seen).includes(DELIVERED);
          expect(isDelivered).toBe(way === 'delivered');
        },
        TIMEOUT_MS,
      );
    }
  }
});

afterAll(removeTools);
