// What is wrong with the section `webhook:` is told with what could be written instead; never what
// was written, which may be a secret by mistake.
import { describe, expect, test } from 'bun:test';
import { readGlobalSettings } from '../../src/webhook/settings-global.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';

const saidOf = (given: unknown): readonly string[] => {
  return readWebhookSettings(given).problems.map(({ path, what }) => `${path.join('.')} ${what}`);
};

test.each([
  [{ certDirs: 'x' }, 'certDirs unknown field certDirs: is certDir meant?'],
  [{ 'secret-name': 'x' }, 'secret-name unknown field secret-name: is secretName meant?'],
  [{ nosuch: 1 }, 'nosuch unknown field nosuch'],
  [{ pull: { variable: 'x' } }, 'pull.variable unknown field variable: is variables meant?'],
  [{ pull: { nosuch: 1 } }, 'pull.nosuch unknown field nosuch; there are image, imagePull'],
  [{ allow: [{ name: 'n', user: [] }] }, 'allow.0.user unknown field user: is users meant?'],
  [{ images: { i: { cmds: [] } } }, 'images.i.cmds unknown field cmds: is cmd meant?'],
  [{ registry: { hosts: { 'a.b': { cA: 'x' } } } }, 'cA unknown field cA: is ca meant?'],
  [{ cacheInvalidation: { authentication: 'none', tokensFile: 'x' } }, 'is tokenFile meant?'],
  [{ allow: [{ groups: [] }] }, 'allow.0.name name is required'],
  [{ profile: 'flyt' }, 'profile must be flyte or native'],
  [{ pull: { variables: 'secrets' } }, 'pull.variables must be launcher, fileKeyRef or secret'],
  [{ profile: 7 }, 'profile must be flyte or native, is a number'],
  [{ listenPort: 'a' }, 'listenPort must be a number, is a string'],
  [{ listenPort: 1.5 }, 'listenPort must be a whole number'],
  [{ listenPort: -1 }, 'listenPort must be 0 or more'],
  [{ registration: { timeoutSeconds: 60 } }, 'registration.timeoutSeconds must be 30 or less'],
  [{ secretManagerTypes: 'AWS' }, 'secretManagerTypes must be a list, is a string'],
  [{ enableHTTP2: 'yes' }, 'enableHTTP2 must be true or false, is a string'],
  [{ namespaceSelector: 1 }, 'namespaceSelector must be an object, is a number'],
  [{ pull: 'x' }, 'pull must be an object, is a string'],
])('%j', (given, words) => {
  const [said = '', ...more] = saidOf(given);
  expect(said).toContain(words);
  expect(more).toEqual([]);
});

describe('what was written is not repeated', () => {
  test.each([
    { profile: 'canary' },
    { listenPort: 'canary' },
    { pull: { variables: 'canary' } },
    { allow: 'canary' },
    { certificates: ['canary'] },
  ])('%j', (given) => {
    expect(saidOf(given)).not.toEqual([]);
    expect(saidOf(given).join()).not.toContain('canary');
  });
});

test('of the section flyteSecrets, too', () => {
  const { problems } = readGlobalSettings({ 'env-prefixes': 'x' });
  expect(problems.map(({ what }) => what)).toEqual([
    'unknown field env-prefixes: is env-prefix meant?',
  ]);
});

test('a name of few characters is not taken for another of few', () => {
  const given = { registry: { hosts: { 'a.b': { x: 1 } } } };
  expect(saidOf(given)[0]).toEndWith('unknown field x; there are ca, plainHttp, tokenHosts');
});

test('a very long name costs nothing', () => {
  expect(saidOf({ ['x'.repeat(100_000)]: 1 })[0]).toEndWith('x');
});
