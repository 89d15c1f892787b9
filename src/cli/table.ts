import { printable } from '../core/report.ts';

/** A table before it is laid out. */
export interface Table {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Rows under their headings, aligned; columns without any content are left out. What is wider than
 * `columnsMax` is printed as one block a row instead.
 */
export function renderTable({ headings, rows }: Table, columnsMax = Infinity): string {
  const shown = headings.flatMap((_, column) => (rows.some((row) => row[column]) ? [column] : []));
  const pick = (row: readonly string[]): string[] =>
    shown.map((column) => printable(row[column] ?? ''));
  const all = [headings, ...rows].map(pick);
  const widths = shown.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)));
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  if (total > columnsMax) return blocks(pick(headings), rows.map(pick));
  return all
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The first cell on a line of its own, the others below it with their headings. */
function blocks(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = Math.max(...headings.slice(1).map((one) => one.length));
  const lines = rows.flatMap(([first = '', ...others]) => {
    const below = others.flatMap((cell, index) => {
      const heading = (headings[index + 1] ?? '').toLowerCase().padEnd(width);
      return cell === '' ? [] : [`  ${heading}  ${cell}`];
    });
    return [first, ...below];
  });
  return [headings[0] ?? '', ...lines].join('\n');
}

/** The text in bold, where the terminal is told to show colours. */
export function bold(text: string, colours: boolean): string {
  return colours ? `\u001b[1m${text}\u001b[22m` : text;
}
