import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { awsXmlError, xmlText, xmlTexts } from '../../src/wire/xml-text.ts';

const ASSUMED = `<?xml version="1.0"?>
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><!-- <Credentials> -->
  <AssumeRoleResult>
    <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/a/b</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>a/b+c&amp;&lt;&#x3D;&#61;</SecretAccessKey>
      <SessionToken><![CDATA[x<y>&amp;]]></SessionToken>
      <Expiration>2026-01-01T00:00:00Z</Expiration>
    </Credentials>
  </AssumeRoleResult>
</AssumeRoleResponse>`;

describe('the text of an element', () => {
  const CASES: readonly (readonly [string, string[], string | undefined])[] = [
    ['by its path', ['Credentials', 'AccessKeyId'], 'ASIA1'],
    [
      'by its whole path',
      ['AssumeRoleResponse', 'AssumeRoleResult', 'AssumedRoleUser', 'Arn'],
      'arn:aws:sts::1:assumed-role/a/b',
    ],
    ['with entities', ['Credentials', 'SecretAccessKey'], 'a/b+c&<=='],
    ['from CDATA', ['Credentials', 'SessionToken'], 'x<y>&amp;'],
    ['elsewhere is not meant', ['AssumedRoleUser', 'AccessKeyId'], undefined],
    ['that is not there', ['Nothing'], undefined],
  ];
  test.each([...CASES])('%s', (_, path, text) => expect(xmlText(ASSUMED, path)).toBe(text));

  test('several in their order, empty ones too', () => {
    const xml = '<L><C><K>a</K></C><C><K/></C><C><K a=">">&#128512;&eacute;</K></C></L>';
    expect(xmlTexts(xml, ['C', 'K'])).toEqual(['a', '', '😀&eacute;']);
  });
});

describe('an error', () => {
  test('of S3', () => {
    const xml = '<Error><Code>NoSuchKey</Code><Message>it&apos;s not</Message></Error>';
    expect(awsXmlError(xml)).toEqual({ code: 'NoSuchKey', message: "it's not" });
  });
  test('of STS', () => {
    const xml =
      '<ErrorResponse xmlns="x"><Error><Type>Sender</Type><Code>ExpiredToken</Code></Error></ErrorResponse>';
    expect(awsXmlError(xml)).toEqual({ code: 'ExpiredToken', message: '' });
  });
  const NONE = [
    '',
    'upstream failure',
    '<html><p>no</p></html>',
    '<Error><Code>a</Code>',
    '<Error><Code>a</Cod',
  ];
  test.each(NONE)('is not %j', (text) => expect(awsXmlError(text)).toBeUndefined());
});

test('any text comes back from an element', () => {
  const escape = (text: string): string =>
    text.replace(/[<&>"]/g, (one) => `&#${one.charCodeAt(0)};`);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(xmlText(`<A><B x="1">${escape(text)}</B></A>`, ['A', 'B'])).toBe(text);
    }),
    { seed: 1 },
  );
});

test('any text is read without a failure', () => {
  const part = fc.constantFrom(
    '<A>',
    '</A>',
    '<A/>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '"',
    '&',
    'a',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      expect(Array.isArray(xmlTexts(parts.join(''), ['A']))).toBe(true);
    }),
    { seed: 1 },
  );
});
