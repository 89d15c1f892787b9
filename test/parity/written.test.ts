// What diff and snapshot write: whole or not at all, for whom it is, and never over what they read.
import { expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { CANARY, call, files, folder, inside, keyFile, take } from './_call.ts';

const place = files('w', { file: 'x' });
take('left.json', ['--show', '--path', place], { PASSWORD: CANARY });
take('right.json', ['--show', '--path', place], { PASSWORD: `${CANARY}2` });
const sides = ['left.json', 'right.json'].map(inside);
const modeOf = (name: string): number => statSync(inside(name)).mode & 0o777;

test('a page with values is its owner’s alone, whoever could read the one before', () => {
  writeFileSync(inside('page.html'), 'old');
  chmodSync(inside('page.html'), 0o666);
  expect(call(['diff', ...sides, '--show', '--html', inside('page.html')]).code).toBe(1);
  expect(readFileSync(inside('page.html'), 'utf8')).toContain(CANARY);
  expect(modeOf('page.html')).toBe(0o600);
});

test('a page without values may be read by everybody', () => {
  expect(call(['diff', ...sides, '--html', inside('plain.html')]).code).toBe(1);
  expect(readFileSync(inside('plain.html'), 'utf8')).not.toContain(CANARY);
  expect(modeOf('plain.html')).toBe(0o644);
});

test.each([
  ['the left', ['diff', ...sides, '--html', inside('left.json')], 'left.json', '--html'],
  [
    'a link to the right',
    ['diff', ...sides, '--html', inside('hard.json')],
    'right.json',
    '--html',
  ],
  ['the key', ['snapshot', '--key-file', keyFile, '--out', keyFile], 'key', '--out'],
])('%s is not written over', (...[, words, name, flag]) => {
  if (!existsSync(inside('hard.json'))) linkSync(inside('right.json'), inside('hard.json'));
  const before = readFileSync(inside(name), 'utf8');
  const { code, err } = call(words);
  expect([code, err]).toEqual([73, expect.stringContaining(`${flag} ${words.at(-1)}: is what `)]);
  expect(readFileSync(inside(name), 'utf8')).toBe(before);
});

test('a page that cannot be written leaves the one before, and nothing beside it', () => {
  mkdirSync(inside('is-a-folder'));
  const before = readdirSync(folder).toSorted();
  for (const name of ['is-a-folder', 'nowhere/page.html']) {
    const { code, err } = call(['diff', ...sides, '--html', inside(name)]);
    expect([code, err]).toEqual([73, expect.stringContaining('BH_ERR_WRITE')]);
  }
  expect(readdirSync(folder).toSorted()).toEqual(before);
});

test('what could not be compared is one line, whatever its path is', () => {
  const odd = path.join(place, 'a\u{1b}[2K\nNo differences.');
  mkdirSync(odd);
  writeFileSync(path.join(odd, 'f'), 'more');
  take('odd.json', ['--path', place, '--limit', 'depthMax=1']);
  const { code, out } = call(['diff', inside('odd.json'), inside('odd.json')]);
  expect(code).toBe(1);
  expect(out).not.toContain('\u{1b}[2K');
  expect(out).not.toMatch(/^No differences\./m);
});
