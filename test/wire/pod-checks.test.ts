// What no cluster takes though nothing of it is delivered: for each rule a pod that breaks it and
// one that keeps it. k8s.io/kubernetes v1.33.13 pkg/apis/core/validation.
import { describe, expect, test } from 'bun:test';
import { podText, readPodText } from '../support/manifest.ts';

const problems = (container: string, spec = ''): string[] =>
  readPodText(podText(container, spec)).problems.map((one) =>
    one.replace(/^pod\.yaml:1:\d+, Pod p, (spec\.(containers\[0\]\.)?)?/, ''),
  );

const name =
  "must be lower case letters, digits, '-' and '.', starting and ending with a letter or digit";
const key = "a key must be letters, digits, '-', '_' and '.' only";

const REFUSED: readonly (readonly [string, string])[] = [
  [
    'env: [{name: A, valueFrom: {secretKeyRef: {name: S_, key: k}}}]',
    `env[0].valueFrom.secretKeyRef.name: ${name}`,
  ],
  [
    'env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: a b, optional: true}}}]',
    `env[0].valueFrom.secretKeyRef.key: ${key}`,
  ],
  [
    'env: [{name: A, valueFrom: {configMapKeyRef: {name: s, key: ..a}}}]',
    "env[0].valueFrom.configMapKeyRef.key: a key must not start with '..'",
  ],
  ['envFrom: [{secretRef: {name: A, optional: true}}]', `envFrom[0].secretRef.name: ${name}`],
  ['envFrom: [{configMapRef: {name: a/b}}]', `envFrom[0].configMapRef.name: ${name}`],
  [
    'env: [{name: A, valueFrom: {fieldRef: {apiVersion: v2, fieldPath: metadata.name}}}]',
    'env[0].valueFrom.fieldRef.apiVersion: there are no fields but those of v1',
  ],
  [
    'resources: {limits: {disk: 1}}',
    'resources.limits.disk: must be a standard resource for containers',
  ],
  [
    'resources: {requests: {nvidia.com/gpu: 1}}',
    'resources.requests.nvidia.com/gpu: needs a limit of nvidia.com/gpu',
  ],
  [
    'resources: {requests: {cpu: 1, hugepages-2Mi: 2Mi}, limits: {hugepages-2Mi: 4Mi}}',
    'resources.requests.hugepages-2Mi: must equal the limit of hugepages-2Mi',
  ],
  ['resources: {limits: {hugepages-2Mi: 4Mi}}', 'resources: hugepages need cpu or memory'],
];

const TAKEN: readonly string[] = [
  'env: [{name: A, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}]',
  'env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.host}}}]',
  'securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [SYS_ADMIN]}}',
  'resources: {requests: {cpu: 1500m}, limits: {cpu: 1.5}}',
  'resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}',
  'resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 1}}',
];

const IN_SPEC: readonly (readonly [string, string])[] = [
  [
    'securityContext: {supplementalGroupsPolicy: Some}',
    'securityContext.supplementalGroupsPolicy: must be one of Merge, Strict',
  ],
  [
    'securityContext: {supplementalGroupsPolicy: Strict}',
    'securityContext.supplementalGroupsPolicy: Strict is refused by every node whose runtime does not know it',
  ],
  [
    'securityContext: {fsGroupChangePolicy: Never}',
    'securityContext.fsGroupChangePolicy: must be one of OnRootMismatch, Always',
  ],
  [
    'volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t, expirationSeconds: 599}}]}}]',
    'volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: must be between 600 and 4294967296',
  ],
];

describe('what the API server refuses is refused', () => {
  test.each([...REFUSED])('%s', (container, wanted) =>
    expect(problems(container)).toEqual([wanted]),
  );
  test.each([...IN_SPEC])('%s', (spec, wanted) => {
    expect(problems('', spec)).toEqual([wanted]);
  });
});

describe('what it takes is taken', () => {
  test.each([...TAKEN])('%s', (container) => expect(problems(container)).toEqual([]));
  test('a projected source of no kind', () => {
    expect(problems('', 'volumes: [{name: v, projected: {sources: [{}]}}]')).toEqual([]);
  });
});

describe('mounts', () => {
  const mount = (more: string, security = ''): string[] =>
    problems(
      `volumeMounts: [{name: v, mountPath: /a, ${more}}]${security}`,
      'volumes: [{name: v}]',
    );
  const at = (field: string, what: string): string[] => [`volumeMounts[0].${field}: ${what}`];
  test.each([
    [
      'mountPropagation: Both',
      at('mountPropagation', 'must be one of Bidirectional, HostToContainer, None'),
    ],
    [
      'mountPropagation: Bidirectional',
      at('mountPropagation', 'Bidirectional is only for privileged containers'),
    ],
    ['mountPropagation: HostToContainer', []],
    ['recursiveReadOnly: Enabled', at('recursiveReadOnly', 'needs readOnly: true')],
    ['readOnly: true, recursiveReadOnly: IfPossible', []],
    [
      'readOnly: true, recursiveReadOnly: Enabled, mountPropagation: HostToContainer',
      at('recursiveReadOnly', 'excludes any mountPropagation but None'),
    ],
    ['recursiveReadOnly: Disabled', []],
  ])('%s', (more, wanted) => expect(mount(more)).toEqual(wanted));
  test('a privileged container may have both ways', () => {
    expect(
      mount('mountPropagation: Bidirectional', ', securityContext: {privileged: true}'),
    ).toEqual([]);
  });
});

describe("a pod's name and labels", () => {
  const metadata = (text: string): string[] =>
    readPodText(podText('').replace('metadata: {name: p', `metadata: {${text}`)).problems.map(
      (one) => one.replace(/^pod\.yaml:1:\d+, Pod [^,]*, /, ''),
    );
  const label =
    "a label's value must be at most 63 letters, digits, '-', '_' and '.', and begin and end with a letter or digit";
  test.each([
    ['name: Pod_1', [`metadata.name: ${name}`]],
    ['name: p, labels: {a: b c}', [`metadata.labels.a: ${label}`]],
    ['name: p, labels: {a: -b}', [`metadata.labels.a: ${label}`]],
    [`name: p, labels: {a: ${'x'.repeat(64)}}`, [`metadata.labels.a: ${label}`]],
    ['name: p, labels: {a: "", b: v1.2_3-x}', []],
  ])('%s', (text, wanted) => expect(metadata(text)).toEqual(wanted));
});

describe('what is of a wrong type is told once', () => {
  const NUMBER = 'must be a string, is a number (quote it if text is meant)';
  test.each([
    ['securityContext: []', 'securityContext: must be an object, is a list'],
    [
      'securityContext: {privileged: x}',
      'securityContext.privileged: must be true or false, is a string',
    ],
    [
      'securityContext: {allowPrivilegeEscalation: x}',
      'securityContext.allowPrivilegeEscalation: must be true or false, is a string',
    ],
    [
      'securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [1]}}',
      `securityContext.capabilities.add[0]: ${NUMBER}`,
    ],
    ['volumeMounts: {}', 'volumeMounts: must be a list, is an object'],
    ['volumeMounts: [x]', 'volumeMounts[0]: must be an object, is a string'],
    ['resources: []', 'resources: must be an object, is a list'],
    ['resources: {limits: []}', 'resources.limits: must be an object, is a list'],
    [
      'env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: 2}}}]',
      `env[0].valueFrom.secretKeyRef.key: ${NUMBER}`,
    ],
    ['envFrom: [{secretRef: {name: 1}}]', `envFrom[0].secretRef.name: ${NUMBER}`],
  ])('%s', (text, wanted) => expect(problems(text)).toEqual([wanted]));
});
