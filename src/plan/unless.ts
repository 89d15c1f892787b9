import type { Placement, VariablePlacement } from './types.ts';

/** Without the variables that are only given where nothing else of the plan sets one of a kind. */
export function withoutSet(placements: readonly Placement[]): readonly Placement[] {
  return placements.filter((one) => {
    if (one.kind !== 'variable' || one.unless === undefined) return true;
    const { unless, rule } = one;
    return !placements.some((other) => {
      return other.kind === 'variable' && other.rule !== rule && unless.includes(other.name);
    });
  });
}

/** What only the container knows of such a variable. */
export function unlessNotes({ unless }: VariablePlacement): string[] {
  return unless === undefined ? [] : ['unless the image or the platform sets one of its kind'];
}
