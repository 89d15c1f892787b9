import type { Bound, MadeSource, Placement, Source } from './types.ts';

/** A reference of a placement: one value is wanted, or all keys of what it stands for. */
export interface WantedBound {
  readonly bound: Bound;
  readonly all: boolean;
}

/** Every bound reference of the placements, in order, also repeated ones. */
export function boundsOf(placements: readonly Placement[]): WantedBound[] {
  return placements.flatMap((placement): WantedBound[] => {
    switch (placement.kind) {
      case 'variable':
      case 'file':
        return oneValue(placement.source);
      case 'variables':
        return [{ bound: placement.bound, all: true }];
      case 'directory':
        return placement.contents.flatMap((content) =>
          content.kind === 'files'
            ? [{ bound: content.bound, all: true }]
            : oneValue(content.source),
        );
      case 'argv':
        return [];
    }
  });
}

function oneValue(source: Source | MadeSource): WantedBound[] {
  const isBound = source.kind === 'value' || source.kind === 'hyperparameters';
  return isBound ? [{ bound: source.bound, all: false }] : [];
}
