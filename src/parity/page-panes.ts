import type { Html } from '../core/html.ts';
import { html } from '../core/html.ts';
import type { Aspect, Difference, Group } from './diff-types.ts';
import { upwards } from './paths.ts';
import type { DiffReport } from './report.ts';
import type { Pair, Side } from './side.ts';
import type { Entry, Value } from './types.ts';
import { plainText } from './values.ts';

/** More rows than a browser shows at ease; those that differ come before those that do not. */
const ROWS_MAX = 4000;
const DEPTH_MAX = 12;

/** Which group a row belongs to, and what of it is marked. */
interface Mark {
  readonly group: Group | 'equal';
  readonly aspects: ReadonlySet<Aspect>;
}

interface Row {
  readonly depth: number;
  readonly kind: 'file' | 'variable';
  readonly mark: Mark;
  readonly look: string;
  readonly left: Html | undefined;
  readonly right: Html | undefined;
}

const RANK: readonly (Group | 'equal')[] = ['equal', 'platform', 'policy', 'must-not-differ'];
const EQUAL: Mark = { group: 'equal', aspects: new Set() };

/** Class of a group, as the style has it. */
export function classOf(group: Group | 'equal'): string {
  return group === 'must-not-differ' ? 'must' : group;
}

function marksOf(differences: readonly Difference[], kinds: readonly string[]): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const { kind, name, group, aspect } of differences) {
    if (!kinds.includes(kind)) continue;
    const before = marks.get(name) ?? EQUAL;
    const worst = RANK.indexOf(group) > RANK.indexOf(before.group) ? group : before.group;
    marks.set(name, { group: worst, aspects: new Set([...before.aspects, aspect]) });
  }
  return marks;
}

/** Both trees of files, row beside row. */
export function filePane({ differences, left: one, right: other }: DiffReport, pair: Pair): Html {
  const { left, right } = pair;
  const heads = [one.file, other.file] as const;
  const marks = marksOf(differences, ['file', 'mount']);
  const paths = [...new Set([...left.entries.keys(), ...right.entries.keys()])];
  // Below a folder comes all that is in it, before its neighbours.
  const keyed = paths.map((path) => ({ path, key: path.replaceAll('/', '\0') }));
  const ordered = keyed.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const rows = ordered.map(({ path }) => fileRow(path, markOf(marks, path, pair), pair));
  return pane(rows, 'files', heads);
}

function fileRow(path: string, mark: Mark, { left, right }: Pair): Row {
  const root = rootOf(left, right, path);
  const isRoot = root === path;
  const [one, other] = [left.entries.get(path)?.entry, right.entries.get(path)?.entry];
  const name = isRoot ? path : path.slice(path.lastIndexOf('/') + 1);
  const below = isRoot ? '' : path.slice(root === '/' ? 0 : root.length);
  const cell = (entry: Entry | undefined): Html | undefined =>
    entry === undefined ? undefined : entryCell(name, entry, mark);
  return {
    depth: Math.min(below.split('/').length - 1, DEPTH_MAX),
    kind: 'file',
    mark,
    look: `${(one ?? other)?.type === 'dir' ? 'dir' : ''} ${isRoot ? 'root' : ''}`,
    left: cell(one),
    right: cell(other),
  };
}

/** The topmost path that either side lists it under. */
function rootOf({ trees: ours }: Side, { trees: theirs }: Side, path: string): string {
  const above = [...upwards(path)].filter((one) => ours.has(one) || theirs.has(one));
  return above.at(-1) ?? path;
}

/** What is below a folder that only one side has differs as the folder does. */
function markOf(marks: ReadonlyMap<string, Mark>, path: string, { left, right }: Pair): Mark {
  const own = marks.get(path);
  if (own !== undefined) return own;
  if (left.entries.has(path) && right.entries.has(path)) return EQUAL;
  for (const above of upwards(path)) {
    const mark = marks.get(above);
    if (mark?.aspects.has('presence') === true) return mark;
  }
  return EQUAL;
}

