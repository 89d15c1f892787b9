// What of a container must wait for variables that come later: its own variables and arguments
// that refer to them, as the kubelet would have put them together.
import { piecesOf } from '../plan/expand.ts';
import type { StartPart, StartTarget } from '../plan/types.ts';
import type { Json } from './pod-state.ts';

/** A container before its start is changed. */
export interface Started {
  /** Its `env`, without those that come later. */
  readonly env: readonly Json[];
  /** Command and arguments, as the kubelet expands them. */
  readonly words: readonly string[];
}

/**
 * The variables of these names, then what refers to them. Expansion happens once: what the kubelet
 * makes of such an entry is written over, with the values of the others that the container has.
 */
export function startTargets(names: readonly string[], { env, words }: Started): StartTarget[] {
  const late = new Map<string, readonly StartPart[]>(names.map((name) => [name, [{ of: name }]]));
  const all = env.map((entry) => String(entry['name']));
  all.forEach((name, index) => {
    const value = env[index]?.['value'];
    const isKnown = (one: string): boolean => !all.includes(one) || all.indexOf(one) < index;
    const parts = typeof value === 'string' ? partsOf(value, { late, isKnown }) : undefined;
    // An entry that is there twice: the later one counts.
    late.delete(name);
    if (parts !== undefined) late.set(name, parts);
  });
  const ofVariables = [...late].map(([variable, parts]) => ({ variable, parts }));
  const ofWords = words.flatMap((word, argument): StartTarget[] => {
    const parts = partsOf(word, { late, isKnown: () => true });
    return parts === undefined ? [] : [{ argument, parts }];
  });
  return [...ofVariables, ...ofWords];
}

interface Seen {
  readonly late: ReadonlyMap<string, readonly StartPart[]>;
  /** False where the kubelet does not know the name yet. */
  readonly isKnown: (name: string) => boolean;
}

/** Undefined where nothing of it comes later. */
function partsOf(template: string, { late, isKnown }: Seen): readonly StartPart[] | undefined {
  const pieces = piecesOf(template);
  if (!pieces.some((piece) => typeof piece !== 'string' && late.has(piece.name))) return undefined;
  return pieces.flatMap((piece): readonly StartPart[] => {
    if (typeof piece === 'string') return [{ text: piece }];
    const { name } = piece;
    return late.get(name) ?? [isKnown(name) ? { from: name } : { text: `$(${name})` }];
  });
}
