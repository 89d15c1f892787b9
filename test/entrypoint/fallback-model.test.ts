// A reference with its fallbacks, whatever each store does: what a start takes, by the shortest
// model of it, and that `check` says the same.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { BellhopError } from '../../src/core/errors.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import type { Io } from '../../src/core/io/types.ts';
import { check } from '../../src/entrypoint/check.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { selectValue } from '../../src/entrypoint/select.ts';
import { boundsOf } from '../../src/plan/bounds.ts';
import type { Bound, Plan } from '../../src/plan/types.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import { fakeIo } from '../support/fake-io.ts';
import { planWith } from '../support/real-store.ts';
import type { Reaction } from '../support/simulated.ts';
import { simulation } from '../support/simulated.ts';
import { fine, shown, status } from './_gathering.ts';

/** What a store does; the value is its name. */
const DOES = {
  has: (name: string) => fine(JSON.stringify({ k: name })),
  lacksKey: () => fine('{"other":"x"}'),
  lacksPath: () => status(404),
  refuses: () => status(403),
  refusesConnections: (): Reaction => ({ afterMs: 1, error: new NetError('refused', '') }),
  says503: () => status(503),
  hangs: (): Reaction => 'hang',
};
type Doing = keyof typeof DOES;
const DOWN: readonly Doing[] = ['refusesConnections', 'says503', 'hangs'];
const NAMES = ['a', 'b', 'c', 'd'];

/** The value, or the code. */
function modelOf([own = 'has', ...fallbacks]: readonly Doing[], isOptional: boolean): string {
  if (own === 'has') return 'a';
  if (own === 'refuses') return 'BH_ERR_STORE_DENIED';
  if (!DOWN.includes(own)) return isOptional ? 'absent' : 'BH_ERR_MISSING';
  const at = fallbacks.findIndex((one) => one === 'has' || one === 'refuses');
  if (at < 0) return 'BH_ERR_STORE';
  return fallbacks[at] === 'has' ? (NAMES[at + 1] ?? '') : 'BH_ERR_STORE_DENIED';
}

interface World {
  readonly plan: Plan;
  readonly bound: Bound;
  /** Runs it with stores that do this. */
  readonly run: <T>(work: (io: Io) => Promise<T>) => Promise<T>;
}

function worldOf(doings: readonly Doing[], isOptional: boolean): World {
  const world = simulation(3);
  const [reference = { store: 'a', path: 'x' }, ...fallbacks] = doings.map((_, n) => {
    return { store: NAMES[n] ?? '', path: 'x', key: 'k' };
  });
  const optional = isOptional ? { optional: true as const } : {};
  const bound: Bound = { reference, fallbacks, called: 'c', ...optional };
  const stores = NAMES.map(
    (name) => [name, { kind: 'http', url: `https://${name}.test` }] as const,
  );
  const policy = { ...DEFAULT_POLICY, startMsMax: 4000 };
  const net = world.net(({ url }) => {
    const name = url.slice('https://'.length)[0] ?? '';
    return DOES[doings[NAMES.indexOf(name)] ?? 'has'](name);
  });
  const io: Io = { ...fakeIo({}), net, clock: world.clock };
  return {
    plan: planWith([bound], Object.fromEntries(stores), policy),
    bound,
    run: async (work) => world.run(work(io)),
  };
}

const doing = fc.constantFrom(...(Object.keys(DOES) as Doing[]));

test('a start takes what the model says, and check ends as the start does', async () => {
  await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
  const doings = fc.array(doing, { minLength: 1, maxLength: NAMES.length });
  await fc.assert(
    fc.asyncProperty(doings, fc.boolean(), async (all, isOptional) => {
      const wanted = modelOf(all, isOptional);
      const start = worldOf(all, isOptional);
      const { answers } = await start.run(async (io) => gather(start.plan, { io, objects: [] }));
      const value = selectValue(answers, start.bound);
      expect(value instanceof BellhopError ? value.code : shown(value)).toBe(wanted);
      const other = worldOf(all, isOptional);
      const wants = boundsOf(other.plan.placements);
      const input = { plan: other.plan, objects: [], wanted: wants, unchecked: [], warnings: [] };
      const { report } = await other.run(async (io) => check(io, input));
      const codes: readonly string[] = report.problems.map(({ code }) => code);
      expect(codes).toEqual(wanted.startsWith('BH_ERR') ? [wanted] : []);
    }),
    { numRuns: 200 },
  );
});
