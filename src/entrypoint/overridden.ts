import { invariant, judge, problemsOf } from '../core/errors.ts';
import { checkOverrides, overridden, overridingWords } from '../plan/overrides.ts';
import type { Declared } from './declare.ts';
import { withObjects } from './plan-file.ts';
import type { PlanContext, PlanPlace } from './plan-source.ts';
import { plansElsewhere } from './plan-source.ts';

// A start whose plan is no file of the container, or has another one over it.

/** Where the plans of a start are. */
export interface Elsewhere {
  readonly place?: PlanPlace;
  /** Reads the plan where it is in the container's own files instead. */
  readonly base?: () => Promise<Declared>;
  /** They are the plan where there is no other. */
  readonly overrides?: PlanPlace | undefined;
}

/** What is to be delivered: all of it is fetched together, and the overrides count. */
export async function declaredElsewhere(
  context: PlanContext,
  { place, base, overrides }: Elsewhere,
  manifests: readonly string[],
): Promise<Declared> {
  const places = [place, overrides].filter((one) => one !== undefined);
  const own = base === undefined ? Promise.resolve(undefined) : base();
  const both = [plansElsewhere(places, context), own] as const;
  const done = await Promise.allSettled(both);
  judge(done.flatMap((one) => (one.status === 'rejected' ? problemsOf(one.reason) : [])));
  const [plans, based] = await Promise.all(both);
  const [first] = plans;
  invariant(first !== undefined, 'each place has a plan');
  const from = { path: place?.named ?? '', manifests };
  const declared = place === undefined ? based : withObjects(context.io, first, from);
  const over = overrides === undefined ? undefined : plans.at(-1);
  if (over === undefined) return declared ?? { ...first, warnings: [] };
  checkOverrides(over.plan, overrides?.by ?? '');
  const words = overridingWords(over.plan);
  if (declared === undefined) return { ...over, warnings: [], words };
  return { ...declared, plan: overridden(declared.plan, over.plan), words };
}
