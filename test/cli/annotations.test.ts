import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { CANARY, call, folder } from './_call.ts';

const NONE = { group: '', groupVersion: '', key: '', mountRequirement: ENV_VAR, envVar: '' };
const secret = (one: Partial<FlyteSecret>): string => encodeSecret({ ...NONE, ...one });
const write = (name: string, text: string): string => {
  const file = path.join(folder, `annotated-${name}`);
  writeFileSync(file, text);
  return file;
};
const settings = (name: string, lines: string): string => {
  return write(`${name}.yaml`, `apiVersion: bellhop/v1\n${lines}\n`);
};

const SPEC = 'spec: { containers: [{ name: main, image: i, command: [touch, started] }] }';
const DATA = `
---
apiVersion: v1
kind: Secret
metadata: { name: db }
stringData: { pass: ${CANARY} }
`;
const PASS = secret({ group: 'db', key: 'pass', envVar: 'TOKEN' });
const podWith = (name: string, annotations: Readonly<Record<string, string>>): string => {
  const lines = Object.entries(annotations).map(([key, value]) => `    ${key}: ${value}`);
  const metadata = `metadata:\n  name: task\n  annotations:\n${lines.join('\n')}`;
  return write(`pod-${name}.yaml`, `apiVersion: v1\nkind: Pod\n${metadata}\n${SPEC}\n${DATA}`);
};
const good = podWith('good', { 'flyte.secrets/s0': PASS });

describe('what is wrong is told at once, by the annotation, and nothing is started', () => {
  const bad = podWith('bad', {
    'flyte.secrets/s0': '"!"',
    'flyte.secrets/s1': secret({ key: 'k', group: 'g' }),
    'flyte.secrets/s2': secret({ group: 'g' }),
  });

  test('annotations that are no secrets, and secrets that nobody delivers', () => {
    const google = settings('google', 'webhook: { secretManagerTypes: [GCP] }');
    const { code, out, err } = call(['run', '-f', bad, '-c', google, '--', 'touch', 'started']);
    expect([code, out]).toEqual([65, '']);
    expect(err.split('\n').filter((line) => line.startsWith('bellhop: '))).toEqual([
      `bellhop: ${bad}:6:23, metadata.annotations.flyte.secrets/s0: is no secret of Flyte: illegal base32 data at input byte 0`,
      `bellhop: ${bad}:7:23, metadata.annotations.flyte.secrets/s1, [group:"g" key:"k" mount_requirement:ENV_VAR]: no secret manager delivers it: GCP: GCP Secrets Webhook require both group and group version to be set`,
      `bellhop: ${bad}:8:23, metadata.annotations.flyte.secrets/s2, [group:"g" mount_requirement:ENV_VAR]: no secret manager delivers it: GCP: GCP Secrets Webhook require both group and group version to be set`,
    ]);
    expect(err).toContain("help: let Flyte's SDK write the annotation");
    expect(err).toContain('help: say in bellhop.yaml where it is: `flyte: { "g/k": store:path }`');
  });

  test.each([
    [
      'a Secret that is nowhere',
      podWith('nowhere', { 'flyte.secrets/s0': secret({ group: 'no', key: 'k' }) }),
      '',
      65,
      'secret no, key k, metadata.annotations.flyte.secrets/s0: neither in the input nor bound',
    ],
    [
      'a key that the Secret does not have',
      podWith('nokey', { 'flyte.secrets/s0': secret({ group: 'db', key: 'k' }) }),
      '',
      69,
      'secret db, key k',
    ],
    [
      'values that only the webhook has',
      good,
      'webhook: {}',
      65,
      'Embedded: only the webhook has its values: bind the secret in the section `flyte`',
    ],
    [
      'a setting of the webhook that is none',
      good,
      'webhook: { nosuch: 1 }',
      78,
      ':2:20, webhook.nosuch',
    ],
    [
      'a store of a manager that is not declared',
      good,
      'webhook: { stores: { AWS: nosuch } }',
      78,
      ':2:27, webhook.stores.AWS: names a store that is not declared (stores: none)',
    ],
    [
      'a binding to a store that is not declared',
      good,
      'flyte: { "*": no:x }',
      78,
      ':2:15, flyte.*: names a store that is not declared (stores: none)',
    ],
    [
      'an annotation that is no text',
      podWith('number', { 'flyte.secrets/s0': '12' }),
      '',
      65,
      'annotations.flyte.secrets/s0: must be a string, is a number',
    ],
    [
      'two secrets that are one file',
      podWith('twice', {
        'flyte.secrets/s0': secret({ group: 'A', key: 'k', mountRequirement: FILE }),
        'flyte.secrets/s1': secret({ group: 'a', key: 'k', mountRequirement: FILE }),
      }),
      'webhook: { secretManagerTypes: [AWS] }',
      65,
      'AWS: [group:"A" key:"k" mount_requirement:FILE] and [group:"a" key:"k" mount_requirement:FILE] are the same file, /etc/flyte/secrets/a/k',
    ],
  ] as const)('%s', (...[, pod, lines, exit, words]) => {
    const config = settings('one', lines);
    const { code, out, err } = call(['run', '-f', pod, '-c', config]);
    expect([code, out]).toEqual([exit, '']);
    expect(err).toContain(words);
    expect(err).not.toContain(CANARY);
  });
});

