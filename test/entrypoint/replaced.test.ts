import { afterAll, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FILES } from '../../src/core/io/files.ts';
import type { Io } from '../../src/core/io/types.ts';
import { FsError } from '../../src/core/io/types.ts';
import { BellhopError } from '../../src/core/errors.ts';
import { Sealed } from '../../src/core/sealed.ts';
import type { Delivery } from '../../src/entrypoint/delivery.ts';
import { newHands, rollback } from '../../src/entrypoint/hands.ts';
import { replaceFile, withReplaced } from '../../src/entrypoint/replaced.ts';
import {
  mergedParameters,
  printParameters,
  readParameters,
} from '../../src/plan/hyperparameters.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import { realIo } from '../support/real-store.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-replaced-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const newPath = (): string => {
  const at = path.join(folder, String((count += 1)));
  mkdirSync(at);
  return path.join(at, 'hyperparameters.json');
};

function delivery(at: string, content: Uint8Array): Delivery {
  const bound = { reference: { store: 'embedded', path: 'x' }, called: 'submit.hyperparameters' };
  const placement = {
    kind: 'file',
    path: at,
    mode: 0o644,
    medium: 'disk',
    rule: 'r',
    source: { kind: 'hyperparameters', bound },
  } as const;
  return {
    directories: [],
    files: [{ placement, content: new Sealed(content) }],
    policy: DEFAULT_POLICY,
  };
}

function deliver(at: string, content: Uint8Array, io: Io = realIo()) {
  const problems: BellhopError[] = [];
  const { replaced = [], files } = withReplaced(io.fs, delivery(at, content), problems);
  expect(files).toEqual([]);
  const hands = newHands(io);
  for (const one of replaced) replaceFile(hands, one);
  return { hands, problems };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("the platform's own file of hyperparameters", () => {
  test('is written where there is none', () => {
    const at = newPath();
    deliver(at, bytes('{"a":"1"}'));
    expect(readFileSync(at, 'utf8')).toBe('{"a":"1"}');
  });
  test('keeps what a tuner chose, and its mode', () => {
    const at = newPath();
    writeFileSync(at, '{"lr": "0.5", "_tuning_objective_metric": "loss"}');
    chmodSync(at, 0o600);
    deliver(at, bytes('{"lr":"0.1","epochs":"3"}'));
    expect(JSON.parse(readFileSync(at, 'utf8'))).toEqual({
      lr: '0.5',
      epochs: '3',
      _tuning_objective_metric: 'loss',
    });
    expect(statSync(at).mode & 0o777).toBe(0o600);
    deliver(at, bytes('{"lr":"0.1","epochs":"3"}'));
    expect(JSON.parse(readFileSync(at, 'utf8'))).toMatchObject({ lr: '0.5', epochs: '3' });
  });
  test('that is no JSON object is refused before anything is written', () => {
    const at = newPath();
    writeFileSync(at, 'rubbish');
    const problems: BellhopError[] = [];
    withReplaced(realIo().fs, delivery(at, bytes('{}')), problems);
    expect(problems.map(({ code }) => code)).toEqual(['BH_ERR_VALUE']);
    expect(readFileSync(at, 'utf8')).toBe('rubbish');
  });
  test('is as it was when something fails after it', () => {
    const at = newPath();
    writeFileSync(at, '{"lr":"0.5"}');
    const { hands } = deliver(at, bytes('{"epochs":"3"}'));
    rollback(hands);
    expect(readFileSync(at, 'utf8')).toBe('{"lr":"0.5"}');
    expect(readdirSync(path.dirname(at))).toEqual(['hyperparameters.json']);
  });
  test('whatever operation fails, it is the old file or the new one, and nothing is left beside', () => {
    for (let failing = 1; failing < 12; failing += 1) {
      const at = newPath();
      writeFileSync(at, '{"lr":"0.5"}');
      let step = 0;
      const fs = { ...FILES };
      for (const name of ['write', 'rename', 'read', 'lchown'] as const) {
        const work = FILES[name] as (...args: never[]) => never;
        Object.assign(fs, {
          [name]: (...args: never[]) => {
            if ((step += 1) === failing) throw new FsError('EIO', at, name);
            return work(...args);
          },
        });
      }
      const io = { ...realIo(), fs };
      const hands = newHands(io);
      try {
        const { replaced = [] } = withReplaced(fs, delivery(at, bytes('{"epochs":"3"}')), []);
        for (const one of replaced) replaceFile(hands, one);
      } catch (error) {
        expect(error instanceof FsError || error instanceof BellhopError).toBe(true);
        rollback(hands);
        expect(readFileSync(at, 'utf8')).toBe('{"lr":"0.5"}');
      }
      expect(readdirSync(path.dirname(at))).toEqual(['hyperparameters.json']);
    }
  });
  test('50 MB are merged', () => {
    const at = newPath();
    writeFileSync(at, '{"lr":"0.5"}');
    const big = 'x'.repeat(50_000_000);
    deliver(
      at,
      printParameters([
        ['big', big],
        ['lr', '0.1'],
      ]),
    );
    const read = JSON.parse(readFileSync(at, 'utf8')) as Record<string, string>;
    expect([read['lr'], read['big']?.length]).toEqual(['0.5', 50_000_000]);
  }, 60_000);
});

describe('hyperparameters are strings, as SageMaker has them', () => {
  test.each([
    ['{"a": 1.0, "b": true, "c": null}', { a: '1.0', b: 'true', c: 'null' }],
    ['{"a": 9007199254740993}', { a: '9007199254740993' }],
    ['{"a": "text", "b": [1, "x"], "c": {"d": 1}}', { a: 'text', b: '[1,"x"]', c: '{"d":1}' }],
    ['{}', {}],
  ])('%s', (text, expected) => {
    expect(Object.fromEntries(readParameters(bytes(text)) ?? [])).toEqual(expected);
  });
  test.each(['[]', '1', 'x', ''])('%j is none', (text) => {
    expect(readParameters(bytes(text))).toBeUndefined();
    expect(mergedParameters(bytes(text), bytes('{}'))).toBeUndefined();
  });
});
