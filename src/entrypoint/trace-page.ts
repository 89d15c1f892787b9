import type { Html } from '../core/html.ts';
import { html } from '../core/html.ts';
import { pageDocument, withCode } from '../core/page.ts';
import { lookOf, rectangle, swatch, waterfall } from './trace-page-rows.ts';
import { TRACE_STYLE } from './trace-page-style.ts';
import { helpOf } from './trace-report.ts';
import { ms, plural } from './trace-text.ts';
import type { Stretch, TraceReport, TraceSpan } from './trace-types.ts';

/**
 * The report as one page: nothing is loaded, no script runs (its policy forbids both), and every
 * name in it is escaped. Ends with a newline.
 */
export function tracePage(report: TraceReport): string {
  const { workload } = report;
  const title = workload === undefined ? 'a start' : `${workload.kind} ${workload.name}`;
  const body = html`<svg class="defs" aria-hidden="true"><defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="1" x2="1" y1="0" y2="5" stroke-width="2.4"/></pattern></defs></svg>
<main>
${heading(report, title)}
${problems(report)}
${figures(report)}
<section><h2>Critical path<small>what the start waited for, from its first moment on</small></h2>
${ribbon(report)}
${stretches(report)}</section>
<section><h2>What would make it faster</h2>${advice(report)}</section>
<section><h2>Waterfall</h2>${waterfall(report)}</section>
${storesTable(report)}
${callsTable(report)}
<footer>bellhop ${report.bellhop} on ${report.platform}. Names and times only:
no value, header or query is in this page.</footer>
</main>`;
  const took = `${title}: ${ms(report.totalMs)} (bellhop)`;
  return pageDocument({ title: took, style: TRACE_STYLE, body });
}

function heading({ workload, began, exit, totalMs }: TraceReport, title: string): Html {
  const where =
    workload === undefined
      ? ''
      : `container ${workload.container}, namespace ${workload.namespace}, `;
  const time = began.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
  const verdict =
    exit === 0
      ? html`<p class="verdict well">program started after ${ms(totalMs)}</p>`
      : html`<p class="verdict ill">not started, exit ${exit}, after ${ms(totalMs)}</p>`;
  return html`<header><div><h1>${title}</h1><p class="about">${where}${time}</p></div>${verdict}</header>`;
}

function problems({ problems: all }: TraceReport): Html | undefined {
  if (all.length === 0) return undefined;
  const items = all.map(({ code, text }) => {
    return html`<li>${text}<br><code>${code}</code> <span class="store">${helpOf(code)}</span></li>`;
  });
  return html`<section><h2>${plural(all.length, 'problem')}</h2><ul class="problems">${items}</ul></section>`;
}

function figures({ stores, totalMs, spans }: TraceReport): Html {
  const sum = (of: (one: (typeof stores)[number]) => number): number => {
    return stores.reduce((before, one) => before + of(one), 0);
  };
  const failed = spans.filter(({ kind, outcome }) => {
    return (
      (kind === 'attempt' || kind === 'hedge') && /^HTTP 5|^(?!HTTP|ok|abort|unf)/.test(outcome)
    );
  });
  const all: readonly (readonly [string, string | number])[] = [
    ['start', ms(totalMs)],
    ['stores', stores.length],
    ['requests', sum((one) => one.requests)],
    ['failed attempts', failed.length],
    ['retries', sum((one) => one.retries)],
    ['hedges', sum((one) => one.hedges)],
  ];
  const items = all.map(([name, figure]) => html`<div><dt>${name}</dt><dd>${figure}</dd></div>`);
  return html`<section class="figures">${items.map((item) => html`<dl>${item}</dl>`)}</section>`;
}

interface Told {
  readonly stretch: Stretch;
  readonly look: string;
  readonly what: string;
  readonly store: string;
}

function told({ spans, critical }: TraceReport): Told[] {
  const byId = new Map(spans.map((one) => [one.id, one]));
  return critical.map((stretch) => {
    const span = stretch.span === undefined ? undefined : byId.get(stretch.span);
    if (span === undefined) return { stretch, look: 'rest', what: 'bellhop itself', store: '' };
    const parent = span.parent === undefined ? undefined : byId.get(span.parent);
    const look = lookOf(span, parent ?? span);
    return { stretch, look, what: whatOf(span, parent), store: span.store ?? '' };
  });
}

