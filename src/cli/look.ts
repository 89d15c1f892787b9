import type { Io } from '../core/io/types.ts';
import type { Table } from './table.ts';
import { bold, renderTable } from './table.ts';

/** How it is shown: on a terminal in colours (unless NO_COLOR is set) and within its width. */
export interface Look {
  readonly colours: boolean;
  readonly columnsMax: number;
}

export function lookOf(io: Io): Look {
  const isTerminal = io.isTerminal(1);
  const off = io.arrival.env.some((entry) =>
    /^NO_COLOR=./.test(Buffer.from(entry).toString('latin1')),
  );
  return { colours: isTerminal && !off, columnsMax: isTerminal ? io.columns() : Infinity };
}

/** The table under bold headings, or that it has no rows. */
export function titled(table: Table, look: Look): string {
  if (table.rows.length === 0) return `no ${table.headings[0]?.toLowerCase()}s`;
  const [headings = '', ...rows] = renderTable(table, look.columnsMax).split('\n');
  return [bold(headings, look.colours), ...rows].join('\n');
}

/** `41 ms`, `12.5 s`, `45 min`, `12 h`, `30 d`. */
export function lengthText(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const [unitMs, unit] = units.find(([length]) => ms >= length) ?? [1, 'ms'];
  const count = ms / unitMs;
  return `${count < 10 ? Math.floor(count * 10) / 10 : Math.floor(count)} ${unit}`;
}
