// The store `http` and its credentials, where they come from other stores.
import { expect, test } from 'bun:test';
import { answerOf, faultServer } from '../real/_faults.ts';
import { openReal } from '../support/real-store.ts';

test('credentials from another server are asked for at once, and of those missing the first is told', async () => {
  const asked: string[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  await using vault = await faultServer({
    answer: async ({ path: at }) => {
      asked.push(at);
      if (asked.length === 3) resolve();
      await all;
      return answerOf(404, '');
    },
  });
  const stores = { vars: { kind: 'env' }, vault: { kind: 'http', url: vault.url } };
  const secretHeaders = { 'x-a': 'vault:a', 'x-b': 'vault:b', 'x-c': 'vars:NOSUCH' };
  const mine = { kind: 'http', url: vault.url, bearer: 'vault:t', secretHeaders };
  const opened = await openReal(mine, { stores });
  const [answer] = await opened.fetch('there');
  expect(asked.toSorted()).toEqual(['/a', '/b', '/t']);
  expect(answer).toHaveProperty('problem.where', expect.arrayContaining(['vault:a']));
});
