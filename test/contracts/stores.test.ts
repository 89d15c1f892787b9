// What is particular to the stores that ask nobody; what holds for all is in stores-real.test.ts.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BellhopError } from '../../src/core/errors.ts';
import { FILES } from '../../src/core/io/files.ts';
import type { Io } from '../../src/core/io/types.ts';
import { FsError } from '../../src/core/io/types.ts';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import type { Answer, Store, StoreContext } from '../../src/stores/_store.ts';
import { fakeIo } from '../support/fake-io.ts';

const CANARY = 'canary-2c9e';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-stores-'));
mkdirSync(path.join(folder, 'map'));
mkdirSync(path.join(folder, 'map/below'));
writeFileSync(path.join(folder, 'value'), CANARY);
writeFileSync(path.join(folder, 'map/a'), CANARY);
writeFileSync(path.join(folder, 'map/..hidden'), CANARY);
Bun.spawnSync(['mkfifo', path.join(folder, 'pipe')]);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const io: Io = { ...fakeIo({ argv: [], env: ['EMPTY=', '=odd'] }), fs: FILES };

const CONTEXT: StoreContext = {
  name: 'mine',
  io,
  objects: [],
  namespace: 'ns',
  caller: {
    send: async () => unreachable(),
    work: async () => unreachable(),
    underway: Promise.resolve(),
    warm: () => unreachable(),
  },
  variable: () => undefined,
  secret: async () => unreachable(),
  once: async (_, make) => make(),
};

function unreachable(): never {
  throw new Error('these stores ask nobody');
}

async function open(kind: string, options: object): Promise<Store> {
  const module = await ALL_STORES[kind]?.();
  if (module === undefined) throw new Error(`no kind ${kind}`);
  return module.default.open({ ...options }, CONTEXT);
}

async function ask(kind: string, wanted: string, options: object = {}): Promise<Answer> {
  const store = await open(kind, options);
  const [answer] = await store.fetch([{ path: wanted }]);
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

const codeOf = (answer: Answer): string => (answer.kind === 'failed' ? answer.problem.code : '');

describe('store file', () => {
  test('a folder is a map of its files, without folders and Kubernetes’ own entries', async () => {
    const answer = await ask('file', 'map', { folder });
    expect(answer.kind === 'map' ? [...answer.entries.keys()] : answer.kind).toEqual(['a']);
  });
  test.each(['../etc/passwd', 'map/../../x', '..'])(
    '%s may not leave the folder',
    async (wanted) => {
      expect(codeOf(await ask('file', wanted, { folder }))).toBe('BH_ERR_SETTINGS');
    },
  );
  test('a pipe is not waited for: BH_ERR_SETTINGS', async () => {
    expect(codeOf(await ask('file', 'pipe', { folder }))).toBe('BH_ERR_SETTINGS');
  });
  test('a file that may not be read is a failure, never absence: BH_ERR_STORE_DENIED', async () => {
    const denied: Io['fs'] = {
      ...FILES,
      read: (at) => {
        throw new FsError('EACCES', at, 'read');
      },
    };
    const module = await ALL_STORES['file']?.();
    const context = { ...CONTEXT, io: { ...io, fs: denied } };
    const [answer] =
      (await module?.default.open({ folder }, context).fetch([{ path: 'value' }])) ?? [];
    expect(answer === undefined ? '' : codeOf(answer)).toBe('BH_ERR_STORE_DENIED');
  });
  test.each([[{}], [{ folder: 'relative' }], [{ folder: 7 }]])(
    'options %p are refused',
    async (options) => {
      const opened = open('file', options);
      expect(opened).rejects.toBeInstanceOf(BellhopError);
      await opened.catch(() => undefined);
    },
  );
});

describe('store env', () => {
  test('an empty variable is there, and empty', async () => {
    const answer = await ask('env', 'EMPTY');
    expect(answer.kind === 'value' ? answer.value.bytes : -1).toBe(0);
  });
});
