// What a cluster of several members is for: one that is down is not the end.
import { expect, test } from 'bun:test';
import { NetError } from '../../src/core/io/net-types.ts';
import { openRouted, problemIn } from '../support/routed-store.ts';

const [down, up] = ['http://down.test:2379', 'http://up.test:2379'];
const FOUND = {
  header: {},
  kvs: [{ key: btoa('k'), value: btoa('v'), mod_revision: '7' }],
  count: '1',
};

const opened = async (endpoints: readonly string[], error: NetError, attemptsMax: number) =>
  openRouted({ kind: 'etcd', endpoints }, { env: {}, attemptsMax }, ({ url }) => {
    if (url.startsWith(down)) return error;
    return { answer: { body: Buffer.from(JSON.stringify(FOUND)) } };
  });

test.each([
  ['refused', 1],
  ['refused', 2],
  ['name not found', 1],
  ['name not found', 5],
  ['certificate', 1],
] as const)('%s, attemptsMax %p: the next endpoint is asked all the same', async (...row) => {
  const [reason, attemptsMax] = row;
  const { fetch, requests } = await opened([down, up], new NetError(reason, ''), attemptsMax);
  expect((await fetch('k'))[0]?.kind).toBe('value');
  expect(requests.map(({ url }) => new URL(url).origin)).toEqual([down, up]);
});

test('where all are down each has been asked, and the report has what each said', async () => {
  const { fetch, requests } = await opened([down, `${down}1`], new NetError('refused', ''), 1);
  const problem = problemIn((await fetch('k'))[0]);
  expect([problem.code, requests.length]).toEqual(['BH_ERR_STORE', 2]);
  expect(problem.message.match(/refused/g)?.length).toBe(2);
});
