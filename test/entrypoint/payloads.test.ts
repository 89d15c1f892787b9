import { describe, expect, test } from 'bun:test';
import { Sealed } from '../../src/core/sealed.ts';
import type { Environment } from '../../src/entrypoint/environment.ts';
import type { Given } from '../../src/entrypoint/answers.ts';
import { answerKey } from '../../src/entrypoint/answers.ts';
import { computeDelivery } from '../../src/entrypoint/payloads.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Content, DirectoryPlacement, Mount, Placement, Plan } from '../../src/plan/types.ts';
import type { Answer } from '../../src/stores/_store.ts';
import { withAbsent } from './_environment.ts';

const sealed = (text: string, binary = false): Sealed =>
  new Sealed(Buffer.from(text, 'latin1'), { binary });
const OBJECTS: Readonly<Record<string, Readonly<Record<string, Sealed>>>> = {
  s: { a: sealed('1'), 'b.txt': sealed('\xff\0', true) },
  dots: { '..x': sealed('canary'), ok: sealed('') },
  slash: { 'a/b': sealed('canary') },
};
const VALUES = new Map([
  ['A', 'x'],
  ['UP', '..'],
  ['ABS', '/etc'],
  ['EMPTY', ''],
  ['WIDE', '\xc3\xa9'],
]);

function deliver(...placements: readonly Placement[]) {
  const known = new Map(
    Object.entries(OBJECTS).map(([path, entries]): [string, Given] => {
      const answer: Answer = { kind: 'map', entries: new Map(Object.entries(entries)) };
      const key = answerKey({ reference: { store: 'v', path }, called: '' });
      return [key, { answer, level: 0 }];
    }),
  );
  const answers = withAbsent(known, placements);
  const plan = { placements, policy: DEFAULT_POLICY } as unknown as Plan;
  const environment = { lookup: (name: string) => VALUES.get(name) } as unknown as Environment;
  const { delivery, problems } = computeDelivery({
    plan,
    answers,
    environment,
    nowMs: 0,
    version: '..v',
  });
  for (const one of problems) expect(one.message).not.toContain('canary');
  return { delivery, problems: problems.map((one) => `${one.code} ${one.message}`) };
}

const bound = (path: string, member?: string, optional = false) => ({
  reference: { store: 'v', path },
  called: `secret ${path}`,
  ...(member === undefined ? {} : { member }),
  ...(optional ? { optional: true as const } : {}),
});
const file = (path: string, member: string, optional = false): Content => ({
  kind: 'file',
  path,
  mode: 0o640,
  source: { kind: 'value', bound: bound('s', member, optional) },
  rule: 'r',
});
const files = (object: string, optional = false): Content => ({
  kind: 'files',
  mode: 0o400,
  bound: bound(object, undefined, optional),
  rule: 'r',
});
const directory = (
  contents: readonly Content[],
  mount: Partial<Mount> = {},
): DirectoryPlacement => ({
  kind: 'directory',
  volume: 'v',
  medium: 'memory',
  shape: 'versioned',
  contents,
  rule: 'r',
  mounts: [{ path: '/m', readOnly: true, rule: 'mount', ...mount }],
});

const listing = (placement: DirectoryPlacement): string[] => {
  const { delivery, problems } = deliver(placement);
  const inside = delivery.directories[0]?.tree?.inside ?? [];
  const found = inside.flatMap((one) =>
    one.kind === 'file'
      ? [
          `${one.path} ${one.mode.toString(8)} ${Buffer.from(one.content.reveal()).toString('latin1')}`,
        ]
      : [],
  );
  return [...found, ...problems];
};

