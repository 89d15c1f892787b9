import { BellhopError } from '../core/errors.ts';
import type { Placement, Plan } from './types.ts';

// What a platform's later request says over a definition that has a plan already, e.g. RunTask over
// a task definition: `bellhop adapt` makes it a plan of its own, of texts and words alone.

/** Stands in a request for words that had no room in it, and are in the plan. */
export const WORDS_MARK = 'bellhop:words';

/** The words of overrides; none where they leave those of the definition. */
export function overridingWords({ image }: Plan): readonly string[] {
  return [...(image.entrypoint ?? []), ...(image.cmd ?? [])];
}

/** The plan with what overrides say over it: their variables count over its own. */
export function overridden(plan: Plan, overrides: Plan | undefined): Plan {
  if (overrides === undefined) return plan;
  return { ...plan, placements: [...plan.placements, ...overrides.placements] };
}

/** Refuses overrides that hold anything but texts and words; `name` is where they came from. */
export function checkOverrides({ stores, placements }: Plan, name: string): void {
  const isText = (one: Placement): boolean => {
    return one.kind === 'variable' && one.layer === 'env' && one.source.kind === 'text';
  };
  if (Object.keys(stores).length === 0 && placements.every(isText)) return;
  const what = 'has more than variables and words, and is no plan over another';
  throw new BellhopError('BH_ERR_PLAN', { where: [name], what });
}
