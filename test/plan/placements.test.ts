import { describe, expect, test } from 'bun:test';
import { boundsOf } from '../../src/plan/bounds.ts';
import { identityOf } from '../../src/plan/identity.ts';
import type { Placement } from '../../src/plan/types.ts';
import { planText, podText } from '../support/manifest.ts';

const OBJECTS = `
---
{kind: Secret, metadata: {name: s}, stringData: {a: canary-7f3a, b: canary-7f3a}}
---
{kind: ConfigMap, metadata: {name: m}, data: {a: canary-7f3a}}
`;
const SETTINGS = 'apiVersion: bellhop/v1\nstores: {v: {kind: vault}}\n';

function placements(container: string, spec = '', settings = ''): readonly Placement[] {
  const { plan, problems } = planText(podText(container, spec) + OBJECTS, {
    settings: SETTINGS + settings,
  });
  expect(problems.map((one) => one.message)).toEqual([]);
  expect(JSON.stringify(plan)).not.toContain('canary');
  return plan.placements;
}

const short = (placement: Placement): string => {
  if (placement.kind === 'variable')
    return `${placement.layer} ${placement.name} ${placement.source.kind} @ ${placement.rule}`;
  if (placement.kind === 'variables')
    return `${placement.layer} ${placement.prefix}* ${placement.bound.called} @ ${placement.rule}`;
  return placement.kind;
};

describe('variables', () => {
  test('settings, then services, then envFrom, then env, each in its order', () => {
    const container =
      'envFrom: [{prefix: P_, secretRef: {name: s}}, {configMapRef: {name: m}}], env: [{name: B, value: "$(A)"}, {name: A, valueFrom: {secretKeyRef: {name: s, key: a}}}, {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]';
    const settings = 'env: {from: ["v:all"], Z: "v:z"}';
    expect(
      placements(container, '', settings)
        .filter((one) => one.kind.startsWith('variable'))
        .map(short),
    ).toEqual([
      'settings * bellhop.yaml env.from[0] @ bellhop.yaml env.from[0]',
      'settings Z value @ bellhop.yaml env.Z',
      'envFrom P_* secret s @ spec.containers[0].envFrom[0]',
      'envFrom * configmap m @ spec.containers[0].envFrom[1]',
      'env B template @ spec.containers[0].env[0]',
      'env A value @ spec.containers[0].env[1]',
      'env NAME text @ spec.containers[0].env[2]',
    ]);
  });

  test('an object that is bound key by key gives one variable a key, optional as the pod says', () => {
    const found = placements(
      'envFrom: [{prefix: X_, configMapRef: {name: mm, optional: true}}]',
      '',
      'configMaps: {mm: {b: "v:b", a: {from: "v:a", default: d}}}',
    );
    expect(found.filter((one) => one.kind === 'variable')).toMatchObject([
      {
        name: 'X_a',
        source: {
          bound: {
            reference: { store: 'v', path: 'a' },
            optional: true,
            default: 'd',
            textOnly: true,
          },
        },
      },
      {
        name: 'X_b',
        source: { bound: { reference: { store: 'v', path: 'b' }, optional: true, textOnly: true } },
      },
    ]);
  });

  test.each<[string, string, string[]]>([
    [
      'an optional key of nothing',
      'env: [{name: A, valueFrom: {secretKeyRef: {name: x, key: k, optional: true}}}]',
      ['env A absent @ spec.containers[0].env[0]'],
    ],
    [
      'an optional object that is nowhere',
      'envFrom: [{optional: true, secretRef: {name: x}}, {secretRef: {name: z, optional: true}}]',
      [],
    ],
  ])('%s', (_name, container, wanted) => {
    const { plan, problems } = planText(podText(container) + OBJECTS);
    const found = plan.placements.filter((one) => one.kind.startsWith('variable')).map(short);
    expect([problems.map((one) => one.code), found]).toEqual(
      wanted.length === 0 ? [['BH_ERR_UNBOUND'], []] : [[], wanted],
    );
  });

  test('a ConfigMap key as a variable is text only, as a file it may be bytes; a Secret has no such rule', () => {
    const container =
      'env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: a}}}, {name: B, valueFrom: {secretKeyRef: {name: s, key: a}}}], volumeMounts: [{name: v, mountPath: /v}]';
    const bounds = boundsOf(
      placements(
        container,
        'volumes: [{name: v, configMap: {name: m, items: [{key: a, path: x}]}}]',
      ),
    );
    expect(bounds.map(({ bound }) => [bound.called, bound.member, bound.textOnly])).toEqual([
      ['configmap m, key a', 'a', true],
      ['secret s, key a', 'a', undefined],
      ['configmap m, key a', 'a', undefined],
    ]);
  });
});

