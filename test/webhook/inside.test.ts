// The entrypoint route shows a container what the webhook would have shown it: for recorded
// requests, with a value of its own behind each reference.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { ANY, ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import type { Inside } from './_inside.ts';
import { secretsOf, shownByRun, shownByWebhook } from './_inside.ts';
import { refusedBy, withoutAdded } from './_refused.ts';
import { runVector } from './_run.ts';
import { KEPT } from './_values.ts';
import type { Json, MutateVector } from './_vectors.ts';
import { mutateFiles, vectorsOf } from './_vectors.ts';

const NATIVE = { profile: 'native', missing: 'flyte', pull: { image: 'bellhop:1' } };
const MANAGERS = new Set(['K8s', 'AWS', 'GCP', 'Azure', 'Vault']);
const vectors = mutateFiles()
  .flatMap((file) => vectorsOf(file))
  // Without a prefix the webhook does not start.
  .filter(({ id }) => id !== 'k8s/empty-prefix')
  .filter(({ injectedBy = [], expected }) => {
    return expected.allowed && injectedBy.length > 0 && injectedBy.every((by) => MANAGERS.has(by));
  });

test('there are some of each manager', () => {
  const by = new Set(vectors.flatMap(({ injectedBy = [] }) => injectedBy));
  expect(by).toEqual(MANAGERS);
  expect(vectors.length).toBeGreaterThan(100);
});

describe('a container sees the same by run and by the webhook', () => {
  test.each(vectors.map((one) => [one.id, one] as const))('%s', async (_, vector) => {
    const { decision, pod } = await runVector(vector, NATIVE);
    const settings = { webhook: { ...vector.config, ...NATIVE } };
    for (const container of namesOf(vector)) {
      const asked = { container, secrets: secretsOf(pod), settings };
      const shown = await shownByRun(vector.pod, asked);
      const told = Array.isArray(shown) ? shown.join('\n') : '';
      if (decision.kind === 'denied') {
        for (const reason of reasonsIn(decision.message)) expect(told).toContain(reason);
        continue;
      }
      // What the API server would not take from the webhook either.
      const refused = refusedBy(pod);
      if (refused.length > 0) {
        for (const what of refused) expect(told).toContain(what);
        continue;
      }
      expect(seenIn(shown)).toEqual(shownByWebhook(pod, container));
      // What was handled gives the same plan as what was not.
      expect(await shownByRun(pod, asked)).toEqual(shown);
    }
  });
});

describe('compat: v1, by its own names and order', () => {
  const ofFlyte = vectorsOf('v1-mutate.json').filter(({ config }) => {
    return ['K8s', 'AWS', undefined].includes(config['secretManagerType'] as string | undefined);
  });
  let compared = 0;
  test.each(ofFlyte.map((one) => [one.id, one] as const))('%s', async (_, vector) => {
    const webhook = { ...vector.config, compat: 'v1', profile: 'flyte' };
    const { decision, pod } = await runVector(vector, webhook);
    // The values of Global are the webhook's own.
    if (decision.kind !== 'patched' || decision.delivered.some(({ by }) => by === 'Global')) return;
    compared++;
    const secrets = secretsOf(pod);
    for (const container of namesOf(vector)) {
      const asked = { container, secrets, settings: { webhook } };
      const shown = await shownByRun(vector.pod, asked);
      const refused = refusedBy(withoutAdded(pod, vector.pod));
      const told = Array.isArray(shown) ? shown.join('\n') : '';
      for (const what of refused) expect(told).toContain(what);
      if (refused.length === 0) expect(seenIn(shown)).toEqual(shownByWebhook(pod, container));
    }
  });
  test('many of them give pods secrets', () => expect(compared).toBeGreaterThan(30));
});

/** Nothing else may be there. */
function seenIn(shown: Inside | readonly string[]): unknown {
  if (!('files' in shown)) return shown;
  const { variables, files } = shown;
  return { variables, files };
}

/** What each manager says, but Global and Embedded: their values only the webhook has. */
function reasonsIn(message: string): readonly string[] {
  const [, reasons = ''] = message.split('internal error occurred. ');
  const each = reasons.split('; ').filter((one) => !/^(?:Global|Embedded): /.test(one));
  expect(each.length).toBeGreaterThan(0);
  return each;
}

function namesOf({ pod }: MutateVector): readonly string[] {
  const { containers = [] } = pod['spec'] as { containers?: readonly { name: string }[] };
  return containers.map(({ name }) => name);
}

const NONE = { group: '', groupVersion: '', key: '', mountRequirement: ENV_VAR, envVar: '' };

