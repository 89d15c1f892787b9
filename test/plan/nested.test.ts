import { describe, expect, test } from 'bun:test';
import { nestedFolders } from '../../src/plan/nested.ts';

describe('folders that the kubelet makes for mounts inside of a volume', () => {
  test.each<[string, string[], string[], string[]]>([
    ['none where nothing is mounted in it', ['/x'], ['/x', '/xy'], []],
    ['one, behind its parents', ['/x'], ['/x', '/x/y/z'], ['y', 'y/z']],
    ['for each place of the volume', ['/x', '/u'], ['/x', '/u', '/x/y', '/u/v'], ['v', 'y']],
    ['not for what lies in a mount of its own', ['/x'], ['/x', '/x/y', '/x/y/z'], ['y']],
    ['whatever is sorted between them', ['/x'], ['/x', '/x/y', '/x/y-z', '/x/y/z'], ['y', 'y-z']],
    ['for the volume in itself', ['/x', '/x/y'], ['/x', '/x/y'], ['y']],
  ])('%s', (_name, ...[own, all, wanted]) => {
    expect(nestedFolders({ own, all })).toEqual(wanted);
  });
});
