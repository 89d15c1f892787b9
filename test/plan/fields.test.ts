import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import type { FieldContext } from '../../src/plan/fields.ts';
import { fieldSource, fieldText, mapText, resourceText } from '../../src/plan/fields.ts';
import { readPodText } from '../support/manifest.ts';

const TEXT = `kind: Pod
metadata:
  name: p
  uid: u-1
  labels: {app: web, 'team/x': 'a "b"', __proto__: odd, empty: ''}
  annotations: {note: "line\\nline"}
spec:
  nodeName: n1
  containers:
    - {name: c, resources: {limits: {cpu: 1500m, memory: 100Mi}, requests: {memory: 64Mi, hugepages-2Mi: 4Mi}}}
    - {name: d, resources: {limits: {ephemeral-storage: 1Gi}}}
    - {name: z, resources: {limits: {cpu: 0}}}
  initContainers:
    - {name: i, resources: {limits: {cpu: 3}}}
`;

function context(
  given: { fields?: Record<string, string>; node?: Record<string, string> } = {},
): FieldContext {
  const { pod } = readPodText(TEXT);
  const [container] = pod.containers;
  if (container === undefined) throw new Error('no container');
  const fields = new Map(Object.entries(given.fields ?? {}));
  return {
    pod,
    namespace: 'team',
    container,
    fields,
    node: new Map(Object.entries(given.node ?? {})),
  };
}

const told = (value: string | BellhopError): string =>
  typeof value === 'string' ? value : `${value.code} ${value.message}`;

describe('fieldRef', () => {
  test.each([
    ['metadata.name', 'p'],
    ['metadata.namespace', 'team'],
    ['metadata.uid', 'u-1'],
    ['spec.nodeName', 'n1'],
    ['spec.serviceAccountName', 'default'],
    ["metadata.labels['app']", 'web'],
    ["metadata.labels['team/x']", 'a "b"'],
    ["metadata.labels['nope']", ''],
    ["metadata.labels['toString']", ''],
    ["metadata.labels['__proto__']", 'odd'],
    ["metadata.annotations['note']", 'line\nline'],
    [
      'status.podIP',
      'BH_ERR_FIELD status.podIP: only the cluster knows it, and nothing was given for it',
    ],
  ])('%s is %j', (path, wanted) => {
    expect(told(fieldText(context(), path))).toBe(wanted);
  });

  test.each<[string, Record<string, string>, string]>([
    ['metadata.name', { 'metadata.name': 'other' }, 'other'],
    ['status.podIP', { 'status.podIP': '10.0.0.1' }, '10.0.0.1'],
    ['status.podIP', { 'status.podIPs': '10.0.0.1,fd00::1' }, '10.0.0.1'],
    ['status.podIPs', { 'status.podIP': '10.0.0.1' }, '10.0.0.1'],
    ['status.hostIPs', { 'status.hostIP': '10.0.0.2' }, '10.0.0.2'],
    ['status.podIP', { 'status.podIP': '' }, ''],
    ["metadata.labels['app']", { "metadata.labels['app']": 'given' }, 'given'],
  ])('%s with %o given is %j', (path, fields, wanted) => {
    expect(told(fieldText(context({ fields }), path))).toBe(wanted);
  });

  test('all labels are a file of sorted lines, quoted as Go quotes', () => {
    const source = fieldSource(context(), 'metadata.labels');
    expect(source).toMatchObject({
      kind: 'text',
      text: '__proto__="odd"\napp="web"\nempty=""\nteam/x="a \\"b\\""',
    });
    expect(mapText(new Map())).toBe('');
    expect(
      mapText(
        new Map([
          ['b', 'é\u0001'],
          ['B', '😀'],
          ['a', '\ufeff'],
        ]),
      ),
    ).toBe('B="😀"\na="\\ufeff"\nb="é\\x01"');
  });

  test('all annotations are told with the time, so at delivery', () => {
    expect(fieldSource(context(), 'metadata.annotations')).toEqual({
      kind: 'annotations',
      entries: { note: 'line\nline' },
    });
  });
});

describe('resourceFieldRef', () => {
  const resource = (container: string, name: string, divisor = '') => ({
    container,
    resource: name,
    divisor,
  });
  test.each<[string, string, string, string]>([
    ['', 'limits.cpu', '', '2'],
    ['', 'limits.cpu', '1m', '1500'],
    ['', 'limits.memory', '1Mi', '100'],
    ['', 'limits.memory', '0', '104857600'],
    ['', 'requests.memory', '1M', '68'],
    ['', 'requests.cpu', '1m', '1500'],
    ['', 'requests.ephemeral-storage', '', '0'],
    ['', 'requests.hugepages-2Mi', '1Mi', '4'],
    ['', 'limits.hugepages-2Mi', '', '0'],
    ['d', 'requests.ephemeral-storage', '1Gi', '1'],
    ['d', 'requests.cpu', '', '0'],
    ['i', 'limits.cpu', '', '3'],
    [
      'd',
      'limits.cpu',
      '',
      "BH_ERR_FIELD limits.cpu: without a limit it is the node's allocatable, which is not known here",
    ],
    ['x', 'limits.cpu', '', 'BH_ERR_POD_INVALID resource limits.cpu: there is no container x'],
  ])('container %j, %s in %j is %s', (...[container, name, divisor, wanted]) => {
    expect(told(resourceText(context(), resource(container, name, divisor)))).toBe(wanted);
  });

  test("without a limit the node's allocatable counts, for limits only", () => {
    const node = { cpu: '3500m', memory: '8Gi' };
    expect(told(resourceText(context({ node }), resource('d', 'limits.cpu')))).toBe('4');
    expect(told(resourceText(context({ node }), resource('d', 'limits.memory', '1Gi')))).toBe('8');
    expect(told(resourceText(context({ node }), resource('z', 'limits.cpu')))).toBe('4');
    expect(told(resourceText(context({ node }), resource('', 'limits.cpu', '1m')))).toBe('1500');
    expect(told(resourceText(context({ node }), resource('d', 'requests.cpu')))).toBe('0');
  });

  test('a node amount that is no quantity is a problem', () => {
    const said = resourceText(context({ node: { cpu: 'many' } }), resource('d', 'limits.cpu'));
    expect(told(said)).toBe(
      'BH_ERR_POD_INVALID resources.limits.cpu: not a quantity that Kubernetes takes',
    );
  });
});
