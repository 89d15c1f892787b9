// `bellhop pull` where a file operation fails: all files are new then, or all as they were.
import { afterAll, describe, expect, test } from 'bun:test';
import fs from 'node:fs';
import path from 'node:path';
import { pull } from '../../src/entrypoint/pull.ts';
import { barePlan } from '../../src/plan/bare.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Io } from '../../src/core/io/types.ts';
import type { Plan as Faults } from './_room.ts';
import { roomIo } from './_room.ts';

const volume = fs.mkdtempSync('/dev/shm/bellhop-pull-faults-');
afterAll(() => fs.rmSync(volume, { recursive: true, force: true }));

type Tree = Readonly<Record<string, string>>;
const FILES = ['a/one', 'a/two', 'b/three', 'four'];
const treeOf = (files: readonly string[], word: string): Tree => {
  return Object.fromEntries(files.map((file) => [file, `${word} ${file}`]));
};
const NEW = treeOf(FILES, 'new');
const OLD = treeOf(FILES, 'old');

function planOf(files: readonly string[]) {
  return barePlan({
    origin: { name: 'p', namespace: 'n', container: 'bellhop-pull' },
    stores: { own: { kind: 'env' } },
    policy: DEFAULT_POLICY,
    placements: files.map((file, n) => ({
      kind: 'file',
      path: path.join(volume, file),
      mode: 0o444,
      medium: 'memory',
      source: {
        kind: 'value',
        bound: { reference: { store: 'own', path: `V${n}` }, called: file },
      },
      rule: 'r',
    })),
  });
}

/** What is on the volume, folders (with a slash) too. */
function tree(): Tree {
  const names = fs.readdirSync(volume, { recursive: true }).map(String).toSorted();
  const entries = names.map((name) => {
    const at = path.join(volume, name);
    return fs.statSync(at).isDirectory() ? [`${name}/`, ''] : [name, fs.readFileSync(at, 'utf8')];
  });
  return Object.fromEntries(entries) as Tree;
}

function make(files: Tree): Tree {
  for (const name of fs.readdirSync(volume)) {
    fs.rmSync(path.join(volume, name), { recursive: true });
  }
  for (const [file, text] of Object.entries(files)) {
    const at = path.join(volume, file);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.writeFileSync(at, text, { mode: 0o444 });
  }
  return tree();
}

/** What it says, where it fails. */
async function run(
  faults: Faults,
  around: (io: Io) => Io = (io) => io,
  files = FILES,
): Promise<string> {
  const { io } = roomIo('links', { plan: faults });
  const env = files.map((file, n) => Buffer.from(`V${n}=new ${file}`));
  const clock = { ...io.clock, after: () => () => undefined };
  const outside = around({ ...io, arrival: { argv: [], env }, clock });
  try {
    await pull(outside, planOf(files), 'text');
    return '';
  } catch (error) {
    return String(error);
  }
}

const never: Faults = () => undefined;
const EVER = 1000;
const isLeft = (name: string): boolean => /\.bellhop-(?:part|old)$/.test(name);
const without = (all: Tree): Tree => {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !isLeft(name)));
};

const complete = await (async () => {
  make({});
  expect(await run(never)).toBe('');
  const done = tree();
  expect(done).toEqual({ ...NEW, 'a/': '', 'b/': '' });
  return done;
})();

const KILLED = { ...OLD, 'a/one.bellhop-part': 'half', 'b/three.bellhop-old': 'older' };
const STATES: readonly (readonly [string, Tree])[] = [
  ['nothing', {}],
  ['the files of an earlier run', OLD],
  ['some of them', { 'a/two': 'old', four: 'old' }],
  ['what a killed run has left', KILLED],
];

describe.each(STATES)('over %s', (_, state) => {
  test.each(['EIO', 'ENOSPC'])('whichever operation fails with %s, all or none', async (errno) => {
    let n = 1;
    let [failures, taken] = [0, 0];
    for (; n < EVER; n++) {
      const before = make(state);
      let seen = '';
      const said = await run((count, operation) => {
        if (count !== n) return undefined;
        seen = operation;
        return errno;
      });
      const now = tree();
      const at = `operation ${n} (${seen})`;
      if (seen === '') expect([at, said, now]).toEqual([at, '', complete]);
      if (seen === '') break;
      failures++;
      expect(said).not.toBe('');
      const isNew = now['a/one'] === NEW['a/one'];
      if (!isNew) taken++;
      expect([at, without(now)]).toEqual([at, isNew ? complete : without(before)]);
      // One that could not be removed; of a new value nothing is left.
      const left = Object.keys(now).filter((name) => isLeft(name) && !Object.hasOwn(before, name));
      expect([at, left.length]).toEqual([at, left.length > 0 && isNew ? 1 : 0]);
      expect([at, left.join(' ')]).not.toEqual([at, expect.stringContaining('-part')]);
      expect([at, await run(never), tree()]).toEqual([at, '', complete]);
    }
    expect(failures).toBeGreaterThan(25);
    expect(taken).toBeGreaterThan(20);
  });

  test('where undoing fails too, or the run is killed, the next run makes all new', async () => {
    for (let n = 1; n < EVER; n++) {
      make(state);
      let isReached = false;
      await run((count) => {
        isReached ||= count === n;
        return count >= n ? 'EIO' : undefined;
      });
      expect([n, await run(never), tree()]).toEqual([n, '', complete]);
      if (!isReached) break;
    }
  });
});

test('a folder in the place of a file stays, with all that is in it', async () => {
  const before = make({ ...treeOf(FILES.slice(0, 3), 'old'), 'four/in-it': 'own' });
  expect(await run(never)).toContain('four');
  expect(tree()).toEqual(before);
});

test.each(['four.bellhop-part', 'four.bellhop-old'])('no file can be called %s', async (name) => {
  const before = make(OLD);
  expect(await run(never, (io) => io, ['four', name])).toContain('can have a name that ends with');
  expect(tree()).toEqual(before);
});

describe('room is wanted for all new files beside the old', () => {
  const PAGE_BYTES = 4096;
  const withFree = (freeBytes: number) => (io: Io) => ({
    ...io,
    fs: { ...io.fs, fileSystem: (at: string) => ({ ...io.fs.fileSystem(at), freeBytes }) },
  });
  test.each([
    ['enough', 4 * PAGE_BYTES, complete],
    ['a byte less', 4 * PAGE_BYTES - 1, undefined],
  ])('%s', async (_, freeBytes, after) => {
    const before = make(OLD);
    const said = await run(never, withFree(freeBytes));
    expect(said).toMatch(after === undefined ? /16384 bytes are wanted, 16383 are free/ : /^$/);
    expect(tree()).toEqual(after ?? before);
  });

  test('what a killed run has left is removed first', async () => {
    make(KILLED);
    const told: number[] = [];
    const around = (io: Io): Io => ({
      ...io,
      fs: {
        ...io.fs,
        fileSystem: (at) => {
          told.push(told.length > 0 || Object.keys(tree()).some(isLeft) ? 0 : 4 * PAGE_BYTES);
          return { ...io.fs.fileSystem(at), freeBytes: told.at(-1) ?? 0 };
        },
      },
    });
    expect([await run(never, around), told[0]]).toEqual(['', 4 * PAGE_BYTES]);
  });
});
