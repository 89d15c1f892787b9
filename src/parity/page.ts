import type { Html } from '../core/html.ts';
import { html } from '../core/html.ts';
import { pageDocument, withCode } from '../core/page.ts';
import type { Difference, Kind } from './diff-types.ts';
import { KINDS } from './diff-types.ts';
import { classOf, filePane, variablePane } from './page-panes.ts';
import { DIFF_SCRIPT } from './page-script.ts';
import { DIFF_STYLE } from './page-style.ts';
import type { DiffReport, SideFacts } from './report.ts';
import { DIFFERENCE_RULES } from './rules.ts';
import { ASPECT_NAMES, GROUP_NAMES, GROUPS, verdictOf } from './report.ts';
import type { Pair } from './side.ts';

/** More than anybody reads; the JSON has them all. */
const DIFFERENCES_MAX = 2000;

/** The report as one page, both sides beside each other. Ends with a newline. */
export function diffPage(report: DiffReport, pair: Pair): string {
  const { left, right, differences } = report;
  const title = `${left.file} and ${right.file}`;
  const body = html`<main>
${heading(report, title)}
<div class="sides">${sideCard('left', left)}${sideCard('right', right)}</div>
${figures(report, pair)}
${incomplete(report)}
${filters(report)}
${must(report, pair)}
<section><h2>Files<small>both trees; a hatched side has nothing there</small></h2>
${filePane(report, pair)}</section>
<section><h2>Variables<small>size and the beginning of the digest</small></h2>
${variablePane(report, pair)}</section>
${allowed(differences)}
<footer>bellhop diff. Values are keyed digests: the page holds none, unless --show was given.</footer>
</main>`;
  return pageDocument({
    title: `${title} (bellhop diff)`,
    style: DIFF_STYLE,
    script: DIFF_SCRIPT,
    body,
  });
}

function heading(report: DiffReport, title: string): Html {
  const verdict = verdictOf(report).replace(/\.$/, '');
  const look = report.equal ? 'well' : 'ill';
  const about = report.left.workload ?? report.right.workload;
  const [said, ...rest] = verdict.split(/, |; /);
  const more = rest.length === 0 ? '' : rest.join(', ');
  return html`<header><div><h1>${title}</h1><p class="about">${[about, more].filter(Boolean).join(': ')}</p></div><p class="verdict ${look}">${said}</p></header>`;
}

const OF: Readonly<Record<SideFacts['of'], string>> = {
  command: 'in front of its command',
  self: 'inside the container',
  process: 'of a running process',
};

function sideCard(which: string, { file, takenAt, of, bellhop, plan }: SideFacts): Html {
  const time = takenAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
  const declared = plan === undefined ? 'without a plan' : `plan ${plan.slice(0, 19)}…`;
  return html`<section><small class="which">${which}</small><b>${file}</b><small>${time}, ${OF[of]}, ${declared}, bellhop ${bellhop}</small></section>`;
}

function figures({ counts }: DiffReport, { left, right }: Pair): Html {
  const files = new Set([...left.entries.keys(), ...right.entries.keys()]).size;
  const variables = new Set([...left.variables, ...right.variables]).size;
  const must = counts['must-not-differ'] > 0 ? 'must' : '';
  const policy = counts.policy > 0 ? 'policy' : '';
  const all: readonly (readonly [string, number, string])[] = [
    ['must not differ', counts['must-not-differ'], must],
    ["the platform's own", counts.platform, ''],
    ['allowed by policy', counts.policy, policy],
    ['files and folders', files, ''],
    ['variables', variables, ''],
  ];
  const items = all.map(([name, figure, look]) => {
    return html`<dl><div><dt>${name}</dt><dd class="${look}">${figure}</dd></div></dl>`;
  });
  return html`<section class="figures">${items}</section>`;
}

function incomplete({ incomplete: all }: DiffReport): Html | undefined {
  if (all.length === 0) return undefined;
  const items = all.map((one) => html`<li>${one}</li>`);
  return html`<section class="warn"><h2>Not compared</h2><ul class="incomplete">${items}</ul></section>`;
}

