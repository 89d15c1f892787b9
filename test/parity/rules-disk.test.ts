// Links into memory are excused, bytes of a Secret on a disk never.
import { describe, expect, test } from 'bun:test';
import { diff } from '../../src/parity/diff.ts';
import type { Entry, Snapshot } from '../../src/parity/types.ts';
import { file, snapshot, tree, volume } from './_snapshots.ts';

describe('Secret bytes on a disk are excused by no rule', () => {
  const inMemory = volume('/v', { k: 'x' });
  const behind = (medium: 'memory' | 'disk', path: string): Snapshot => {
    const link = { through: '/tmp/bellhop-<uid>', throughMedium: medium };
    const entries = inMemory.entries.map((one) => (one.path === path ? { ...one, ...link } : one));
    return snapshot({ trees: [tree('/v', entries, { medium: 'disk' })] });
  };
  const part = (more: Partial<Entry>, medium: 'memory' | 'disk'): Snapshot =>
    snapshot({ trees: [tree('/v', [file('.', 'x', more)], { medium })] });
  const told = (one: Snapshot, other: Snapshot): string[] =>
    diff(one, other).differences.map(({ aspect, rule, group }) => `${aspect} ${rule ?? group}`);
  const whole = snapshot({ trees: [inMemory] });
  const link = (medium: 'memory' | 'disk') => {
    return { through: '/tmp/bellhop-<uid>', throughMedium: medium };
  };

  test.each<[string, Snapshot, Snapshot, string[]]>([
    [
      'a volume behind a link into memory is',
      whole,
      behind('memory', '..TS'),
      ['through memory-link', 'medium folder-on-disk'],
    ],
    [
      'a volume behind a link to a disk is not',
      whole,
      behind('disk', '..TS'),
      ['through must-not-differ', 'medium must-not-differ'],
    ],
    [
      'a single file behind a link into memory is',
      part({}, 'memory'),
      part(link('memory'), 'disk'),
      ['through file-link', 'medium folder-on-disk'],
    ],
    [
      'a single file behind a link to a disk is not',
      part({}, 'memory'),
      part(link('disk'), 'disk'),
      ['through must-not-differ', 'medium must-not-differ'],
    ],
    [
      'a single file on the disk itself is not',
      part({}, 'memory'),
      part({}, 'disk'),
      ['medium must-not-differ'],
    ],
  ])('%s', (...[, left, right, expected]) => {
    expect(told(left, right)).toEqual(expected);
    expect(told(right, left)).toEqual(expected);
  });
});
