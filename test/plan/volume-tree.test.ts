import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Sealed } from '../../src/core/sealed.ts';
import type { Payload, VolumeRules, VolumeTree } from '../../src/plan/volume-tree.ts';
import { rootMode, versionName, volumeTree } from '../../src/plan/volume-tree.ts';

const VERSION = '..2026_11_21_08_42_09.1';
const PLAIN: VolumeRules = { medium: 'memory', readOnly: true };

const payload = (path: string, mode = 0o644, uid?: number): Payload => ({
  path,
  mode,
  ...(uid === undefined ? {} : { uid }),
  content: new Sealed(new TextEncoder().encode(path)),
});

function tree(payloads: readonly Payload[], rules = PLAIN): VolumeTree {
  const made = volumeTree(payloads, rules, VERSION);
  if (!('inside' in made)) throw new Error(made.map((one) => one.message).join('\n'));
  return made;
}

/** `ls -lR` of a tree, sorted. */
function listing({ root, inside, links, dataLink }: VolumeTree): string[] {
  const lines = [`. ${root.mode.toString(8)} ${root.owner.uid}:${root.owner.gid}`];
  for (const entry of inside) {
    if (entry.kind === 'link') continue;
    lines.push(
      `${entry.kind} ${entry.path} ${entry.mode.toString(8)} ${entry.owner.uid}:${entry.owner.gid}`,
    );
  }
  for (const link of [...links, dataLink])
    lines.push(`${link.path} -> ${link.target} ${link.owner.uid}:${link.owner.gid}`);
  return lines.toSorted();
}

describe("the kubelet's tree", () => {
  test('files, folders, one link for each first element', () => {
    expect(
      listing(tree([payload('plain'), payload('deep/er/p', 0o400), payload('deep/q')])),
    ).toEqual([
      '. 1777 0:0',
      `..data -> ${VERSION} 0:0`,
      'deep -> ..data/deep 0:0',
      'dir  755 0:0',
      'dir deep 755 0:0',
      'dir deep/er 755 0:0',
      'file deep/er/p 400 0:0',
      'file deep/q 644 0:0',
      'file plain 644 0:0',
      'plain -> ..data/plain 0:0',
    ]);
  });

  test('fsGroup: group and bits of files, folders, root and links', () => {
    const rules: VolumeRules = { ...PLAIN, fsGroup: 2000 };
    expect(
      listing(tree([payload('a/b', 0o400), payload('x', 0), payload('t', 0o600, 1000)], rules)),
    ).toEqual([
      '. 3777 0:2000',
      `..data -> ${VERSION} 0:2000`,
      'a -> ..data/a 0:2000',
      'dir  2755 0:2000',
      'dir a 2755 0:2000',
      'file a/b 440 0:2000',
      'file t 640 1000:2000',
      'file x 440 0:2000',
      't -> ..data/t 0:2000',
      'x -> ..data/x 0:2000',
    ]);
  });

  test('nothing to show: an empty folder and ..data', () => {
    expect(listing(tree([]))).toEqual(['. 1777 0:0', `..data -> ${VERSION} 0:0`, 'dir  755 0:0']);
  });

  test.each<[VolumeRules, number]>([
    [{ medium: 'memory', readOnly: true }, 0o1777],
    [{ medium: 'disk', readOnly: true }, 0o777],
    [{ medium: 'memory', readOnly: true, fsGroup: 0 }, 0o3777],
    [{ medium: 'disk', readOnly: true, fsGroup: 5 }, 0o2777],
    [{ medium: 'memory', readOnly: false, fsGroup: 5 }, 0o3777],
    [{ medium: 'disk', readOnly: false, fsGroup: 5 }, 0o2777],
  ])('the root of %o', (rules, mode) => {
    expect(rootMode(rules).toString(8)).toBe(mode.toString(8));
  });

  test('of two payloads with one path the later wins, also when written in other ways', () => {
    const files = tree([
      payload('a', 0o400),
      payload('./a', 0o440),
      payload('b//c'),
      payload('b/./c', 0o111),
    ]).inside.filter((one) => one.kind === 'file');
    expect(files.map((one) => [one.path, one.mode.toString(8)])).toEqual([
      ['a', '440'],
      ['b/c', '111'],
    ]);
  });

  test.each<[string, string[], string]>([
    ['/a', ['/a'], 'must be a relative path'],
    ['a climb', ['a/../../b'], "must not contain '..'"],
    ['..data itself', ['..data'], "must not start with '..'"],
    ['nothing', [''], 'must name a file'],
    ['a dot', ['./.'], 'must name a file'],
    ['a NUL', ['a\0'], 'must not contain a NUL byte'],
    ['an element of 256 bytes', ['é'.repeat(128)], 'must have no element of more than 255 bytes'],
    ['a path of 4097 bytes', [`${'a/'.repeat(2048)}b`], 'must be no more than 4096 bytes'],
    ['a file that is a folder', ['a', 'a/b'], 'is both a file and a folder'],
    ['the same the other way round', ['a/b/c', 'a/b'], 'is both a file and a folder'],
  ])('%s is refused', (_name, paths, what) => {
    const made = volumeTree(
      paths.map((path) => payload(path)),
      PLAIN,
      VERSION,
    );
    expect('inside' in made ? [] : made.map((one) => [one.code, one.what])).toEqual([
      ['BH_ERR_VALUE', what],
    ]);
  });

  test('an element of 255 bytes and a path of 4096 are taken', () => {
    expect(
      tree([payload('a'.repeat(255)), payload(`${'b/'.repeat(2047)}cc`)]).inside.length,
    ).toBeGreaterThan(2000);
  });

  test('names of versions are UTC and a number without padding', () => {
    expect(versionName(Date.UTC(2026, 10, 21, 8, 42, 9, 999), 33_691_685)).toBe(
      '..2026_11_21_08_42_09.33691685',
    );
    expect(versionName(0, 7)).toBe('..1970_01_01_00_00_00.7');
  });
});

