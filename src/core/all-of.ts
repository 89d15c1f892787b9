/** As Promise.all; of several that fail it is always the first in the list that is told. */
export async function allOf<T extends readonly unknown[]>(
  works: readonly [...T],
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  await Promise.allSettled(works);
  return Promise.all(works);
}
