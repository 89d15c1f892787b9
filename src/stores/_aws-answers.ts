import { BellhopError } from '../core/errors.ts';
import { wantedKey } from './_each.ts';
import type { Answer, Wanted } from './_store.ts';

// What the AWS stores share when they turn requests into answers.

/** One answer for each thing wanted, in order; each distinct one is asked for once. */
export async function answerEach(
  wanted: readonly Wanted[],
  ask: (distinct: readonly Wanted[]) => Promise<ReadonlyMap<string, Answer>>,
): Promise<readonly Answer[]> {
  const distinct = new Map(wanted.map((one) => [wantedKey(one), one]));
  const answers = await ask([...distinct.values()]);
  return wanted.map((one) => answers.get(wantedKey(one)) ?? unanswered());
}

function unanswered(): Answer {
  const what = 'a path was not asked for';
  return { kind: 'failed', problem: new BellhopError('BH_ERR_BUG', { where: [], what }) };
}

/** What was asked for, or why it cannot be had, as the answer of one path. */
export async function answered(asking: Promise<Answer>): Promise<Answer> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof BellhopError) return { kind: 'failed', problem: error };
    throw error;
  }
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * As few groups of at most `size` as there can be, in order, where no group has two items of one
 * kind: an API that answers by name could not tell them apart.
 */
export function groupsWithoutTwins<T>(
  items: readonly T[],
  size: number,
  kindOf: (item: T) => string,
): T[][] {
  const groups: { items: T[]; kinds: Set<string> }[] = [];
  for (const item of items) {
    const kind = kindOf(item);
    const free = groups.find((one) => one.items.length < size && !one.kinds.has(kind));
    if (free === undefined) groups.push({ items: [item], kinds: new Set([kind]) });
    else {
      free.items.push(item);
      free.kinds.add(kind);
    }
  }
  return groups.map((one) => one.items);
}
