// What is neither file, folder nor link, and names that are no text: told, or told as not compared.
import { describe, expect, test } from 'bun:test';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { needTool, skipVisibly } from '../support/need.ts';
import { call, folder, inside, take } from './_call.ts';

const place = inside('odd');
const at = (name: string): string => path.join(place, name);
/** A path whose last byte is this one. */
const bytes = (name: string, last: number): Buffer =>
  Buffer.concat([Buffer.from(at(name)), Buffer.from([last])]);

/** What diff prints of two states of one folder, and its exit code. */
async function told(...states: readonly (() => void | Promise<void>)[]): Promise<[number, string]> {
  const names = states.map((_, index) => `odd-${index}.json`);
  for (const [index, make] of states.entries()) {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
    await make();
    take(names[index] ?? '', ['--path', place]);
  }
  const { code, out } = call(['diff', ...names.map(inside)]);
  return [code, out.replaceAll(folder, '')];
}

const run = (...words: string[]): void => {
  const { exitCode, stderr } = Bun.spawnSync(words);
  expect([exitCode, stderr.toString()]).toEqual([0, '']);
};
const pipe = (): void => run('mkfifo', '-m', '644', at('x'));
const device = (minor: number) => (): void =>
  run('mknod', '-m', '644', at('x'), 'c', '1', String(minor));
async function socket(): Promise<void> {
  const server = createServer();
  await new Promise<void>((done) => void server.listen(at('x'), done));
  // A closed one would be taken away.
  process.once('exit', () => server.close());
  server.unref();
  run('chmod', '644', at('x'));
}

const lacks = [
  ...(process.getuid?.() === 0 ? [] : ['needs root, who may make devices']),
  needTool('mknod', 'coreutils'),
  needTool('mkfifo', 'coreutils'),
].filter((one) => one !== undefined);
if (lacks.length > 0) skipVisibly('pipes and devices', lacks);

test.skipIf(lacks.length > 0).each<[string, () => void | Promise<void>, () => void, string]>([
  ['a pipe is no device', pipe, device(3), 'pipe 0644 0:0  character device 1:3 0644 0:0'],
  [
    'one device is not another',
    device(3),
    device(5),
    'character device 1:3 0644 0:0  character device 1:5 0644 0:0',
  ],
  ['a socket is no pipe', socket, pipe, 'socket 0644 0:0  pipe 0644 0:0'],
])('%s', async (...[, left, right, expected]) => {
  const [code, out] = await told(left, right);
  expect([code, out]).toEqual([1, expect.stringMatching(/\/odd\/x \(type\)/)]);
  expect(out).toContain(expected);
});

describe('what cannot be written down is not taken for equal', () => {
  test.each<[string, (variant: number) => void, string]>([
    [
      'a name that is not UTF-8',
      (variant) => writeFileSync(bytes('n', 0xff - variant), 'x'.repeat(variant)),
      '/odd/n\u{FFFD}: its name is not UTF-8',
    ],
    [
      'two of them that look the same',
      (variant) => {
        for (const last of [0xff, 0xfe, 0xfd].slice(variant)) writeFileSync(bytes('n', last), '');
      },
      '/odd/n\u{FFFD}: its name is not UTF-8',
    ],
    [
      'one of them that looks like one that is',
      (variant) => {
        writeFileSync(at('n\u{FFFD}'), '');
        if (variant > 0) writeFileSync(bytes('n', 0xff), '');
      },
      '/odd: names in it are not UTF-8',
    ],
    [
      'a link that leads to one',
      (variant) => symlinkSync(Buffer.from([0x2f, 0xff - variant]), at('l')),
      '/odd/l: its target is not UTF-8',
    ],
  ])('%s', async (_, make, expected) => {
    const [code, out] = await told(
      () => make(0),
      () => make(1),
    );
    expect([code, out]).toEqual([1, expect.stringContaining(expected)]);
  });
});
