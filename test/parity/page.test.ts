// The page of differences in a real browser: it is self-contained, its filters work, and nothing
// that a snapshot says is taken for markup.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { file, folder, snapshot, tree, variables } from './_snapshots.ts';
import { BATCH, BATCH_EQUAL, KUBERNETES } from './_example.ts';
import { examplePage } from './_pages.ts';
import { NO_BROWSER, load, picture } from '../entrypoint/_browser.ts';
import { skipVisibly } from '../support/need.ts';
import { ROOT } from '../support/source.ts';

const IMAGE_BYTES_MAX = 400_000;
const TEST_MS_MAX = 120_000;

const ATTACK = '<script>document.title="broken out"</script><img src=x onerror="document.title=1">';
const hostile = snapshot({
  key: KUBERNETES.key,
  process: { env: variables({ [`A${ATTACK}`]: 'x', [`"'>${ATTACK}`]: 'y' }), cwd: `/${ATTACK}` },
  trees: [tree(`/v${ATTACK}`, [folder('.'), file(`</style>${ATTACK}`, 'x', { error: ATTACK })])],
  cuts: [{ limit: ATTACK, max: 1, path: ATTACK }],
});
const withoutPolicy = (page: string): string => page.replace(/<meta http-equiv[^>]*>/, '');

/** The page after this was done in it; what the script leaves as the title comes back. */
function after(page: string, script: string): string {
  const dom = load(withoutPolicy(page).replace('</body>', `<script>${script}</script></body>`));
  return /<title>([^<]*)/.exec(dom)?.[1] ?? '';
}

const COUNT = `
  const seen = (query) => [...document.querySelectorAll(query)].filter((one) => !one.closest('[hidden]'));
  const click = (value) => document.querySelector('input[value="' + value + '"]').click();
  const type = (text) => {
    const search = document.querySelector('input[type=search]');
    search.value = text;
    search.dispatchEvent(new Event('input'));
  };
  const tell = () => [seen('ul.differences li').length, seen('[data-list=files] .pair').length,
    seen('[data-list=variables] .pair').length, seen('.allowed details').length].join(' ');
`;

test('a page loads nothing, and names no address', () => {
  const page = examplePage(BATCH);
  expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;sha256-`);
  expect(page).not.toMatch(/https?:|url\(|@import|src=|href=/);
});

test.each(['diff.png', 'diff-equal.png'])('docs/images/%s is a picture, and small', (name) => {
  const image = readFileSync(path.join(ROOT, 'docs/images', name));
  expect(image.subarray(1, 4).toString()).toBe('PNG');
  expect(image.byteLength).toBeLessThanOrEqual(IMAGE_BYTES_MAX);
});

if (NO_BROWSER !== undefined) skipVisibly('the page of differences in a browser', [NO_BROWSER]);

describe.skipIf(NO_BROWSER !== undefined)('in a real browser', () => {
  test(
    'its own script runs under its policy, and equal entries are hidden at first',
    () => {
      const dom = load(examplePage(BATCH));
      expect(dom).toMatch(/data-group="equal"[^>]* hidden=""/);
      expect(dom).not.toMatch(/data-group="must-not-differ"[^>]* hidden=""/);
    },
    TEST_MS_MAX,
  );

  test(
    'filters show what they say',
    () => {
      const told = (steps: string): string =>
        after(examplePage(BATCH), `${COUNT}${steps}; document.title = tell();`);
      const steps = [
        '',
        "click('group:must-not-differ')",
        "click('kind:variable')",
        "click('group:equal')",
        "type('tls.key')",
        "type('nothing of this name')",
      ];
      expect(steps.map((one) => `${one} ${told(one)}`.trim())).toEqual([
        '7 10 7 9',
        "click('group:must-not-differ') 0 5 5 9",
        "click('kind:variable') 5 10 0 7",
        "click('group:equal') 7 20 15 9",
        "type('tls.key') 1 3 0 0",
        "type('nothing of this name') 0 0 0 0",
      ]);
    },
    TEST_MS_MAX,
  );

  test(
    'hostile names stay text, also where no policy holds them',
    () => {
      const page = withoutPolicy(examplePage(hostile, KUBERNETES));
      const dom = load(page);
      expect(dom).not.toContain('<title>broken out');
      expect(dom).not.toMatch(/<img/);
      // The browser would have run it: the test can tell.
      expect(load(page.replace('<main>', `<main>${ATTACK}`))).toMatch(/<title>(broken out|1)</);
    },
    TEST_MS_MAX,
  );

  test.each(['light', 'dark'] as const)(
    'in %s it fits its window, and is no empty page',
    (scheme) => {
      const page = examplePage(BATCH_EQUAL);
      const title = after(
        page,
        "document.title = 'wide ' + Math.max(0, document.documentElement.scrollWidth - innerWidth)",
      );
      expect(title).toBe('wide 0');
      const image = picture(page, { width: 1320, height: 1000, scheme });
      expect(image.byteLength).toBeGreaterThan(40_000);
    },
    TEST_MS_MAX,
  );
});
