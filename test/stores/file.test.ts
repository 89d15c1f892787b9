// The store `file`: what documents and folders give, plain or sealed by sops itself.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Answer } from '../../src/stores/_store.ts';
import sops from '../golden/sops/vectors.json' with { type: 'json' };
import type { Surroundings } from '../support/real-store.ts';
import { openReal } from '../support/real-store.ts';
import { shown as shownAnswer } from '../support/shown.ts';

const CANARY = 'canary-51d0';
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-file-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => path.join(folder, name);
const write = (name: string, content: string | Uint8Array): void => {
  mkdirSync(path.dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content);
};

/** As tests compare it, and no problem has told a value. */
function shown(answer: Answer | undefined): unknown {
  if (answer?.kind === 'failed') expect(answer.problem.message).not.toContain(CANARY);
  return shownAnswer(answer);
}

async function answers(options: object, paths: readonly string[], around: Surroundings = {}) {
  const opened = await openReal({ kind: 'file', ...options }, around);
  return opened.fetch(...paths);
}

async function ask(options: object, paths: readonly string[], around: Surroundings = {}) {
  return (await answers(options, paths, around)).map(shown);
}

async function problemOf(options: object, around: Surroundings = {}): Promise<string> {
  const [answer] = await answers(options, ['x'], around);
  return answer?.kind === 'failed' ? answer.problem.message : String(answer?.kind);
}

const YAML = `# a comment
db:
  password: "q\\"<&\\n\\u20ac"
  port: 5432
  ratio: 1.0
  big: 9007199254740993
  pin: 0400
  under: 1_000
  country: NO
  flag: true
  other: off
  none: null
  empty: ''
  hex: 0x1F
  list: [1, 0x10, { a: 1.50, b: [yes, "no"] }]
  again: &n 0017
  same: *n
  tagged: !!int 7
text: |
  two
  lines
"odd/name": 1
keys: { no: a, on: b, y: c, NO: d, 1.50: e, 010: f }
`;

describe('a YAML document', () => {
  write('app.yaml', YAML);
  test.each([
    ['db/password', Buffer.from('q"<&\n€').toString('latin1')],
    ['db/port', '5432'],
    ['db/ratio', '1.0'],
    ['db/big', '9007199254740993'],
    ['db/pin', '0400'],
    ['db/under', '1_000'],
    ['db/country', 'NO'],
    ['db/flag', 'true'],
    ['db/other', 'off'],
    ['db/none', 'null'],
    ['db/empty', ''],
    ['db/hex', '0x1F'],
    ['db/list', '[1,"0x10",{"a":1.50,"b":["yes","no"]}]'],
    ['db/tagged', '7'],
    ['db/same', '15'],
    ['text', 'two\nlines\n'],
    ['keys/no', 'a'],
    ['keys/on', 'b'],
    ['keys/y', 'c'],
    ['keys/NO', 'd'],
    ['keys/1.50', 'e'],
    ['keys/010', 'f'],
    ['keys/false', 'absent'],
    ['keys', '{"no":"a","on":"b","y":"c","NO":"d","1.50":"e","010":"f"}'],
    ['db/nosuch', 'absent'],
    ['text/below', 'absent'],
    ['constructor', 'absent'],
  ])('%s', async (wanted, expected) => {
    expect(await ask({ file: at('app.yaml') }, [wanted])).toEqual([expected]);
  });
  test('an object is JSON, whose members are what their own paths give', async () => {
    const [whole, db] = await ask({ file: at('app.yaml') }, ['.', 'db']);
    const parsed = JSON.parse(Buffer.from(String(db), 'latin1').toString()) as object;
    expect(JSON.parse(Buffer.from(String(whole), 'latin1').toString())).toHaveProperty(
      'db',
      parsed,
    );
    expect(parsed).toMatchObject({ pin: '0400', port: 5432, country: 'NO', flag: true });
    expect(String(db)).toContain('"big":9007199254740993,');
  });
});