test('a Job asks by the annotations of its template', () => {
  const job = write(
    'job.yaml',
    `apiVersion: batch/v1
kind: Job
metadata: { name: j }
spec:
  template:
    metadata: { annotations: { flyte.secrets/s0: ${PASS} } }
    ${SPEC}
${DATA}`,
  );
  const { code, out } = call(['plan', '-f', job]);
  expect(code).toBe(0);
  expect(out).not.toContain(CANARY);
  expect(out).toContain('"rule":"spec.template.metadata.annotations.flyte.secrets/s0"');
});

test("a pod that Flyte's webhook has been at stays, unless bellhop.yaml says who delivers", () => {
  const env = [
    { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_FSEC_' },
    { name: '_FSEC_DB_PASS', valueFrom: { secretKeyRef: { name: 'db', key: 'pass' } } },
  ];
  const metadata = { name: 'task', annotations: { 'flyte.secrets/s0': PASS } };
  const spec = { containers: [{ name: 'main', image: 'i', command: ['true'], env }] };
  const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
  const file = write('handled.yaml', `${pod}\n${DATA}`);
  const left = call(['explain', '-f', file]);
  expect([left.code, left.err]).toEqual([0, '']);
  expect(left.out).toContain('_FSEC_DB_PASS');
  expect(left.out).not.toMatch(/_UNION_|managers/);
  const own = settings('own', 'webhook: { secretManagerTypes: [K8s] }');
  expect(call(['explain', '-f', file, '-c', own]).out).toContain('_UNION_DB_PASS');
});

describe('explain', () => {
  const types = 'secretManagerTypes: [GCP, K8s, AWS]';
  const flyte = settings(
    'explain',
    `stores: { f: { kind: file, folder: ${folder} } }\nflyte: { other: f:x }\nwebhook: { ${types} }`,
  );

  test('tells who was asked for each secret, in which order, and what it became', () => {
    const { code, out } = call(['explain', '-f', good, '-c', flyte]);
    expect(code).toBe(0);
    expect(out).toContain('profile   native\nmanagers  flyte, GCP, K8s, AWS\n');
    expect(out).toMatch(/flyte\.secrets\/s0 +db +pass +ENV_VAR +TOKEN +K8s +flyte: /);
    const google = 'GCP: GCP Secrets Webhook require both group and group version to be set\n';
    expect(out).toContain(`  flyte: it binds neither db/pass nor *; ${google}`);
    expect(out).toMatch(
      /TOKEN +embedded:secret\/default\/db, key pass +metadata\.annotations\.flyte\.secrets\/s0/,
    );
    expect(out).not.toContain(CANARY);
  });

  test('the same as data', () => {
    const { out } = call(['explain', '-f', good, '-c', flyte, '-o', 'json']);
    expect((JSON.parse(out) as { flyte: unknown }).flyte).toEqual({
      profile: 'native',
      managers: ['flyte', 'GCP', 'K8s', 'AWS'],
      secrets: [
        {
          annotation: 'flyte.secrets/s0',
          secret: { group: 'db', key: 'pass', envVar: 'TOKEN', mountRequirement: 'ENV_VAR' },
          by: 'K8s',
          asked: [
            { manager: 'flyte', answer: 'does not', why: 'it binds neither db/pass nor *' },
            { manager: 'GCP', answer: 'does not', why: expect.stringContaining('require both') },
            { manager: 'K8s', answer: 'delivers' },
            { manager: 'AWS', answer: 'not asked' },
          ],
        },
      ],
    });
  });

  test('also where nobody delivers one', () => {
    const google = settings('google', 'webhook: { secretManagerTypes: [GCP] }');
    const { code, out, err } = call(['explain', '-f', good, '-c', google]);
    expect(code).toBe(65);
    expect(out).toMatch(/flyte\.secrets\/s0 +db +pass +ENV_VAR +TOKEN +nobody +GCP: GCP Secrets/);
    expect(err).toContain('BH_ERR_UNBOUND');
  });

  test('a pod that asks for nothing is explained as ever', () => {
    const plain = write('plain.yaml', `apiVersion: v1\nkind: Pod\nmetadata: { name: p }\n${SPEC}`);
    expect(call(['explain', '-f', plain, '-c', flyte]).out).not.toContain('managers');
  });

  test('--webhook tells what the webhook would add, and for which secret', () => {
    const { code, out } = call(['explain', '-f', good, '-c', flyte, '--webhook']);
    expect(code).toBe(0);
    expect(out).toContain('answer    admitted, with its secrets\nprofile   native\n');
    expect(out).toContain('managers  Global, GCP, K8s, AWS\n');
    expect(out).toMatch(/variable TOKEN +Secret db, key pass +flyte\.secrets\/s0\n/);
    expect(out).toMatch(/variable FLYTE_SECRETS_ENV_PREFIX +literal +flyte\.secrets\/s0\n/);
  });

  test('--webhook tells all that is wrong with a pod that is denied', () => {
    const denied = podWith('denied', {
      'flyte.secrets/s0': secret({ group: 'g', key: 'k' }),
      'flyte.secrets/s1': secret({ group: 'g', groupVersion: '2', mountRequirement: FILE }),
      'flyte.secrets/s2': '"!"',
    });
    const pull = 'pull: { image: "b:1" }, secretManagerTypes: [GCP]';
    const google = settings('denied', `webhook: { ${pull} }`);
    const { code, out, err } = call(['explain', '-f', denied, '-c', google, '--webhook']);
    expect(code).toBe(77);
    expect(out).toContain('answer    denied\n');
    expect(out).toMatch(/s0 .* nobody +Global: .*; GCP: GCP Secrets/);
    expect(out).toMatch(/s1 .* GCP +Global: .*\n/);
    expect(out).toMatch(/s2 .* nobody +no secret of Flyte: illegal base32 data/);
    expect(out).toMatch(/WOULD BE ADDED .*\nfile \/etc\/flyte\/secrets\/g\/2 +gcp:g@2 /);
    expect(out).toMatch(/init container bellhop-pull +b:1 +what is fetched\n/);
    expect(err).toContain('BH_ERR_NOT_ADMITTED');
    const data = call(['explain', '-f', denied, '-c', google, '--webhook', '-o', 'json']).out;
    expect(JSON.parse(data)).toMatchObject({
      route: 'webhook',
      profile: 'native',
      admitted: false,
      message: expect.stringContaining('failed to unmarshal secrets'),
      secrets: [{ annotation: 'flyte.secrets/s0' }, { by: 'GCP' }, { wrong: expect.any(String) }],
    });
  });

  test('--webhook knows who creates the pod; --user alone means nothing', () => {
    const allow = '[{ name: r, users: [me] }]';
    const ruled = settings('ruled', `webhook: { secretManagerTypes: [K8s], allow: ${allow} }`);
    const words = ['explain', '-f', good, '-c', ruled, '--webhook'];
    expect(call(words).code).toBe(77);
    expect(call([...words, '--user', 'me']).code).toBe(0);
    expect(call(['explain', '-f', good, '-c', ruled, '--user', 'me']).code).toBe(64);
  });

  test('--webhook under `profile: flyte` tells the containers and annotations of Flyte', () => {
    const types = 'secretManagerTypes: [AWS, Vault], profile: flyte';
    const asked = podWith('flyte', {
      'flyte.secrets/s0': secret({ group: 'g', key: 'k', mountRequirement: FILE }),
    });
    const { out } = call([
      'explain',
      '-f',
      asked,
      '-c',
      settings('flyte', `webhook: { ${types} }`),
      '--webhook',
    ]);
    expect(out).toContain('profile   flyte\n');
    expect(out).toMatch(/init container aws-pull-secret +docker\.io\/amazon\//);
    expect(out).toMatch(/folder \/etc\/flyte\/secrets +a volume in memory/);
  });
});
