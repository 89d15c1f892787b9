/** The filters of the page: plain script for browsers, which the page names by its digest. */
export const DIFF_SCRIPT = `
'use strict';
const boxes = [...document.querySelectorAll('.filters input[type=checkbox]')];
const search = document.querySelector('.filters input[type=search]');
const lists = [...document.querySelectorAll('[data-list]')].map((list) => ({
  empty: list.parentElement.querySelector('.empty'),
  box: list.closest('[data-box]'),
  rows: [...list.querySelectorAll('[data-group]')].map((row) => ({
    row,
    group: row.dataset.group,
    kind: row.dataset.kind,
    depth: Number(row.dataset.depth || 0),
    text: row.textContent.toLowerCase(),
  })),
}));
function apply() {
  const on = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  const words = search.value.toLowerCase().split(' ').filter(Boolean);
  for (const { rows, empty, box } of lists) {
    let shown = 0;
    let below = -1;
    for (let at = rows.length - 1; at >= 0; at -= 1) {
      const { row, group, kind, depth, text } = rows[at];
      const fits = on.has('group:' + group) && (on.has('kind:' + kind) || group === 'equal')
        && words.every((word) => text.includes(word));
      if (fits) shown += 1;
      const isAbove = !fits && depth < below;
      row.hidden = !fits && !isAbove;
      if (fits || isAbove) below = depth;
    }
    if (empty) empty.hidden = shown > 0;
    if (box) box.hidden = shown === 0;
  }
}
for (const box of boxes) box.addEventListener('change', apply);
search.addEventListener('input', apply);
apply();
`;
