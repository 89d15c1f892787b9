// Files that sops itself wrote, opened with keys that age itself made: test/golden/sops.
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { Decrypter, armor } from 'age-encryption';
import recorded from '../golden/sops/vectors.json' with { type: 'json' };
import { SopsProblem, openSops, readSops } from '../../src/wire/sops.ts';
import type { SopsCryptography, SopsFile, SopsFormat } from '../../src/wire/sops.ts';

const cryptography: SopsCryptography = {
  sha512: (data) => createHash('sha512').update(data).digest(),
  openAesGcm: async ({ key, nonce, aad }, sealed) => {
    const copy = Uint8Array.from(key);
    const gcm = await crypto.subtle.importKey('raw', copy, 'AES-GCM', false, ['decrypt']);
    const facts = {
      name: 'AES-GCM',
      iv: Uint8Array.from(nonce),
      additionalData: Uint8Array.from(aad),
    };
    try {
      return new Uint8Array(await crypto.subtle.decrypt(facts, gcm, Uint8Array.from(sealed)));
    } catch {
      return undefined;
    }
  },
};

type Row = (typeof recorded.rows)[number];

function row(name: string): Row {
  const found = recorded.rows.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no row ${name}`);
  return found;
}

function read({ format, sealed }: Row): SopsFile {
  return readSops(sealed, format as SopsFormat);
}

async function dataKeyOf({ metadata }: SopsFile, which = 0): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(recorded.identities[which] ?? '');
  const sealed = metadata.ageKeys.find((one) => one.recipient === recorded.recipients[which]);
  return decrypter.decrypt(armor.decode(sealed?.enc ?? ''));
}

async function opened(one: Row, which = 0): Promise<Uint8Array> {
  const file = read(one);
  return openSops(file, await dataKeyOf(file, which), cryptography);
}

async function openedText(one: Row): Promise<string> {
  return new TextDecoder().decode(await opened(one));
}

describe(`what ${recorded.source} encrypted opens to what it decrypts`, () => {
  for (const one of recorded.rows) {
    if (one.name.includes('two documents')) continue;
    test(one.name, async () => {
      if (one.format === 'binary') {
        expect(Buffer.from(await opened(one)).toString('base64')).toBe(one.plain);
        return;
      }
      const values: unknown = JSON.parse(await openedText(one));
      expect(values).toEqual(JSON.parse(one.plain));
    });
  }
});

test('each document is a line of JSON', async () => {
  const [first = '', second = '', ...rest] = (await openedText(row('yaml, two documents'))).split(
    '\n',
  );
  expect(rest).toEqual([]);
  expect(JSON.parse(first)).toMatchObject({ kind: 'Secret', stringData: { note: '10' } });
  expect(second).toBe('{"b":1,"a":2}');
});

test('numbers keep all their digits, and members their order', async () => {
  const text = await openedText(row('yaml'));
  expect(text).toContain('"large":9223372036854775807,"negative":-7,"float":1.5,"tiny":0.0000001');
  expect(text).toContain('"empty":"","10":"ten","9":"nine","a":{"b":{"c":"deep"},"1":"x","0":"y"}');
});

test('every recipient opens it', async () => {
  expect(await opened(row('json'), 1)).toEqual(await opened(row('json'), 0));
});

/** What a promise is refused with. */
function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'it opened',
    (error: unknown) => error,
  );
}

/** The row with its text changed. */
function changed(name: string, from: string | RegExp, to: string): Row {
  const one = row(name);
  const sealed = one.sealed.replace(from, to);
  if (sealed === one.sealed) throw new Error(`nothing to change in ${name}`);
  return { ...one, sealed };
}

describe('a file that was changed does not open', () => {
  const REGEX = 'yaml, encrypted_regex';
  const ONLY = `${REGEX}, checksum of encrypted values only`;
  const CHANGED: readonly (readonly [why: string, Row, says: string])[] = [
    ['a value in plain sight', changed(REGEX, 'name: db', 'name: dc'), 'its checksum is another'],
    ['a value taken away', changed('yaml', /^int: .*\n/m, ''), 'its checksum is another'],
    ['a sealed value under another name', changed('yaml', /^int:/m, 'ant:'), 'ant: does not open'],
    [
      'a value that should be sealed',
      changed('yaml', /^int: .*$/m, 'int: abc'),
      'int: does not open',
    ],
    [
      'a number that should be sealed',
      changed('yaml', /^int: .*$/m, 'int: 5'),
      'int: not encrypted',
    ],
    [
      'a sealed value',
      changed('json', /("b": "ENC\[AES256_GCM,data:)../, '$1AA'),
      'b: does not open',
    ],
    [
      'its time',
      changed('json', /("lastmodified": ")..../, '$11999'),
      'its checksum does not open',
    ],
    ['its checksum taken away', changed(ONLY, /^ +mac: .*$/m, '    mac: ""'), 'does not open'],
    [
      'its rule',
      changed(ONLY, 'mac_only_encrypted: true', 'mac_only_encrypted: false'),
      'its checksum is another',
    ],
    [
      'the type of a value',
      changed('yaml', /(^text: .*)type:str/m, '$1type:int'),
      'text: of no type',
    ],
  ];
  test.each([...CHANGED])('%s', async (_, one, says) => {
    expect(String(await failure(opened(one)))).toContain(says);
  });

  test('but what the checksum leaves out may change', async () => {
    const text = await openedText(changed(ONLY, 'name: db', 'name: dc'));
    expect(text).toContain('"name":"dc"');
  });

  test('another data key opens nothing', async () => {
    const key = new Uint8Array(32);
    const error = await failure(openSops(read(row('json')), key, cryptography));
    expect(error).toBeInstanceOf(SopsProblem);
  });
});

describe('no file of sops', () => {
  const NONE: readonly (readonly [string, SopsFormat, string])[] = [
    ['a: 1', 'tree', 'no sops metadata'],
    ['', 'tree', 'no sops metadata'],
    ['sops: 1', 'tree', 'no sops metadata'],
    ['sops: {}', 'tree', 'no lastmodified'],
    ['- a', 'tree', 'no mapping'],
    ['{"data": "x"}', 'binary', 'no sops metadata'],
    ['A=1', 'dotenv', 'no sops metadata'],
    ['A', 'dotenv', 'a line is no NAME=value'],
    ['sops: {key_groups: [], lastmodified: x}', 'tree', 'key groups'],
    ['sops: {encrypted_regex: "(", lastmodified: x}', 'tree', 'encrypted_regex'],
  ];
  test.each([...NONE])('%j as %s', (text, format, says) => {
    expect(() => readSops(text, format)).toThrow(says);
  });
});

test('other kinds of keys are named', () => {
  const text = 'sops: {lastmodified: x, pgp: [{fp: a}], kms: [], hc_vault: [{}]}';
  expect(readSops(text, 'tree').metadata.otherKeys).toEqual(['hc_vault', 'pgp']);
});

test('nothing that was sealed stands in an error', async () => {
  const secrets = ['plain words', 'deep', 'path:with:colons'];
  for (const at of ['text', 'int', 'unicode', 'multi', 'yes_text']) {
    const one = changed('yaml', new RegExp(`^${at}: (.*)type:`, 'm'), `${at}_: $1type:`);
    const error = await failure(opened(one));
    expect(error).toBeInstanceOf(SopsProblem);
    for (const secret of secrets) expect(String(error)).not.toContain(secret);
  }
});
