// Where files of other stores come to lie, whatever a secret is called: under the profile `native`,
// and by the section `flyte`.
import { describe, expect, test } from 'bun:test';
import type { Asked as InjectAsked } from '../../src/injectors/_injector.ts';
import { boundManager } from '../../src/webhook/bound.ts';
import { FILE } from '../../src/wire/flyte-secret.ts';
import type { Asked } from './_variables.ts';
import { MAIN, handled, podOf } from './_variables.ts';

const filesFor = async (type: string, asked: Asked) => {
  const pod = podOf({ containers: [MAIN] }, [{ ...asked, mountRequirement: FILE }]);
  const { placements, said } = await handled(pod, { secretManagerTypes: [type] });
  return { files: placements.flatMap((one) => (one.kind === 'file' ? [one.path] : [])), said };
};

const UP = '../../../opt';

describe('a name that leads out of the folder of secrets is refused', () => {
  test.each<readonly [string, Asked]>([
    ['GCP', { group: UP, groupVersion: 'v1' }],
    ['GCP', { group: 'g', groupVersion: '../../../../opt/v1' }],
    ['GCP', { group: 'g', groupVersion: '..' }],
    ['Vault', { group: UP, key: 'k' }],
    ['Vault', { group: 'g', key: '../../secrets-2/k' }],
    ['Vault', { group: 'g', key: 'k\0' }],
    ['Azure', { group: 'https://v/secrets/..', groupVersion: 'v1' }],
    ['Azure', { group: 'https://v/secrets/s', groupVersion: '../../../../opt/v1' }],
    ['Confidant', { group: UP, key: 'k' }],
    ['Confidant', { group: 'g', key: '..' }],
    ['AWS', { group: '..', key: '..' }],
  ])('%s: %j', async (type, asked) => {
    const { files, said } = await filesFor(type, asked);
    expect(files).toEqual([]);
    expect(said[0]).toContain(`${type}: its name leads out of /etc/flyte/secrets`);
  });
});

describe('a name that stays below it is cleaned, as Flyte does it', () => {
  test.each<readonly [string, Asked, string]>([
    ['GCP', { group: 'a/../G', groupVersion: 'v1' }, 'g/v1'],
    ['Vault', { group: 'a/../G', key: './K' }, 'G/K'],
    ['Azure', { group: 'https://v/secrets/S/', groupVersion: 'x/../v1' }, 's/v1'],
    ['Confidant', { group: 'a/../G', key: 'K' }, 'g/k'],
    ['AWS', { group: UP, key: 'k' }, 'opt/k'],
  ])('%s: %j', async (type, asked, file) => {
    expect((await filesFor(type, asked)).files).toEqual([`/etc/flyte/secrets/${file}`]);
  });
});

test.each([
  [UP, 'k', 'its name leads out of /etc/flyte/secrets'],
  ['g', '..', 'its name leads out of /etc/flyte/secrets'],
  ['a/../G', 'K', '/etc/flyte/secrets/g/k'],
])('of the section `flyte`, group %p, key %p: %p', async (group, key, wanted) => {
  const { inject } = boundManager({ isBound: () => true, envPrefix: '_', managers: [] });
  const secret = { group, key, groupVersion: '', envVar: '', mountRequirement: FILE };
  const edits = async () => inject({ secret } as InjectAsked);
  expect(JSON.stringify(await edits().catch((error: Error) => error.message))).toContain(wanted);
});
