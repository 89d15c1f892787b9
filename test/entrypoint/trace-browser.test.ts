import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { tracePage } from '../../src/entrypoint/trace-page.ts';
import type { TraceReport } from '../../src/entrypoint/trace-types.ts';
import { skipVisibly } from '../support/need.ts';
import { ROOT } from '../support/source.ts';
import { NO_BROWSER, load, picture } from './_browser.ts';
import { exampleReport } from './_trace-run.ts';

const IMAGE_BYTES_MAX = 200_000;
const TEST_MS_MAX = 120_000;
const report = await exampleReport();

/** Every text of the report replaced by what would do harm in one place or another. */
const ATTACKS = [
  '<script>document.title="broken out"</script>',
  '"><img src=x onerror="document.title=\'broken out\'">',
  "' onmouseover='document.title=1' x='",
  '</style></title><svg onload="document.title=\'broken out\'">',
  '<!-- <b> ]]> &lt;script&gt;',
];
const hostile = (): TraceReport => {
  let count = 0;
  const kept = new Set(['kind', 'format', 'began', 'parent']);
  const text = JSON.stringify(report, (key, value: unknown) => {
    if (typeof value !== 'string' || kept.has(key)) return value;
    return `${ATTACKS[((count += 1)) % ATTACKS.length]}${value}`;
  });
  return JSON.parse(text) as TraceReport;
};
const withoutPolicy = (page: string): string => page.replace(/<meta http-equiv[^>]*>/, '');
const elements = (dom: string): string[] => {
  return [...new Set([...dom.matchAll(/<([a-z][\w-]*)/g)].map(([, name = '']) => name))].toSorted();
};

test('the picture in the docs is a picture, and small', () => {
  const image = readFileSync(path.join(ROOT, 'docs/images/trace.png'));
  expect(image.subarray(1, 4).toString()).toBe('PNG');
  expect(image.byteLength).toBeLessThanOrEqual(IMAGE_BYTES_MAX);
});

if (NO_BROWSER !== undefined) skipVisibly('the trace page in a browser', [NO_BROWSER]);

describe.skipIf(NO_BROWSER !== undefined)('in a real browser', () => {
  test(
    'the page obeys its own policy: its style is taken, and no other one would be',
    () => {
      const page = tracePage(report);
      const seen = (text: string): string => {
        const image = picture(text, { width: 900, height: 700, scheme: 'light' });
        return Bun.hash(image).toString();
      };
      const styled = seen(page);
      expect(styled).toBe(seen(withoutPolicy(page)));
      expect(seen(page.replace('.row {', '.row  {'))).not.toBe(styled);
    },
    TEST_MS_MAX,
  );

  test(
    'hostile names stay text, also where no policy holds them',
    () => {
      const page = withoutPolicy(tracePage(hostile()));
      expect(page).not.toContain('Content-Security-Policy');
      const dom = load(page);
      expect(elements(dom)).toEqual(elements(load(tracePage(report))));
      expect(dom).not.toContain('<title>broken out');
      // The browser would have run it: the test can tell.
      const broken = page.replace('<main>', `<main>${ATTACKS[0]}`);
      expect(load(broken)).toContain('<title>broken out</title>');
    },
    TEST_MS_MAX,
  );

  test(
    'it fits its window, and each bar has a colour and a width',
    () => {
      const probe = `<script>
        const bars = [...document.querySelectorAll('.row rect, .ribbon rect')];
        const bad = bars.filter((one) => one.getBoundingClientRect().width < 1
          || getComputedStyle(one).fill === 'rgb(0, 0, 0)').length;
        const wide = document.documentElement.scrollWidth - innerWidth;
        document.title = ['bars', bars.length, 'bad', bad, 'wide', Math.max(0, wide)].join(' ');
      </script></main>`;
      const dom = load(withoutPolicy(tracePage(report)).replace('</main>', probe));
      expect(/<title>([^<]*)/.exec(dom)?.[1]).toMatch(/^bars [4-9]\d bad 0 wide 0$/);
    },
    TEST_MS_MAX,
  );

  test.each(['light', 'dark'] as const)(
    'a picture of it in %s is no empty page',
    (scheme) => {
      const image = picture(tracePage(report), { width: 1180, height: 900, scheme });
      expect(Buffer.from(image).subarray(1, 4).toString()).toBe('PNG');
      expect(image.byteLength).toBeGreaterThan(40_000);
    },
    TEST_MS_MAX,
  );
});