describe('other documents', () => {
  test('JSON: values are the source text, strings without quotes', async () => {
    write('a.json', '{ "a": {"b": 1.0, "s": "x\\ny", "l": [ 1, 2 ] }, "n": 9007199254740993 }');
    expect(await ask({ file: at('a.json') }, ['a/b', 'a/s', 'a', 'n', 'a/z', 'a/b/c'])).toEqual([
      '1.0',
      'x\ny',
      '{"b":1.0,"s":"x\\ny","l":[1,2]}',
      '9007199254740993',
      'absent',
      'absent',
    ]);
  });
  test('.env: a name, or all of them', async () => {
    write('.env.local', 'A=1\nB="x y" # c\n');
    expect(await ask({ file: at('.env.local') }, ['B', '.', 'C'])).toEqual([
      'x y',
      { A: '1', B: 'x y' },
      'absent',
    ]);
    expect(await ask({ file: at('.env.local'), format: 'yaml' }, ['B'])).toEqual(['BH_ERR_VALUE']);
  });
  test.each([
    ['k.json', '{"a": "1", "db": {"p": 2}}'],
    ['k.yaml', 'a: 1\ndb: { p: 1 }\n'],
    ['k.env', 'a=1\ndb=2\n'],
  ])('%s: what is missing is named with what is there', async (name, content) => {
    write(name, content.replaceAll('1', CANARY));
    const [answer] = await answers({ file: at(name) }, ['nope']);
    const what = 'there is no member nope; keys there: a, db';
    expect(answer).toEqual({ kind: 'absent', what });
  });
  test('of many keys a few are named; below a list there are none', async () => {
    const many = Array.from({ length: 60 }, (_, n) => [`key-${n}`, [n]]);
    write('many.json', JSON.stringify(Object.fromEntries(many)));
    const [top, below] = await answers({ file: at('many.json') }, ['nope', 'key-1/nope']);
    expect(top?.kind === 'absent' && top.what.match(/key-/g)?.length).toBe(20);
    expect(top).toMatchObject({ what: expect.stringContaining('… (60)') });
    expect(below).toMatchObject({ what: 'there is no member nope; it has no keys' });
  });
  test('a document that is not there has nothing', async () => {
    expect(await ask({ file: at('nosuch.json') }, ['a', '.'])).toEqual(['absent', 'absent']);
  });
  test.each([
    ['a pipe is not waited for', 'mkfifo pipe.json', 'BH_ERR_SETTINGS'],
    ['a link to itself is not read', 'ln -s loop.json loop.json', 'BH_ERR_SETTINGS'],
    ['what is too long is not read', 'truncate -s 17M long.json', 'BH_ERR_VALUE'],
  ])('%s: no outage', async (_, command, code) => {
    expect(Bun.spawnSync(command.split(' '), { cwd: folder }).exitCode).toBe(0);
    expect(await ask({ file: at(command.split(' ').at(-1) ?? '') }, ['a'])).toEqual([code]);
  });
  test.each([
    ['cut.json', `{"a": "${CANARY}`],
    ['cut.yaml', `a: "${CANARY}`],
    ['two.yaml', `a: 1\n---\na: ${CANARY}`],
    ['prose.env', `${CANARY} is none`],
    ['bytes.json', Buffer.from([0x22, 0xff, 0x22])],
  ])('%s is BH_ERR_VALUE, and the message has nothing of it', async (name, content) => {
    write(name, content);
    expect(await ask({ file: at(name) }, ['a'])).toEqual(['BH_ERR_VALUE']);
  });
  test.each([
    [{}],
    [{ folder: '/a', file: '/b.json' }],
    [{ file: 'relative.json' }],
    [{ file: '/a.txt' }],
  ])('options %j are refused', async (options) => {
    const opened = openReal({ kind: 'file', ...options });
    expect(await opened.catch((error: unknown) => error)).toHaveProperty('code', 'BH_ERR_SETTINGS');
  });
});

