import { describe, expect, test } from 'bun:test';
import { chooseContainer } from '../../src/plan/build.ts';
import { chooseWorkload, podOf } from '../../src/plan/declaration.ts';
import { declaration, planText, readPodText, thrown } from '../support/manifest.ts';

const POD = '{metadata: {labels: {a: b}}, spec: {containers: [{name: c}]}}';
const KINDS: readonly [string, string][] = [
  ['Pod', `metadata: {name: w}, spec: {containers: [{name: c}]}`],
  ['PodTemplate', `template: ${POD}`],
  ...['Job', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController'].map(
    (kind): [string, string] => [kind, `spec: {template: ${POD}}`],
  ),
  ['CronJob', `spec: {jobTemplate: {spec: {template: ${POD}}}}`],
];

describe('workloads', () => {
  test.each(KINDS)('%s: its pod is found', (kind, members) => {
    const { pod, problems } = readPodText(`{kind: ${kind}, ${members}}`);
    expect(problems).toEqual([]);
    expect(pod.containers.map((one) => one.name)).toEqual(['c']);
  });

  test.each([
    ['v1', 'Pod', 1],
    ['batch/v1', 'Job', 1],
    ['batch/v1beta1', 'CronJob', 1],
    ['apps/v1', 'Deployment', 1],
    ['extensions/v1beta1', 'Deployment', 1],
    ['batch.volcano.sh/v1alpha1', 'Job', 0],
    ['apps.kruise.io/v1alpha1', 'StatefulSet', 0],
    ['example.com/v1', 'Pod', 0],
  ])('apiVersion %s, kind %s: %d workloads', (apiVersion, kind, count) => {
    expect(declaration(`{apiVersion: ${apiVersion}, kind: ${kind}}`).workloads.length).toBe(count);
  });

  test('kinds of others that have the names of ours are no business of ours', () => {
    const read = declaration(
      '{apiVersion: serving.knative.dev/v1, kind: Service, spec: {ports: x}}',
    );
    expect([read.services.length, read.problems.length]).toEqual([0, 0]);
  });

  test('kinds like constructor or __proto__ are kinds like any other', () => {
    for (const kind of ['constructor', '__proto__', 'toString']) {
      const read = declaration(`{kind: ${kind}}`);
      expect([read.workloads.length, read.problems.length]).toEqual([0, 0]);
    }
  });

  test('List, typed lists and lists in lists are opened, with positions', () => {
    const text = `{kind: List, items: [{kind: PodList, items: [{kind: Pod, metadata: {name: a}}]}, {kind: Secret, metadata: {name: s}}, {kind: List, items: null}, {kind: Pod, metadata: {name: 5}}]}`;
    const read = declaration(text);
    expect(read.workloads.map((one) => one.name)).toEqual(['a', '']);
    expect(read.objects.map((one) => one.name)).toEqual(['s']);
    for (const one of read.workloads.slice(0, 1))
      expect(podOf(one)).toMatchObject({ containers: [] });
    expect(read.problems.map((one) => one.message)).toEqual([
      'pod.yaml:1:46, Pod a, items[0].items[0]: spec is required',
    ]);
  });

  test.each(['5', 'text', '[1]', '{a: 1}', '{kind: 5}', '{kind: ""}', '{kind: List, items: [5]}'])(
    '%s is not a Kubernetes object',
    (text) => {
      const [problem, ...more] = declaration(text).problems;
      expect(more).toEqual([]);
      expect(problem?.message).toMatch(
        /^pod\.yaml:1:\d+: not a Kubernetes object: it has no kind$/,
      );
    },
  );

  const two =
    '{kind: Job, metadata: {name: a}}\n---\n{kind: Pod, metadata: {name: a}}\n---\n{kind: Pod, metadata: {generateName: b-}}';
  test.each([
    ['pod/a', 'Pod'],
    ['Job/a', 'Job'],
    ['JOB/a', 'Job'],
    ['b-', 'Pod'],
  ])('--workload %s is the %s', (wanted, kind) => {
    expect(chooseWorkload(declaration(two).workloads, wanted).kind).toBe(kind);
  });

  test.each([
    [undefined, 'the input has 3 workloads, one is needed (there: job/a, pod/a, pod/b-)'],
    ['a', 'the input has 2 workloads called a, one is needed (there: job/a, pod/a, pod/b-)'],
    [
      'pod/x',
      'the input has 0 workloads called pod/x, one is needed (there: job/a, pod/a, pod/b-)',
    ],
    [
      'cronjob/a',
      'the input has 0 workloads called cronjob/a, one is needed (there: job/a, pod/a, pod/b-)',
    ],
  ])('--workload %s: %s', (wanted, what) => {
    const [problem] = thrown(() => chooseWorkload(declaration(two).workloads, wanted));
    expect([problem?.code, problem?.what]).toEqual(['BH_ERR_WORKLOAD', what]);
  });

  test('no workload at all: the help names the kinds', () => {
    const [problem] = thrown(() => chooseWorkload(declaration('').workloads, undefined));
    expect(problem?.what).toContain('0 workloads');
    expect(problem?.help).toContain('CronJob');
  });

  test('a Job labels its pod as the Job controller does, the template wins; the pod has no name', () => {
    const { pod } = readPodText(
      '{kind: Job, metadata: {name: j}, spec: {template: {metadata: {name: x, labels: {job-name: mine}}, spec: {containers: [{name: c}]}}}}',
    );
    expect(pod.name).toBe('');
    expect([...pod.labels]).toEqual([
      ['batch.kubernetes.io/job-name', 'j'],
      ['job-name', 'mine'],
    ]);
  });
});

