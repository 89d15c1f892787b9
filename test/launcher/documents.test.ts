import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import { encodeDocument, encodeQuit, TAG } from '../../src/core/io/launcher-wire.ts';
import type { ExecDocument } from '../../src/core/io/types.ts';
import type { Ended } from './_bench.ts';
import { folder, isRoot, missing, removeTools, run, TIMEOUT_MS } from './_bench.ts';

const MUTATIONS = 500;
const dir = missing === undefined ? folder('documents') : '';

/** Lets the launcher carry out these bytes; it was started with `a bc` and a PATH. */
function carryOut(bytes: Uint8Array): Ended {
  const file = path.join(dir, 'document');
  writeFileSync(file, bytes);
  return run([`--document=${file}`], ['a', 'bc']);
}

function whole(): ExecDocument {
  const program = path.join(dir, 'ok');
  return {
    program: Buffer.from(program),
    path: Buffer.from('/usr/bin:/bin'),
    argv: [{ bytes: Buffer.from('ok') }, { raw: 0 }, { bytes: new Uint8Array() }],
    env: [{ raw: 0 }, { bytes: Buffer.from('A=b') }],
    cwd: '/',
    umask: 0o22,
    noNewPrivileges: true,
    ...(isRoot ? { root: '/', uid: 65534, gid: 65534, groups: [1, 2], dropCapabilities: [0] } : {}),
    failure: { notFound: 'nf {{why}}\n', notAllowed: 'na\n', other: 'o {{why}}\n' },
  };
}

/** A small generator with a seed: the same documents on every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Mutation = (bytes: Uint8Array, next: (below: number) => number) => Uint8Array;

const MUTATE: readonly Mutation[] = [
  (bytes, next) => bytes.subarray(0, next(bytes.length)),
  (bytes, next) => bytes.with(next(bytes.length), next(256)),
  (bytes, next) => bytes.with(next(bytes.length), [0, 1, 20, 127, 128, 255][next(6)] ?? 0),
  (bytes, next) => {
    const at = next(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + next(8))]);
  },
  (bytes, next) => {
    const at = next(bytes.length);
    const more = Uint8Array.from({ length: 1 + next(12) }, () => next(256));
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  },
  (bytes, next) => bytes.with(next(bytes.length), next(256)).with(next(bytes.length), 255),
];

describe.skipIf(missing !== undefined)('the exec document', () => {
  if (missing === undefined) symlinkSync('/bin/true', path.join(dir, 'ok'));

  test(
    'whole, it is carried out',
    () => expect(carryOut(encodeDocument(whole()))).toMatchObject({ code: 0, stderr: '' }),
    TIMEOUT_MS,
  );

  test(
    'damaged anyhow, it never brings the launcher down',
    () => {
      const next = random(20_261_121);
      const base = encodeDocument(whole());
      const codes = new Map<number | null, number>();
      for (let i = 0; i < MUTATIONS; i++) {
        const mutate = MUTATE[i % MUTATE.length];
        const bytes = mutate?.(base, next) ?? base;
        const { code, signal } = carryOut(bytes);
        const hex = Buffer.from(bytes).toString('hex');
        expect([signal, [0, 70, 126, 127].includes(code ?? -1) ? 'ok' : `${code} ${hex}`]).toEqual([
          null,
          'ok',
        ]);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      expect(codes.get(70)).toBeGreaterThan(MUTATIONS / 4);
      expect(codes.get(0)).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  const u32 = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const record = (tag: number, payload: Uint8Array) =>
    Buffer.concat([u32(tag, payload.length), payload]);
  const spliced = (...records: Uint8Array[]) => {
    const base = encodeDocument(whole());
    return Buffer.concat([base.subarray(0, -8), ...records, base.subarray(-8)]);
  };
  const bad: readonly (readonly [string, () => Uint8Array])[] = [
    ['nothing but a header', () => encodeDocument(whole()).subarray(0, 8)],
    ['no END', () => encodeDocument(whole()).subarray(0, -8)],
    ['bytes after END', () => Buffer.concat([encodeDocument(whole()), Uint8Array.of(0)])],
    ['another version', () => encodeDocument(whole()).with(4, 1)],
    ['an unknown record', () => spliced(record(22, u32()))],
    ['tag 0', () => spliced(record(0, u32()))],
    ['two relays', () => spliced(record(TAG.relay, u32()), record(TAG.relay, u32()))],
    ['a second program', () => spliced(record(TAG.program, Uint8Array.of(65, 0)))],
    ['an argument we were not given', () => spliced(record(TAG.argRaw, u32(5)))],
    ['the largest index', () => spliced(record(TAG.argRaw, u32(0xffff_ffff)))],
    ['a variable we were not given', () => spliced(record(TAG.envRaw, u32(1)))],
    ['a string without its end', () => spliced(record(TAG.arg, Uint8Array.of(65)))],
    ['a string with two ends', () => spliced(record(TAG.arg, Uint8Array.of(65, 0, 66, 0)))],
    ['an empty string record', () => spliced(record(TAG.env, new Uint8Array()))],
    ['a capability that cannot be', () => spliced(record(TAG.dropCapabilities, u32(64)))],
    ['a limit that cannot be', () => spliced(record(TAG.limit, u32(16, 0, 0, 0, 0)))],
    ['a length beyond the end', () => spliced(u32(TAG.arg, 0x7fff_ffff))],
    ['an exit code that cannot be', () => encodeQuit(256)],
    ['no argument at all', () => encodeDocument({ ...whole(), argv: [] })],
  ];
  for (const [name, bytes] of bad) {
    test(
      `${name} is refused`,
      () => {
        const ended = carryOut(bytes());
        expect(ended.stderr).toStartWith('bellhop: cannot read the exec document');
        expect(ended.code).toBe(70);
      },
      TIMEOUT_MS,
    );
  }
});

afterAll(removeTools);
