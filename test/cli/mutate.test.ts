import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { CANARY, call, folder } from './_call.ts';

const NONE = { group: '', groupVersion: '', key: '', mountRequirement: 0, envVar: '' };
const annotation = encodeSecret({ ...NONE, group: 'db', key: 'pass', mountRequirement: 1 });
const write = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};
const pod = write(
  'flyte-pod.yaml',
  `apiVersion: v1
kind: Pod
metadata: { name: p, annotations: { flyte.secrets/s0: ${annotation} } }
spec: { containers: [{ name: main, image: i, env: [{ name: A, value: x }], fieldOfTomorrow: [1] }] }
`,
);
const k8s = write(
  'flyte-k8s.yaml',
  'apiVersion: bellhop/v1\nwebhook: { secretManagerTypes: [K8s], profile: flyte }\n',
);

describe('mutate', () => {
  test('prints the patched pod, with all that it does not know', () => {
    const { code, out, err } = call(['mutate', '-f', pod, '-c', k8s]);
    expect([code, err]).toEqual([0, '']);
    const secretKeyRef = { name: 'db', key: 'pass', optional: true };
    expect(JSON.parse(out)).toMatchObject({
      spec: {
        containers: [
          {
            name: 'main',
            fieldOfTomorrow: [1],
            env: [
              { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_UNION_' },
              { name: '_UNION_DB_PASS', valueFrom: { secretKeyRef } },
              { name: 'A', value: 'x' },
            ],
          },
        ],
      },
    });
  });

  test('-o patch prints an operation a line, -o review what the API server is sent', () => {
    const patch = call(['mutate', '-f', pod, '-c', k8s, '-o', 'patch']).out;
    expect(patch.split('\n')[1]).toStartWith('  {"op":"add","path":"/spec/containers/0/env/0"');
    const { out } = call(['mutate', '-f', pod, '-c', k8s, '-o', 'review']);
    const { kind, response } = JSON.parse(out) as {
      kind: string;
      response: { allowed: boolean; patch: string };
    };
    expect([kind, response.allowed]).toEqual(['AdmissionReview', true]);
    const decoded = Buffer.from(response.patch, 'base64').toString();
    expect(JSON.parse(decoded)).toEqual(JSON.parse(patch));
  });

  test('a denial is BH_ERR_NOT_ADMITTED with the reasons; as a review it is one', () => {
    const aws = write(
      'flyte-aws.yaml',
      'apiVersion: bellhop/v1\nwebhook: { profile: flyte, secretManagerType: AWS }\n',
    );
    const denied = call(['mutate', '-f', pod, '-c', aws]);
    expect(denied).toMatchObject({ code: 77, out: '' });
    expect(denied.err).toContain('BH_ERR_NOT_ADMITTED');
    expect(denied.err).toContain('AWS: it gives files only');
    const review = call(['mutate', '-f', pod, '-c', aws, '-o', 'review']);
    expect(review.code).toBe(0);
    expect(JSON.parse(review.out)).toMatchObject({ response: { allowed: false } });
  });

  test.each([
    [
      'webhook: { secretManagerTypes: [K9s] }',
      ':2:33, webhook.secretManagerTypes[0]: must be Global, K8s, AWS',
    ],
    ['webhook: { nosuch: 1 }', ':2:20, webhook.nosuch: unknown field nosuch'],
    ['webhook: { secretEnvVarPrefix: "" }', 'webhook.secretEnvVarPrefix: must not be empty'],
    [
      'webhook: { stores: { Aws: sm } }',
      'webhook.stores.Aws: is no manager with a store; there are',
    ],
    [
      'webhook: { stores: { AWS: sm } }',
      "names no store of bellhop.yaml's `stores`: it declares none",
    ],
    ['flyteSecrets: { type: remote }', ':2:23, flyteSecrets.type: must be'],
  ])('%s is refused with its place', (line, what) => {
    const bad = write('flyte-bad.yaml', `apiVersion: bellhop/v1\n${line}\n`);
    const { code, err } = call(['mutate', '-f', pod, '-c', bad]);
    expect(code).toBe(78);
    expect(err).toContain(what);
  });

  test('what cannot be looked up without a cluster is said', () => {
    const settings = 'webhook: { secretManagerTypes: [K8s], missing: deny }';
    const deny = write('flyte-deny.yaml', `apiVersion: bellhop/v1\n${settings}\n`);
    const { code, err } = call(['mutate', '-f', pod, '-c', deny]);
    expect(code).toBe(0);
    expect(err).toContain('webhook.missing is deny: without a cluster');
  });

  test.each([
    ['two stores of one kind are not chosen from', '', 'west are of kind vault, so Vault has one'],
    ['unless one is named', 'stores: { Vault: west }', ''],
  ])('%s', (_, more, said) => {
    const stores = 'stores: { east: { kind: vault }, west: { kind: vault } }';
    const webhook = `webhook: { secretManagerTypes: [Vault, K8s], pull: { image: b }, ${more} }`;
    const two = write('flyte-two.yaml', `apiVersion: bellhop/v1\n${stores}\n${webhook}\n`);
    const { err } = call(['mutate', '-f', pod, '-c', two]);
    expect(said === '' ? err.includes('of kind vault') : !err.includes(said)).toBe(false);
  });

  test('a Secret that the webhook would make is named, without a value; none is made', () => {
    const kept = write(
      'flyte-kept.yaml',
      `apiVersion: bellhop/v1
webhook:
  valueSecrets: { namespaces: ['*'] }
  allow: [{ name: all }]
`,
    );
    const env = { FLYTE_SECRET_DB_PASS: CANARY };
    const flags = ['-f', pod, '-c', kept, '--namespace', 'team'];
    const { code, out, err } = call(['mutate', ...flags], env);
    expect(code).toBe(0);
    const [, name = 'none'] =
      /would make Secret (bellhop-[0-9a-f]{32}) in namespace team/.exec(err) ?? [];
    expect(err).toContain('with 0-pass; its name ends otherwise there');
    const secretKeyRef = { name, key: '0-pass' };
    const env0 = { name: '_UNION_DB_PASS', valueFrom: { secretKeyRef } };
    expect(JSON.parse(out)).toMatchObject({
      spec: { containers: [{ env: [env0, {}, { name: 'A' }] }] },
    });
    expect(out + err).not.toContain(CANARY);
    // The name says nothing of the value.
    const other = call(['mutate', ...flags], { FLYTE_SECRET_DB_PASS: 'other' });
    expect(other.out).toBe(out);
    const review = call(['mutate', ...flags, '-o', 'review'], env);
    expect(JSON.parse(review.out)).toMatchObject({ response: { allowed: true } });
  });

  test('settings that Flyte takes without any effect are named', () => {
    const unused = write(
      'flyte-unused.yaml',
      'apiVersion: bellhop/v1\nwebhook: { secretManagerType: K8s, webhookTimeout: 5 }\n',
    );
    expect(call(['mutate', '-f', pod, '-c', unused]).err).toContain(
      'webhook.webhookTimeout has no effect',
    );
  });

  test.each([
    ['kind: Service\napiVersion: v1\n', 'unable to decode v1, Kind=Service into a v1 Pod'],
    ['kind: Pod\nspec: []\n', 'must be an object'],
    ['[]\n', 'is not one Pod'],
  ])('what is no pod is refused: %j', (text, what) => {
    const { code, err } = call(['mutate', '-f', write('no-pod.yaml', text), '-c', k8s]);
    expect(code).toBe(65);
    expect(err).toContain(what);
  });
});
