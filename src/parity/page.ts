import type { DiffReport } from './report.ts';
import type { Pair } from './side.ts';
export function diffPage(_report: DiffReport, _pair: Pair): string {
  return '';
}