describe('volumes', () => {
  const directories = (spec: string, mounts = '{name: v, mountPath: /v}', container = '') =>
    placements(`volumeMounts: [${mounts}]${container}`, `volumes: [{name: v, ${spec}}]`).filter(
      (one) => one.kind === 'directory',
    );

  test.each<[string, object]>([
    [
      'secret: {secretName: s}',
      { medium: 'memory', shape: 'versioned', contents: [{ kind: 'files', mode: 0o644 }] },
    ],
    [
      'configMap: {name: m, defaultMode: 256}',
      { medium: 'disk', shape: 'versioned', contents: [{ kind: 'files', mode: 0o400 }] },
    ],
    [
      'secret: {secretName: s, defaultMode: 256, items: [{key: a, path: x/y}, {key: b, path: z, mode: 511}]}',
      {
        contents: [
          { path: 'x/y', mode: 0o400 },
          { path: 'z', mode: 0o777 },
        ],
      },
    ],
    ['secret: {secretName: s, items: []}', { contents: [{ kind: 'files' }] }],
    ['secret: {secretName: nope, optional: true}', { medium: 'memory', contents: [] }],
    [
      'projected: {sources: [{secret: {name: s}}, {configMap: {name: m}}]}',
      { medium: 'memory', shape: 'versioned', contents: [{ kind: 'files' }, { kind: 'files' }] },
    ],
    [
      'downwardAPI: {items: [{path: nn, fieldRef: {fieldPath: metadata.name}}, {path: l, fieldRef: {fieldPath: metadata.labels}, mode: 256}]}',
      {
        medium: 'memory',
        contents: [
          { path: 'nn', mode: 0o644, source: { text: 'p' } },
          { path: 'l', mode: 0o400 },
        ],
      },
    ],
    ['emptyDir: {}', { medium: 'disk', shape: 'plain', contents: [] }],
    [
      'emptyDir: {medium: Memory, sizeLimit: 1Ki}',
      { medium: 'memory', shape: 'plain', sizeBytesMax: 1024 },
    ],
  ])('%s', (spec, wanted) => {
    expect(directories(spec)).toMatchObject([wanted]);
  });

  test.each([
    ['/a/b/', '/a/b'],
    ['rel/x', '/rel/x'],
    ['//a/./b', '/a/b'],
    ['/a/../../b', '/b'],
    ['/', '/'],
  ])('the mount path %s is %s', (path, wanted) => {
    expect(directories('emptyDir: {}', `{name: v, mountPath: ${path}}`)).toMatchObject([
      { mounts: [{ path: wanted }] },
    ]);
  });

  test('one volume at two places; what the kubelet writes is read-only whatever the mount says', () => {
    const mounts =
      '{name: v, mountPath: /a, readOnly: false}, {name: v, mountPath: /b, subPath: x}';
    expect(directories('secret: {secretName: s}', mounts)).toMatchObject([
      {
        mounts: [
          { path: '/a', readOnly: true },
          { path: '/b', subPath: 'x', readOnly: true },
        ],
      },
    ]);
    expect(directories('emptyDir: {}', mounts)).toMatchObject([
      { mounts: [{ readOnly: false }, { readOnly: false }] },
    ]);
  });

  test('a tmpfs has the memory limit of the pod, or its own if that is less', () => {
    const limits = ', resources: {limits: {memory: 4Ki}}';
    const size = (spec: string): number | undefined =>
      directories(spec, undefined, limits)[0]?.sizeBytesMax;
    expect(size('secret: {secretName: s}')).toBe(4096);
    expect(size('emptyDir: {medium: Memory, sizeLimit: 1Ki}')).toBe(1024);
    expect(size('emptyDir: {medium: Memory, sizeLimit: 8Ki}')).toBe(4096);
    expect(size('configMap: {name: m}')).toBeUndefined();
    expect(size('emptyDir: {sizeLimit: 1Ki}')).toBeUndefined();
  });

  test('a token is the declared replacement, 0600 and owned by the one user of all containers', () => {
    const volume =
      'volumes: [{name: v, projected: {defaultMode: 292, sources: [{serviceAccountToken: {path: token, audience: aws}}]}}]';
    const token = (security: string): unknown => {
      const found = placements(
        `volumeMounts: [{name: v, mountPath: /t}]`,
        `${volume}${security}`,
        'tokens: {aws: "v:t"}',
      ).find((one) => one.kind === 'directory');
      return found?.contents[0];
    };
    expect(token('')).toMatchObject({ path: 'token', mode: 0o444 });
    expect(token('')).not.toHaveProperty('uid');
    expect(token(', securityContext: {runAsUser: 1000}')).toMatchObject({ mode: 0o600, uid: 1000 });
    expect(token(', securityContext: {fsGroup: 5}')).toMatchObject({ mode: 0o600 });
  });
});