describe(`sealed by ${sops.source}`, () => {
  const [identity = '', other = ''] = sops.identities;
  const env = { SOPS_AGE_KEY: `# a key\n${identity}\n` };
  const endings = { tree: '.yaml', dotenv: '.env', binary: '' } as const;
  const row = (name: string) => {
    const found = sops.rows.find((one) => one.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };

  test.each(sops.rows.filter((one) => one.name !== 'yaml, two documents').map((one) => [one.name]))(
    '%s: in a folder it is its content',
    async (name) => {
      const { format, sealed, plain } = row(name);
      const file = `s/${name.replaceAll(/\W+/g, '-')}${endings[format as keyof typeof endings]}`;
      write(file, sealed);
      const [answer] = await ask({ folder }, [file], { env });
      const text = Buffer.from(String(answer), 'latin1');
      if (format === 'binary') expect(text.toString('base64')).toBe(plain);
      else expect(JSON.parse(text.toString())).toEqual(JSON.parse(plain));
    },
  );

  /** Two whole values, each in the other's place. */
  const swapped = (text: string): string => {
    const [one = '', two = ''] = text.match(/(?<=^\S+: )ENC\[AES256_GCM,.*type:str\]$/gm) ?? [];
    return text.replace(one, '@').replace(two, one).replace('@', two);
  };
  const sealed = row('yaml').sealed;
  const [first = ''] = Object.keys(JSON.parse(row('yaml').plain) as object);
  write('sealed/db.yaml', sealed);
  const options = { file: at('sealed/db.yaml') };

  test('the members of a sealed document are values', async () => {
    const expected = (JSON.parse(row('yaml').plain) as Record<string, unknown>)[first];
    const [answer] = await ask(options, [first], { env });
    const text = Buffer.from(String(answer), 'latin1').toString();
    expect(text).toBe(typeof expected === 'string' ? expected : JSON.stringify(expected));
  });

  test.each(['ageKey', 'ageKeyFile', 'SOPS_AGE_KEY_FILE', 'XDG_CONFIG_HOME', 'HOME'])(
    'the identity comes from %s, auth: age',
    async (place) => {
      write('keys.txt', `# created: now\n${other}\n${identity}\n`);
      write('config/sops/age/keys.txt', identity);
      write('home/.config/sops/age/keys.txt', identity);
      const given: Readonly<Record<string, [object, Record<string, string>]>> = {
        ageKey: [{ ageKey: 'vars:KEY' }, { KEY: identity }],
        ageKeyFile: [{ ageKeyFile: at('keys.txt') }, {}],
        SOPS_AGE_KEY_FILE: [{}, { SOPS_AGE_KEY_FILE: at('keys.txt') }],
        XDG_CONFIG_HOME: [{}, { XDG_CONFIG_HOME: at('config') }],
        HOME: [{}, { HOME: at('home') }],
      };
      const [more = {}, variables = {}] = given[place] ?? [];
      const around = { env: variables, stores: { vars: { kind: 'env' } } };
      expect(await ask({ ...options, ...more }, [first], around)).not.toEqual([
        'BH_ERR_CREDENTIALS',
      ]);
    },
  );

  test('without an identity that fits: who it is sealed for, and where was looked', async () => {
    const said = await problemOf(options, { env: { HOME: '/nosuch' } });
    for (const recipient of sops.recipients) expect(said).toContain(recipient);
    expect(said).toContain('0 age identities in /nosuch/.config/sops/age/keys.txt (ENOENT)');
    const stranger = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX';
    const strange = await problemOf(options, { env: { SOPS_AGE_KEY: stranger } });
    expect(strange).toContain('1 age identity in SOPS_AGE_KEY');
    expect(strange).not.toContain(stranger.slice(0, 20));
    const broken = await ask(options, ['x'], {
      env: { SOPS_AGE_KEY: `AGE-SECRET-KEY-1${CANARY}` },
    });
    expect(broken).toEqual(['BH_ERR_CREDENTIALS']);
    expect(await ask({ ...options, ageKeyFile: '/nosuch' }, ['x'])).toEqual(['BH_ERR_CREDENTIALS']);
    const env = { SOPS_AGE_KEY_CMD: CANARY, SOPS_AGE_SSH_PRIVATE_KEY_FILE: '/ssh' };
    const unread = await problemOf(options, { env });
    expect(unread).toContain('SOPS_AGE_KEY_CMD (bellhop runs no commands)');
    expect(unread).toContain('SOPS_AGE_SSH_PRIVATE_KEY_FILE (keys of SSH are not supported)');
    expect(unread).not.toContain(CANARY);
  });

  test('a file for other services only names them', async () => {
    const pgp = sealed.replace(/^ {4}age:\n(?: {8}.*\n)+/m, '    pgp:\n        - fp: ABCD\n');
    write('pgp.yaml', pgp);
    expect(await problemOf({ file: at('pgp.yaml') }, { env })).toContain('for keys of pgp; 1 age');
  });

  test.each([
    ['a value was changed', (text: string) => text.replace(/(: ENC\[AES256_GCM,data:)./, '$1!')],
    ['values were swapped', swapped],
    ['a member was renamed', (text: string) => text.replace(first, 'renamed')],
    ['a member was added', (text: string) => `added_unencrypted: 1\n${text}`],
    ['the file was cut off', (text: string) => text.slice(0, text.indexOf('\nsops:'))],
    ['the checksum is missing', (text: string) => text.replace(/^ {4}mac: .*\n/m, '')],
  ])('%s: BH_ERR_VALUE, and nothing of it is delivered', async (_, change) => {
    write('changed.yaml', change(sealed));
    expect(change(sealed)).not.toBe(sealed);
    expect(await ask({ file: at('changed.yaml') }, [first], { env })).toEqual(['BH_ERR_VALUE']);
    expect(await ask({ folder }, ['changed.yaml'], { env })).toEqual(['BH_ERR_VALUE']);
  });

  test('`sops: leave` delivers it as it is', async () => {
    expect(await ask({ folder, sops: 'leave' }, ['sealed/db.yaml'])).toEqual([sealed]);
    expect(await ask({ folder, sops: 'leave' }, ['sealed'])).toEqual([{ 'db.yaml': sealed }]);
    expect(await ask({ folder }, ['sealed'], { env: {} })).toEqual(['BH_ERR_CREDENTIALS']);
  });
});
