// What holds for any two snapshots, and for any bytes that claim to be one.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BellhopError } from '../../src/core/errors.ts';
import { canonicalJson } from '../../src/core/canonical.ts';
import { diff } from '../../src/parity/diff.ts';
import { readSnapshot } from '../../src/parity/document.ts';
import { printSnapshot } from '../../src/parity/print.ts';
import { parseDescriptor, parseLimits, parseMounts, parseStatus } from '../../src/parity/proc.ts';
import type { Entry, Snapshot, Tree } from '../../src/parity/types.ts';
import { BATCH, KUBERNETES } from './_example.ts';
import { file, folder, link, snapshot, tmpfs, tree, value, variables } from './_snapshots.ts';

const word = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,8}$/).filter((one) => !/^\.+$/.test(one));
const text = fc.string({ maxLength: 12 });
const mode = fc.integer({ min: 0, max: 0o7777 }).map((bits) => bits.toString(8).padStart(4, '0'));

const leaf = (name: string): fc.Arbitrary<Entry> =>
  fc.oneof(
    fc.tuple(text, mode).map(([content, bits]) => file(name, content, { mode: bits })),
    word.map((target) => link(name, target)),
    mode.map((bits) => folder(name, { mode: bits })),
    fc.nat(99).map((bytes): Entry => {
      const { content: _, ...unread } = file(name, '');
      return { ...unread, bytes, error: 'EACCES' };
    }),
  );
const treeAt = (path: string): fc.Arbitrary<Tree> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.uniqueArray(word, { maxLength: 5 }).chain((names) => {
        return fc
          .tuple(...names.map(leaf))
          .map((all) => tree(path, [folder('.'), ...all], { medium: 'disk' }));
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('ENOENT', 'EACCES').map((error) => tree(path, [], { error })),
    },
  );
const descriptor = fc.record({
  target: word,
  access: fc.constantFrom('read', 'write', 'both'),
  append: fc.boolean(),
  nonBlocking: fc.boolean(),
});
const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    env: fc.dictionary(word, text, { maxKeys: 5, noNullPrototype: true }),
    argv: fc.array(text, { maxLength: 3 }),
    paths: fc.uniqueArray(word, { maxLength: 3 }),
    descriptors: fc.array(descriptor, { maxLength: 3 }),
    mounts: fc.uniqueArray(word, { maxLength: 3 }),
    groups: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
  })
  .chain(({ paths, ...rest }) => {
    return fc.tuple(fc.constant(rest), ...paths.map((path) => treeAt(`/v/${path}`)));
  })
  .map(([{ env, argv, descriptors, mounts, groups }, ...trees]) =>
    snapshot({
      process: {
        env: variables(env),
        argv: argv.map(value),
        descriptors: descriptors.map((one, fd) => ({ fd, ...one })),
        groups: groups.toSorted((a, b) => a - b),
      },
      mounts: mounts.map((path) => tmpfs(`/${path}`)),
      trees,
      parents: [{ path: '/', mode: '0755', uid: 0, gid: 0 }],
    }),
  );

type Found = ReturnType<typeof diff>;
const facts = ({ differences }: Found, turned: boolean): string[] =>
  differences
    .map(({ kind, name, aspect, group, rule, left, right }) => {
      const sides = turned ? [right, left] : [left, right];
      return JSON.stringify([kind, name, aspect, group, rule, ...sides.map((one) => one ?? null)]);
    })
    .toSorted();