describe('volumes', () => {
  test.each<[string, Content[], string[]]>([
    ['every key, bytes as stored, binaryData too', [files('s')], ['a 400 1', 'b.txt 400 \xff\0']],
    ['one key at a path', [file('x/y', 'a')], ['x/y 640 1']],
    ['an optional key that is missing', [file('x', 'nope', true), file('y', 'a')], ['y 640 1']],
    ['an optional object that is missing', [files('gone', true)], []],
    [
      'a later source hides an earlier one',
      [files('s'), file('a', 'b.txt')],
      ['a 640 \xff\0', 'b.txt 400 \xff\0'],
    ],
    [
      'text and annotations',
      [
        {
          kind: 'file',
          path: 'n',
          mode: 0o644,
          source: { kind: 'text', text: 'é', of: 'x' },
          rule: 'r',
        },
        {
          kind: 'file',
          path: 'absent',
          mode: 0o644,
          source: { kind: 'absent', called: 'x' },
          rule: 'r',
        },
      ],
      ['n 644 \xc3\xa9'],
    ],
  ])('%s', (_name, contents, wanted) => {
    expect(listing(directory(contents))).toEqual(wanted);
  });

  test.each<[string, Content[], string]>([
    [
      'a missing key',
      [file('x', 'nope')],
      'BH_ERR_MISSING secret s, v:s: it has no key nope; keys there: a, b.txt',
    ],
    [
      'a key that no file can have',
      [files('dots')],
      "BH_ERR_VALUE r, secret dots, key ..x: a key must not start with '..'",
    ],
    [
      'a key that is a path',
      [files('slash')],
      "BH_ERR_VALUE r, secret slash, key a/b: a key must be letters, digits, '-', '_' and '.' only",
    ],
    [
      'a file that is a folder',
      [file('a', 'a'), file('a/b', 'a')],
      'BH_ERR_VALUE volume v, path a: is both a file and a folder',
    ],
    [
      'a path out of the volume',
      [file('../x', 'a')],
      "BH_ERR_VALUE volume v, path ../x: must not contain '..'",
    ],
  ])('%s: no tree, one problem', (_name, contents, wanted) => {
    const { delivery, problems } = deliver(directory(contents));
    expect(problems).toEqual([wanted]);
    expect(delivery.directories[0]).not.toHaveProperty('tree');
  });
});

describe('where a volume lands', () => {
  const landing = (mount: Partial<Mount>): unknown => {
    const { delivery, problems } = deliver(directory([], mount));
    return problems.length > 0 ? problems : delivery.directories[0]?.landings[0]?.subPath;
  };
  test.each<[string, Partial<Mount>, unknown]>([
    ['as a whole', {}, ''],
    ['below a subPath', { subPath: 'a//b/./c' }, 'a/b/c'],
    ['a subPath is not expanded', { subPath: '$(A)' }, '$(A)'],
    ['a subPathExpr is', { subPathExpr: '$(A)/$$(A)/$(WIDE)' }, 'x/$(A)/é'],
    ['one that becomes nothing is the whole', { subPathExpr: '$(EMPTY)' }, ''],
    [
      'an unknown variable',
      { subPathExpr: '$(A)/$(NOPE)' },
      ['BH_ERR_VALUE mount, subPathExpr: there is no variable NOPE for it'],
    ],
    [
      'one that climbs',
      { subPathExpr: 'a/$(UP)' },
      ["BH_ERR_VALUE mount, subPathExpr: what it expands to must not contain '..'"],
    ],
    [
      'one that is absolute',
      { subPathExpr: '$(ABS)' },
      ['BH_ERR_VALUE mount, subPathExpr: what it expands to must not be an absolute path'],
    ],
  ])('%s', (_name, mount, wanted) => {
    expect(landing(mount)).toEqual(wanted);
  });
});

describe('files of their own', () => {
  const placement = (path: string, member: string, optional = false): Placement => ({
    kind: 'file',
    path,
    mode: 0o400,
    medium: 'memory',
    source: { kind: 'value', bound: bound('s', member, optional) },
    rule: 'r',
  });
  test('content at hand; an optional one that is missing is left out; a missing one is told', () => {
    const { delivery, problems } = deliver(
      placement('/x', 'a'),
      placement('/y', 'nope', true),
      placement('/z', 'nope'),
    );
    expect(delivery.files.map((one) => one.placement.path)).toEqual(['/x']);
    expect(problems.length).toBe(1);
  });
});
