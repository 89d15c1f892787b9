import { describe, expect, test } from 'bun:test';
import { declaration } from '../support/manifest.ts';

const read = (kind: string, members: string) =>
  declaration(`{apiVersion: v1, kind: ${kind}, metadata: {name: s}, ${members}}`);

const entries = (kind: string, members: string): [string, string, boolean][] => {
  const { objects, problems } = read(kind, members);
  expect(problems.map((one) => one.message)).toEqual([]);
  return [...(objects[0]?.entries ?? [])].map(([key, value]) => {
    return [key, Buffer.from(value.reveal()).toString('latin1'), value.binary];
  });
};

const problem = (kind: string, members: string): string =>
  read(kind, members)
    .problems.map((one) => one.message.replace(/^[^ ]+ /, ''))
    .join('\n');

describe("base64 as Go's encoding/base64", () => {
  test.each([
    ['""', ''],
    ['null', ''],
    ['QQ==', 'A'],
    ['QUI=', 'AB'],
    ['QUJD', 'ABC'],
    ['"QU\\nJD\\r\\n"', 'ABC'],
    ['"QQ=\\n="', 'A'],
    ['QR==', 'A'],
    ['"/+8="', '\xff\xef'],
    ['AAEC', '\0\x01\x02'],
  ])('%s', (written, wanted) => {
    expect(entries('Secret', `data: {k: ${written}}`)).toEqual([['k', wanted, false]]);
  });

  test.each([
    'Q',
    'QQ',
    'QQ=',
    '"="',
    '"===="',
    'Q===',
    '"QQ== "',
    '"Q Q="',
    '-_8=',
    'QQ==QQ==',
    'QUJ=D',
    '"é==="',
    '"QQ==\\t"',
  ])('%s is refused', (written) => {
    expect(problem('Secret', `data: {k: ${written}}`)).toBe(
      'Secret s, data.k: must be base64 with padding',
    );
    expect(problem('ConfigMap', `binaryData: {k: ${written}}`)).toBe(
      'ConfigMap s, binaryData.k: must be base64 with padding',
    );
  });
});

