// Hyperparameters over the caps of CreateTrainingJob: `submit` uploads them, SageMaker downloads
// the channel, and `run` puts them where a program reads them that knows of neither.
import { afterAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { yardFolder } from './_container.ts';
import { requestOf, trained } from './_trained.ts';
import { awsStage } from './_worlds.ts';

const TEST_MS_MAX = 120_000;
const HYPERPARAMETERS = '/opt/ml/input/config/hyperparameters.json';
const stage = await awsStage('hyperparameters by a channel');
const lacks = [
  ...(built().kind === 'launcher' ? [] : ['the launcher is not built (cc)']),
  ...(existsSync('/usr/bin/python3') ? [] : ['the container has the /usr/bin/python3 of here']),
];
if (lacks.length > 0) skipVisibly('hyperparameters by a channel', lacks);
const isHere = stage.isHere && lacks.length === 0;
afterAll(stage.close);
const trainer = { ...stage, bucket: `hyper-${crypto.randomUUID().slice(0, 8)}` };

/** Reads each file as JSON, and prints how many members, of which types, and the file's digest. */
const READER = `
import hashlib, json, sys
for name in sys.argv[1:]:
    data = open(name, "rb").read()
    read = json.loads(data)
    types = sorted({type(one).__name__ for one in read.values()})
    print(json.dumps([len(read), types, hashlib.sha256(data).hexdigest()]))
`;
const reading = (...files: string[]): string[] => ['python3', '-c', READER, ...files];

function linesOf({ outcome }: Awaited<ReturnType<typeof trained>>): unknown[] {
  expect([outcome.exit, outcome.stderr]).toEqual([0, '']);
  return outcome.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

const sha256 = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex');

/** SageMaker's rule: all values are strings; what is none is its JSON text. */
const flat = (values: object): string => {
  const pairs = Object.entries(values).map(([name, value]) => {
    return [name, typeof value === 'string' ? value : JSON.stringify(value)];
  });
  return JSON.stringify(Object.fromEntries(pairs));
};

function configMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'ml' }, data };
}

function mounted(...names: string[]): { container: object; pod: object } {
  const volumes = names.map((name) => ({ name, configMap: { name } }));
  const volumeMounts = names.map((name) => ({ name, mountPath: `/etc/${name}` }));
  return { container: { volumeMounts }, pod: { volumes } };
}

const VALUES = { rate: 0.1, big: 2 ** 53, layers: [64, 32], name: 'é "q"\n', on: true, no: null };
const LONG = { ...VALUES, table: 'x'.repeat(3000) };

describe.skipIf(!isHere)('over the caps', () => {
  test(
    '50 MB of a file are at its path as they were written, and in the file of SageMaker as strings',
    async () => {
      const rows = Array.from({ length: 50 }, (_, n) => [`row${n}`, `${n % 10}`.repeat(1_000_000)]);
      const written = JSON.stringify({ ...VALUES, ...Object.fromEntries(rows) });
      expect(written.length).toBeGreaterThan(50_000_000);
      const file = path.join(yardFolder(stage.yard), 'parameters.json');
      writeFileSync(file, written);
      const at = '/etc/train/parameters.json';
      const command = reading(at, HYPERPARAMETERS);
      const submit = { hyperparameters: { file, path: at } };
      const request = await requestOf(trainer, { command, submit });
      expect(JSON.stringify(request).length).toBeLessThan(10_000);
      const [own, platforms] = linesOf(await trained(trainer, request)) as [unknown[], unknown[]];
      expect(own).toEqual([
        56,
        ['NoneType', 'bool', 'float', 'int', 'list', 'str'],
        sha256(written),
      ]);
      expect(platforms.slice(0, 2)).toEqual([56, ['str']]);
    },
    TEST_MS_MAX,
  );

  test(
    'those of a ConfigMap are at its mount path, and in the file of SageMaker',
    async () => {
      const text = JSON.stringify(LONG);
      const objects = [configMap('params', { 'hp.json': text })];
      const command = reading('/etc/params/hp.json', HYPERPARAMETERS);
      const submit = { hyperparameters: { configMap: 'params', key: 'hp.json' } };
      const wanted = { command, objects, submit, ...mounted('params') };
      const ran = await trained(trainer, await requestOf(trainer, wanted));
      const types = ['NoneType', 'bool', 'float', 'int', 'list', 'str'];
      expect((linesOf(ran) as unknown[])[0]).toEqual([7, types, sha256(text)]);
      const delivered = Buffer.from(ran.outcome.files.get(HYPERPARAMETERS) ?? []).toString();
      expect(JSON.parse(delivered)).toEqual(JSON.parse(flat(LONG)));
    },
    TEST_MS_MAX,
  );

  test(
    'those of several ConfigMaps are together, at a path as they were written',
    async () => {
      const [one, two] = ['{ "a": 1.0, "big": 9007199254740993 }', `{"b": "${'y'.repeat(3000)}"}`];
      const objects = [configMap('one', { 'hp.json': one }), configMap('two', { 'hp.json': two })];
      const at = '/etc/all.json';
      const submit = { hyperparameters: { configMap: ['one', 'two'], key: 'hp.json', path: at } };
      const wanted = { command: ['cat', at], objects, submit, ...mounted('one', 'two') };
      const ran = await trained(trainer, await requestOf(trainer, wanted));
      expect(ran.outcome.stdout).toBe(`{ "a": 1.0, "big": 9007199254740993 ,${two.slice(1)}`);
      const delivered = Buffer.from(ran.outcome.files.get(HYPERPARAMETERS) ?? []).toString();
      const wants = { a: '1.0', big: '9007199254740993', b: 'y'.repeat(3000) };
      expect(JSON.parse(delivered)).toEqual(wants);
    },
    TEST_MS_MAX,
  );

  test(
    'what a tuner has chosen wins, and the others stay',
    async () => {
      const submit = { hyperparameters: { values: LONG } };
      const request = await requestOf(trainer, { command: ['true'], submit });
      const HyperParameters = { rate: '0.7', _tuning_objective_metric: 'loss' };
      const { outcome } = await trained(trainer, { ...request, HyperParameters });
      const delivered = Buffer.from(outcome.files.get(HYPERPARAMETERS) ?? []).toString();
      const all = { ...(JSON.parse(flat(LONG)) as object), ...HyperParameters };
      expect(JSON.parse(delivered)).toEqual(all);
    },
    TEST_MS_MAX,
  );

  test(
    'they arrive without a network',
    async () => {
      const submit = { hyperparameters: { values: LONG } };
      const given = { EnableNetworkIsolation: true };
      const request = await requestOf(trainer, {
        command: reading(HYPERPARAMETERS),
        submit,
        given,
      });
      expect(linesOf(await trained(trainer, request))).toEqual([[7, ['str'], expect.anything()]]);
    },
    TEST_MS_MAX,
  );

  test('a name in two ConfigMaps is refused', async () => {
    const objects = [configMap('one', { a: '1' }), configMap('two', { a: '2' })];
    const submit = { hyperparameters: { configMap: ['one', 'two'] } };
    const made = requestOf(trainer, { command: ['true'], objects, submit });
    expect(await made.catch(String)).toContain('"a" is in more than one ConfigMap');
  });
});
