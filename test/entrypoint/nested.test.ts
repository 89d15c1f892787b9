import { describe, expect, test } from 'bun:test';
import { Sealed } from '../../src/core/sealed.ts';
import type { BellhopError } from '../../src/core/errors.ts';
import type { Delivery, Directory, Landing, PlainFile } from '../../src/entrypoint/delivery.ts';
import { newHands } from '../../src/entrypoint/hands.ts';
import { asInside, closedProblems, nestingProblems } from '../../src/entrypoint/nested.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { VolumeTree } from '../../src/plan/volume-tree.ts';
import { leadsTo, volumeTree } from '../../src/plan/volume-tree.ts';
import { fakeIo } from '../support/fake-io.ts';

interface GivenVolume {
  /** None of a plain folder. */
  readonly files?: readonly string[];
  readonly at: Readonly<Record<string, string>>;
  /** Folders for mounts of other containers. */
  readonly nested?: readonly string[];
}

type Given = Readonly<Record<string, GivenVolume>>;

interface More {
  readonly readOnly?: boolean;
  readonly log?: string;
  readonly workingDir?: string;
}

const RULES = { medium: 'memory', readOnly: true } as const;

/** Volumes by name: their files (a plain folder without), and where they are: path -> subPath. */
function deliveryOf(given: Given, { readOnly = true, log, workingDir }: More = {}): Delivery {
  const directories = Object.entries(given).map(([volume, { files, at, nested }]): Directory => {
    const landings = Object.entries(at).map(([path, subPath]): Landing => {
      return { path, subPath, readOnly };
    });
    const own = { kind: 'directory', volume, medium: 'memory', ...(nested && { nested }) };
    const placement = own as Directory['placement'];
    if (files === undefined) return { placement, landings };
    const content = new Sealed(new Uint8Array());
    const payloads = files.map((path) => ({ path, mode: 0o644, content }));
    const tree = volumeTree(payloads, RULES, '..v');
    if (!('inside' in tree)) throw new Error('no tree');
    return { placement, landings, tree };
  });
  const plain = { kind: 'file', path: log, mode: 0o666, medium: 'disk', keep: true };
  const placement = plain as unknown as PlainFile['placement'];
  const files = log === undefined ? [] : [{ placement, content: new Sealed(new Uint8Array()) }];
  const base = { directories, files, policy: DEFAULT_POLICY };
  return asInside(workingDir === undefined ? base : { ...base, workingDir });
}

const told = (problems: readonly BellhopError[]): string[] =>
  problems.map(({ where, what }) => `${where.join(': ')}: ${what}`);

describe('folders that the kubelet makes for mounts inside of a volume', () => {
  test.each<[string, GivenVolume]>([
    ['of this container', { files: ['y/k', 'other'], at: { '/x': '' } }],
    ['of another container', { files: ['y/k', 'other'], at: { '/z': '' }, nested: ['y'] }],
  ])('%s hide what the volume has under their names', (_name, a) => {
    const [first] = deliveryOf({ a, b: { at: { '/x/y': '' } } }).directories;
    expect(first?.tree?.nested).toEqual(['y']);
    expect(first?.tree?.links.map(({ path }) => path)).toEqual(['other']);
  });

  test.each<[string, string, string | undefined]>([
    ['leads into it', 'y/z', 'dir'],
    ['does not lead to what it hides', 'y/k', undefined],
    ['leads to what it hides by ..data', '..data/y/k', 'file'],
    ['leads to what is beside it', 'other', 'file'],
  ])('a subPath %s', (_name, subPath, wanted) => {
    const a = { files: ['y/k', 'other'], at: { '/x': '' }, nested: ['y', 'y/z'] };
    const tree = deliveryOf({ a }).directories[0]?.tree as VolumeTree;
    expect(leadsTo(tree, subPath)).toBe(wanted as 'dir');
  });
});

