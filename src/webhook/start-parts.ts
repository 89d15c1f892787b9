// What of a container must wait for variables that come later: its own variables and arguments
// that refer to them, as the kubelet would have put them together.
import { piecesOf } from '../plan/expand.ts';
import type { StartPart, StartTarget } from '../plan/types.ts';
import type { Json } from './pod-state.ts';
import { EditProblem } from './pod-volumes.ts';

/** What refers to what doubles with each step: a few lines would fill the memory. */
const PARTS_MAX = 10_000;

/** A container before its start is changed. */
export interface Started {
  /** Its `env`, without those that come later. */
  readonly env: readonly Json[];
  /** Command and arguments, as the kubelet expands them. */
  readonly words: readonly string[];
  /** True where it has variables whose names only the cluster knows (`envFrom`). */
  readonly hasOthers: boolean;
}

/**
 * The variables of these names, then what refers to them. Expansion happens once: what the kubelet
 * makes of such an entry is written over, with the values of the others that the container has.
 * Throws EditProblem.
 */
export function startTargets(names: readonly string[], started: Started): StartTarget[] {
  const { env, words, hasOthers } = started;
  const room = { parts: PARTS_MAX };
  const late = new Map<string, readonly StartPart[]>(names.map((name) => [name, [{ of: name }]]));
  const all = env.map((entry) => String(entry['name']));
  all.forEach((name, index) => {
    const value = env[index]?.['value'];
    const isKnown = (one: string): boolean => {
      const [first, last] = [all.indexOf(one), all.lastIndexOf(one)];
      const isBefore = first < 0 || first < index;
      if (last >= index && (isBefore || hasOthers)) throw setTwice(name, one);
      return isBefore;
    };
    const parts = typeof value === 'string' ? partsOf(value, { late, isKnown, room }) : undefined;
    // An entry that is there twice: the later one counts.
    late.delete(name);
    if (parts !== undefined) late.set(name, parts);
  });
  const ofVariables = [...late].map(([variable, parts]) => ({ variable, parts }));
  const ofWords = words.flatMap((word, argument): StartTarget[] => {
    const parts = partsOf(word, { late, isKnown: () => true, room });
    return parts === undefined ? [] : [{ argument, parts }];
  });
  return [...ofVariables, ...ofWords];
}

/** The container has the last value of a variable, the kubelet would take the one at this place. */
function setTwice(name: string, other: string): EditProblem {
  return new EditProblem(
    `variable ${name} refers to ${other}, which is set again behind it: give one of them another name`,
  );
}

interface Seen {
  readonly late: ReadonlyMap<string, readonly StartPart[]>;
  /** False where the kubelet does not know the name yet. */
  readonly isKnown: (name: string) => boolean;
  /** What is left for the container. */
  readonly room: { parts: number };
}

/** Undefined where nothing of it comes later. */
function partsOf(
  template: string,
  { late, isKnown, room }: Seen,
): readonly StartPart[] | undefined {
  const pieces = piecesOf(template);
  if (!pieces.some((piece) => typeof piece !== 'string' && late.has(piece.name))) return undefined;
  for (const piece of pieces) {
    room.parts -= typeof piece === 'string' ? 1 : (late.get(piece.name)?.length ?? 1);
  }
  if (room.parts < 0) {
    throw new EditProblem(`what refers to its variables has more than ${PARTS_MAX} parts`);
  }
  return pieces.flatMap((piece): readonly StartPart[] => {
    if (typeof piece === 'string') return [{ text: piece }];
    const { name } = piece;
    return late.get(name) ?? [isKnown(name) ? { from: name } : { text: `$(${name})` }];
  });
}
