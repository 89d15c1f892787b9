import { describe, expect, test } from 'bun:test';
import { podText, readPodText } from '../support/manifest.ts';
import { IN_CONTAINER } from './_pod-container-cases.ts';
import { IN_SPEC, volume } from './_pod-spec-cases.ts';

const problems = (container: string, spec = ''): string[] =>
  readPodText(podText(container, spec)).problems.map((one) =>
    one.replace(/^pod\.yaml:1:\d+, /, ''),
  );

describe('what the API server refuses is refused with its path', () => {
  test.each(IN_CONTAINER)('%s', (container, wanted) => {
    expect(problems(container)).toEqual([`Pod p, spec.containers[0].${wanted}`]);
  });
  test.each(IN_SPEC)('%s', (spec, wanted) => {
    expect(problems('', spec)).toEqual([`Pod p, spec.${wanted}`]);
  });

  const mounts = (list: string): string[] =>
    problems(`volumeMounts: [${list}]`, 'volumes: [{name: v}]').map((one) =>
      one.replace('Pod p, spec.containers[0].', ''),
    );
  test.each([
    ['{name: v}', 'volumeMounts[0]: mountPath is required'],
    ['{name: v, mountPath: ""}', 'volumeMounts[0].mountPath: mountPath is required'],
    [
      '{name: v, mountPath: 5}',
      'volumeMounts[0].mountPath: must be a string, is a number (quote it if text is meant)',
    ],
    ['{name: v, mountPath: "/a\\0b"}', 'volumeMounts[0].mountPath: must not contain a NUL byte'],
    [
      '{name: v, mountPath: /a}, {name: v, mountPath: /a}',
      'volumeMounts[1].mountPath: /a must be unique',
    ],
    ['{name: v, mountPath: /a, subPath: ../x}', "volumeMounts[0].subPath: must not contain '..'"],
    [
      '{name: v, mountPath: /a, subPath: /x}',
      'volumeMounts[0].subPath: must not be an absolute path',
    ],
    [
      '{name: v, mountPath: /a, subPathExpr: $(A)/..}',
      "volumeMounts[0].subPathExpr: must not contain '..'",
    ],
    [
      '{name: v, mountPath: /a, subPath: x, subPathExpr: z}',
      'volumeMounts[0]: subPath excludes subPathExpr',
    ],
    [
      '{name: v, mountPath: /a, readOnly: "yes"}',
      'volumeMounts[0].readOnly: must be true or false, is a string',
    ],
  ])('mounts %s', (list, wanted) => {
    expect(mounts(list)).toEqual([wanted]);
  });

  test.each([
    ['{kind: Pod}', 'spec is required'],
    ['{kind: Pod, spec: x}', 'spec: must be an object, is a string'],
    ['{kind: Pod, spec: {}}', 'spec: containers is required'],
    ['{kind: Pod, spec: {containers: []}}', 'spec: containers is required'],
    ['{kind: Pod, spec: {containers: [x]}}', 'spec.containers[0]: must be an object, is a string'],
    ['{kind: Pod, spec: {containers: [{}]}}', 'spec.containers[0]: name is required'],
    ['{kind: Pod, spec: {containers: [{name: c.d}]}}', 'lower case letters'],
    [
      '{kind: Pod, metadata: x, spec: {containers: [{name: c}]}}',
      'metadata: must be an object, is a string',
    ],
    [
      '{kind: Pod, metadata: {labels: {a: 1}}, spec: {containers: [{name: c}]}}',
      'metadata.labels.a: must be a string',
    ],
    ['{kind: Job, spec: {}}', 'spec.template: spec is required'],
    ['{kind: Job, spec: {template: 5}}', 'spec.template: spec is required'],
    [
      '{kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {}}}}}}',
      'spec.jobTemplate.spec.template.spec: containers is required',
    ],
  ])('%s', (text, wanted) => {
    const found = readPodText(text).problems;
    expect(found.join('\n')).toContain(wanted);
  });
});

