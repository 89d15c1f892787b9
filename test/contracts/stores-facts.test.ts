// What every kind of store says of itself: the docs and the schema are made of it.
import { describe, expect, test } from 'bun:test';
import { ALL_STORES, STORE_KINDS } from '../../src/stores/_all.gen.ts';
import type { OptionSpec, OptionSpecs } from '../../src/stores/_options.ts';
import { optionProblems } from '../../src/stores/_options.ts';
import type { StoreKind } from '../../src/stores/_store.ts';
import { sourceOf } from './_source-of.ts';

/** Stores that ask nobody and open no file: neither rights nor credentials. */
const LOCAL = ['embedded', 'env'];
const COLUMNS_MAX = 120;
const MODULES = await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
const KINDS = MODULES.map((module) => [module.default.kind, module.default] as const);

/** Every option, those of groups too, with the names above it. */
function optionsOf(specs: OptionSpecs, above: readonly string[] = []): [string[], OptionSpec][] {
  return Object.entries(specs).flatMap(([name, spec]) => {
    const at = [...above, name];
    return [[at, spec], ...(spec.type === 'group' ? optionsOf(spec.members, at) : [])];
  });
}

/** Options in which only this one stands; groups around it are there. */
function only([name = '', ...below]: readonly string[], value: unknown): Record<string, unknown> {
  return { [name]: below.length === 0 ? value : only(below, value) };
}

/** The example in the line about paths; what stands there in capitals is a name of one's own. */
function exampleOf({ path }: StoreKind): string {
  const pieces = [...path.matchAll(/`([^`]+)`/g)].map(([, piece = '']) => piece);
  const example = pieces.find((piece) => /\w/.test(piece)) ?? '';
  return example.replaceAll(/\b[A-Z]+\b/g, (word) => word.toLowerCase());
}

test('the list of kinds says what the kinds say', () => {
  expect([...STORE_KINDS.keys()].toSorted()).toEqual(KINDS.map(([kind]) => kind).toSorted());
  expect(Object.keys(ALL_STORES)).toEqual(KINDS.map(([kind]) => kind));
});

describe.each(KINDS)('store %s', (kind, store) => {
  const { options, auth, variables } = store;
  const all = optionsOf(options);
  const source = sourceOf(kind);
  // A name may be put together: `AWS_ENDPOINT_URL_${service}`, `${name}File`.
  const starts = [...source.matchAll(/`(\w+)\$\{/g)].map(([, start = '']) => start);
  const ends = [...source.matchAll(/\}(\w+)`/g)].map(([, end = '']) => end);

  test('what planning knows of it is what it says', () => {
    expect(STORE_KINDS.get(kind)?.options).toEqual(options);
    expect(STORE_KINDS.get(kind)?.hasVersions).toBe(store.version !== undefined);
    expect(STORE_KINDS.get(kind)?.hasKeys).toBe(store.dataKeys !== undefined);
    expect(STORE_KINDS.get(kind)?.writes !== undefined).toBe(store.writes !== undefined);
    expect(STORE_KINDS.get(kind)?.writes?.needs).toBe(store.writes?.needs as string);
  });

  test('every line for the docs is one line without a full stop', () => {
    const isLine = (line: string): boolean => /^\S[^\n]*[^\s.]$/.test(line);
    const lines = [
      store.summary,
      store.path,
      ...(store.version === undefined ? [] : [store.version]),
      ...Object.values(auth),
      ...Object.values(variables),
    ];
    const helps = all.map(([, { help }]) => help);
    expect([...lines, ...helps].filter((line) => !isLine(line))).toEqual([]);
    expect(lines.filter((line) => line.length > COLUMNS_MAX)).toEqual([]);
  });

  test('what a request takes is a number of one or more', () => {
    const { paths, inFlight, valueBytes = 1 } = store.perCall;
    for (const one of [paths, inFlight, valueBytes]) expect(one).toBeGreaterThanOrEqual(1);
  });

  test('an option that it does not have is told', () => {
    const problems = optionProblems(options, { nosuch: 1 }, kind);
    expect(problems.map(({ what }) => what).join()).toContain(`${kind} has no option nosuch`);
  });

  for (const [at, { type }] of all.filter(([, spec]) => spec.type.startsWith('reference'))) {
    test(`a credential itself as ${at.join('.')} is refused, and not shown`, () => {
      const literal = type === 'reference' ? 'hunter2 canary' : { 'x-key': 'hunter2 canary' };
      const problems = optionProblems(options, only(at, literal), kind);
      const mine = problems.filter((one) => one.path.join('.') === at.join('.'));
      expect(mine.map(({ what }) => what).join()).toContain('never the value');
      expect(JSON.stringify(problems)).not.toContain('canary');
    });
  }

  test('every option is read', () => {
    const unread = all.filter(([at]) => {
      const name = at.at(-1) ?? '';
      const isWritten = new RegExp(`['"]${name}['"]|[.?]${name}\\b|[{,]\\s*${name}\\b(?!:)`);
      return !isWritten.test(source) && !ends.some((end) => name.endsWith(end));
    });
    expect(unread.map(([at]) => at.join('.'))).toEqual([]);
  });

  test('every variable is read', () => {
    const unread = Object.keys(variables).filter((name) => {
      const isWritten = new RegExp(`['"]${name}['"]`).test(source);
      return !isWritten && !starts.some((start) => name.startsWith(start));
    });
    expect(unread).toEqual([]);
  });

  if (LOCAL.includes(kind)) return;
  test('the least rights for the example of a path name it', () => {
    const path = exampleOf(store);
    const rights = store.rights?.({ folder: '/f' }, [{ path }]) ?? [];
    expect(rights.length).toBeGreaterThan(0);
    const said = JSON.stringify(rights);
    expect(path.split('/').filter((part) => !said.includes(part))).toEqual([]);
  });

  test('it says how it is proved who we are', () => {
    expect(Object.keys(auth).length).toBeGreaterThan(0);
  });
});
