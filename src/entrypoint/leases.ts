import { BellhopError } from '../core/errors.ts';
import type { Plan, Reference } from '../plan/types.ts';
import type { Answer } from '../stores/_store.ts';

const MS_PER_SECOND = 1000;

/** What is wrong with a value that is lent for less time than the job may take. */
export function leaseProblem(
  plan: Plan,
  from: Reference,
  answer: Answer,
): BellhopError | undefined {
  if (answer.kind !== 'value' && answer.kind !== 'map') return undefined;
  const { jobSecondsMax, shortLease = 'refuse' } = plan.policy;
  const leaseMs = answer.facts?.leaseMs;
  if (leaseMs === undefined || jobSecondsMax === undefined || shortLease === 'allow') {
    return undefined;
  }
  if (leaseMs >= jobSecondsMax * MS_PER_SECOND) return undefined;
  const seconds = Math.floor(leaseMs / MS_PER_SECOND);
  const lent =
    leaseMs === 0 ? ', for no time or for one that the store does not say,' : ` for ${seconds} s,`;
  const what = `is lent${lent} and the job may take ${jobSecondsMax} s`;
  // The reference is told where it is selected; a fallback of another store may have lent it.
  return new BellhopError('BH_ERR_LEASE', { where: [`store ${from.store}`], what });
}
