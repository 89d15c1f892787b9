import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { cloudOf, readAddress } from '../../src/stores/_azure-clouds.ts';

const OWN = { url: 'https://own.vault.azure.net', resource: 'https://vault.azure.net' };
const ID = '0123456789abcdef0123456789abcdef';

const ADDRESSES: readonly (readonly [string, object])[] = [
  ['Db-1', { vault: OWN.url, name: 'Db-1', resource: OWN.resource }],
  [
    'https://a.vault.azure.net/secrets/s',
    { vault: 'https://a.vault.azure.net', resource: OWN.resource },
  ],
  [`https://a.vault.azure.net/secrets/s/${ID}`, { version: ID }],
  ['https://a.vault.azure.net/secrets/s/', { name: 's' }],
  ['https://a.vault.azure.cn/secrets/s', { resource: 'https://vault.azure.cn' }],
  ['https://a.vault.usgovcloudapi.net/secrets/s', { resource: 'https://vault.usgovcloudapi.net' }],
];
describe('a path is the address of a secret', () => {
  test.each([...ADDRESSES])('%s', (path, address) => {
    expect(readAddress(path, OWN)).toMatchObject(address);
  });
});

test('the host that the options name is a vault, whatever it is called', () => {
  const own = { url: 'https://localhost:8443', resource: OWN.resource };
  expect(readAddress('https://localhost:8443/secrets/s', own)).toMatchObject({ vault: own.url });
});

const WRONG: readonly string[] = [
  '',
  'a_b',
  'a'.repeat(128),
  'http://a.vault.azure.net/secrets/s',
  'https://a.vault.azure.net/keys/s',
  'https://a.vault.azure.net/secrets/s/1/2',
  'https://a.vault.azure.net/secrets/s?x=y',
  'https://evil.example/secrets/s',
  'https://vault.azure.net/secrets/s',
  'https://a.b.vault.azure.net/secrets/s',
  'https://avault.azure.net/secrets/s',
  'https://a.vault.azure.net.evil.example/secrets/s',
  'https://a.vault.azure.net@evil.example/secrets/s',
  'https://a.vault.azure.net:8443/secrets/s',
  'https://evil.example#.vault.azure.net/secrets/s',
];
describe('no token goes there', () => {
  test.each([...WRONG])('%s', (path) => expect(typeof readAddress(path, OWN)).toBe('string'));
  test('a bare name where no vault is known', () => {
    expect(readAddress('s', undefined)).toContain('no vault');
  });
});

test('whatever a path is, its host is a vault', () => {
  const host = fc.oneof(fc.domain(), fc.string(), fc.constant('a.vault.azure.net'));
  fc.assert(
    fc.property(host, fc.string(), (where, rest) => {
      const address = readAddress(`https://${where}/secrets/s${rest}`, OWN);
      if (typeof address === 'string') return;
      expect(cloudOf(new URL(address.vault).hostname)).toBeDefined();
    }),
  );
});