describe('Secrets and ConfigMaps as the API server takes them', () => {
  test('stringData wins over data', () => {
    expect(entries('Secret', 'data: {a: QQ==, b: Qg==}, stringData: {a: new, c: é}')).toEqual([
      ['a', 'new', false],
      ['b', 'B', false],
      ['c', '\xc3\xa9', false],
    ]);
  });

  test('binaryData is bytes and marked, data is text', () => {
    expect(entries('ConfigMap', 'data: {t: "x\\n", e: null}, binaryData: {b: /w==}')).toEqual([
      ['b', '\xff', true],
      ['e', '', false],
      ['t', 'x\n', false],
    ]);
  });

  test('keys are sorted; __proto__, constructor and toString are keys like any other', () => {
    const keys = entries(
      'ConfigMap',
      'data: {toString: a, b: b, __proto__: c, constructor: d, B: e}',
    );
    expect(keys.map(([key]) => key)).toEqual(['B', '__proto__', 'b', 'constructor', 'toString']);
  });

  test.each([
    [
      'Secret',
      'data: {a/b: QQ==}',
      "Secret s, data.a/b: a key must be letters, digits, '-', '_' and '.' only",
    ],
    [
      'Secret',
      'type: kubernetes.io/tls, data: {tls.crt: QQ==}',
      'Secret s, type: a Secret of this type has tls.key',
    ],
    [
      'Secret',
      'type: kubernetes.io/basic-auth',
      'Secret s, type: a Secret of this type has username and password',
    ],
    [
      'Secret',
      'type: kubernetes.io/ssh-auth, stringData: {ssh-privatekey: ""}',
      'Secret s, type: ssh-privatekey must not be empty',
    ],
    ['Secret', 'stringData: {..a: x}', "Secret s, stringData...a: a key must not start with '..'"],
    [
      'ConfigMap',
      'binaryData: {"": QQ==}',
      "ConfigMap s, binaryData.: a key must be letters, digits, '-', '_' and '.' only",
    ],
    [
      'ConfigMap',
      'data: {k: a}, binaryData: {k: QQ==}',
      'ConfigMap s, binaryData.k: the key is in data as well',
    ],
    [
      'ConfigMap',
      'data: {k: 5}',
      'ConfigMap s, data.k: must be a string, is a number (quote it if text is meant)',
    ],
    ['ConfigMap', 'data: {k: {a: b}}', 'ConfigMap s, data.k: must be a string, is an object'],
    [
      'Secret',
      'data: {k: 5}',
      'Secret s, data.k: must be a string, is a number (quote it if text is meant)',
    ],
    ['Secret', 'data: [QQ==]', 'Secret s, data: must be an object, is a list'],
    ['Secret', 'stringData: x', 'Secret s, stringData: must be an object, is a string'],
  ])('%s with %s', (kind, members, wanted) => {
    expect(problem(kind, members)).toBe(wanted);
  });

  test.each([
    ['{kind: Secret}', 'metadata.name is required'],
    ['{kind: Secret, metadata: {}}', 'metadata.name is required'],
    ['{kind: Secret, metadata: {name: ""}}', 'metadata.name is required'],
    ['{kind: Secret, metadata: {name: 5}}', 'metadata.name: must be a string'],
    ['{kind: Secret, metadata: {name: A_b}}', 'metadata.name: must be lower case letters'],
    ['{kind: Secret, metadata: {name: __proto__}}', 'metadata.name: must be lower case letters'],
    ['{kind: ConfigMap, metadata: {name: ../x}}', 'metadata.name: must be lower case letters'],
    ['{kind: ConfigMap, metadata: {name: "a\\nb"}}', 'metadata.name: must be lower case letters'],
  ])('%s', (text, wanted) => {
    expect(
      declaration(text)
        .problems.map((one) => one.message)
        .join('\n'),
    ).toContain(wanted);
  });

  test.each([
    ['Secret', 'stringData: {a: A, b: B}'],
    ['ConfigMap', 'data: {a: A, b: B}'],
  ])('values of a %s may have 1 MiB together, keys not counted', (kind, members) => {
    const sized = (bytes: number): string =>
      problem(kind, members.replace('A', 'x'.repeat(bytes - 1)).replace('B', 'z'));
    expect(sized(1_048_576)).toBe('');
    expect(sized(1_048_577)).toBe(
      `${kind} s: its values have 1048577 bytes, may have 1048576 together`,
    );
  });

  test('bytes are counted, not characters; binaryData counts after decoding', () => {
    expect(problem('ConfigMap', `data: {a: "${'é'.repeat(524_289)}"}`)).toContain('1048578 bytes');
    const encoded = Buffer.alloc(1_048_577).toString('base64');
    expect(problem('ConfigMap', `binaryData: {a: ${encoded}}`)).toContain('1048577 bytes');
  });

  test('no value is in a message', () => {
    const canary = 'canary-7f3a';
    const found = declaration(
      `{kind: Secret, metadata: {name: s}, data: {a: ${canary}, b: "${canary}="}}`,
    );
    expect(found.problems.length).toBe(2);
    expect(JSON.stringify(found.problems.map((one) => one.message))).not.toContain(canary);
    expect(Bun.inspect(read('Secret', `stringData: {k: ${canary}}`).objects)).not.toContain(canary);
  });
});

describe('Services', () => {
  const service = (spec: string) => read('Service', `spec: ${spec}`);
  test.each([
    ['{clusterIP: 10.0.0.1, ports: [{port: 80}]}', '10.0.0.1'],
    ['{clusterIP: None, ports: [{port: 80}]}', ''],
    ['{ports: [{port: 80}]}', ''],
    ['{type: ExternalName, clusterIP: 10.0.0.1, externalName: x}', ''],
  ])('%s has the address %p', (spec, wanted) => {
    expect(service(spec).services[0]?.clusterIP).toBe(wanted);
  });

  test('a port has the protocol TCP unless it says another one', () => {
    const { services } = service(
      '{clusterIP: 1.2.3.4, ports: [{port: 1}, {port: 2, protocol: ""}, {port: 3, protocol: UDP, name: dns}]}',
    );
    expect(services[0]?.ports).toEqual([
      { name: '', port: 1, protocol: 'TCP' },
      { name: '', port: 2, protocol: 'TCP' },
      { name: 'dns', port: 3, protocol: 'UDP' },
    ]);
  });

  test.each([
    ['{ports: [{port: http}]}', 'spec.ports[0].port: must be a whole number, is a string'],
    ['{ports: [{port: 0}]}', 'spec.ports[0].port: must be between 1 and 65535'],
    ['{ports: [{port: 65536}]}', 'spec.ports[0].port: must be between 1 and 65535'],
    ['{clusterIP: 5}', 'spec.clusterIP: must be a string'],
  ])('%s is refused', (spec, wanted) => {
    expect(
      service(spec)
        .problems.map((one) => one.message)
        .join(),
    ).toContain(wanted);
  });
});
