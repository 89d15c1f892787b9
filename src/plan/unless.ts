import type { VariablePlacement } from './types.ts';

/** What is given only where nobody else sets it, nor another of its kind. */
export type Unless = Pick<VariablePlacement, 'unless' | 'rule'>;

/** True where any rule but its own sets one of the names that it is left out for. */
export function isSetElsewhere(
  { unless = [], rule }: Unless,
  rulesOf: (name: string) => readonly string[],
): boolean {
  return unless.some((name) => rulesOf(name).some((one) => one !== rule));
}

/** What only the container knows of such a variable. */
export function unlessNotes({ unless }: Pick<Unless, 'unless'>): string[] {
  return unless === undefined ? [] : ['unless the image or the platform sets one of its kind'];
}
