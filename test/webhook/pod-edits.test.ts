// Variables, edit by edit: what is done to many at once is what was done to one after another.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { EnvEdit } from '../../src/injectors/_edit.ts';
import type { EnvOrder } from '../../src/webhook/pod-edits.ts';
import { applyEdits } from '../../src/webhook/pod-edits.ts';
import { patchOf } from '../../src/webhook/pod-patch.ts';
import { readPodState } from '../../src/webhook/pod-state.ts';
import { applyPatch } from '../../src/wire/json-patch.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** One edit after another, each by the rule alone. */
function one(env: readonly Variable[], { name, value }: EnvEdit, order: EnvOrder): Variable[] {
  const entry = { name, ...(value === '' || value === undefined ? {} : { value }) };
  const at = env.findIndex((each) => each.name === name);
  if (order === 'last') return at < 0 ? [...env, entry] : [...env];
  return [entry, ...env.filter((_, n) => n !== at)];
}

const name = fc.constantFrom('A', 'B', 'C', 'D');
const value = fc.constantFrom('', '1', '2');
const variables = fc.array(fc.record({ name, value }), { maxLength: 6 });
const edit = fc.record({ kind: fc.constant('env' as const), name, value });
const batches = fc.array(fc.array(edit, { maxLength: 4 }), { maxLength: 4 });

test('a container has the variables of all edits, in the order in which they came', () => {
  fc.assert(
    fc.property(variables, batches, fc.constantFrom<EnvOrder>('first', 'last'), (env, all, how) => {
      const pod = { spec: { containers: [{ name: 'c', env }] } };
      const state = all.reduce((now, edits) => applyEdits(now, edits, how), readPodState(pod));
      const after = applyPatch(pod, patchOf(pod, state)) as typeof pod;
      const wanted = all.flat().reduce<readonly Variable[]>((now, e) => one(now, e, how), env);
      expect(after.spec.containers[0]?.env as readonly Variable[]).toEqual([...wanted]);
    }),
    { numRuns: 2000 },
  );
});
