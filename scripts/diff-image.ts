// Makes docs/images/diff.png and diff-equal.png: the page of differences as Chromium shows it, with
// and without what must not be. No part of `npm run gen`: fonts differ, so no two machines make the
// same picture.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { picture } from '../test/entrypoint/_browser.ts';
import { BATCH, BATCH_EQUAL } from '../test/parity/_example.ts';
import { examplePage } from '../test/parity/_pages.ts';

const images = path.join(import.meta.dir, '..', 'docs', 'images');
mkdirSync(images, { recursive: true });
const PICTURES = [
  { name: 'diff.png', right: BATCH, height: 1990, scheme: 'light' },
  { name: 'diff-equal.png', right: BATCH_EQUAL, height: 1330, scheme: 'dark' },
] as const;
for (const { name, right, height, scheme } of PICTURES) {
  const image = path.join(images, name);
  writeFileSync(image, picture(examplePage(right), { width: 1320, height, scheme }));
  console.log(`wrote ${image}`);
}