function podAsking(...secrets: readonly Partial<FlyteSecret>[]): Json {
  const annotations = Object.fromEntries(
    secrets.map((one, n) => [`flyte.secrets/s${n}`, encodeSecret({ ...NONE, ...one })]),
  );
  const containers = [{ name: 'main', image: 'i', command: ['true'] }];
  return { metadata: { name: 'p', annotations }, spec: { containers } };
}

async function shownFor(
  settings: Json,
  ...secrets: readonly Partial<FlyteSecret>[]
): Promise<unknown> {
  const asked = { container: 'main', secrets: ['g'], settings };
  const shown = await shownByRun(podAsking(...secrets), asked);
  return Array.isArray(shown) ? shown : { ...shown.variables, ...shown.files };
}

const PREFIX = { FLYTE_SECRETS_ENV_PREFIX: '_UNION_' };
const FOLDER = {
  FLYTE_SECRETS_DEFAULT_DIR: '/etc/flyte/secrets',
  FLYTE_SECRETS_FILE_PREFIX: '',
};

describe('variables come from every manager, by the names that the SDK looks for', () => {
  const uri = 'https://kv.vault.azure.net/secrets/My-Secret';
  test.each([
    ['AWS', { group: 'G', key: 'k' }, '_UNION_G_K', 'aws:G:k#@'],
    ['GCP', { group: 'g', groupVersion: '3' }, '_UNION_G_3', 'gcp:g#@3'],
    ['Azure', { group: uri }, '_UNION_MY-SECRET', `azure:${uri}#@`],
    ['Azure', { group: uri, groupVersion: 'v' }, '_UNION_MY-SECRET_V', `azure:${uri}#@v`],
    ['Vault', { group: 'secret/g', key: 'k' }, '_UNION_SECRET/G_K', 'vault:secret/g#k@'],
    ['Confidant', { group: 'g', key: 'k' }, '_UNION_G_K', 'confidant:g#k@'],
    ['K8s', { group: 'g', key: 'k' }, '_UNION_G_K', 'Secret g key k'],
  ] as const)('%s %o', async (...[type, secret, name, value]) => {
    const settings = { webhook: { secretManagerTypes: [type] } };
    const wanted = { ...PREFIX, [name]: value, TOKEN: value };
    expect(await shownFor(settings, { ...secret, envVar: 'TOKEN' })).toEqual(wanted);
    const pod = podAsking({ ...secret, envVar: 'TOKEN' });
    const { webhook } = settings;
    const vector = { id: '', pod, config: webhook, expected: {} } as unknown as MutateVector;
    const asked = { container: 'main', secrets: ['g'], settings };
    for (const variables of ['fileKeyRef', 'launcher', 'secret']) {
      const more = { profile: 'native', pull: { image: 'b:1', variables }, ...KEPT };
      const { pod: handled } = await runVector(vector, more);
      const there = shownByWebhook(handled, 'main');
      // The launcher's are not in the pod, and those of a Secret have no reference.
      if (variables === 'fileKeyRef') expect(there.variables).toEqual(wanted);
      expect(await shownByRun(handled, asked)).toEqual(await shownByRun(pod, asked));
    }
  });

  test('the later of two of one name counts, whoever delivers them', async () => {
    const webhook = { secretManagerTypes: ['GCP', 'K8s'] };
    const ofGoogle = { group: 'g', groupVersion: '1', envVar: 'TOKEN' };
    const ofCluster = { group: 'g', key: 'k', envVar: 'TOKEN' };
    const first = await shownFor({ webhook }, ofGoogle, ofCluster);
    expect(first).toMatchObject({ TOKEN: 'Secret g key k' });
    const second = await shownFor({ webhook }, ofCluster, ofGoogle);
    expect(second).toMatchObject({ TOKEN: 'gcp:g#@1' });
  });
});

