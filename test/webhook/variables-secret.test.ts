// `pull.variables: secret`: the webhook fetches variables of other stores itself, and a Secret
// beside the pod has them.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BellhopError } from '../../src/core/errors.ts';
import { Refusal } from '../../src/injectors/_injector.ts';
import { deadlineBy } from '../../src/webhook/deadline.ts';
import { review } from '../../src/webhook/review.ts';
import type { ReadPulled } from '../../src/webhook/pulled-values.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { ENV_VAR, FILE } from '../../src/wire/flyte-secret.ts';
import type { Wish } from './_value-pods.ts';
import { CANARY, USER, decide, messageOf, nameIn, podOf, secretsIn } from './_value-pods.ts';
import type { Json } from './_vectors.ts';

const PW = { group: 'db', key: 'pw', mountRequirement: ENV_VAR };
const settings = (more: Json = {}): Json => ({
  secretManagerTypes: ['AWS'],
  pull: { image: 'b:1', variables: 'secret' },
  ...more,
});

/** Says what it was asked for. */
const telling: ReadPulled = async ({ path, key = '', version = '' }) => {
  return Buffer.from(`${CANARY} ${path} ${key} ${version}`.trimEnd());
};

/** The pod and the Secret; reads as `telling` does unless the wish says how. */
async function kept(wish: Wish) {
  const asked: string[] = [];
  const readPulled: ReadPulled = async (pull, signal) => {
    asked.push(pull.path);
    return (wish.readPulled ?? telling)(pull, signal);
  };
  const made = await decide({ settings: settings(), ...wish, readPulled });
  const [secret] = secretsIn(made.cluster);
  const data = (secret?.['data'] ?? {}) as Readonly<Record<string, string>>;
  const values = Object.entries(data).map(([key, text]) => [key, atob(text)]);
  return { ...made, asked, values: Object.fromEntries(values) as Json };
}

const variables = (pod: Json): unknown => {
  const { containers } = pod['spec'] as Readonly<Record<string, readonly Json[]>>;
  return containers?.map(({ env }) => env);
};

