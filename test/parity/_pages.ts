// The page of the example, as `bellhop diff --html` makes it.
import { diff } from '../../src/parity/diff.ts';
import { diffPage } from '../../src/parity/page.ts';
import { reportOf } from '../../src/parity/report.ts';
import type { Snapshot } from '../../src/parity/types.ts';
import { KUBERNETES } from './_example.ts';

export function examplePage(right: Snapshot, left: Snapshot = KUBERNETES): string {
  const comparison = diff(left, right);
  const files = ['kubernetes.json', 'batch.json'] as const;
  const report = reportOf(comparison, { files, strict: false, show: false });
  return diffPage(report, comparison.pair);
}
