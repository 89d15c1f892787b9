import { afterAll, expect, test } from 'bun:test';
import path from 'node:path';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import type { CaseResult } from './_case-kit.ts';
import { inRoom, missingForRoom, removeBundles } from './_enter.ts';

const missing =
  missingForRoom() ?? (built().kind === 'launcher' ? undefined : 'no C compiler (cc)');
if (missing !== undefined) skipVisibly('secrecy of the executable', [missing]);
const dist = path.dirname(built().bellhop);
const results = missing === undefined ? await inRoom<CaseResult[]>('_secrecy', [], { dist }) : [];

for (const { name, wrong } of results) {
  test(`no Secret is seen: ${name}`, () => {
    expect(wrong).toEqual([]);
  });
}

afterAll(removeBundles);