describe('what the API server takes is taken', () => {
  test.each([
    [
      'unknown fields',
      'env: [{name: A, value: x, new: 1}], fancy: {}, securityContext: {newer: 1}',
      'anything: 5',
    ],
    [
      'an unknown field beside a source of a value',
      'env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}, newer: {}}}]',
      '',
    ],
    [
      'an unknown field beside a source of a volume',
      '',
      volume('secret: {secretName: s}, newer: {}'),
    ],
    [
      'null for every optional field',
      'env: null, envFrom: null, command: null, resources: null, securityContext: null, volumeMounts: null',
      'volumes: null, enableServiceLinks: null, securityContext: null',
    ],
    ['null for a value', 'env: [{name: A, value: null, valueFrom: null}]', ''],
    [
      'numbers as quantities',
      'resources: {limits: {cpu: 1.5, memory: 1000000}, requests: {cpu: null}}',
      '',
    ],
    [
      'a divisor as a number',
      'env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1}}}]',
      '',
    ],
    [
      'a divisor of 1000m for cpu',
      'env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1000m}}}]',
      '',
    ],
    [
      'a divisor of 1024Ki for memory',
      'env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1024Ki}}}]',
      '',
    ],
    [
      'upper case in the prefix of an annotation key',
      'env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.annotations[\'A.b/C\']"}}}]',
      '',
    ],
    [
      'one object twice as variables',
      'envFrom: [{secretRef: {name: s}}, {secretRef: {name: s}}]',
      '',
    ],
    ['one variable twice', 'env: [{name: A}, {name: A}]', ''],
    ['a volume with no source: an emptyDir', '', 'volumes: [{name: v}]'],
    [
      'one path twice in a Secret volume',
      '',
      volume('secret: {secretName: s, items: [{key: a, path: x}, {key: b, path: x}]}'),
    ],
    ['an unknown kind of volume that nobody mounts', '', volume('newer: {}')],
  ])('%s', (_name, container, spec) => {
    expect(problems(container, spec)).toEqual([]);
  });

  test('an emptyDir is what a volume without a source is', () => {
    const { pod } = readPodText(
      podText(
        '',
        'volumes: [{name: a}, {name: b, emptyDir: {medium: Memory, sizeLimit: 1Gi}}, {name: c, nfs: {}}]',
      ),
    );
    expect(pod.volumes.map((one) => one.source)).toEqual([
      { kind: 'emptyDir', memory: false, sizeLimit: '' },
      { kind: 'emptyDir', memory: true, sizeLimit: '1Gi' },
      { kind: 'unsupported', name: 'nfs' },
    ]);
  });

  test('YAML 1.1 numbers are modes as kubectl sends them', () => {
    const { pod } = readPodText(
      podText(
        '',
        volume(
          'secret: {secretName: s, defaultMode: 0400, items: [{key: k, path: p, mode: 0o17}]}',
        ).replace('0o17', '15'),
      ),
    );
    const [{ source } = { source: undefined }] = pod.volumes;
    expect(source).toMatchObject({ defaultMode: 0o400, object: { items: [{ mode: 15 }] } });
  });

  test('defaults are those of the API server', () => {
    const { pod } = readPodText(podText('', volume('configMap: {name: m}')));
    expect(pod).toMatchObject({
      enableServiceLinks: true,
      hostNamespaces: [],
      security: { supplementalGroups: [] },
      serviceAccountName: '',
    });
    expect(pod.volumes[0]?.source).toMatchObject({
      defaultMode: 0o644,
      object: { optional: false },
    });
    expect(pod.containers[0]).toMatchObject({
      command: [],
      args: [],
      env: [],
      workingDir: '',
      isSidecar: false,
      stdin: false,
      tty: false,
    });
  });

  test('a label called __proto__ or toString is a label like any other', () => {
    const { pod, problems: found } = readPodText(
      podText('', '', 'name: p, labels: {__proto__: a, toString: b}'),
    );
    expect([...pod.labels]).toEqual([
      ['__proto__', 'a'],
      ['toString', 'b'],
    ]);
    expect(found).toEqual([]);
  });
});

describe('problems come all at once, each with its position', () => {
  const text = `apiVersion: v1
kind: Pod
metadata:
  name: train
  labels:
    a: 1
spec:
  containers:
    - name: Main
      env:
        - name: PORT
          value: 8080
        - name: B=C
      volumeMounts:
        - {name: nope, mountPath: /x}
  volumes:
    - name: v
      secret: {secretName: s, defaultMode: 0999}
`;

  test('file, line and column, the object, the path, the sentence', () => {
    expect(readPodText(text).problems).toEqual([
      'pod.yaml:18:44, Pod train, spec.volumes[0].secret.defaultMode: must be between 0 and 0777 (octal; 511 in JSON)',
      "pod.yaml:9:13, Pod train, spec.containers[0].name: must be lower case letters, digits and '-', starting and ending with a letter or digit",
      'pod.yaml:12:18, Pod train, spec.containers[0].env[0].value: must be a string, is a number (quote it if text is meant)',
      "pod.yaml:13:17, Pod train, spec.containers[0].env[1].name: a variable's name must be printable ASCII characters other than '='",
      'pod.yaml:15:18, Pod train, spec.containers[0].volumeMounts[0].name: there is no volume nope',
      'pod.yaml:6:8, Pod train, metadata.labels.a: must be a string, is a number (quote it if text is meant)',
    ]);
  });

  test('no value of the manifest is in a message', () => {
    const canary = 'canary-7f3a';
    const found = readPodText(
      podText(
        `env: [{name: A, value: {x: ${canary}}}, {name: B, value: [${canary}]}], args: [{a: ${canary}}]`,
      ),
    ).problems;
    expect(found.length).toBe(3);
    expect(found.join('\n')).not.toContain(canary);
  });
});