// The slow and obvious model: a file system as nested maps, written payload by payload, then looked
// at through the links as a program would.

type Node = Map<string, Node> | Payload;

function write(root: Map<string, Node>, steps: readonly string[], one: Payload): boolean {
  const [first = '', ...rest] = steps;
  const there = root.get(first);
  if (rest.length === 0) {
    if (there instanceof Map) return false;
    root.set(first, one);
    return true;
  }
  if (there !== undefined && !(there instanceof Map)) return false;
  const folder = there ?? new Map<string, Node>();
  root.set(first, folder);
  return write(folder, rest, one);
}

function walk(root: Map<string, Node>, prefix: string, found: Map<string, string>): void {
  for (const [name, node] of root) {
    if (node instanceof Map) {
      found.set(`${prefix}${name}`, 'dir');
      walk(node, `${prefix}${name}/`, found);
    } else found.set(`${prefix}${name}`, `file ${node.mode.toString(8)} ${node.content.bytes}`);
  }
}

test('any payloads look through the links as written one by one into a file system', () => {
  const step = fc.constantFrom('a', 'b', 'c', '.x', '...', 'é');
  const path = fc
    .array(step, { minLength: 1, maxLength: 4 })
    .map((steps) => steps.join('/'))
    .filter((one) => !one.startsWith('..'));
  const payloads = fc.array(fc.tuple(path, fc.integer({ min: 0, max: 0o777 })), { maxLength: 8 });
  fc.assert(
    fc.property(payloads, (list) => {
      const given = list.map(([at, mode]) => payload(at, mode));
      const made = volumeTree(given, PLAIN, VERSION);
      const model = new Map<string, Node>();
      const fits = given.every((one) => write(model, one.path.split('/'), one));
      expect('inside' in made).toBe(fits);
      if (!('inside' in made)) return;
      const wanted = new Map<string, string>();
      walk(model, '', wanted);
      const seen = new Map<string, string>();
      for (const entry of made.inside) {
        if (entry.kind === 'dir' && entry.path !== '') seen.set(entry.path, 'dir');
        if (entry.kind === 'file')
          seen.set(entry.path, `file ${entry.mode.toString(8)} ${entry.content.bytes}`);
      }
      const lines = (map: ReadonlyMap<string, string>): string[] =>
        [...map].map(([at, what]) => `${at}: ${what}`).toSorted();
      expect(lines(seen)).toEqual(lines(wanted));
      expect(made.links.map((one) => `${one.path} ${one.target}`).toSorted()).toEqual(
        [...model.keys()].map((top) => `${top} ..data/${top}`).toSorted(),
      );
      // Parents come before what is in them.
      const order = made.inside.map((one) => one.path);
      for (const [index, one] of order.entries()) {
        const parent = one.includes('/') ? one.slice(0, one.lastIndexOf('/')) : '';
        if (one !== '') expect(order.indexOf(parent)).toBeLessThan(index);
      }
    }),
    { numRuns: 2000 },
  );
});
