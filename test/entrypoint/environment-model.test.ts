import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { expand } from '../../src/plan/expand.ts';
import type { Placement } from '../../src/plan/types.ts';
import { all, compute, literal, template, utf8 } from './_environment.ts';

// The model: getServiceEnvVarMap and makeEnvironmentVariables of pkg/kubelet/kubelet_pods.go as one
// fold over maps, everything as latin1 text.

type Entry =
  | { readonly kind: 'settings' | 'service'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'envFrom';
      readonly prefix: string;
      readonly object: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'env'; readonly name: string; readonly value: string };

function model(entries: readonly Entry[]): Map<string, string> {
  const settings = new Map<string, string>();
  const service = new Map<string, string>();
  for (const one of entries) {
    if (one.kind === 'settings') settings.set(one.name, one.value);
    if (one.kind === 'service') service.set(one.name, one.value);
  }
  const declared = new Map<string, string>();
  for (const one of entries) {
    if (one.kind !== 'envFrom') continue;
    for (const [name, value] of Object.entries(one.object)) declared.set(one.prefix + name, value);
  }
  for (const one of entries) {
    if (one.kind !== 'env') continue;
    const seen = new Map([...service, ...declared]);
    declared.set(
      one.name,
      expand(one.value, (name) => seen.get(name)),
    );
  }
  return new Map([...settings, ...service, ...declared]);
}

test('any declaration gives the variables of the model', () => {
  const name = fc.constantFrom('A', 'B', 'C', 'P_A', 'P_B');
  const value = fc.string({ unit: fc.constantFrom('$(A)', '$(B)', '$(P_A)', '$$', '(', 'x') });
  const entry: fc.Arbitrary<Entry> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('settings' as const, 'service' as const, 'env' as const),
      name,
      value,
    }),
    fc.record({
      kind: fc.constant('envFrom' as const),
      prefix: fc.constantFrom('', 'P_'),
      object: fc.dictionary(name, value, { noNullPrototype: true }),
    }),
  );
  // buildPlan places them in this order, whatever the order in the files.
  const ORDER = ['settings', 'service', 'envFrom', 'env'];
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 10 }), (unordered) => {
      const entries = unordered.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
      const objects: Record<string, Record<string, Uint8Array>> = {};
      const placements = entries.map((one, index): Placement => {
        if (one.kind === 'env') return template(one.name, one.value);
        if (one.kind !== 'envFrom') return literal(one.kind, one.name, one.value);
        objects[`o${index}`] = Object.fromEntries(
          Object.entries(one.object).map(([k, v]) => [k, utf8(v)]),
        );
        return all(`o${index}`, one.prefix);
      });
      const { variables, problems } = compute({ placements, objects });
      expect(problems).toEqual([]);
      const ours = [...variables].map(([k, one]) => `${k}=${one.value}`);
      const wanted = [...model(entries)].map(([k, one]) => `${k}=${one}`);
      expect(ours.toSorted()).toEqual(wanted.toSorted());
    }),
    { numRuns: 2000 },
  );
});