describe('files of bellhop.yaml and the termination log', () => {
  const files = (container: string, settings: string) =>
    placements(container, '', settings).filter((one) => one.kind === 'file');
  test('a file is in memory, 0400 unless it says another mode', () => {
    expect(
      files('', 'files: {/etc//x: {from: "v:x"}, /y: {from: "v:y", mode: 292, optional: true}}'),
    ).toMatchObject([
      { path: '/etc/x', mode: 0o400, medium: 'memory' },
      { path: '/y', mode: 0o444, source: { bound: { optional: true } } },
    ]);
  });
  test.each(['x', './x', '/a/../b', '..', '/a\\0b'])('the path %s is refused', (path) => {
    const { problems } = planText(podText(''), {
      settings: `${SETTINGS}files: {"${path}": {from: "v:x"}}`,
    });
    expect(problems.map((one) => one.what)).toEqual([
      'the path of a file must be absolute, without .. and NUL',
    ]);
  });
  test("a termination log of its own is a file, the default one is the platform's", () => {
    expect(files('terminationMessagePath: /var/log/end', '')).toMatchObject([
      { path: '/var/log/end', mode: 0o666, keep: true },
    ]);
    expect(files('terminationMessagePath: /dev/termination-log', '')).toEqual([]);
  });
});

test.each([
  [
    '',
    'securityContext: {runAsUser: 1000, fsGroup: 5, supplementalGroups: [7]}',
    { user: 1000, supplementalGroups: [7, 5] },
  ],
  [
    'securityContext: {runAsUser: 0, runAsNonRoot: false}',
    'securityContext: {runAsUser: 1000, runAsGroup: 2, runAsNonRoot: true}',
    { user: 0, group: 2, nonRoot: false },
  ],
  [
    'securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {add: [A], drop: [ALL]}}',
    '',
    {
      noNewPrivileges: true,
      readOnlyRoot: true,
      addCapabilities: ['A'],
      dropCapabilities: ['ALL'],
    },
  ],
])('identity of %s in %s', (container, spec, wanted) => {
  const { input } = planText(podText(container, spec));
  expect(identityOf(input.pod, input.container)).toMatchObject(wanted);
});
