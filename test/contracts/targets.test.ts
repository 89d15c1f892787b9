// The same cases on every target.
import { describe, expect, test } from 'bun:test';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import { breachesOf, hasForm, nodesAt, usedOf } from '../../src/targets/_caps.ts';
import type { Cap, Form, JsonObject, Limit } from '../../src/targets/_caps.ts';
import type { Inside, Target } from '../../src/targets/_target.ts';
import { FEATURES } from '../../src/targets/_target.ts';
import { nodeUsing, requestWith } from '../targets/_fit.ts';
import { frameFor } from '../submit/_frame.ts';

const targets = await Promise.all(
  Object.entries(ALL_TARGETS).map(async ([name, load]) => [name, (await load()).default] as const),
);
const NOWHERE: Inside = {
  variable: () => undefined,
  exists: () => false,
  read: () => undefined,
  words: [],
};

const called = (cap: Cap): string => {
  const what = cap.kind === 'limit' ? cap.counts : `form of ${cap.of}`;
  return `${cap.operation} ${cap.at || 'request'}, ${what}`;
};

for (const [name, target] of targets) {
  describe(`target ${name}`, () => {
    facts(name, target);
    capacity(allCaps(target));
    adapts(target);
    requests(target);
  });
}

/** Those of requests too that only `adapt` knows. */
const allCaps = ({ caps, adapt = [] }: Target): readonly Cap[] => [
  ...caps,
  ...adapt.flatMap((one) => one.caps ?? []),
];

function adapts({ adapt = [], operations }: Target): void {
  test('requests that are adapted are told apart by the field that names what they make', () => {
    for (const one of adapt) {
      const named = requestWith(one.name, 'a name') as JsonObject;
      expect(adapt.find(({ name }) => nodesAt(named, name).length > 0)).toBe(one);
    }
  });
  test('their caps are of their own operation, and each is told once', () => {
    for (const { operation, caps = [] } of adapt) {
      const isOwn = !operations.includes(operation);
      expect(caps.every((cap) => cap.operation === operation)).toBe(true);
      expect(isOwn && caps.length === 0).toBe(false);
    }
  });
}

function facts(name: string, target: Target): void {
  test('it is called as its file is', () => {
    expect(target.name).toBe(name);
  });
  test('each cap and each reserved name has a source and the date on which it was read', () => {
    const { reserved, gives = [], failure, channel } = target;
    const all = [...allCaps(target), ...reserved, ...gives, failure, channel].filter(
      (one) => one !== undefined,
    );
    for (const { source, readOn } of all) {
      expect(source).toMatch(/\S{4}/);
      expect(readOn).toMatch(/^20\d\d-\d\d-\d\d$/);
    }
  });
  test('caps are of operations that it makes requests of', () => {
    const used = target.caps.map(({ operation }) => operation);
    expect(target.operations).toEqual(expect.arrayContaining([...new Set(used)]));
    expect(target.operations).toEqual(expect.arrayContaining(Object.keys(target.wants)));
    expect(target.operations).toContain(target.variablesAt.operation);
  });
  test('it says of every feature how it is had, in one line', () => {
    expect(Object.keys(target.features).toSorted()).toEqual([...FEATURES].toSorted());
    for (const { how } of Object.values(target.features)) expect(how).toMatch(/^\S[^\n]*[^\s.]$/);
  });
  test('nothing at all is not taken for it', () => {
    expect(target.detect(NOWHERE)).toBeUndefined();
  });
  test('a variable tells the index of a task where the entrypoint has it from one', () => {
    const { indexVariable, features } = target;
    expect(indexVariable !== undefined).toBe(features.completionIndex.by === 'entrypoint');
    if (indexVariable === undefined) return;
    expect(features.completionIndex.how).toContain(indexVariable);
    const variable = (name: string): string => (name === indexVariable ? '7' : 'x');
    expect(target.detect({ ...NOWHERE, variable })?.index).toBe('7');
  });
  test('names for other content are others, and fit the caps', () => {
    const names = ['a', 'train', 'x_y.z', '-', 'ä', 'w'.repeat(300)].flatMap((one) => [
      target.nameOf(one, 'a'.repeat(64)),
      target.nameOf(one, 'b'.repeat(64)),
    ]);
    expect(new Set(names).size).toBe(names.length - 2);
    for (const one of names) expect(one).toMatch(/^[A-Za-z0-9](-*[A-Za-z0-9])*$/);
  });
}

function capacity(caps: readonly Cap[]): void {
  const limits = caps.filter((cap): cap is Limit => cap.kind === 'limit');
  const forms = caps.filter((cap): cap is Form => cap.kind === 'form');
  const breaks = (cap: Limit, count: number): boolean => {
    const node = nodeUsing(cap, count);
    const request = requestWith(cap.at, node ?? null);
    expect(usedOf(cap, request)).toBe(count);
    return breachesOf([cap], cap.operation, request).length > 0;
  };
  test.each(limits.map((cap) => [called(cap), cap] as const))(
    '%s: one less and exactly as much fit, one more does not',
    (_, cap) => {
      expect([cap.max - 1, cap.max, cap.max + 1].map((count) => breaks(cap, count))).toEqual([
        false,
        false,
        true,
      ]);
    },
  );
  const lengths = limits.filter(({ counts }) => ['value', 'text'].includes(counts));
  test.each(lengths.map((cap) => [called(cap), cap] as const))(
    '%s: counts bytes, which are never less than characters',
    (_, cap) => {
      const text = `${'é'.repeat(Math.floor(cap.max / 2))}${'w'.repeat(cap.max % 2)}`;
      const node = (value: string) => (cap.counts === 'text' ? value : { N: value });
      const used = (value: string): number => usedOf(cap, requestWith(cap.at, node(value)));
      expect([used(text), used(`${text}w`)]).toEqual([cap.max, cap.max + 1]);
    },
  );
  test('every form is a pattern that refuses something or takes everything on one line', () => {
    for (const form of forms) {
      const refuses = ['', 'a\nb', '1', 'é é', '_'].some((text) => !hasForm(form, text));
      expect([form.at, refuses]).toEqual([form.at, true]);
    }
  });
}

function requests(target: Target): void {
  const job = { ...frameFor(target), secrets: [], hyperparameters: [] };
  const variables = [['A', 'one'] as const, ['B', 'é'] as const];
  test('the variables stand where the target says', () => {
    const [request] = target
      .render({ ...job, variables })
      .filter(({ operation }) => operation === target.variablesAt.operation);
    const text = JSON.stringify(request?.input);
    for (const [one, value] of variables) {
      expect(text).toContain(one);
      expect(text).toContain(value);
    }
    const cap = { at: target.variablesAt.at, counts: 'entries' } as const;
    expect(usedOf(cap, request?.input ?? {})).toBe(variables.length);
  });
  test('the same job is the same requests, one of each operation', () => {
    const once = target.render({ ...job, variables });
    expect(JSON.stringify(target.render({ ...job, variables }))).toBe(JSON.stringify(once));
    expect(once.map(({ operation }) => operation)).toEqual([...target.operations]);
  });
  test("the user's own fields stay, beside ours", () => {
    const given = () => ({ own: { of: ['the user'] } });
    for (const { input } of target.render({ ...job, given, variables })) {
      if (target.wants[target.operations[0] ?? ''] === undefined) continue;
      expect(input['own']).toEqual({ of: ['the user'] });
    }
  });
}