describe('for any two snapshots', () => {
  test('one and itself have no difference', () => {
    fc.assert(
      fc.property(snapshots, (one) => {
        const { differences, incomplete } = diff(one, one);
        expect([differences, incomplete]).toEqual([[], []]);
      }),
    );
  });

  test('left and right may be exchanged: the same differences, turned around', () => {
    fc.assert(
      fc.property(snapshots, snapshots, (one, other) => {
        const [ours, theirs] = [diff(one, other), diff(other, one)];
        expect(facts(ours, false)).toEqual(facts(theirs, true));
        expect(ours.incomplete.length).toBe(theirs.incomplete.length);
      }),
    );
    expect(facts(diff(KUBERNETES, BATCH), false)).toEqual(facts(diff(BATCH, KUBERNETES), true));
  });

  test('every single change of what is seen is found', () => {
    fc.assert(
      fc.property(snapshots, fc.nat(), (one, at) => {
        const places = placesOf(one);
        const place = places[at % places.length] ?? [];
        const other = readSnapshot(printSnapshot(mutated(one, place)), 'other');
        const { differences, incomplete } = diff(one, other);
        expect([place.join('.'), differences.length + incomplete.length > 0]).toEqual([
          place.join('.'),
          true,
        ]);
      }),
      { numRuns: 500 },
    );
  });

  test('each place of the example is found when it changes', () => {
    const missed = placesOf(KUBERNETES).filter((place) => {
      const { differences, incomplete } = diff(KUBERNETES, mutated(KUBERNETES, place));
      return differences.length + incomplete.length === 0;
    });
    expect(missed).toEqual([]);
  });
});

type Place = readonly (string | number)[];

/** Who asked for a tree is no property of the container. */
const NOT_SEEN = new Set(['why']);

/** Every leaf of what is seen, and every element of a list. */
function placesOf({ process: seen, surroundings, mounts, trees, parents }: Snapshot): Place[] {
  const found: Place[] = [];
  const walk = (at: unknown, place: Place): void => {
    if (Array.isArray(at)) {
      at.forEach((one, index) => {
        if (typeof one === 'object') found.push([...place, index]);
        walk(one, [...place, index]);
      });
    } else if (typeof at === 'object' && at !== null) {
      for (const [key, one] of Object.entries(at)) {
        if (!NOT_SEEN.has(key)) walk(one, [...place, key]);
      }
    } else found.push(place);
  };
  walk({ process: seen, surroundings, mounts, trees }, []);
  // That one side has not seen a folder above its trees says nothing of the folder.
  walk({ parents }, []);
  return found
    .filter((place) => place[0] !== 'parents' || place.length > 2)
    .filter(changesSomething);
}

/** The path of a folder above is its name: with another it is another folder. */
function changesSomething(place: Place): boolean {
  return !(place[0] === 'parents' && place.at(-1) === 'path');
}

/** The snapshot with a leaf changed, or an element of a list taken out. */
function mutated(one: Snapshot, place: Place): Snapshot {
  const copy = structuredClone(one) as unknown as Record<string | number, unknown>;
  const parent = place.slice(0, -1).reduce((at, key) => at[key] as typeof copy, copy);
  const key = place.at(-1) ?? '';
  const now = parent[key];
  if (typeof now === 'object') (parent as unknown as unknown[]).splice(Number(key), 1);
  else parent[key] = other(String(key), now, place);
  return copy as unknown as Snapshot;
}

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  medium: ['memory', 'disk'],
  access: ['read', 'write', 'both'],
  cgroup: ['v1', 'v2', 'none'],
};

/** No word of the generators has a `~`: what is renamed is never renamed to what is there. */
function other(key: string, now: unknown, place: Place): unknown {
  if (typeof now === 'number') return key === 'fd' ? now + 100 : now + 1;
  if (typeof now === 'boolean') return !now;
  const written = String(now);
  return choice(key, written, place) ?? (isDigits(key, written) ? turned(written) : `${written}~`);
}

function choice(key: string, written: string, place: Place): string | undefined {
  if (place.includes('limits')) return written === '7' ? '8' : '7';
  const types = place[0] === 'trees' ? ['dir', 'file', 'link', 'other'] : undefined;
  const choices = key === 'type' ? types : CHOICES[key];
  return choices?.find((one) => one !== written);
}

/** Digests and bit sets in hexadecimal, modes in octal: they change in their last digit. */
function isDigits(key: string, written: string): boolean {
  return /^([0-9a-f]{16}|[0-9a-f]{32}|[0-7]{4})$/.test(written) && key !== 'path';
}

