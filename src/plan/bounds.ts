import type { Bound, Placement, Source } from './types.ts';

/** Every bound reference of the placements, in order, also repeated ones. */
export function boundsOf(placements: readonly Placement[]): Bound[] {
  return placements.flatMap((placement): Bound[] => {
    switch (placement.kind) {
      case 'variable':
      case 'file':
        return sourceBounds(placement.source);
      case 'variables':
        return [placement.bound];
      case 'directory':
        return placement.contents.flatMap((content) =>
          content.kind === 'files' ? [content.bound] : sourceBounds(content.source),
        );
      case 'argv':
        return [];
    }
  });
}

function sourceBounds(source: Source): Bound[] {
  return source.kind === 'value' ? [source.bound] : [];
}
