import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { escapeHtml, html, styleElement } from '../../src/core/html.ts';

describe('what is put into a template cannot break out of it', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['" onmouseover="x', '&quot; onmouseover=&quot;x'],
    ["' autofocus '", '&#39; autofocus &#39;'],
    ['a & b &amp; c', 'a &amp; b &amp;amp; c'],
    ['`x`', '&#96;x&#96;'],
    [']]><!--', ']]&gt;&lt;!--'],
    ['line\nend\u0000\u202e', 'line\\u000aend\\u0000\\u202e'],
    ['\ud800 alone', '\ufffd alone'],
  ])('%p', (given, escaped) =>
    expect(html`<b title="${given}">${given}</b>`.html).toBe(
      `<b title="${escaped}">${escaped}</b>`,
    ),
  );

  test('whatever it is: no character of markup is left, and a browser would read it back', () => {
    const undo: Readonly<Record<string, string>> = {
      '&amp;': '&',
      '&lt;': '<',
      '&gt;': '>',
      '&quot;': '"',
      '&#39;': "'",
      '&#96;': '`',
    };
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, (given) => {
        const escaped = escapeHtml(given);
        expect(escaped).not.toMatch(/[<>"'`]|&(?!(?:amp|lt|gt|quot|#39|#96);)/);
        const back = escaped.replace(/&(?:amp|lt|gt|quot|#39|#96);/g, (one) => undo[one] ?? '');
        if (!/[\p{C}\u2028\u2029]/u.test(given)) expect(back).toBe(given);
      }),
    );
  });
});

test('pieces are put together unescaped, lists and nothing too', () => {
  const items = ['a', '<'].map((one) => html`<li>${one}</li>`);
  expect(html`<ul>${items}${undefined}</ul>${3}`.html).toBe('<ul><li>a</li><li>&lt;</li></ul>3');
});

test('a record that only looks like HTML is text', () => {
  const forged = JSON.parse('{"html":"<script>"}') as { html: string };
  expect(html`${forged}`.html).toBe('&lt;script&gt;');
  expect(html`${[forged]}`.html).toBe('&lt;script&gt;');
});

test('a style cannot end its element', () => {
  expect(styleElement('a::before { content: "</style>" }').html).toBe(
    '<style>a::before { content: "<\\/style>" }</style>',
  );
});