function turned(written: string): string {
  return `${written.slice(0, -1)}${written.endsWith('1') ? '2' : '1'}`;
}

describe('a document', () => {
  test('is read as it was printed, and printed canonically', () => {
    fc.assert(
      fc.property(snapshots, (one) => {
        const printed = printSnapshot(one);
        expect(readSnapshot(printed, 'x')).toEqual(one);
        expect(printed).toBe(`${canonicalJson(JSON.parse(printed))}\n`);
      }),
    );
  });

  const refusal = (document: string): string => {
    try {
      readSnapshot(document, 'file');
      return 'read';
    } catch (error) {
      if (!(error instanceof BellhopError)) throw error;
      return `${error.code} ${error.message}`;
    }
  };
  const changed = (parts: object): string => JSON.stringify({ ...KUBERNETES, ...parts });
  const MOUNT = tmpfs('/a');
  const TWO = tree('/a', [folder('.'), file('b', '1'), file('b', '2')]);
  const PARENT = { path: '/a', mode: '0755', uid: 0, gid: 0 };
  const STREAM = { fd: 1, target: 'pipe', access: 'write', append: false, nonBlocking: false };

  test.each([
    ['that is no JSON', 'x', 'file: is not JSON'],
    ['that is nothing', 'null', 'file: is not a snapshot'],
    ['of something else', '{"apiVersion":"bellhop/plan/v1"}', 'file: is not a snapshot'],
    [
      'of a version to come',
      changed({ apiVersion: 'bellhop/snapshot/v2' }),
      'file: has a version that this bellhop does not read (it reads bellhop/snapshot/v1)',
    ],
    [
      'that needs more',
      changed({ requires: ['smells'] }),
      'file: needs what this bellhop does not know: smells',
    ],
    ['with more in it', changed({ more: 1 }), 'file: is not as the schema says at more'],
    [
      'with a tree twice',
      changed({ trees: [...KUBERNETES.trees, ...KUBERNETES.trees.slice(0, 1)] }),
      'file: has tree /etc/tls twice',
    ],
    ['with an entry twice', changed({ trees: [TWO] }), 'file: has /a, entry b twice'],
    ['with a mount twice', changed({ mounts: [MOUNT, MOUNT] }), 'file: has mount /a twice'],
    ['with a parent twice', changed({ parents: [PARENT, PARENT] }), 'file: has parent /a twice'],
    [
      'with a descriptor twice',
      changed({ process: { ...KUBERNETES.process, descriptors: [STREAM, STREAM] } }),
      'file: has descriptor 1 twice',
    ],
    [
      'with a number for a path',
      changed({ mounts: [{ path: 1 }] }),
      'file: is not as the schema says at mounts.0.path',
    ],
  ])('%s is refused', (_, document, said) => {
    expect(refusal(document)).toBe(`BH_ERR_SNAPSHOT ${said}`);
  });

  test('of any bytes or any JSON is read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (any) => {
        expect(refusal(any)).toStartWith('BH_ERR_SNAPSHOT');
      }),
    );
  });

  test('that is damaged anywhere is read or refused, and what is read can be compared', () => {
    const whole = printSnapshot(KUBERNETES);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.constantFrom('"', '{', '9', ',', 'z'), (at, put) => {
        const damaged = `${whole.slice(0, at)}${put}${whole.slice(at + 1)}`;
        if (refusal(damaged) !== 'read') return;
        const read = readSnapshot(damaged, 'file');
        diff({ ...KUBERNETES, key: read.key }, read);
      }),
      { numRuns: 400 },
    );
  });
});

test('texts of /proc are read or left, whatever they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (any) => {
      parseStatus(any);
      parseStatus(`Uid:\t${any}\nCapEff:\t${any}\nUmask:\t${any}\nSigPnd:\t${any}`);
      parseMounts(any);
      parseMounts(`1 2 3:4 / ${any} rw - tmpfs t size=${any}`);
      parseLimits(any);
      parseDescriptor(3, { info: any, link: any });
    }),
  );
});
