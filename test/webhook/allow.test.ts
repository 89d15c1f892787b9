import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { AllowAsked, AllowRule } from '../../src/webhook/allow.ts';
import { refusalBy } from '../../src/webhook/allow.ts';

const ASKED: AllowAsked = {
  namespace: 'team-a',
  user: 'system:serviceaccount:flyte:flytepropeller',
  manager: 'K8s',
  secret: { group: 'db', key: 'password' },
};

describe('a rule', () => {
  test.each([
    ['without lists', {}],
    ['for its namespace', { namespaces: ['other', 'team-a'] }],
    ['for namespaces that begin so', { namespaces: ['team-*'] }],
    ['for a user', { users: ['system:serviceaccount:flyte:*'] }],
    ['for a manager', { managers: ['AWS', 'K8s'] }],
    ['for a group and a key', { groups: ['d*'], keys: ['pass*word'] }],
    ['with stars beside each other', { keys: ['**pass**word**'] }],
  ])('%s lets it through', (_, rule) => {
    expect(refusalBy([{ name: 'r', ...rule }], ASKED)).toBeUndefined();
  });

  test.each([
    ['of another namespace', { namespaces: ['team'] }, 'no rule of webhook.allow is for'],
    ['of another user', { users: ['*:flyte:other'] }, 'no rule of webhook.allow is for'],
    ['of another manager', { managers: ['AWS'] }, 'rule r of webhook.allow does not let'],
    ['of another group', { groups: ['db2', ''] }, 'rule r of webhook.allow does not let'],
    ['of a longer key', { keys: ['password*s'] }, 'rule r of webhook.allow does not let'],
    ['with an empty list', { keys: [] }, 'rule r of webhook.allow does not let'],
    ['whose ends overlap', { keys: ['passw*sword'] }, 'rule r of webhook.allow does not let'],
  ])('%s does not, and says so', (_, rule, words) => {
    expect(refusalBy([{ name: 'r', ...rule }], ASKED)).toContain(words);
  });

  test.each([
    ['team', '../other/token'],
    ['team/../other', 'token'],
    ['team/..', 'token'],
    ['..', 'team/token'],
  ])('of groups or keys lets no way out through: group %p, key %p', (group, key) => {
    const asked = { ...ASKED, secret: { group, key } };
    for (const rule of [{ groups: ['team*', '..'] }, { keys: ['*'] }]) {
      expect(refusalBy([{ name: 'r', ...rule }], asked)).toContain('rule r of webhook.allow');
    }
    expect(refusalBy([{ name: 'r' }], asked)).toBeUndefined();
  });

  test('lets dots through that are part of a name', () => {
    const asked = { ...ASKED, secret: { group: 'team..a', key: '..token' } };
    expect(refusalBy([{ name: 'r', groups: ['team*'] }], asked)).toBeUndefined();
  });

  test('of keys alone bounds nothing where the group alone says which secret it is', () => {
    const [keys, groups] = [['pass*'], ['d*']];
    const asked = { ...ASKED, needsRule: true, isByGroup: true };
    expect(refusalBy([{ name: 'r', keys }], asked)).toContain('rule r of webhook.allow');
    expect(refusalBy([{ name: 'r', keys, groups }], asked)).toBeUndefined();
    expect(refusalBy([{ name: 'r', groups }], asked)).toBeUndefined();
    expect(refusalBy([{ name: 'r' }], asked)).toBeUndefined();
  });

  test('is not needed where there are none', () => {
    expect(refusalBy([], ASKED)).toBeUndefined();
  });

  test('is needed by a manager that needs one: the refusal has one that would do', () => {
    const refusal = refusalBy([], { ...ASKED, needsRule: true });
    expect(refusal).toBe(
      'webhook.allow has no rule for it: e.g. { name: K8s, managers: [K8s], ' +
        'namespaces: [team-a], users: ["system:serviceaccount:flyte:flytepropeller"] }',
    );
    const rule = { name: 'K8s', managers: ['K8s'], namespaces: ['team-a'], users: [ASKED.user] };
    expect(refusalBy([rule], { ...ASKED, needsRule: true })).toBeUndefined();
    expect(refusalBy([rule], { ...ASKED, needsRule: true, namespace: 'x' })).toBeDefined();
    expect(refusalBy([], { ...ASKED, needsRule: true, user: '' })).not.toContain('users');
  });
});

test('no pod obtains what no rule allows: as a regular expression would say it', () => {
  const pattern = fc.stringMatching(/^[ab*]{0,5}$/);
  const lists = fc.option(fc.array(pattern, { maxLength: 2 }), { nil: undefined });
  const rules = fc.array(fc.tuple(lists, lists, lists), { minLength: 1, maxLength: 3 });
  const word = fc.stringMatching(/^[ab]{0,6}$/);
  const slow = (all: readonly string[] | undefined, text: string): boolean => {
    if (all === undefined) return true;
    return all.some((one) => new RegExp(`^${one.replaceAll('*', '.*')}$`).test(text));
  };
  fc.assert(
    fc.property(rules, word, fc.tuple(word, word), (written, namespace, [group, key]) => {
      const made = written.map(([namespaces, groups, keys], n): AllowRule => {
        const given = Object.entries({ namespaces, groups, keys });
        const there = given.filter(([, list]) => list !== undefined);
        return { name: `r${n}`, ...Object.fromEntries(there) };
      });
      const asked = { ...ASKED, namespace, secret: { group, key } };
      const wanted = written.some(([namespaces, groups, keys]) => {
        return slow(namespaces, namespace) && slow(groups, group) && slow(keys, key);
      });
      expect(refusalBy(made, asked) === undefined).toBe(wanted);
    }),
    { numRuns: 3000 },
  );
});
