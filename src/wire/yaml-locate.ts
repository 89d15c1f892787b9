import { isMergeKey, keyOf, meant, scalarOf } from './yaml-node.ts';
import type { Node, Parsed } from './yaml-node.ts';

/** Where a value stands: its node, and that of its key or of the list item. */
export interface Place {
  readonly key: Node;
  readonly value: Node;
  /** How many steps of the path were found. */
  readonly steps: number;
}

/** Follows a path through a document as far as it leads. */
export function findPlace({ root, grammar }: Parsed, path: readonly (string | number)[]): Place {
  let place: Place = { key: root, value: root, steps: 0 };
  for (const step of path) {
    const next = child(meant(place.value), step, grammar);
    if (next === undefined) break;
    place = { ...next, steps: place.steps + 1 };
  }
  return place;
}

/** Gives a number as kubectl sends it in JSON, or undefined where there is no number. */
export function numberTextOf(node: Node, grammar: Parsed['grammar']): string | undefined {
  if (meant(node).kind !== 'scalar') return undefined;
  const scalar = scalarOf(meant(node), grammar);
  return scalar.kind === 'int' || scalar.kind === 'float' ? scalar.text : undefined;
}

type Entry = Omit<Place, 'steps'>;

function child(node: Node, step: string | number, grammar: Parsed['grammar']): Entry | undefined {
  if (node.kind === 'mapping') return entry(node, String(step), grammar);
  const item = node.kind === 'list' && typeof step === 'number' ? node.items[step] : undefined;
  return item && { key: item, value: item };
}

/** Finds the entry that a key has in the end: the last one, wherever it was merged from. */
function entry(node: Node, wanted: string, grammar: Parsed['grammar']): Entry | undefined {
  for (let i = node.items.length - 2; i >= 0; i -= 2) {
    const [key, value] = node.items.slice(i, i + 2);
    if (key === undefined || value === undefined) break;
    if (isMergeKey(key)) {
      const sources = value.kind === 'list' ? value.items : [value];
      for (const source of sources) {
        const found = entry(meant(source), wanted, grammar);
        if (found !== undefined) return found;
      }
    } else if (keyOf(key, grammar)?.text === wanted) return { key, value };
  }
  return undefined;
}
