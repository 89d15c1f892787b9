import { describe, expect, test } from 'bun:test';
import { whoToBecome } from '../../src/entrypoint/identity.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Identity, Plan, Policy } from '../../src/plan/types.ts';
import type { FakeOutside } from '../support/fake-io.ts';
import { fakeIo } from '../support/fake-io.ts';

const FILES = {
  '/etc/passwd': 'root:x:0:0::/root:\napp:x:1000:1001::/home/app:\n',
  '/etc/group': 'wheel:x:10:root\nvideo:x:44:app\n',
};

interface Given {
  readonly identity?: Partial<Identity>;
  readonly user?: string;
  readonly policy?: Partial<Policy>;
  readonly outside?: FakeOutside;
}

function become({ identity = {}, user, policy = {}, outside = {} }: Given) {
  const plan = {
    identity: { supplementalGroups: [], ...identity },
    image: user === undefined ? {} : { user },
    policy: { ...DEFAULT_POLICY, ...policy },
  } as unknown as Plan;
  const { problems, differences, home, ownHome, ...ids } = whoToBecome(
    plan,
    fakeIo({ files: FILES, ...outside }),
  );
  return {
    ids,
    home: { ...home, own: ownHome() },
    problems: problems.map((one) => `${one.code} ${one.what}`),
    differences,
  };
}

const powerless: FakeOutside = {
  kernel: { uid: 1000, gid: 1000, groups: [1000], capabilities: 0n },
};

describe('who the program becomes', () => {
  test.each<[string, Given, object]>([
    ['nobody asks: everything stays', {}, {}],
    [
      'runAsUser of the image: its group and groups',
      { identity: { user: 1000 } },
      { uid: 1000, gid: 1001, groups: [44, 1001] },
    ],
    ['runAsUser without an entry: group 0', { identity: { user: 4242 } }, { uid: 4242 }],
    [
      'runAsGroup wins over the entry',
      { identity: { user: 1000, group: 5 } },
      { uid: 1000, gid: 5, groups: [5, 44] },
    ],
    [
      'fsGroup and supplementalGroups are added, sorted, once',
      { identity: { user: 4242, supplementalGroups: [7, 5, 7] } },
      { uid: 4242, groups: [0, 5, 7] },
    ],
    ["the image's USER by name", { user: 'app' }, { uid: 1000, gid: 1001, groups: [44, 1001] }],
    [
      "the image's USER by number; its group is dropped",
      { user: '1000:9' },
      { uid: 1000, gid: 1001, groups: [44, 1001] },
    ],
    ['the pod wins over the image', { user: 'app', identity: { user: 0 } }, { groups: [0, 10] }],
  ])('%s', (_name, given, wanted) => {
    const { ids, problems } = become(given);
    expect(problems).toEqual([]);
    expect(ids).toEqual(wanted as typeof ids);
  });

  test('the home of the user before and after, where the user changes', () => {
    expect(become({ identity: { user: 1000 } }).home).toEqual({
      before: '/root',
      after: '/home/app',
      own: '/home/app',
    });
    expect(become({ identity: { user: 4242 } }).home).toEqual({
      before: '/root',
      after: '/',
      own: '/',
    });
    expect(become({}).home).toEqual({ before: '', after: '', own: '/root' });
  });

  test('an image without /etc/passwd', () => {
    expect(become({ identity: { user: 7 }, outside: { files: {} } }).ids).toEqual({ uid: 7 });
  });

  test.each<[string, FakeOutside['files'], string]>([
    ['a folder', { '/etc/passwd': null }, '/etc/passwd: cannot be read (EISDIR)'],
    [
      'one of 17 MiB',
      { '/etc/passwd': new Uint8Array(17 * 1024 * 1024) },
      '/etc/passwd: cannot be read (EFBIG)',
    ],
    [
      'a list of groups that is a folder',
      { ...FILES, '/etc/group': null },
      '/etc/group: cannot be read (EISDIR)',
    ],
  ])('an image whose /etc/passwd is no list of users is refused: %s', (_, files, expected) => {
    const given: Given = { identity: { user: 1000 }, outside: { files: files ?? {} } };
    expect(() => become(given)).toThrow(new RegExp(`^${expected.replace(/[()]/g, '\\$&')}`));
  });

  test.each<[string, Given, string[]]>([
    [
      'a name that the image has not',
      { user: 'nobody' },
      ['BH_ERR_IDENTITY the image has no user nobody in /etc/passwd'],
    ],
    [
      'runAsNonRoot and root',
      { identity: { user: 0, nonRoot: true } },
      ['BH_ERR_IDENTITY the program would run as root'],
    ],
    [
      'runAsNonRoot and nobody says',
      { identity: { nonRoot: true } },
      ['BH_ERR_IDENTITY the program would run as root'],
    ],
    [
      'runAsNonRoot and a name',
      { user: 'app', identity: { nonRoot: true } },
      ["BH_ERR_IDENTITY the image's user app is a name, so it cannot be verified"],
    ],
    ['runAsNonRoot and a uid', { identity: { user: 5, nonRoot: true } }, []],
    [
      'no right to change',
      { identity: { user: 5 }, outside: powerless },
      [
        'BH_ERR_IDENTITY the pod wants user 5, group 0, groups 0; the container runs as 1000:1000 and may not change that',
      ],
    ],
    [
      'no right needed',
      { identity: { user: 1000, group: 1000 }, outside: { ...powerless, files: {} } },
      [],
    ],
  ])('%s', (_name, given, wanted) => {
    expect(become(given).problems).toEqual(wanted);
  });

  test('by policy the user stays, and the difference is named', () => {
    const kept = become({
      identity: { user: 5 },
      policy: { identity: 'keep' },
      outside: powerless,
    });
    expect([kept.problems, kept.ids, kept.differences.length]).toEqual([[], {}, 1]);
  });
});