function filters({ counts, differences }: DiffReport): Html {
  const kinds = new Set<Kind>(['file', 'variable', ...differences.map((one) => one.kind)]);
  const groups = GROUPS.map((group) => {
    return html`<label class="${classOf(group)}"><input type="checkbox" value="group:${group}" checked>${GROUP_NAMES[group].toLowerCase()} <b>${counts[group]}</b></label>`;
  });
  const shown = KINDS.filter((kind) => kinds.has(kind)).map((kind) => {
    return html`<label><input type="checkbox" value="kind:${kind}" checked>${kind}</label>`;
  });
  return html`<section class="filters" aria-label="filters">${groups}<label><input type="checkbox" value="group:equal">equal</label><span class="rule"></span>${shown}<input type="search" placeholder="filter by name, path, reason" aria-label="filter by text"></section>`;
}

function must({ differences, incomplete: left }: DiffReport, { left: side }: Pair): Html {
  const own = differences.filter(({ group }) => group === 'must-not-differ');
  if (own.length === 0) {
    const rest = left.length === 0 ? '' : ', as far as it could be compared';
    const trees = [...side.trees.keys()].length;
    return html`<section class="fine"><h2>Nothing differs that must not${rest}</h2><p class="about">Command line, ${side.variables.size} variables, identity, signals, descriptors, and every entry below ${trees} paths: what is left is listed with its reason.</p></section>`;
  }
  const over = own.length - DIFFERENCES_MAX;
  const more = over > 0 ? html`<p class="about">… and ${over} more, in the JSON.</p>` : undefined;
  const items = own.slice(0, DIFFERENCES_MAX).map(item);
  return html`<section><h2>Must not differ<small>with the likely reason, and what to do</small></h2><ul class="differences" data-list="differences">${items}</ul><p class="empty">None fits the filters.</p>${more}</section>`;
}

/** What need not be equal, by the rule that says so. */
function allowed(differences: readonly Difference[]): Html | undefined {
  const boxes = DIFFERENCE_RULES.flatMap(({ name, group, what, why: reason }) => {
    const own = differences.filter(({ rule }) => rule === name);
    if (own.length === 0) return [];
    const over = own.length - DIFFERENCES_MAX;
    const more = over > 0 ? html`<p class="about">… and ${over} more, in the JSON.</p>` : undefined;
    const rows = own.slice(0, DIFFERENCES_MAX).map(row);
    const open = own.length <= OPEN_MAX ? html`<details open data-box>` : html`<details data-box>`;
    return [
      html`${open}<summary class="${classOf(group)}"><code>${name}</code> <span>${withCode(what)}</span><small>${own.length}</small></summary><p class="about">${withCode(reason)}</p><ul class="rows" data-list="rows">${rows}</ul>${more}</details>`,
    ];
  });
  if (boxes.length === 0) return undefined;
  return html`<section class="allowed"><h2>Need not be equal<small>the platform's own, and what policy allows</small></h2>${boxes}</section>`;
}

/** A rule with more is folded. */
const OPEN_MAX = 12;

function row({ kind, name, aspect, group, left, right }: Difference): Html {
  const about = aspectOf(aspect);
  return html`<li data-group="${group}" data-kind="${kind}"><span class="of"><span class="name">${name}</span>${about}</span>${fact(left)}${fact(right)}</li>`;
}

function aspectOf(aspect: Difference['aspect']): Html | undefined {
  const of = ASPECT_NAMES[aspect];
  return of === '' ? undefined : html` <span class="aspect">${of}</span>`;
}

function item(one: Difference): Html {
  const { kind, name, aspect, group, left, right, reason, remedy } = one;
  const fix = remedy === '' ? undefined : html`<span class="fix">${withCode(remedy)}</span>`;
  return html`<li class="must" data-group="${group}" data-kind="${kind}"><span class="kind">${kind}</span><span class="of"><b class="name">${name}</b>${aspectOf(aspect)}</span>${fact(left)}${fact(right)}<p class="why">${withCode(reason)}${fix}</p></li>`;
}

function fact(text: string | undefined): Html {
  if (text === undefined) return html`<span class="fact none">nothing</span>`;
  return html`<span class="fact">${text === '' ? '(empty)' : text}</span>`;
}
