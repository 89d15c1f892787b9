// A pod that was handled already, on the route without a cluster: the Secret that the webhook has
// made beside it is not there.
import { describe, expect, test } from 'bun:test';
import { FILE } from '../../src/wire/flyte-secret.ts';
import { shownByRun } from './_inside.ts';
import type { Wish } from './_value-pods.ts';
import { TOK, decide, nameIn, podOf } from './_value-pods.ts';

const STORES = { own: { kind: 'env' } };
const BOUND = { stores: STORES, flyte: { '*': 'own:{key}' } };
const TEAM = { ...TOK, group: 'team' };
const GLOBAL = { ...TOK, group: 'global' };
const IN_FILE = { ...TEAM, mountRequirement: FILE };
const asked = { container: 'c', secrets: ['team', 'global'], settings: BOUND };

describe('a pod that refers to the Secret beside it gives the same as before', () => {
  describe.each([
    ['where `flyte` binds its secrets', BOUND],
    ['where the managers are those of `webhook`', { webhook: { secretManagerTypes: ['K8s'] } }],
    ['where bellhop.yaml says nothing', {}],
  ])('%s', (_, settings) => {
    test.each<readonly [string, Wish['secrets']]>([
      ['a variable of Embedded', [TEAM]],
      ['a file of Embedded', [IN_FILE]],
      ['a variable of Global', [GLOBAL]],
      ['all of them', [TEAM, IN_FILE, GLOBAL]],
    ])('%s', async (__, secrets) => {
      const { decision, pod } = await decide({ secrets });
      expect(JSON.stringify(pod)).toContain(nameIn(decision));
      const before = await shownByRun(podOf({ secrets }), { ...asked, settings });
      expect(before).toHaveProperty('plan');
      expect(await shownByRun(pod, { ...asked, settings })).toEqual(before);
    });
  });
});

test.each(['bellhop-values', `bellhop-${'0'.repeat(31)}g`, `x-bellhop-${'0'.repeat(32)}`])(
  "a variable from the Secret %s is the user's, and stays",
  async (name) => {
    const mine = { name: 'MINE', valueFrom: { secretKeyRef: { name, key: 'k' } } };
    const spec = { containers: [{ name: 'c', image: 'i', env: [mine] }] };
    const shown = await shownByRun(podOf({ secrets: [TEAM], spec }), { ...asked, secrets: [name] });
    expect(shown).toMatchObject({ variables: { MINE: `Secret ${name} key k` } });
  },
);