describe('a variable of another store', () => {
  test('is a key of the Secret beside the pod, under all its names; nothing fetches in the pod', async () => {
    const wish = { secrets: [{ ...PW, envVar: 'TOKEN' }] };
    const { decision, pod, values, asked } = await kept(wish);
    const secretKeyRef = { name: nameIn(decision), key: '0-db' };
    expect(variables(pod)).toEqual([
      [
        { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_UNION_' },
        { name: 'TOKEN', valueFrom: { secretKeyRef } },
        { name: '_UNION_DB_PW', valueFrom: { secretKeyRef } },
      ],
    ]);
    expect(values).toEqual({ '0-db': `${CANARY} db:pw` });
    expect(new Set(asked)).toEqual(new Set(['db:pw']));
    expect(JSON.stringify(decision)).not.toContain(CANARY);
    expect(JSON.stringify(pod)).not.toMatch(/bellhop-pull|bellhop-start|bellhop\/plan/);
  });

  test.each([
    ['AWS', {}, 'db:pw'],
    ['GCP', { groupVersion: '7' }, 'db  7'],
    [
      'Azure',
      { group: 'https://v.vault.azure.net/secrets/S/' },
      'https://v.vault.azure.net/secrets/S',
    ],
    ['Vault', {}, 'db pw'],
    ['Confidant', {}, 'db pw'],
  ] as const)('%s %j is read at its place', async (type, more, place) => {
    const own = settings({ secretManagerTypes: [type] });
    const { values } = await kept({ secrets: [{ ...PW, ...more }], settings: own });
    expect(Object.values(values)).toEqual([`${CANARY} ${place}`]);
  });

  test('needs no command and no image that anybody knows', async () => {
    const spec = { containers: [{ name: 'c', image: 'i' }], initContainers: [{ name: 'f' }] };
    const { pod } = await kept({ secrets: [PW], spec });
    const text = JSON.stringify(pod['spec']);
    expect(text.match(/secretKeyRef/g)).toHaveLength(2);
    expect(text).not.toContain('command');
  });

  test('files of the same pod stay pulled, by the pod itself', async () => {
    const { pod, asked, values } = await kept({
      secrets: [PW, { ...PW, key: 'file', mountRequirement: FILE }],
    });
    expect(JSON.stringify(pod)).toContain('bellhop-pull');
    expect(asked).toEqual(['db:pw']);
    expect(Object.values(values)).toEqual([`${CANARY} db:pw`]);
  });

  test('a manager that delivers variables in Flyte goes first, and nothing is fetched', async () => {
    const own = settings({ secretManagerTypes: ['AWS', 'K8s'] });
    const { asked, pod } = await kept({ secrets: [PW], settings: own });
    expect(asked).toEqual([]);
    expect(JSON.stringify(pod)).toContain('"name":"db","key":"pw"');
  });

  test('on a dry run no Secret is made; the pod is the same', async () => {
    const first = await kept({ secrets: [PW] });
    const { cluster } = first;
    for (const path of cluster.objects.keys()) if (path.includes('/team/')) cluster.remove(path);
    const dry = await kept({ secrets: [PW], dryRun: true, cluster });
    expect(secretsIn(cluster)).toEqual([]);
    expect(dry.pod).toEqual(first.pod);
  });

  test('handled again it is as before', async () => {
    const wish = { secrets: [{ ...PW, envVar: 'T' }], readPulled: telling };
    const once = await kept(wish);
    const again = await decide({ settings: settings(), ...wish }, once.pod);
    expect(again.pod).toEqual(once.pod);
  });
});

describe('is denied', () => {
  const absent: ReadPulled = async () =>
    Promise.reject(new Refusal('store sm says that there is none'));
  const down: ReadPulled = async () => {
    const where = ['read by the webhook', 'store sm', 'db:pw'];
    return Promise.reject(new BellhopError('BH_ERR_STORE', { where, what: 'no answer' }));
  };
  const bytes = (...all: number[]): ReadPulled => {
    return async () => Promise.resolve(new Uint8Array(all));
  };

  test.each([
    ['where the store lacks it', { readPulled: absent }, 'AWS: store sm says that there is none'],
    [
      'where the store is down',
      { readPulled: down },
      'read by the webhook, store sm, db:pw: no answer',
    ],
    ['what is no text', { readPulled: bytes(255) }, 'is not UTF-8, which no variable can hold'],
    ['what has a NUL', { readPulled: bytes(65, 0) }, 'has a NUL, which no variable can hold'],
    ['what asks for something to be made', { secrets: [{ ...PW, group: 'pki/x?a' }] }, 'has a `?`'],
    [
      'in a namespace that is not named',
      { settings: settings({ valueSecrets: { namespaces: ['other'] } }) },
      'namespace team is not one of webhook.valueSecrets.namespaces',
    ],
    [
      'without a rule that allows it',
      { settings: settings({ allow: [] }) },
      'webhook.allow has no rule for it: e.g. { name: AWS, managers: [AWS], namespaces: [team]',
    ],
    [
      'by rules that do not let it through',
      { settings: settings({ allow: [{ name: 'n', users: [USER], groups: ['other'] }] }) },
      `rule n of webhook.allow does not let ${USER} in namespace team have it`,
    ],
  ] as const)('%s', async (_, more: object, words) => {
    const { decision, cluster } = await kept({ secrets: [PW], ...more });
    expect(messageOf(decision)).toContain(words);
    expect(messageOf(decision)).not.toContain(CANARY);
    expect(secretsIn(cluster)).toEqual([]);
  });

  test.each([
    ['GCP', { groupVersion: '1' }],
    ['Azure', { group: 'https://v.vault.azure.net/secrets/S' }],
  ])('%s by a rule of keys alone: it does not look at them', async (type, more) => {
    const rule = { name: 'n', managers: [type], keys: ['public'] };
    const own = settings({ secretManagerTypes: [type], allow: [rule] });
    const secrets = [{ ...PW, key: 'public', ...more }];
    const { decision, asked } = await kept({ secrets, settings: own });
    expect(messageOf(decision)).toContain('rule n of webhook.allow does not let');
    expect(asked).toEqual([]);
  });

  test('never a file for lack of a rule: the pod itself fetches it', async () => {
    const file = { ...PW, mountRequirement: FILE };
    const { decision } = await kept({ secrets: [file], settings: settings({ allow: [] }) });
    expect(decision.kind).toBe('patched');
  });

  test('where another of the list has it, that one delivers, and a store that is down is told', async () => {
    const own = settings({ secretManagerTypes: ['AWS', 'Vault'] });
    const readPulled: ReadPulled = async (pull, signal) => {
      return pull.type === 'AWS' ? down(pull, signal) : telling(pull, signal);
    };
    const { decision, values } = await kept({ secrets: [PW], settings: own, readPulled });
    expect(Object.values(values)).toEqual([`${CANARY} db pw`]);
    expect(decision).toMatchObject({
      warnings: [expect.stringContaining('comes from Vault, for AWS could not say')],
    });
  });
});

test('whatever the rules, nothing is read that none of them lets through', async () => {
  const word = fc.constantFrom('a', 'b', 'a/b', '../a', 'b*');
  const list = fc.option(fc.array(word, { maxLength: 2 }), { nil: undefined });
  const rule = fc.record({
    groups: list,
    keys: list,
    managers: fc.constantFrom(undefined, ['AWS'], ['GCP']),
    namespaces: fc.constantFrom(undefined, ['team'], ['team', 'x'], ['other']),
  });
  const secret = fc.record({ group: word, key: word, groupVersion: fc.constantFrom('', '1') });
  const fits = (given: readonly string[] | undefined, text: string): boolean => {
    return given?.some((one) => new RegExp(`^${one.replace('*', '.*')}$`, 's').test(text)) ?? true;
  };
  const count = { read: 0, denied: 0 };
  const property = fc.asyncProperty(
    fc.array(rule, { minLength: 1, maxLength: 3 }),
    secret,
    async (rules, asking) => {
      const allow = rules.map((one, n) => {
        const given = Object.entries({ name: `r${n}`, ...one });
        return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Json;
      });
      const reads: string[] = [];
      const readPulled: ReadPulled = async (pull, signal) => {
        reads.push(pull.type);
        return telling(pull, signal);
      };
      const own = settings({ secretManagerTypes: ['GCP', 'AWS'], allow });
      const secrets = [{ ...PW, ...asking }];
      const { decision } = await decide({ secrets, settings: own, readPulled });
      for (const type of reads) {
        const isLet = rules.some(({ groups, keys, managers, namespaces }) => {
          const isOfName = fits(groups, asking.group) && fits(keys, asking.key);
          return isOfName && fits(managers, type) && fits(namespaces, 'team');
        });
        expect(isLet).toBe(true);
        const isBounded = rules.every(
          ({ groups, keys }) => groups !== undefined || keys !== undefined,
        );
        if (isBounded) expect(`${asking.group}/${asking.key}`.split('/')).not.toContain('..');
      }
      if (decision.kind === 'denied') count.denied++;
      else count.read += reads.length;
    },
  );
  await fc.assert(property, { numRuns: 1500 });
  expect(Math.min(count.read, count.denied)).toBeGreaterThan(30);
});

test('who is late says which secret it waited for', async () => {
  const ending = new AbortController();
  const secrets = [PW, { ...PW, key: 'slow' }];
  const slow = { isNow: false };
  const readPulled: ReadPulled = async (pull, signal) => {
    if (!slow.isNow || !pull.path.endsWith('slow')) return telling(pull, signal);
    // Both are fetched together; by then the other one is there.
    setImmediate(() => ending.abort());
    return new Promise(() => undefined);
  };
  const { mutate } = await decide({ settings: settings(), secrets, readPulled });
  slow.isNow = true;
  const request = { uid: 'u', namespace: 'team', object: podOf({ secrets }) };
  const body = Buffer.from(JSON.stringify({ request }));
  const deadline = deadlineBy(ending.signal);
  const { reason, outcome } = await review({ body, contentType: undefined, deadline }, mutate);
  expect(outcome).toBe('late');
  const waited =
    'it waited for secret [group:"db" key:"slow" mount_requirement:ENV_VAR]; try again';
  expect(reason).toEndWith(waited);
});

test('settings: the namespaces must be named, under `native`', () => {
  const pull = { variables: 'secret' };
  const { problems } = readWebhookSettings({ pull });
  expect(problems.map(({ path }) => path)).toEqual([['valueSecrets', 'namespaces']]);
  expect(problems[0]?.what).toContain('name the namespaces');
  expect(readWebhookSettings({ pull, profile: 'flyte' }).problems).toEqual([]);
  expect(readWebhookSettings({ pull, valueSecrets: { namespaces: ['x'] } }).problems).toEqual([]);
});
