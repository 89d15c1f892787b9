// Stores whose API has so many paths a request, and fails for all of them at once.
import { failedAnswer } from './_rest.ts';
import type { Answer } from './_store.ts';

/** The list in parts of at most `size`, in order. */
export function chunks<T>(list: readonly T[], size: number): T[][] {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, n) => list.slice(n * size, (n + 1) * size));
}

/** An answer for each, all parts at once; what fails for a part is the answer of each in it. */
export async function askInChunks<T>(
  list: readonly T[],
  size: number,
  ask: (part: readonly T[]) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const parts = chunks(list, size).map(async (part) => {
    try {
      return await ask(part);
    } catch (error) {
      const failed = failedAnswer(error);
      return part.map(() => failed);
    }
  });
  return (await Promise.all(parts)).flat();
}
