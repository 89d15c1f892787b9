import { canonicalJson } from '../core/canonical.ts';
import type { Snapshot } from './types.ts';

// Apart from the reader: who takes a snapshot does not load the schema that reads them.

/** The snapshot as a document: canonical JSON (RFC 8785) in one line. */
export function printSnapshot(snapshot: Snapshot): string {
  return `${canonicalJson(snapshot)}\n`;
}
