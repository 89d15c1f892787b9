import type { Html } from '../core/html.ts';
import { html } from '../core/html.ts';
import { ms, plural } from './trace-text.ts';
import type { StoreTotals, TraceReport, TraceSpan } from './trace-types.ts';

/** More rows than a browser shows at ease; the JSON has them all. */
const ROWS_MAX = 600;
const TICKS_MAX = 8;
const ROW_HEIGHT = 24;
/** In percent: what is shorter is still seen. */
const WIDTH_MIN = 0.4;

/** The waterfall: a row a call, its attempts, waits and hedges side by side in time. */
export function waterfall(report: TraceReport): Html {
  const top = report.spans.filter(({ parent }) => parent === undefined);
  const own = (kinds: readonly string[]): Html[] => {
    return top
      .filter((one) => one.store === undefined && kinds.includes(one.kind))
      .map((one) => ownRow(report, one));
  };
  const groups = report.stores.flatMap((store) => storeRows(report, store, top));
  const left = groups.length - ROWS_MAX;
  const more =
    left > 0 ? html`<p class="about">… and ${left} more calls, in the JSON.</p>` : undefined;
  return html`${axis(report)}${own(['start', 'plan'])}${groups.slice(0, ROWS_MAX)}${more}${own(['deliver', 'exec'])}${legend()}`;
}

interface Bar {
  readonly look: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** From the top of the row. */
  readonly y: number;
  readonly height: number;
  readonly title: string;
}

interface Row {
  readonly look: string;
  readonly label: Html;
  readonly bars: readonly Bar[];
  /** Spans whose stretches of the critical path are marked in this row. */
  readonly ids: ReadonlySet<number>;
  readonly took: string;
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 1000}%`;
}

/** Where a moment lies. */
function place(atMs: number, totalMs: number): string {
  return percent(totalMs <= 0 ? 0 : (atMs / totalMs) * 100);
}

/** One bar; x and width are shares of the whole start. */
export function rectangle({ look, fromMs, toMs, y, height, title }: Bar, totalMs: number): Html {
  const whole = totalMs <= 0 ? Infinity : totalMs;
  const width = Math.max(WIDTH_MIN, ((toMs - fromMs) / whole) * 100);
  // What is widened to be seen stays inside.
  const x = Math.min((fromMs / whole) * 100, 100 - width);
  return html`<rect class="${look}" x="${percent(x)}" width="${percent(width)}" y="${y}" height="${height}" rx="2.5"><title>${title}</title></rect>`;
}

function rowOf(report: TraceReport, { look, label, bars, ids, took }: Row): Html {
  const { totalMs } = report;
  const lines = ticks(totalMs).map((at) => {
    const x = place(at, totalMs);
    return html`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${ROW_HEIGHT}"/>`;
  });
  const path = report.critical
    .filter(({ span }) => span !== undefined && ids.has(span))
    .map(({ fromMs, toMs }) => {
      const title = `on the critical path, ${ms(toMs - fromMs)}`;
      return rectangle({ look: 'path', fromMs, toMs, y: 21, height: 2.5, title }, totalMs);
    });
  const shown = bars.map((bar) => rectangle(bar, totalMs));
  return html`<div class="row ${look}"><div class="label">${label}</div><svg height="${ROW_HEIGHT}" aria-hidden="true">${lines}${shown}${path}</svg><div class="took">${took}</div></div>`;
}

const OWN_NAMES: Readonly<Record<string, string>> = {
  plan: 'read the declaration',
  deliver: 'deliver',
  exec: 'become the program',
};

function ownRow(report: TraceReport, span: TraceSpan): Html {
  const { kind, startMs: fromMs, endMs: toMs, name } = span;
  const title = `${name}: ${ms(toMs - fromMs)}`;
  return rowOf(report, {
    look: '',
    label: html`${OWN_NAMES[kind] ?? name}`,
    bars: [{ look: kind, fromMs, toMs, y: 5, height: 13, title }],
    ids: new Set([span.id]),
    took: kind === 'exec' ? '' : ms(toMs - fromMs),
  });
}

