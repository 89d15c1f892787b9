// Keys, exit codes and wrong usage of `bellhop snapshot` and `bellhop diff`.
import { afterAll, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readSnapshot } from '../../src/parity/document.ts';
import type { Spawned } from '../support/spawned.ts';
import { KEY, call, files, folder, inside, keyFile, take } from './_call.ts';

const pod = inside('pod.yaml');
writeFileSync(pod, 'kind: Pod');

describe('the key', () => {
  const shm = `/dev/shm/bellhop-snapshot-${process.getuid?.() ?? 0}.key`;
  const kept = existsSync(shm) ? readFileSync(shm) : undefined;
  afterAll(() => {
    rmSync(shm, { recursive: true, force: true });
    if (kept !== undefined) writeFileSync(shm, kept, { mode: 0o600 });
  });

  test('is made where none is given, told once, and used again', () => {
    rmSync(shm, { force: true });
    const first = call(['snapshot']);
    expect(first.err).toContain(`a new key for the digests was written to ${shm}`);
    expect(statSync(shm).mode & 0o777).toBe(0o600);
    const second = call(['snapshot']);
    expect([second.code, second.err]).toEqual([0, '']);
    expect(readSnapshot(second.out, '2').key).toBe(readSnapshot(first.out, '1').key);
  });

  test.each<[string, () => Spawned, string]>([
    [
      'that others can read is refused',
      () => (chmodSync(shm, 0o644), call(['snapshot'])),
      'not a file of this user alone',
    ],
    [
      'that is a link is refused',
      () => (rmSync(shm), symlinkSync(keyFile, shm), call(['snapshot'])),
      'not a file of this user alone',
    ],
    [
      'that is short is refused',
      () => call(['snapshot'], { BELLHOP_SNAPSHOT_KEY: 'short' }),
      'a key of 5 bytes, and the least is 16',
    ],
    [
      'that is empty is refused',
      () => call(['snapshot'], { BELLHOP_SNAPSHOT_KEY: '' }),
      'a key of 0 bytes, and the least is 16',
    ],
    [
      'that is not there is refused',
      () => call(['snapshot', '--key-file', inside('no')]),
      'cannot be read (ENOENT)',
    ],
  ])('%s', (_, work, said) => {
    const { code, err, out } = work();
    expect([code, out, err]).toEqual([78, '', expect.stringContaining(said)]);
    expect(err).toContain('BH_ERR_SNAPSHOT_KEY');
  });

  test('must be one for both sides', () => {
    take('one.json', []);
    const other = call(['snapshot', '--out', inside('two.json')], {
      BELLHOP_SNAPSHOT_KEY: `${KEY}2`,
    });
    expect(other.code).toBe(0);
    const { code, err, out } = call(['diff', inside('one.json'), inside('two.json')]);
    expect([code, out, err]).toEqual([65, '', expect.stringContaining('BH_ERR_SNAPSHOT_KEYS')]);
  });
});

describe('diff', () => {
  const place = files('sides', { f: 'x' });
  test('ends with 0 only without differences, and tells the rest in its JSON', () => {
    take('left.json', ['--path', place]);
    take('same.json', ['--path', place], { HOSTNAME: 'other' });
    const [left, same] = [inside('left.json'), inside('same.json')];
    expect(call(['diff', left, left]).out).toBe('No differences.\n');
    expect(call(['diff', left, same]).code).toBe(0);
    expect(call(['diff', left, same, '--strict']).code).toBe(1);
    const report = JSON.parse(call(['diff', left, same, '-o', 'json']).out) as Record<
      string,
      unknown
    >;
    expect(report).toMatchObject({
      format: 'bellhop/diff/v1',
      equal: true,
      counts: { 'must-not-differ': 0, platform: 1, policy: 0 },
      differences: [{ kind: 'variable', name: 'HOSTNAME', rule: 'hostname', group: 'platform' }],
    });
  });

  test('writes the page beside the table, and not over what is no file', () => {
    const page = inside('page.html');
    const left = inside('left.json');
    expect(call(['diff', left, left, '--html', page]).code).toBe(0);
    expect(readFileSync(page, 'utf8')).toStartWith('<!doctype html>\n');
    const refused = call(['diff', left, left, '--html', folder]);
    expect([refused.code, refused.err]).toEqual([73, expect.stringContaining('BH_ERR_WRITE')]);
  });

  test.each<[string, string[], number, string]>([
    ['without two files', [inside('left.json')], 64, 'needs two snapshots'],
    [
      'of a file that is not there',
      [inside('left.json'), inside('no')],
      65,
      'cannot be read (ENOENT)',
    ],
    ['of another document', [inside('left.json'), pod], 65, 'BH_ERR_SNAPSHOT '],
    [
      'in another format',
      [inside('left.json'), inside('left.json'), '-o', 'yaml'],
      64,
      'table or json',
    ],
  ])('%s says so', (...[, words, code, said]) => {
    const ended = call(['diff', ...words]);
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(said)]);
  });
});

test.each<[string, string[], string]>([
  ['a path that is not absolute', ['--path', 'x'], 'must be absolute'],
  ['a process that is none', ['--pid', 'x'], 'must be the number of a process'],
  ['a process beside a command', ['--pid', '1', '--', 'true'], 'takes no command'],
  ['a limit of another name', ['--limit', 'x=1'], 'entriesMax'],
])('%s is wrong usage', (_, flags, said) => {
  const { code, err } = call(['snapshot', '--key-file', keyFile, ...flags]);
  expect([code, err]).toEqual([64, expect.stringContaining(said)]);
});

test('a process that is not there is told', () => {
  const { code, err } = call(['snapshot', '--key-file', keyFile, '--pid', '4194304']);
  expect([code, err]).toEqual([77, expect.stringContaining('BH_ERR_SNAPSHOT_PROCESS')]);
});
