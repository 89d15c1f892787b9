import { PAGE_STYLE } from '../core/page-style.ts';

/** The page's whole style: light and dark by the reader's own choice, and fit for print. */
export const TRACE_STYLE = `${PAGE_STYLE}
:root {
  --grid: #edf0f4;
  --plan: #7c8aa0; --credentials: #e8a13a; --call: #3f7fe8; --attempt: #3f7fe8;
  --hedge: #8e63e6; --failed: #e0524d; --wait: #aab4c2; --deliver: #21a67a; --exec: #17202c;
  --rest: #c3ccd8; --path: #d6336c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --grid: #232a34;
    --plan: #8b9ab1; --credentials: #e8ab52; --call: #5b97f5; --attempt: #5b97f5;
    --hedge: #a684f0; --failed: #f0706b; --wait: #5d6a7b; --deliver: #35bd90; --exec: #e8edf4;
    --rest: #475362; --path: #ff6b9d;
  }
}
svg { display: block; width: 100%; overflow: visible; }
.ribbon { height: 26px; border-radius: 6px; overflow: hidden; margin-bottom: 14px; }
.ribbon rect { stroke: var(--card); stroke-width: 1.5px; }
.defs { position: absolute; width: 0; height: 0; }
.plan { fill: var(--plan); } .credentials { fill: var(--credentials); }
.call, .attempt { fill: var(--call); } .hedge { fill: var(--hedge); }
.failed { fill: var(--failed); } .deliver { fill: var(--deliver); } .exec { fill: var(--exec); }
.wait { fill: url(#hatch); } .rest { fill: var(--rest); } .hatch { stroke: var(--wait); }
.extent { fill: var(--call); opacity: .13; } .extent.credentials { fill: var(--credentials); opacity: .18; }
.group-extent { fill: var(--soft); opacity: .22; }
.path { fill: var(--path); }
.ghost { opacity: .42; }
.grid { stroke: var(--grid); stroke-width: 1px; }
ol.stretches { list-style: none; margin: 0; padding: 0; columns: 2 420px; column-gap: 36px; }
ol.stretches li { display: flex; gap: 10px; align-items: baseline; padding: 3px 0; break-inside: avoid; }
ol.stretches .what { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.store { color: var(--soft); }
.took { white-space: nowrap; text-align: right; }
.share { color: var(--soft); min-width: 42px; text-align: right; white-space: nowrap; }
svg.swatch { width: 11px; height: 11px; flex: none; display: inline-block; }
ul.advice { margin: 0; padding: 0; list-style: none; }
ul.advice li { display: flex; gap: 14px; padding: 9px 0; border-top: 1px solid var(--line); }
ul.advice li:first-child { border-top: 0; padding-top: 0; }
ul.advice li:last-child { padding-bottom: 0; }
ul.advice b { min-width: 66px; text-align: right; white-space: nowrap; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; color: var(--soft); font-size: 12.5px;
  margin: 14px 0 0; padding: 0; list-style: none; }
.legend li { display: flex; gap: 7px; align-items: center; }
.row { display: grid; grid-template-columns: minmax(170px, 25%) 1fr 72px; gap: 16px;
  align-items: center; min-height: 26px; padding: 0 6px; border-radius: 5px; }
.row:hover { background: var(--band); }
.row .label { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row.of-store .label { padding-left: 16px; color: var(--soft); }
.row.of-store .label .name { color: var(--ink); font-size: 12px; }
.row.group { margin-top: 8px; } .row.group .label { font-weight: 600; }
.row.group .label small { font-weight: 400; color: var(--soft); }
.axis { color: var(--soft); font-size: 11.5px; min-height: 20px; }
.axis:hover { background: none; } .axis text { fill: var(--soft); font-size: 11px; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
td.name { font-size: 12px; overflow-wrap: anywhere; } .number { text-align: right; white-space: nowrap; }
.bad { color: var(--bad); font-weight: 600; }
summary { cursor: pointer; font-weight: 650; font-size: 15px; } details[open] summary { margin-bottom: 12px; }
ul.problems { margin: 0; padding: 0; list-style: none; }
ul.problems li { padding: 8px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
ul.problems li:first-child { border-top: 0; padding-top: 0; }
@media (max-width: 720px) { .row { grid-template-columns: 120px 1fr 58px; gap: 8px; } }
`;
