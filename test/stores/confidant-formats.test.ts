// What confidant-client makes of a service, byte for byte: test/golden/confidant.
import { describe, expect, test } from 'bun:test';
import { combinedText, exportedVariables } from '../../src/wire/confidant-formats.ts';
import type { OpenedService } from '../../src/wire/confidant-formats.ts';
import type { Json } from '../../src/wire/confidant.ts';
import {
  isJsonObject,
  pairBytes,
  pairsOf,
  readJsonText,
  readService,
  tokenText,
  tokenTimes,
} from '../../src/wire/confidant.ts';
import { unescapeMarkup } from '../../src/wire/html-escape.ts';
import recorded from '../golden/confidant/vectors.json' with { type: 'json' };

const plain = { htmlEscape6x: false };

/** The recorded service, its blind credentials as they were opened at the time. */
function opened(text: string): OpenedService {
  const service = readService(text, plain);
  const document = readJsonText(text);
  if (service === undefined || !isJsonObject(document)) throw new Error('no service');
  const { blind_credentials: all } = document;
  const pairs = (Array.isArray(all) ? all : []).map((one: Json) => {
    return pairsOf(isJsonObject(one) ? one['decrypted_credential_pairs'] : undefined);
  });
  const blind = service.blind.map((one, index) => ({ ...one, pairs: pairs[index] ?? new Map() }));
  return { ...service, blind };
}

describe(`as ${recorded.source} has it`, () => {
  for (const { name, service, combined, env } of recorded.rows) {
    test(`${name}: credential_combined`, () => {
      expect(combinedText(opened(service))).toBe(combined);
    });
    if (env === null) continue;
    test(`${name}: env_export, in a shell`, () => {
      const found = exportedVariables(opened(service), recorded.prefix);
      const texts = [...found].map(([key, value]) => [
        key,
        Buffer.from(pairBytes(value)).toString(),
      ]);
      expect(Object.fromEntries(texts)).toEqual(env as Record<string, string>);
    });
  }
});

test('another prefix, in capitals', () => {
  const service = opened(recorded.rows.find((one) => one.name === 'one')?.service ?? '');
  expect([...exportedVariables(service, 'my_').keys()]).toEqual(['MY_API_KEY']);
});

describe('a service', () => {
  const pairs = '{"n":1.0,"big":12345678901234567890,"b":true,"s":"1"}';
  const text = (one: string) =>
    `{"credentials":[{"id":"1","name":"c","credential_pairs":${one}}],"blind_credentials":[]}`;

  test('numbers keep their digits', () => {
    const [credential] = readService(text(pairs), plain)?.credentials ?? [];
    const values = [...(credential?.pairs.values() ?? [])].map(pairBytes);
    expect(values.map((one) => Buffer.from(one).toString())).toEqual([
      '1.0',
      '12345678901234567890',
      'true',
      '1',
    ]);
  });
  test.each([
    ['{}'],
    ['{"credentials":[1],"blind_credentials":[]}'],
    ['{"credentials":{},"blind_credentials":[]}'],
    ['{"credentials":[],"blind_credentials":[{"id":"1","name":"b"}]}'],
    [text('{"a":["nested"]}')],
    [text('null')],
    [text(pairs).slice(0, -1)],
  ])('%s is none', (other) => {
    expect(readService(other, plain)).toBeUndefined();
  });
});

test('values are unescaped once, and only where the settings say so', () => {
  const escaped = '&lt;a href=&#34;x&#34;&gt;&amp;#34; &amp;amp; &#39;&quot;';
  expect(unescapeMarkup(escaped)).toBe(`<a href="x">&#34; &amp; '&quot;`);
  const text = `{"credentials":[{"id":"1","name":"c","credential_pairs":{"a":"&lt;"}}]}`;
  const read = (htmlEscape6x: boolean) =>
    readService(text, { htmlEscape6x })?.credentials[0]?.pairs.get('a');
  expect([read(true), read(false)]).toEqual(['<', '&lt;']);
});

test('a token begins 3 minutes ago, which are part of its lifetime', () => {
  const times = tokenTimes(Date.UTC(2026, 0, 1, 12, 3, 0, 999), 10);
  expect(tokenText(times)).toBe('{"not_before":"20260101T120000Z","not_after":"20260101T121000Z"}');
});