describe('what cannot be mounted inside of a volume', () => {
  test.each<[string, Given, string[]]>([
    ['a folder can', { a: { files: ['k'], at: { '/x': '' } }, b: { at: { '/x/y': '' } } }, []],
    [
      'a file, where the kubelet makes a folder for it',
      { a: { files: ['k'], at: { '/x': '' } }, b: { files: ['f'], at: { '/x/y': 'f' } } },
      ['/x/y: is a folder of the volume at /x, not a file'],
    ],
    [
      'a folder that a subPath has not',
      { a: { files: ['d/k'], at: { '/x': 'd' } }, b: { at: { '/x/y': '' } } },
      ['/x/y: cannot be made in /x, which is mounted read-only'],
    ],
    [
      'a folder that a subPath has can',
      { a: { files: ['d/y/k'], at: { '/x': 'd' } }, b: { at: { '/x/y': '' } } },
      [],
    ],
    [
      'a file that a subPath has can',
      { a: { files: ['d/y'], at: { '/x': 'd' } }, b: { files: ['f'], at: { '/x/y': 'f' } } },
      [],
    ],
    [
      'anything below a file',
      { a: { files: ['k'], at: { '/x': 'k' } }, b: { at: { '/x/y': '' } } },
      ['/x/y: cannot be made in /x, which is mounted read-only'],
    ],
    [
      'anything in ..data, which the kubelet has for itself',
      { a: { files: ['k'], at: { '/x': '' } }, b: { at: { '/x/..data/y': '' } } },
      ['/x: has a mount in ..data, where the kubelet has a link'],
    ],
    [
      'also where another container mounts it',
      { a: { files: ['k'], at: { '/x': '' }, nested: ['..data_tmp'] } },
      ['/x: has a mount in ..data_tmp, where the kubelet has a link'],
    ],
  ])('%s', (_name, given, wanted) => {
    expect(told(nestingProblems(deliveryOf(given)))).toEqual(wanted);
  });

  test.each<[string, boolean, string[]]>([
    ['in a read-only emptyDir', true, ['/x/y']],
    ['but in one that can be written', false, []],
  ])('a folder %s', (_name, readOnly, wanted) => {
    const given: Given = { e: { at: { '/x': '' } }, b: { at: { '/x/y': '' } } };
    const problems = closedProblems(newHands(fakeIo({})), deliveryOf(given, { readOnly }));
    expect(problems.flatMap(({ where }) => where)).toEqual(wanted);
  });
});

describe('what the runtime cannot make inside of a volume', () => {
  const made = 'cannot be made in /x, which is mounted read-only';
  const secret = (at: Readonly<Record<string, string>>): Given => ({ a: { files: ['d/k'], at } });
  test.each<[string, Given, More, string[]]>([
    ['a log in a Secret', secret({ '/x': '' }), { log: '/x/why' }, [`/x/why: ${made}`]],
    ['a log at a file of it can', secret({ '/x': '' }), { log: '/x/d/k' }, []],
    ['a log at a file of it by ..data can', secret({ '/x': '' }), { log: '/x/..data/d/k' }, []],
    [
      'a log at a folder of it',
      secret({ '/x': '' }),
      { log: '/x/d' },
      ['/x/d: is a folder of the volume at /x, not a file'],
    ],
    ['a log in its subPath', secret({ '/x': 'd' }), { log: '/x/why' }, [`/x/why: ${made}`]],
    ['a log at a file of its subPath can', secret({ '/x': 'd' }), { log: '/x/k' }, []],
    ['a log where no subPath is', secret({ '/x': 'no' }), { log: '/x/why' }, [`/x/why: ${made}`]],
    ['a log in an emptyDir can', { a: { at: { '/x': '' } } }, { log: '/x/why' }, []],
    [
      'a log in an emptyDir in a Secret can',
      { ...secret({ '/x': '' }), b: { at: { '/x/y': '' } } },
      { log: '/x/y/why' },
      [],
    ],
    ['a log beside it can', secret({ '/x': '' }), { log: '/xy' }, []],
    ['a log over a subPath can', secret({ '/x/why': 'd/k' }), { log: '/x/why' }, []],
    [
      'a working directory in a Secret',
      secret({ '/x': '' }),
      { workingDir: '/x/made' },
      [`/x/made: ${made}`],
    ],
    ['a folder of it is one', secret({ '/x': '' }), { workingDir: '/x/d' }, []],
    ['its mount path by .. is one', secret({ '/x': '' }), { workingDir: '/x/../x' }, []],
    ['its mount path is one', secret({ '/x': '' }), { workingDir: '/x' }, []],
  ])('%s', (_name, ...[given, more, wanted]) => {
    expect(told(nestingProblems(deliveryOf(given, more)))).toEqual(wanted);
  });

  test.each<[string, Given, More, string[]]>([
    ['a log in a read-only emptyDir', { a: { at: { '/x': '' } } }, { log: '/x/why' }, ['/x/why']],
    [
      'a log in one that can be written can',
      { a: { at: { '/x': '' } } },
      { log: '/x/why', readOnly: false },
      [],
    ],
    [
      'a working directory in a read-only emptyDir',
      { a: { at: { '/x': '' } } },
      { workingDir: '/x/made' },
      ['/x/made'],
    ],
    ['a log over a file of a Secret', secret({ '/x': '' }), { log: '/x/d/k' }, ['/x/d/k']],
  ])('where nothing can be mounted: %s', (_name, ...[given, more, wanted]) => {
    const problems = closedProblems(newHands(fakeIo({})), deliveryOf(given, more));
    expect(problems.flatMap(({ where }) => where)).toEqual(wanted);
  });
});
