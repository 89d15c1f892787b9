// Makes docs/images/trace.png: the page of a start in made-up time, as Chromium shows it. No part
// of `npm run gen`: fonts differ, so no two machines make the same picture.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tracePage } from '../src/entrypoint/trace-page.ts';
import { picture } from '../test/entrypoint/_browser.ts';
import { exampleReport } from '../test/entrypoint/_trace-run.ts';

const image = path.join(import.meta.dir, '..', 'docs', 'images', 'trace.png');
mkdirSync(path.dirname(image), { recursive: true });
const page = tracePage(await exampleReport());
writeFileSync(image, picture(page, { width: 1180, height: 1424, scheme: 'light' }));
console.log(`wrote ${image}`);