describe('the section flyte', () => {
  const stores = { own: { kind: 'file', folder: '/' } };
  test.each([
    [
      'its own binding wins over the managers, with the shape that they would have given',
      { flyte: { 'secret/g/K': 'own:x#y' }, webhook: { secretManagerTypes: ['Vault'] } },
      { group: 'secret/g', key: 'K', mountRequirement: FILE },
      { ...FOLDER, '/etc/flyte/secrets/secret/g/K': 'own:x#y@' },
    ],
    [
      '* is for all others, filled with what the secret is called',
      { flyte: { '*': 'own:{namespace}-{group}-{key}' } },
      { group: 'G', key: 'k', envVar: 'T' },
      { ...PREFIX, T: 'own:default-G-k#@', _UNION_G_K: 'own:default-G-k#@' },
    ],
    [
      'a version is known, too',
      { flyte: { '*': 'own:{group}/{version}' } },
      { group: 'G', groupVersion: 'v1', mountRequirement: FILE },
      { ...FOLDER, '/etc/flyte/secrets/g/v1': 'own:G/v1#@' },
    ],
    [
      'without a group, the key is the name, of the file too',
      { flyte: { Key: 'own:x' } },
      { key: 'Key', mountRequirement: ANY, envVar: 'AT' },
      { ...FOLDER, AT: '/etc/flyte/secrets/key', '/etc/flyte/secrets/key': 'own:x#@' },
    ],
    [
      'a key of a Secret that is a volume for its other keys',
      { flyte: { 'g/a': 'own:x' } },
      { group: 'g', key: 'a', mountRequirement: FILE },
      { ...FOLDER, '/etc/flyte/secrets/g/a': 'own:x#@' },
    ],
    [
      'where it binds other secrets only, the managers are asked',
      { flyte: { 'other/k': 'own:x' } },
      { group: 'g', key: 'k' },
      { ...PREFIX, _UNION_G_K: 'Secret g key k' },
    ],
    [
      'what it needs and the secret does not have, is told',
      { flyte: { '*': 'own:{version}' } },
      { group: 'g', key: 'k' },
      [expect.stringContaining('{version} is not known here')],
    ],
    [
      'a name may not choose another part of the store',
      { flyte: { '*': 'own:{group}' } },
      { group: 'a/b', key: 'k' },
      [expect.stringContaining('{group} would change the path')],
    ],
  ] as readonly (readonly [string, Json, Partial<FlyteSecret>, unknown])[])(
    '%s',
    async (...[, settings, secret, shown]) => {
      expect(await shownFor({ stores, ...settings }, secret)).toEqual(shown);
    },
  );
});

test('`webhook.stores` says which store a manager asks; other stores keep their names', async () => {
  const stores = {
    aws: { kind: 'file', folder: '/' },
    one: { kind: 'aws-secrets-manager' },
    two: { kind: 'aws-secrets-manager' },
  };
  const secret = { group: 'g', key: 'k' };
  const webhook = { secretManagerTypes: ['AWS'] };
  const said = { stores, webhook: { ...webhook, stores: { AWS: 'two' } } };
  expect(await shownFor(said, secret)).toMatchObject({ _UNION_G_K: 'two:g:k#@' });
  expect(await shownFor({ stores, webhook }, secret)).toMatchObject({
    _UNION_G_K: 'aws-default:g:k#@',
  });
});

describe('any secrets, of any managers', () => {
  const word = fc.constantFrom('g', 'G', 'h', 'a/b');
  const maybe = (one: fc.Arbitrary<string>) => fc.oneof(fc.constant(''), one);
  const secrets = fc.array(
    fc.record({
      group: maybe(word),
      groupVersion: maybe(fc.constantFrom('1', 'v2')),
      key: maybe(fc.constantFrom('k', 'K', 'x.y')),
      mountRequirement: fc.constantFrom(ANY, ENV_VAR, FILE),
      envVar: maybe(fc.constantFrom('TOKEN', 'A', '_UNION_G_K')),
    }),
    { minLength: 1, maxLength: 5 },
  );
  const all = [...MANAGERS, 'Confidant'];
  const types = fc.shuffledSubarray(all, { minLength: 1 });
  const env = [{ name: 'TOKEN', value: 'own' }, { name: 'LAST' }, { name: 'A', value: 'a' }];

  test('a container sees the same by run and by the webhook, or both refuse', async () => {
    const seen = { admitted: 0, denied: 0 };
    await fc.assert(
      fc.asyncProperty(secrets, types, async (asking, secretManagerTypes) => {
        const { metadata } = podAsking(...asking);
        const pod = { metadata, spec: { containers: [{ name: 'main', image: 'i', env }] } };
        const webhook = { secretManagerTypes, profile: 'native' };
        const vector = { id: '', pod, config: webhook, expected: {} } as unknown as MutateVector;
        const more = { pull: { image: 'b:1', variables: 'fileKeyRef' } };
        const { decision, pod: handled } = await runVector(vector, more);
        const asked = { container: 'main', secrets: secretsOf(handled), settings: { webhook } };
        const shown = await shownByRun(pod, asked);
        if (decision.kind === 'denied') {
          seen.denied++;
          expect(Array.isArray(shown)).toBe(true);
          return;
        }
        // A group need not be a Secret's name: then the API server refuses what was handled.
        const refused = refusedBy(handled, ['BH_ERR_POD_INVALID']);
        const told = Array.isArray(shown) ? shown.join('\n') : '';
        for (const what of refused) expect(told).toContain(what);
        if (refused.length > 0) return;
        seen.admitted++;
        expect(seenIn(shown)).toEqual(shownByWebhook(handled, 'main'));
        expect(await shownByRun(handled, asked)).toEqual(shown);
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.admitted, seen.denied)).toBeGreaterThan(50);
  });
});
