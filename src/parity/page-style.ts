import { PAGE_STYLE } from '../core/page-style.ts';

const DEPTHS = Array.from({ length: 12 }, (_, depth) => {
  return `.d${depth + 1} .leaf { padding-left: ${12 + (depth + 1) * 18}px; }`;
}).join('\n');

/** The style of the page of differences. */
export const DIFF_STYLE = `${PAGE_STYLE}
:root {
  --must: #d1413b; --must-ground: #fdf0ef; --platform: #8b97a8; --platform-ground: #f3f5f8;
  --policy: #3f7fe8; --policy-ground: #eef4fe; --mark: #ffd9d6; --mark-soft: #dbe8fd; --gap: #e9edf2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --must: #f0706b; --must-ground: #2a1b1e; --platform: #77859a; --platform-ground: #1c232c;
    --policy: #5b97f5; --policy-ground: #182436; --mark: #5b2b2c; --mark-soft: #243d63; --gap: #232b35;
  }
}
main { max-width: 1320px; }
[hidden] { display: none !important; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; margin-bottom: 18px; }
.sides section { margin: 0; padding: 14px 18px; }
.sides b { font-size: 15px; overflow-wrap: anywhere; } .sides small { color: var(--soft); display: block; font-size: 12.5px; overflow-wrap: anywhere; }
.sides .which { text-transform: uppercase; letter-spacing: .06em; font-size: 11px; font-weight: 600; }
.figures dd.must { color: var(--must); } .figures dd.policy { color: var(--policy); }
.filters { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: 8px; align-items: center;
  padding: 12px 16px; }
.filters label { display: inline-flex; gap: 6px; align-items: center; padding: 3px 11px; border-radius: 999px;
  border: 1px solid var(--line); cursor: pointer; font-size: 13px; user-select: none; color: var(--soft); }
.filters label:has(:checked) { background: var(--band); color: var(--ink); border-color: var(--platform); }
.filters label:has(:focus-visible) { outline: 2px solid var(--policy); outline-offset: 1px; }
.filters input[type=checkbox] { appearance: none; width: 9px; height: 9px; border-radius: 50%; margin: 0; border: 1.5px solid var(--soft); }
.filters input:checked { background: var(--ink); border-color: var(--ink); }
.filters label.must input:checked { background: var(--must); border-color: var(--must); }
.filters label.platform input:checked { background: var(--platform); border-color: var(--platform); }
.filters label.policy input:checked { background: var(--policy); border-color: var(--policy); }
.filters input[type=search] { flex: 1; min-width: 150px; font: inherit; font-size: 13px; padding: 4px 10px; border-radius: 8px;
  border: 1px solid var(--line); background: var(--ground); color: var(--ink); }
.filters .rule { width: 1px; height: 20px; background: var(--line); }
ul.differences { list-style: none; margin: 0; padding: 0; }
ul.differences li { display: grid; grid-template-columns: 74px minmax(0, 2.4fr) minmax(0, 1fr) minmax(0, 1fr); gap: 3px 16px;
  padding: 10px 14px 11px; border-left: 3px solid var(--platform); background: var(--platform-ground); border-radius: 0 8px 8px 0; margin-bottom: 6px; }
ul.differences li.must { border-color: var(--must); background: var(--must-ground); }
.kind { color: var(--soft); font-size: 12.5px; }
.of { font-size: 13px; overflow-wrap: anywhere; } .of b { font-weight: 600; } .aspect { color: var(--soft); }
.why { grid-column: 2; color: var(--ink); font-size: 13px; margin: 2px 0 0; }
.fix { display: block; color: var(--soft); } .fix::before { content: "→ "; }
.fact { font-size: 12px; overflow-wrap: anywhere; font-family: "JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, monospace; }
.fact.none { color: var(--soft); font-style: italic; }
ul.differences .fact { grid-row: span 2; align-self: start; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 3px 8px; }
.pane { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; font-size: 12.5px; }
.pane .heads, .pane .pair { display: grid; grid-template-columns: 1fr 1fr; }
.pane .heads span { padding: 6px 12px; font-weight: 600; background: var(--band); overflow-wrap: anywhere; }
.pane .heads span + span, .pane .pair > div + div { border-left: 1px solid var(--line); }
.pane .pair { border-top: 1px solid var(--line); border-top-color: color-mix(in srgb, var(--line) 55%, transparent); }
.pane .pair > div { display: flex; gap: 12px; padding: 2.5px 12px 2.5px 0; min-width: 0; align-items: baseline; min-height: 24px; }
.pane .pair.must > div { background: var(--must-ground); } .pane .pair.policy > div { background: var(--policy-ground); }
.pane .pair.platform > div { background: var(--platform-ground); }
.pane .pair > div.gap { background: repeating-linear-gradient(-45deg, var(--gap) 0 1.5px, transparent 1.5px 7px); }
.leaf { flex: 1; min-width: 0; padding-left: 12px; overflow-wrap: anywhere;
  font-family: "JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 12px; }
.root .leaf { font-weight: 700; } .dir .leaf::after { content: "/"; color: var(--soft); }
.root.dir .leaf::after { content: ""; }
.to { color: var(--soft); } .to::before { content: " → "; }
.meta { color: var(--soft); font-size: 11.5px; white-space: nowrap; display: flex; gap: 9px;
  font-family: "JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, monospace; }
.must .changed { background: var(--mark); color: var(--ink); border-radius: 3px; padding: 0 3px; }
.policy .changed, .platform .changed { background: var(--mark-soft); color: var(--ink); border-radius: 3px; padding: 0 3px; }
.empty { color: var(--soft); margin: 10px 0 0; }
.fine h2 { color: var(--good); margin: 0; }
.allowed details { border-top: 1px solid var(--line); padding: 9px 0; } .allowed details:last-child { padding-bottom: 0; }
.allowed summary { display: flex; gap: 10px; align-items: baseline; font-size: 13.5px; font-weight: 400; list-style: none; }
.allowed summary::before { content: ""; flex: none; width: 9px; height: 9px; border-radius: 50%; background: var(--platform); }
.allowed summary.policy::before { background: var(--policy); }
.allowed details[open] > summary { margin-bottom: 0; } .allowed summary small { color: var(--soft); margin-left: auto; }
.allowed summary code { flex: none; } .allowed p.about { margin: 2px 0 6px 19px; font-size: 13px; }
ul.rows { list-style: none; margin: 0 0 0 19px; padding: 0; }
ul.rows li { display: grid; grid-template-columns: minmax(0, 2.4fr) minmax(0, 1fr) minmax(0, 1fr); gap: 16px; padding: 2px 0; align-items: baseline; }
ul.rows .name { font-size: 12px; } ul.rows li .fact { background: none; border: 0; padding: 0; color: var(--soft); }
ul.incomplete { margin: 0; padding-left: 18px; } section.warn { border-color: var(--must); }
${DEPTHS}
@media (max-width: 860px) { .sides { grid-template-columns: 1fr; } .meta { display: none; }
  ul.differences li { grid-template-columns: 1fr 1fr; } .of, .why, .kind { grid-column: 1 / -1; } .filters { position: static; } }
@media print { .filters { display: none; } }
`;