describe('containers', () => {
  const pod = (metadata: string, spec: string) =>
    readPodText(`{kind: Pod, metadata: {${metadata}}, spec: {${spec}}}`).pod;
  const several = 'containers: [{name: a}, {name: b}], initContainers: [{name: i}]';
  const annotated = 'annotations: {kubectl.kubernetes.io/default-container: b}';
  test.each([
    ['the only one', '', 'containers: [{name: a}], initContainers: [{name: i}]', undefined, 'a'],
    ['the annotated one', annotated, several, undefined, 'b'],
    ['the named one, over the annotation', annotated, several, 'a', 'a'],
    ['an init container by name', '', several, 'i', 'i'],
  ])('%s is chosen', (...[_name, metadata, spec, wanted, name]) => {
    expect(chooseContainer(pod(metadata, spec), wanted).name).toBe(name);
  });

  test.each([
    [undefined, 'none was chosen (there: a, b, i)'],
    ['x', 'there is no container x (there: a, b, i)'],
  ])('%s: %s', (wanted, what) => {
    const [problem] = thrown(() => chooseContainer(pod('', several), wanted));
    expect([problem?.code, problem?.what]).toEqual(['BH_ERR_CONTAINER', what]);
  });
});

describe('what planning refuses', () => {
  const problems = (spec: string, settings?: string) =>
    planText(
      `{kind: Pod, metadata: {name: p}, spec: {${spec}}}`,
      settings === undefined ? {} : { settings },
    ).problems;
  test('init containers, unless the policy says ignore', () => {
    const spec = 'containers: [{name: c}], initContainers: [{name: i}]';
    expect(problems(spec).map((one) => one.code)).toEqual(['BH_ERR_INIT_CONTAINERS']);
    expect(problems(spec, 'apiVersion: bellhop/v1\npolicy: {initContainers: ignore}')).toEqual([]);
  });
  test.each([
    [
      'containers: [{name: c, workingDir: a/b}]',
      'BH_ERR_POD_INVALID',
      'must be absolute: the runtime refuses another one',
    ],
    [
      'containers: [{name: c, securityContext: {runAsGroup: 5}}]',
      'BH_ERR_POD_INVALID',
      'runAsGroup needs runAsUser: containerd refuses the one without the other',
    ],
    [
      'volumes: [{name: v, nfs: {}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /a}]}]',
      'BH_ERR_POD_UNSUPPORTED',
      'this kind of volume comes from a cluster',
    ],
    [
      'volumes: [{name: v, projected: {sources: [{clusterTrustBundle: {}}]}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /a}]}]',
      'BH_ERR_POD_UNSUPPORTED',
      'this projected source comes from a cluster',
    ],
    [
      'volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /a}]}]',
      'BH_ERR_POD_UNSUPPORTED',
      'only a cluster can give a service account token',
    ],
    [
      'containers: [{name: c, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}]',
      'BH_ERR_UNBOUND',
      'neither in the input nor bound to a store',
    ],
    [
      'containers: [{name: c, env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]}]',
      'BH_ERR_FIELD',
      'only the cluster knows it, and nothing was given for it',
    ],
    [
      'containers: [{name: c, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]}]',
      'BH_ERR_FIELD',
      "without a limit it is the node's allocatable, which is not known here",
    ],
    [
      'containers: [{name: c, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, containerName: x}}}]}]',
      'BH_ERR_POD_INVALID',
      'there is no container x',
    ],
  ])('%s', (spec, code, what) => {
    expect(problems(spec).map((one) => [one.code, one.what])).toEqual([[code as never, what]]);
  });
  test('what nobody mounts is not missed, nor what the platform provides', () => {
    expect(
      problems(
        'volumes: [{name: v, nfs: {}}, {name: w, secret: {secretName: s}}], containers: [{name: c}]',
      ),
    ).toEqual([]);
    const mounted =
      'volumes: [{name: v, nfs: {}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /a}]}]';
    expect(problems(mounted, 'apiVersion: bellhop/v1\nvolumes: {v: present}')).toEqual([]);
  });
});
