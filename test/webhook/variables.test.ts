// Variables of other stores under the profile `native`: how containers get what no field of a pod
// can take from a store.
import { describe, expect, test } from 'bun:test';
import {
  LAUNCHER,
  MAIN,
  PULL,
  handled,
  podOf,
  sourceAt,
  start,
  variablesIn,
} from './_variables.ts';
import type { Json } from './_vectors.ts';

describe('a variable is called as the SDK looks for it', () => {
  test.each([
    ['AWS', {}, ['_UNION_DB_PW']],
    ['AWS', { groupVersion: 'v1', envVar: 'Token' }, ['_UNION_DB_PW', 'Token']],
    ['AWS', { group: 'arn:aws:x:secret:a/b-c' }, ['_UNION_ARN:AWS:X:SECRET:A/B-C_PW']],
    ['GCP', { groupVersion: 'latest' }, ['_UNION_DB_LATEST']],
    ['Azure', { group: 'https://v/secrets/My-S/', groupVersion: '' }, ['_UNION_MY-S']],
    ['Azure', { group: 'https://v/secrets/My-S', groupVersion: 'a1' }, ['_UNION_MY-S_A1']],
    ['Vault', { group: 'secret/foo', envVar: '_UNION_SECRET/FOO_PW' }, ['_UNION_SECRET/FOO_PW']],
    ['Confidant', {}, ['_UNION_DB_PW']],
  ] as const)('%s: %j is %j', async (type, asked, names) => {
    const ran = await handled(podOf({ containers: [MAIN] }, [asked]), {
      secretManagerTypes: [type],
    });
    expect(variablesIn(ran)).toEqual([...names]);
    expect(ran.spec['containers']?.[0]?.['env']).toEqual([
      { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_UNION_' },
    ]);
  });

  test('a name that no variable can have is refused', async () => {
    const { said } = await handled(podOf({ containers: [MAIN] }, [{ envVar: 'A=B' }]));
    expect(said[0]).toContain(`AWS: it cannot be the variable "A=B"`);
  });
});

describe('which manager', () => {
  test('one that Flyte lets deliver variables has them first, wherever it stands in the list', async () => {
    const ran = await handled(podOf({ containers: [MAIN] }), {
      secretManagerTypes: ['AWS', 'K8s'],
    });
    expect([ran.placements, ran.spec['initContainers']]).toEqual([[], undefined]);
    expect(JSON.stringify(ran.spec['containers'])).toContain('secretKeyRef');
  });

  test('of two others the first', async () => {
    const types = { secretManagerTypes: ['Vault', 'AWS'] };
    const { placements } = await handled(podOf({ containers: [MAIN] }), types);
    expect(placements[0]?.rule).toStartWith('Vault [');
  });

  test('of two secrets for one variable the later counts, as of references', async () => {
    const secrets = [{ envVar: 'T' }, { key: 'other', envVar: 'T' }];
    const ran = await handled(podOf({ containers: [MAIN] }, secrets));
    expect(variablesIn(ran)).toEqual(['_UNION_DB_PW', '_UNION_DB_OTHER', 'T']);
    expect(ran.placements.find((one) => 'name' in one && one.name === 'T')?.rule).toContain(
      'other',
    );
  });
});

describe('by the launcher', () => {
  test('the command has it in front, and the volume in memory beside it; nothing else changes', async () => {
    const args = ['--x', '$(A)'];
    const { spec } = await handled(podOf({ containers: [{ ...MAIN, args, fieldOfTomorrow: 1 }] }));
    expect(spec['containers']?.[0]).toEqual({
      ...MAIN,
      fieldOfTomorrow: 1,
      command: [...start('main'), 'run'],
      args,
      env: [{ name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_UNION_' }],
      volumeMounts: [{ name: 'bellhop-start', mountPath: '/bellhop-start', readOnly: true }],
    });
    expect(spec['volumes']).toContainEqual({
      name: 'bellhop-start',
      emptyDir: { medium: 'Memory' },
    });
    const [pulling] = spec['initContainers'] ?? [];
    expect(pulling?.['volumeMounts']).toContainEqual({
      name: 'bellhop-start',
      mountPath: '/bellhop-start',
    });
  });

  test('no file is mounted where only variables are asked for', async () => {
    const { spec } = await handled(podOf({ containers: [MAIN] }));
    expect(JSON.stringify(spec)).not.toContain('/etc/flyte/secrets');
  });

  test('what refers to a variable goes through the plan', async () => {
    const env = [
      { name: 'A', value: 'a' },
      { name: 'T', value: 'gives way' },
      { name: 'URL', value: 'x:$(T)@$(A)/$(LATER)$$(T)' },
      { name: 'LATER', value: '$(URL)!' },
    ];
    const pod = podOf({ containers: [{ ...MAIN, env, args: ['-u', '$(LATER)'] }] }, [
      { envVar: 'T' },
    ]);
    const ran = await handled(pod);
    const source = sourceAt(ran, '/bellhop-start/main.start');
    const url = [
      { text: 'x:' },
      { of: 'T' },
      { text: '@' },
      { from: 'A' },
      { text: '/' },
      { text: '$(LATER)' },
      { text: '$(T)' },
    ];
    expect(source).toEqual({
      kind: 'start',
      targets: [
        { variable: '_UNION_DB_PW', parts: [{ of: '_UNION_DB_PW' }] },
        { variable: 'T', parts: [{ of: 'T' }] },
        { variable: 'URL', parts: url },
        { variable: 'LATER', parts: [...url, { text: '!' }] },
        { argument: 2, parts: [...url, { text: '!' }] },
      ],
    });
    // They stay in the pod as they were written, but for the one that gave way.
    expect(ran.spec['containers']?.[0]?.['env']).toEqual([
      { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_UNION_' },
      ...env.filter(({ name }) => name !== 'T'),
    ]);
  });

  const bare = { name: 'main', image: 'registry.example/team/app:3' };
  test.each([
    ['only its image says what it starts', {}, /container main without `command`.*images/],
    ['no pattern is of its image', { other: { entrypoint: ['/e'] } }, /without `command`/],
    ['the pattern says nothing', { '*': {} }, /without `command`/],
  ])('denied: %s', async (_, images, words) => {
    const { said } = await handled(podOf({ containers: [bare] }), { images });
    expect(said[0]).toMatch(words);
  });

  test.each([
    ['the image of a pattern', {}, { command: ['/e', '$$(X)'], args: ['c'] }],
    ['with args of its own', { args: ['a'] }, { command: ['/e', '$$(X)'], args: ['a'] }],
    ['with a command of its own', { command: ['mine'] }, { command: ['mine'] }],
  ])('%s is started', async (_, own, { command, args }: { command: string[]; args?: string[] }) => {
    const images = {
      'registry.example/*/app:*': { entrypoint: ['/e', '$(X)'], cmd: ['c'] },
      '*': { leave: true },
    };
    const { spec } = await handled(podOf({ containers: [{ ...bare, ...own }] }), { images });
    expect(spec['containers']?.[0]).toMatchObject({ command: [...start('main'), ...command] });
    expect(spec['containers']?.[0]?.['args']).toEqual(args);
  });

  test.each([{}, { args: ['a'] }])(
    'a pattern that says nothing leaves the image to its registry: %j',
    async (own: { readonly args?: readonly string[] }) => {
      const pod = podOf({ containers: [{ ...bare, ...own }] });
      const startOf = async () => ({ entrypoint: ['/e'], cmd: ['c'] });
      const { spec } = await handled(pod, { images: { '*': {} } }, startOf);
      const { args = ['c'] } = own;
      expect(spec['containers']?.[0]).toMatchObject({ command: [...start('main'), '/e'], args });
    },
  );

  test('containers that are to be left alone, and those that start before, get none', async () => {
    const mesh = { name: 'mesh', image: 'p', restartPolicy: 'Always' };
    const side = { name: 'side', image: 'proxy:1' };
    const first = { name: 'first', image: 'i', command: ['f'] };
    const pod = podOf({ initContainers: [mesh, first], containers: [MAIN, side] });
    const pull = { ...PULL, after: ['mesh'] };
    const { spec } = await handled(pod, { pull, images: { 'proxy:*': { leave: true } } });
    const commands = [...(spec['initContainers'] ?? []), ...(spec['containers'] ?? [])].map(
      ({ name, command }) => [name, (command as string[] | undefined)?.[0]],
    );
    expect(commands).toEqual([
      ['mesh', undefined],
      ['bellhop-pull', '/usr/bin/bellhop'],
      ['first', LAUNCHER],
      ['main', LAUNCHER],
      ['side', undefined],
    ]);
  });

  test('containers that come later are seen to when the webhook is asked again', async () => {
    const once = await handled(podOf({ containers: [MAIN] }));
    const spec = once.pod['spec'] as Json;
    const late = { name: 'late', image: 'i', command: ['l'] };
    const again = await handled({
      ...once.pod,
      spec: { ...spec, containers: [...(once.spec['containers'] ?? []), late] },
    });
    expect(again.spec['containers']?.map(({ command }) => command)).toEqual([
      [...start('main'), 'run'],
      [...start('late'), 'l'],
    ]);
    expect(sourceAt(again, '/bellhop-start/late.start')).toBeDefined();
    expect(again.spec['initContainers']).toHaveLength(1);
  });

  test('who does not see them is told', async () => {
    const { said } = await handled(podOf({ containers: [MAIN] }));
    expect(said).toEqual([expect.stringContaining('exec probes, lifecycle hooks')]);
    expect(said[0]).toContain('_UNION_DB_PW');
  });

  test.each([
    [
      { volumes: [{ name: 'bellhop-start', emptyDir: {} }] },
      'has a volume bellhop-start of its own',
    ],
    [
      { containers: [{ ...MAIN, volumeMounts: [{ name: 'x', mountPath: '/bellhop-start' }] }] },
      'container main has something else at /bellhop-start',
    ],
  ])('what is in the way is told: %j', async (spec, words) => {
    const { said } = await handled(podOf({ containers: [MAIN], ...spec }));
    expect(said[0]).toContain(words);
  });
});

test('by the kubelet: references, whatever the image starts', async () => {
  const env = [{ name: 'URL', value: 'x:$(T)' }];
  const pod = podOf({ containers: [{ name: 'main', image: 'i', env }] }, [{ envVar: 'T' }]);
  const ran = await handled(pod, { pull: { ...PULL, variables: 'fileKeyRef' } });
  const reference = (key: string): Json => {
    const fileKeyRef = {
      volumeName: 'bellhop-start',
      path: 'variables.env',
      key,
      optional: false,
    };
    return { name: key, valueFrom: { fileKeyRef } };
  };
  expect(ran.spec['containers']).toEqual([
    {
      name: 'main',
      image: 'i',
      env: [
        reference('_UNION_DB_PW'),
        reference('T'),
        { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_UNION_' },
        ...env,
      ],
    },
  ]);
  expect(sourceAt(ran, '/bellhop-start/variables.env')).toEqual({
    kind: 'envFile',
    names: ['_UNION_DB_PW', 'T'],
  });
  expect(ran.said).toEqual([]);
});

test("Flyte's profile denies them, as Flyte does", async () => {
  const { said } = await handled(podOf({ containers: [MAIN] }), { profile: 'flyte' });
  expect(said[0]).toContain('AWS: it gives files only');
});