function storeRows(report: TraceReport, totals: StoreTotals, top: readonly TraceSpan[]): Html[] {
  const { store, kind, startMs: fromMs, endMs: toMs, requests, retries, hedges } = totals;
  const facts = [
    ...(requests === 0 ? [] : [plural(requests, 'request')]),
    ...(retries === 0 ? [] : [retries === 1 ? '1 retry' : `${retries} retries`]),
    ...(hedges === 0 ? [] : [plural(hedges, 'hedge')]),
  ].join(', ');
  const label = html`${store} <small>${kind}</small>`;
  const title = `${store}: ${facts}`;
  const bar: Bar = { look: 'group-extent', fromMs, toMs, y: 10, height: 4, title };
  const head: Row = { look: 'group', label, bars: [bar], ids: new Set(), took: ms(toMs - fromMs) };
  const calls = top.filter((one) => one.store === store);
  return [rowOf(report, head), ...calls.map((call) => callRow(report, call))];
}

function callRow(report: TraceReport, call: TraceSpan): Html {
  const parts = report.spans.filter(({ parent }) => parent === call.id);
  const hedged = parts.some(({ kind }) => kind === 'hedge');
  const extent = { fromMs: call.startMs, toMs: call.endMs, y: 4, height: 15 };
  const title = `${call.name}: ${call.outcome}, ${ms(call.endMs - call.startMs)}`;
  const look = parts.length === 0 ? call.kind : `extent ${call.kind}`;
  const bars = [
    { ...extent, look, title },
    ...parts.map((part) => partBar(part, { call, hedged })),
  ];
  const failed = /^BH_ERR|^failed/.test(call.outcome);
  const what = failed ? html`<span class="bad">${call.name}</span>` : html`${call.name}`;
  return rowOf(report, {
    look: 'of-store',
    label: html`<span class="name">${what}</span>`,
    bars,
    ids: new Set([call.id, ...parts.map(({ id }) => id)]),
    took: ms(call.endMs - call.startMs),
  });
}

/** Where there is a hedge, the attempts stand above and the hedge below. */
function partBar(part: TraceSpan, of: { call: TraceSpan; hedged: boolean }): Bar {
  const { kind, name, outcome, startMs: fromMs, endMs: toMs } = part;
  const took = ms(toMs - fromMs);
  if (kind === 'wait') {
    return { look: 'wait', fromMs, toMs, y: 8, height: 7, title: `${name}, ${took}` };
  }
  const title = `${kind}: ${outcome}, ${took}`;
  const look = lookOf(part, of.call);
  if (!of.hedged) return { look, fromMs, toMs, y: 4, height: 15, title };
  return { look, fromMs, toMs, y: kind === 'hedge' ? 12.5 : 4, height: 6.5, title };
}

/** The class by which a part of a call is coloured. */
export function lookOf({ kind, outcome }: TraceSpan, call: TraceSpan): string {
  const own = call.kind === 'credentials' && kind === 'attempt' ? 'credentials' : kind;
  if (outcome === 'aborted' || outcome === 'unfinished') return `${own} ghost`;
  return outcome === 'ok' || /^HTTP [1-4](?!29)/.test(outcome) ? own : 'failed';
}

/** Round times, at most eight. */
export function ticks(totalMs: number): number[] {
  if (totalMs <= 0) return [0];
  const power = 10 ** Math.floor(Math.log10(totalMs / TICKS_MAX));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => totalMs / one <= TICKS_MAX);
  const length = step ?? totalMs;
  return Array.from({ length: Math.floor(totalMs / length) + 1 }, (_, index) => index * length);
}

function axis({ totalMs }: TraceReport): Html {
  const marks = ticks(totalMs).map((at) => {
    const x = place(at, totalMs);
    const anchor = at === 0 ? '' : at / totalMs > 0.96 ? 'end' : 'middle';
    const text = totalMs >= 2000 ? `${at / 1000} s` : `${Math.round(at * 100) / 100} ms`;
    return html`<text class="${anchor}" x="${x}" y="13">${text}</text>`;
  });
  return html`<div class="row axis"><div></div><svg height="20" aria-hidden="true">${marks}</svg><div></div></div>`;
}

const LEGEND: readonly (readonly [string, string])[] = [
  ['plan', 'declaration'],
  ['credentials', 'credentials'],
  ['call', 'request answered'],
  ['failed', 'attempt failed'],
  ['wait', 'wait'],
  ['hedge', 'hedge (second request)'],
  ['call ghost', 'given up for another answer'],
  ['deliver', 'writes and mounts'],
  ['path', 'critical path'],
];

/** A small square in a colour of the legend. */
export function swatch(look: string): Html {
  return html`<svg class="swatch" viewBox="0 0 11 11" aria-hidden="true"><rect class="${look}" width="11" height="11" rx="2.5"/></svg>`;
}

function legend(): Html {
  const items = LEGEND.map(([look, text]) => html`<li>${swatch(look)}${text}</li>`);
  return html`<ul class="legend">${items}</ul>`;
}
