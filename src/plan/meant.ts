// What to say beside a name that nobody knows.

const NAMES_SHOWN_MAX = 20;
const SLIPS_MAX = 2;

/** The name that was probably meant; else all that there are, if they are few. */
export function instead(wrong: string, names: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const slips = names.map((name) => [name, slipsBetween(plain(wrong), plain(name))] as const);
  const [[nearest, count] = ['', Infinity]] = slips.toSorted(([, a], [, b]) => a - b);
  // Of a name with as many characters as slips nothing is left to know it by.
  if (count <= SLIPS_MAX && count < plain(wrong).length) return `: is ${nearest} meant?`;
  return names.length > NAMES_SHOWN_MAX || names.length === 0
    ? ''
    : `; there are ${names.join(', ')}`;
}

const NAME_CHARACTERS_MAX = 64;

/** How many characters must be put, taken or changed: Levenshtein's distance. */
function slipsBetween(one: string, other: string): number {
  if (one.length > NAME_CHARACTERS_MAX) return Infinity;
  let row = Array.from({ length: other.length + 1 }, (_, n) => n);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
