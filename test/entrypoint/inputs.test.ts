import { describe, expect, test } from 'bun:test';
import { readManifests, readProblem, readSettingsFile } from '../../src/entrypoint/inputs.ts';
import { FsError } from '../../src/core/io/types.ts';
import type { FakeOutside } from '../support/fake-io.ts';
import { fakeIo } from '../support/fake-io.ts';

const pod = (name: string): string => `{kind: Pod, metadata: {name: ${name}}}`;

function read(names: readonly string[], outside: FakeOutside): string[] {
  const { documents, problems } = readManifests(fakeIo(outside), names);
  const found = documents.map(({ value, source }) => {
    const { metadata } = value as { metadata: { name: string } };
    const { line, column } = source.locate(['kind']);
    return `${metadata.name} of ${source.name}:${line}:${column}`;
  });
  return [...found, ...problems.map((one) => `${one.code} ${one.message}`)];
}

describe('manifests', () => {
  test('files in the order given, documents in theirs', () => {
    const files = { b: `${pod('b1')}\n---\n${pod('b2')}`, a: pod('a') };
    expect(read(['b', 'a', 'b'], { files })).toEqual([
      'b1 of b:1:8',
      'b2 of b:3:8',
      'a of a:1:8',
      'b1 of b:1:8',
      'b2 of b:3:8',
    ]);
  });

  test('standard input', () => {
    expect(read(['-'], { stdin: pod('s') })).toEqual(['s of standard input:1:8']);
    expect(read(['-'], { stdin: '' })).toEqual([]);
  });

  test('a folder: its YAML and JSON sorted by name, folders below too, nothing else', () => {
    const files = {
      'd/b.yml': pod('b'),
      'd/a.yaml': pod('a'),
      'd/c/x.json': '{"kind":"Pod","metadata":{"name":"x"}}',
      'd/readme.md': '#',
      'd/z.yaml.bak': 'x',
      'd/e': null,
    };
    const wanted = ['a of d/a.yaml:1:8', 'b of d/b.yml:1:8', 'x of d/c/x.json:1:9'];
    expect(read(['d'], { files })).toEqual(wanted);
    expect(read(['d/'], { files })).toEqual(wanted);
  });

  test('a mounted ConfigMap: each file once, through the links beside ..data', () => {
    const files = {
      'm/..2026_1/a.yaml': pod('a'),
      'm/..data': '-> m/..2026_1',
      'm/a.yaml': '-> m/..data/a.yaml',
    };
    expect(read(['m'], { files })).toEqual(['a of m/a.yaml:1:8']);
  });

  test('hidden entries and links to folders are left out: no circles', () => {
    const files = {
      'd/.git/x.yaml': 'no kind',
      'd/.hidden.yaml': 'no kind',
      'd/self': '-> d',
      'd/a.yaml': pod('a'),
    };
    expect(read(['d'], { files })).toEqual(['a of d/a.yaml:1:8']);
    expect(read(['d/self'], { files })).toEqual(['a of d/self/a.yaml:1:8']);
  });

  test('more than 10,000 manifests in a folder are refused', () => {
    const files = Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`d/${n}.yaml`, '']));
    const io = fakeIo({ files });
    const flat = {
      ...io,
      fs: {
        ...io.fs,
        list: () => Object.keys(files).map((one) => one.slice(2)),
        stat: () => undefined,
        statThrough: (path: string) =>
          path === 'd'
            ? io.fs.stat('d/0.yaml') && {
                kind: 'dir' as const,
                mode: 0,
                uid: 0,
                gid: 0,
                size: 0,
                inode: 0,
                bornMs: 0,
                device: 0,
              }
            : undefined,
      },
    };
    const { problems } = readManifests(flat, ['d']);
    expect(problems.map((one) => one.message)).toEqual([
      'd: has 10001 manifests, at most 10000 are read',
    ]);
  });

  test('every file that cannot be read is told, in one go', () => {
    const files = { bad: 'a: 1\n\tb: 2', good: pod('g'), 'd/x.yaml': '[' };
    expect(read(['nope', 'bad', 'good', 'd'], { files })).toEqual([
      'g of good:1:8',
      'BH_ERR_INPUT_READ nope: there is no such file',
      expect.stringMatching(/^BH_ERR_YAML bad:2:1: /) as unknown as string,
      expect.stringMatching(/^BH_ERR_YAML d\/x\.yaml:2:1: /) as unknown as string,
    ]);
  });
});

describe('bellhop.yaml', () => {
  const settings = async (
    text: string | undefined,
    name: string | undefined = 'b',
  ): Promise<string[]> => {
    const files = text === undefined ? {} : { b: text };
    const { settings: given, problems } = await readSettingsFile(fakeIo({ files }), name);
    return problems.length === 0
      ? [given.apiVersion]
      : problems.map((one) => `${one.code} ${one.message}`);
  };
  test('is read', async () => {
    expect(await settings('apiVersion: bellhop/v1')).toEqual(['bellhop/v1']);
    const none = await readSettingsFile(fakeIo({}), undefined);
    expect(none).toEqual({ settings: { apiVersion: 'bellhop/v1' }, problems: [] });
  });
  test.each<[string, string | undefined, string]>([
    ['empty', '', 'BH_ERR_SETTINGS b: is empty'],
    ['only a comment', '# x\n', 'BH_ERR_SETTINGS b: is empty'],
    ['two documents', 'a: 1\n---\nb: 2', 'BH_ERR_SETTINGS b: has several documents, one is wanted'],
    ['no YAML', '"', 'BH_ERR_YAML b:1:1: '],
    ['not there', undefined, 'BH_ERR_INPUT_READ b: there is no such file'],
    ['a wrong field', 'apiVersion: bellhop/v1\nx: 1', 'BH_ERR_SETTINGS b:2:4, x: unknown field x'],
  ])('%s', async (_name, text, wanted) => {
    const [first = '', ...more] = await settings(text);
    expect([first.slice(0, wanted.length), more]).toEqual([wanted, []]);
  });
});

test.each([
  [undefined, 'plan.json: has more than 33554432 bytes'],
  [64, 'plan.json: has more than 64 bytes'],
])('a file over the limit of its reader (%j) is told with that limit', (bytesMax, wanted) => {
  expect(readProblem(new FsError('EFBIG', '', 'read'), 'plan.json', bytesMax).message).toBe(wanted);
});
