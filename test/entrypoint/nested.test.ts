import { describe, expect, test } from 'bun:test';
import { Sealed } from '../../src/core/sealed.ts';
import type { Delivery, Directory, Landing } from '../../src/entrypoint/delivery.ts';
import { newHands } from '../../src/entrypoint/hands.ts';
import {
  closedProblems,
  nestedFolders,
  nestingProblems,
  withoutHidden,
} from '../../src/entrypoint/nested.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { volumeTree } from '../../src/plan/volume-tree.ts';
import { fakeIo } from '../support/fake-io.ts';

type Given = Record<string, { files?: readonly string[]; at: Readonly<Record<string, string>> }>;

const RULES = { medium: 'memory', readOnly: true } as const;

/** Volumes by name: their files (a plain folder without), and where they are: path -> subPath. */
function deliveryOf(given: Given, readOnly = true): Delivery {
  const directories = Object.entries(given).map(([volume, { files, at }]): Directory => {
    const landings = Object.entries(at).map(([path, subPath]): Landing => {
      return { path, subPath, readOnly };
    });
    const placement = { kind: 'directory', volume, medium: 'memory' } as Directory['placement'];
    if (files === undefined) return { placement, landings };
    const content = new Sealed(new Uint8Array());
    const payloads = files.map((path) => ({ path, mode: 0o644, content }));
    const tree = volumeTree(payloads, RULES, '..v');
    if (!('inside' in tree)) throw new Error('no tree');
    return { placement, landings, tree };
  });
  return { directories, files: [], policy: DEFAULT_POLICY };
}

const foldersOf = (given: Given): string[] => {
  const delivery = deliveryOf(given);
  return nestedFolders(delivery, delivery.directories[0] as Directory);
};

describe('folders that the kubelet makes for mounts inside of a volume', () => {
  test.each<[string, Given, string[]]>([
    [
      'none where nothing is mounted in it',
      { a: { at: { '/x': '' } }, b: { at: { '/xy': '' } } },
      [],
    ],
    [
      'one, behind its parents',
      { a: { at: { '/x': '' } }, b: { at: { '/x/y/z': '' } } },
      ['y', 'y/z'],
    ],
    [
      'for each place of the volume',
      { a: { at: { '/x': '', '/u': '' } }, b: { at: { '/x/y': '', '/u/v': '' } } },
      ['v', 'y'],
    ],
    [
      'not for what lies in a mount of its own',
      { a: { at: { '/x': '' } }, b: { at: { '/x/y': '', '/x/y/z': '' } } },
      ['y'],
    ],
    [
      'also for a subPath, in the root of the volume',
      { a: { at: { '/x': 'sub' } }, b: { at: { '/x/y': '' } } },
      ['y'],
    ],
    ['for the volume in itself', { a: { at: { '/x': '', '/x/y': '' } } }, ['y']],
  ])('%s', (_name, given, wanted) => {
    expect(foldersOf(given)).toEqual(wanted);
  });

  test('hide what the volume has under their names', () => {
    const given: Given = {
      a: { files: ['y/k', 'other'], at: { '/x': '' } },
      b: { at: { '/x/y': '' } },
    };
    const [first] = withoutHidden(deliveryOf(given)).directories;
    expect(first?.tree?.links.map(({ path }) => path)).toEqual(['other']);
  });
});

describe('what cannot be mounted inside of a volume', () => {
  test.each<[string, Given, string[]]>([
    ['a folder can', { a: { files: ['k'], at: { '/x': '' } }, b: { at: { '/x/y': '' } } }, []],
    [
      'a file, where the kubelet makes a folder for it',
      { a: { files: ['k'], at: { '/x': '' } }, b: { files: ['f'], at: { '/x/y': 'f' } } },
      ['/x/y: lies in /x, where the kubelet makes a folder for it'],
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
  ])('%s', (_name, given, wanted) => {
    const problems = nestingProblems(deliveryOf(given));
    expect(problems.map(({ where, what }) => `${where.join(': ')}: ${what}`)).toEqual(wanted);
  });

  test.each<[string, boolean, string[]]>([
    ['in a read-only emptyDir', true, ['/x/y']],
    ['but in one that can be written', false, []],
  ])('a folder %s', (_name, readOnly, wanted) => {
    const given: Given = { e: { at: { '/x': '' } }, b: { at: { '/x/y': '' } } };
    const problems = closedProblems(newHands(fakeIo({})), deliveryOf(given, readOnly));
    expect(problems.flatMap(({ where }) => where)).toEqual(wanted);
  });
});
