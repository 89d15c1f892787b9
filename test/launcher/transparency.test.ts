import { afterAll, describe, expect, test } from 'bun:test';
import { differences, isRoot, missing, picture, removeTools, TIMEOUT_MS } from './_bench.ts';
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

afterAll(removeTools);