function whatOf({ kind, name, outcome }: TraceSpan, parent: TraceSpan | undefined): string {
  if (kind === 'wait') return `${name}, before the next attempt at ${parent?.name ?? 'it'}`;
  if (kind === 'hedge') return `${name}, second request`;
  const failed = /^HTTP 5|^HTTP 429|^(?!HTTP|ok|abort|unf)/.test(outcome);
  return kind === 'attempt' && failed ? `${name}, failed: ${outcome}` : name;
}

function ribbon(report: TraceReport): Html {
  const bars = told(report).map(({ stretch, look, what, store }) => {
    const { fromMs, toMs } = stretch;
    const title = `${what}${store === '' ? '' : `, ${store}`}: ${ms(toMs - fromMs)}`;
    return rectangle({ look, fromMs, toMs, y: 0, height: 26, title }, report.totalMs);
  });
  return html`<svg class="ribbon" height="26" aria-hidden="true">${bars}</svg>`;
}

const STRETCHES_MAX = 24;

/** In the order of time; of many only the longest. */
function stretches(report: TraceReport): Html {
  const all = told(report);
  const length = ({ stretch }: Told): number => stretch.toMs - stretch.fromMs;
  const kept = new Set(all.toSorted((a, b) => length(b) - length(a)).slice(0, STRETCHES_MAX));
  const items = all
    .filter((one) => kept.has(one))
    .map((one) => {
      const share = `${((length(one) / Math.max(report.totalMs, 1e-9)) * 100).toFixed(0)} %`;
      return html`<li>${swatch(one.look)}<span class="what">${one.what} <span class="store">${one.store}</span></span><span class="took">${ms(length(one))}</span><span class="share">${share}</span></li>`;
    });
  return html`<ol class="stretches">${items}</ol>`;
}

function advice({ advice: all }: TraceReport): Html {
  if (all.length === 0) {
    return html`<p class="about">Nothing in this start stands out.</p>`;
  }
  const items = all.map(({ store, what, aboutMs }) => {
    const name = store === undefined ? undefined : html`<code>${store}</code> `;
    return html`<li><b>${ms(aboutMs)}</b><span>${name}${withCode(what)}</span></li>`;
  });
  return html`<ul class="advice">${items}</ul>`;
}

function storesTable({ stores }: TraceReport): Html | undefined {
  if (stores.length === 0) return undefined;
  const rows = stores.map((one) => {
    const by = one.protocols.map((name) => (name === 'h2' ? 'HTTP/2' : 'HTTP/1.1')).join(', ');
    return html`<tr><td><b>${one.store}</b> <span class="store">${one.kind}</span></td><td class="number">${one.calls}</td><td class="number">${one.requests}</td><td class="number">${one.retries}</td><td class="number">${one.throttled}</td><td class="number">${one.hedges}</td><td>${by}</td><td class="number">${ms(one.startMs)}</td><td class="number">${ms(one.endMs)}</td></tr>`;
  });
  return html`<section><h2>Stores</h2><table><thead><tr><th>store</th><th class="number">calls</th><th class="number">requests</th><th class="number">retries</th><th class="number">throttled</th><th class="number">hedges</th><th>protocol</th><th class="number">from</th><th class="number">to</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

const CALLS_MAX = 2000;

function callsTable({ spans }: TraceReport): Html | undefined {
  const calls = spans.filter(({ kind }) => kind === 'call' || kind === 'credentials');
  if (calls.length === 0) return undefined;
  const rows = calls.slice(0, CALLS_MAX).map((call) => {
    const own = spans.filter(({ parent }) => parent === call.id);
    const tries = own.filter(({ kind }) => kind === 'attempt' || kind === 'hedge');
    const outcomes = tries.map(({ outcome }) => outcome).join(', ');
    const bad = /^BH_ERR|^failed|^unfin/.test(call.outcome) ? 'bad' : '';
    return html`<tr><td>${call.store}</td><td class="name">${call.name}</td><td class="number">${ms(call.startMs)}</td><td class="number">${ms(call.endMs - call.startMs)}</td><td>${outcomes}</td><td class="${bad}">${call.outcome}</td></tr>`;
  });
  return html`<section><details><summary>All calls (${calls.length})</summary><table><thead><tr><th>store</th><th>call</th><th class="number">from</th><th class="number">took</th><th>requests</th><th>outcome</th></tr></thead><tbody>${rows}</tbody></table></details></section>`;
}