function entryCell(name: string, entry: Entry, { aspects }: Mark): Html {
  const { mode, uid, gid, target, through, content, bytes, error, type } = entry;
  const part = (text: string, ...of: Aspect[]): Html => {
    return of.some((one) => aspects.has(one))
      ? html`<span class="changed">${text}</span>`
      : html`<span>${text}</span>`;
  };
  const size = content?.bytes ?? bytes;
  const to = target ?? through;
  const meta = [
    ...(error === undefined ? [] : [part(error, 'unread')]),
    ...(size === undefined ? [] : [part(sizeText(size), 'content', 'normalised')]),
    ...(type === 'link' ? [] : [part(mode, 'mode')]),
    part(`${uid}:${gid}`, 'owner'),
  ];
  const link =
    to === undefined ? undefined : html`<span class="to">${part(to, 'target', 'through')}</span>`;
  return html`<span class="leaf">${part(name, 'type', 'medium', 'readOnly')}${link}</span><span class="meta">${meta}</span>`;
}

const KIB = 1024;

function sizeText(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB'];
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(KIB)), units.length);
  return `${(bytes / KIB ** power).toFixed(1)} ${units[power - 1] ?? ''}`;
}

/** Both environments, row beside row. */
export function variablePane(report: DiffReport, { left, right }: Pair): Html {
  const { differences } = report;
  const marks = marksOf(differences, ['variable']);
  const maps = [valuesOf(left), valuesOf(right)] as const;
  const names = [...new Set([...maps[0].keys(), ...maps[1].keys()])].toSorted();
  const rows = names.map((name): Row => {
    const cell = (value: Value | undefined): Html | undefined => {
      if (value === undefined) return undefined;
      const { bytes, digest } = value;
      const digits = html`<span class="changed">${digest.slice(0, 8)}</span>`;
      const isChanged = marks.get(name)?.aspects.has('value') === true;
      return html`<span class="leaf">${name}</span><span class="meta">${isChanged ? digits : digest.slice(0, 8)}<span>${sizeText(bytes)}</span></span>`;
    };
    const mark = marks.get(name) ?? EQUAL;
    const cells = { left: cell(maps[0].get(name)), right: cell(maps[1].get(name)) };
    return { depth: 0, kind: 'variable', mark, look: '', ...cells };
  });
  return pane(rows, 'variables', [report.left.file, report.right.file]);
}

/** The last entry of a name counts for most programs. */
function valuesOf({ snapshot }: Side): Map<string, Value> {
  const { process: seen } = snapshot;
  return new Map(
    seen.env.filter(({ odd }) => odd !== true).map(({ name, value }) => [plainText(name), value]),
  );
}

function pane(all: readonly Row[], called: string, heads: readonly [string, string]): Html {
  const rows = fitting(all);
  const left = all.length - rows.length;
  const more =
    left > 0 ? html`<p class="about">… and ${left} more ${called}, in the table.</p>` : undefined;
  const shown = rows.map((row) => {
    const { mark, depth, kind, look } = row;
    const cell = (content: Html | undefined): Html =>
      content === undefined ? html`<div class="gap"></div>` : html`<div>${content}</div>`;
    return html`<div class="pair d${depth} ${classOf(mark.group)} ${look}" data-group="${mark.group}" data-kind="${kind}" data-depth="${depth}">${cell(row.left)}${cell(row.right)}</div>`;
  });
  return html`<div class="pane" data-list="${called}"><div class="heads"><span>${heads[0]}</span><span>${heads[1]}</span></div>${shown}</div><p class="empty">Nothing here differs, as the filters are set: <b>equal</b> shows what is the same.</p>${more}`;
}

/** In their order; of too many those that differ, then as many of the others as there is room. */
function fitting(all: readonly Row[]): readonly Row[] {
  if (all.length <= ROWS_MAX) return all;
  const differing = all.filter(({ mark }) => mark.group !== 'equal').slice(0, ROWS_MAX);
  const equal = all.filter(({ mark }) => mark.group === 'equal');
  const kept = new Set([...differing, ...equal.slice(0, ROWS_MAX - differing.length)]);
  return all.filter((row) => kept.has(row));
}
