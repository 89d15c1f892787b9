/** The keys that an answer has, for messages: names, never values. */
export function keysText(keys: Iterable<string>): string {
  const all = [...keys].toSorted();
  const shown = all.slice(0, KEYS_SHOWN_MAX).join(', ');
  if (all.length === 0) return 'it has no keys';
  return all.length > KEYS_SHOWN_MAX
    ? `keys there: ${shown} … (${all.length})`
    : `keys there: ${shown}`;
}

const KEYS_SHOWN_MAX = 20;
