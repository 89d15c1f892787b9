import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FILES } from '../../src/core/io/files.ts';
import { DIGESTS } from '../../src/cli/digests.ts';
import { ALL_INJECTORS } from '../../src/injectors/_all.gen.ts';
import { GLOBAL_DEFAULTS, globalValues } from '../../src/webhook/global-values.ts';
import { mutateSettings } from '../../src/webhook/managers.ts';
import { openMutate } from '../../src/webhook/mutate.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { ENV_VAR, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { memoryCluster } from './_memory-api.ts';
import { KEPT, NO_FETCHING, valueSecretsOn } from './_values.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-global-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CANARY = 'canary-77f0';

function opened(variables: Readonly<Record<string, string>> = {}, prefix = folder) {
  let nowMs = 0;
  const reads: string[] = [];
  const read: typeof FILES.read = (file, bytesMax) => {
    reads.push(file);
    return FILES.read(file, bytesMax);
  };
  const find = globalValues(
    { fs: { read }, clock: { monotonicMs: () => nowMs }, variable: (name) => variables[name] },
    { ...GLOBAL_DEFAULTS, 'secrets-prefix': prefix },
  );
  return { find, reads, pass: (ms: number) => void (nowMs += ms) };
}

test('a file that is not there is looked for again after a second, and found then', () => {
  const { find, reads, pass } = opened();
  expect([find('late', 'k'), find('late', 'k')]).toEqual([undefined, undefined]);
  expect(reads).toHaveLength(1);
  mkdirSync(path.join(folder, 'late'));
  writeFileSync(path.join(folder, 'late/k'), 'here');
  pass(999);
  expect(find('late', 'k')).toBeUndefined();
  pass(1);
  expect(find('late', 'k')).toBe('here');
});

test('a file that is there is read each time: what was changed counts at once', () => {
  const { find } = opened();
  mkdirSync(path.join(folder, 'group'));
  writeFileSync(path.join(folder, 'group/k'), 'one');
  expect(find('group', 'k')).toBe('one');
  writeFileSync(path.join(folder, 'group/k'), 'two');
  expect(find('group', 'k')).toBe('two');
});

test('what is not there under one name says nothing of another', () => {
  const { find } = opened({ FLYTE_SECRET_A_B_C: 'set' });
  expect(find('a/b', 'c')).toBeUndefined();
  expect(find('a', 'b/c')).toBeUndefined();
  expect([find('a', 'b_c'), find('a_b', 'c')]).toEqual(['set', 'set']);
});

test('however many are asked for, what is remembered has a limit', () => {
  const { find, reads } = opened();
  for (let n = 0; n < 5000; n++) find('many', String(n));
  find('many', '0');
  expect(reads).toHaveLength(5001);
});

test('names that are longer than any path are not kept', () => {
  const { find, reads } = opened();
  const long = 'x'.repeat(5000);
  expect([find('g', long), find('g', long)]).toEqual([undefined, undefined]);
  expect(reads).toHaveLength(2);
});

describe('only what lies below the folder is read', () => {
  const prefix = path.join(folder, 'prefix');
  mkdirSync(path.join(prefix, 'g'), { recursive: true });
  const out = path.join(folder, 'out');
  writeFileSync(out, CANARY);
  writeFileSync(path.join(folder, 'prefix-2'), CANARY);
  writeFileSync(path.join(prefix, 'g/k'), 'inside');

  test.each([
    ['g', '../../out'],
    ['../out', '.'],
    ['g/../..', 'out'],
    ['..', 'prefix-2'],
    ['g', '../../prefix/../out'],
    ['..', '..'],
    ['g', '..'],
    ['g', 'k\0'],
  ])('not group %p, key %p', (group, key) => {
    const { find, reads } = opened({}, prefix);
    expect(() => find(group, key)).toThrow('lead out of the folder');
    expect(reads).toEqual([]);
  });

  test.each([
    ['g', 'k'],
    ['/g/', '/k'],
    ['a/../g', 'x/../k'],
  ])('but group %p, key %p, as Flyte cleans them', (group, key) => {
    expect(opened({}, prefix).find(group, key)).toBe('inside');
  });

  test('through links, as Kubernetes mounts a Secret', () => {
    mkdirSync(path.join(folder, 'mounted/..2026'), { recursive: true });
    const mounted = path.join(folder, 'mounted/g');
    mkdirSync(mounted);
    writeFileSync(path.join(folder, 'mounted/..2026/k'), 'linked');
    symlinkSync('../..2026', path.join(mounted, '..data'));
    symlinkSync('..data/k', path.join(mounted, 'k'));
    expect(opened({}, path.join(folder, 'mounted')).find('g', 'k')).toBe('linked');
  });

  test.each(['native', 'flyte'])(
    'profile %s: the pod is denied, and holds nothing',
    async (profile) => {
      const { find } = opened({}, prefix);
      const { settings, problems } = readWebhookSettings({ profile, ...KEPT });
      expect(problems).toEqual([]);
      const mutate = openMutate(
        mutateSettings(settings, ALL_INJECTORS, {
          global: find,
          find: async () => undefined,
          values: valueSecretsOn(memoryCluster().client(() => 0)),
          digest: DIGESTS,
          fetching: NO_FETCHING,
        }),
      );
      const decided = async (key: string) => {
        const asked = { group: 'g', groupVersion: '', key, mountRequirement: ENV_VAR, envVar: '' };
        const annotations = { 'flyte.secrets/s0': encodeSecret(asked) };
        const pod = { metadata: { annotations }, spec: { containers: [{ name: 'main' }] } };
        const user = { name: 'somebody', groups: [] };
        const { signal } = new AbortController();
        return mutate({ pod, namespace: 'team', dryRun: false, user, signal });
      };
      expect(await decided('k')).toMatchObject({ kind: 'patched' });
      const denied = await decided('../../out');
      expect(denied.kind).toBe('denied');
      expect(JSON.stringify(denied)).toContain('lead out of the folder');
      expect(JSON.stringify(denied)).not.toContain(CANARY);
    },
  );
});
