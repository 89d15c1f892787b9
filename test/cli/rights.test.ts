import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { rightsDocuments, rightsText, wideParts } from '../../src/cli/rights-text.ts';
import type { Right } from '../../src/stores/_store.ts';
import { call, folder } from './_call.ts';

const documents = (...rights: Right[]) => {
  return rightsDocuments([{ store: 's', kind: 'k', rights }], 'bellhop-p');
};
const aws = (action: string, resource: string): Right => {
  return { system: 'aws', actions: [action], resource };
};

describe('one document a system', () => {
  test('IAM: resources with the same actions are one statement, actions of one resource too', () => {
    const found = documents(
      aws('x:Get', 'r2'),
      aws('x:Get', 'r1'),
      aws('x:Put', 'r3'),
      aws('x:Get', 'r3'),
    );
    expect(found.aws).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['x:Get'], Resource: ['r1', 'r2'] },
        { Effect: 'Allow', Action: ['x:Get', 'x:Put'], Resource: ['r3'] },
      ],
    });
  });

  test('IAM: of any rights each is allowed, and nothing that was not asked for', () => {
    const one = fc.record({
      actions: fc.uniqueArray(fc.constantFrom('a:1', 'a:2', 'b:1'), { minLength: 1 }),
      resource: fc.constantFrom('r1', 'r2', 'r3', '*'),
      condition: fc.constantFrom(undefined, { StringLike: { k: 'a' } }, { StringLike: { k: 'b' } }),
    });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1 }), (wanted) => {
        const { aws: policy } = documents(
          ...wanted.map(({ condition, ...right }): Right => {
            const under = condition === undefined ? {} : { condition };
            return { system: 'aws', ...right, ...under };
          }),
        );
        const pairs = (
          list: readonly {
            actions: readonly string[];
            resources: readonly string[];
            condition: unknown;
          }[],
        ) => {
          const all = list.flatMap(({ actions, resources, condition }) => {
            const under = JSON.stringify(condition);
            return actions.flatMap((action) =>
              resources.map((resource) => `${action} ${resource} ${under}`),
            );
          });
          return [...new Set(all)].toSorted();
        };
        const allowed = pairs(
          (policy?.Statement ?? []).map(({ Action, Resource, Condition }) => ({
            actions: Action,
            resources: Resource,
            condition: Condition,
          })),
        );
        const asked = wanted.map(({ resource, ...one }) => ({ ...one, resources: [resource] }));
        expect(allowed).toEqual(pairs(asked));
      }),
    );
  });

  test('Vault: one block a path, and no name begins a template', () => {
    const found = documents(
      { system: 'vault', path: 'secret/data/a', capabilities: ['read'] },
      { system: 'vault', path: 'secret/data/a', capabilities: ['update', 'create'] },
      { system: 'vault', path: 'x/"${y}%{z}', capabilities: ['read'] },
    );
    expect(found.vault).toBe(
      [
        'path "secret/data/a" {',
        '  capabilities = ["create", "read", "update"]',
        '}',
        '',
        'path "x/\\"$${y}%%{z}" {',
        '  capabilities = ["read"]',
        '}',
        '',
      ].join('\n'),
    );
  });

  test('Kubernetes: one Role a namespace, that names its objects', () => {
    const right = (namespace: string, resource: string, name: string): Right => {
      return { system: 'kubernetes', namespace, resource, name };
    };
    const found = documents(
      right('a', 'secrets', 'y'),
      right('a', 'secrets', 'x'),
      right('b', 'configmaps', 'z'),
    );
    const roles = found.kubernetes ?? [];
    expect(roles.map(({ metadata }) => metadata)).toEqual([
      { name: 'bellhop-p', namespace: 'a' },
      { name: 'bellhop-p', namespace: 'b' },
    ]);
    expect(roles[0]?.rules).toEqual([
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['x', 'y'], verbs: ['get'] },
    ]);
  });

  test('Google, Azure and the others as lists, each line once', () => {
    const google: Right = { system: 'google', role: 'roles/a', scope: 'projects/p/secrets/s' };
    const text = rightsText(
      documents(
        google,
        google,
        { system: 'azure', role: 'R', scope: '/s' },
        { system: 'other', text: 'GET x' },
      ),
    );
    expect(text).toBe(
      [
        '# Google Cloud: role, and what it is granted on',
        'roles/a  projects/p/secrets/s',
        '',
        '# Azure: role assignment, and its scope',
        'R  /s',
        '',
        '# Others',
        '# - store s: GET x',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['arn:aws:ssm:us-east-1:*:parameter/x', true],
    ['arn:aws:kms:*:*:key/*', true],
    ['arn:aws:ssm:us-east-1:111122223333:parameter/*', false],
    ['arn:aws:s3:::bucket/*', false],
    ['*', false],
  ])('%s is wider than it could be: %p', (resource, isWide) => {
    expect(wideParts(documents(aws('a:b', resource))) !== undefined).toBe(isWide);
  });
});

const SETTINGS = `
apiVersion: bellhop/v1
stores:
  sm: { kind: aws-secrets-manager, region: us-east-1 }
  s3: { kind: s3, region: us-east-1 }
  vault:
    kind: vault
    address: https://vault.internal:8200
    mounts: { secret: kv2 }
    auth: { method: token, token: "sm:vault-token" }
  unused: { kind: aws-ssm, region: us-east-1 }
env:
  A: { from: "sm:prod/db#password", fallback: ["vault:secret/prod/db#password"] }
policy:
  lastGood: { to: "s3:copies/app.bin", key: { kms: alias/copies, store: sm }, maxAgeSeconds: 3600 }
`;

describe('bellhop plan -o iam', () => {
  const file = path.join(folder, 'rights.yaml');
  writeFileSync(file, SETTINGS);
  const plan = (...words: string[]) => call(['plan', '-c', file, ...words]);

  test('has fallbacks, credentials of other stores, the copy’s place and its key; nothing unused', () => {
    const { code, out, err } = plan('-o', 'iam-json');
    expect([code, err]).toEqual([0, expect.stringContaining('`*` stands for them')]);
    const found = JSON.parse(out) as ReturnType<typeof rightsDocuments>;
    const statements = found.aws?.Statement ?? [];
    const allowed = statements.map(({ Action, Resource, Condition: condition }) => {
      const under = condition === undefined ? '' : ` if ${JSON.stringify(condition)}`;
      return `${Action.join(' ')}: ${Resource.join(' ')}${under}`;
    });
    const secret = 'arn:aws:secretsmanager:us-east-1:*:secret';
    expect(allowed).toContain(
      `secretsmanager:GetSecretValue: ${secret}:prod/db-?????? ${secret}:vault-token-??????`,
    );
    const alias = '{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/copies"}}';
    const keys = 'arn:aws:kms:us-east-1:*:key/*';
    expect(allowed).toContain(`kms:Decrypt kms:GenerateDataKey: ${keys} if ${alias}`);
    const service = '{"StringLike":{"kms:ViaService":"secretsmanager.us-east-1.*"}}';
    expect(allowed).toContain(`kms:Decrypt: ${keys} if ${service}`);
    expect(allowed).toContain('s3:GetObject s3:PutObject: arn:aws:s3:::copies/app.bin');
    expect(found.vault).toContain('secret/data/prod/db');
    expect(out).not.toContain('ssm:');
  });

  test('as text it has headings that are comments, and its IAM policy is JSON', () => {
    const { code, out } = plan('-o', 'iam');
    expect(code).toBe(0);
    const [, policy = ''] = /^# AWS: IAM policy\n(\{[\s\S]*?\n\})\n/.exec(out) ?? [];
    expect(JSON.parse(policy)).toMatchObject({ Version: '2012-10-17' });
    expect(out).toContain('\n# Vault or OpenBao: policy\npath "');
  });

  test('without a store that has rights it says so', () => {
    const { code, out } = call(['plan', '-f', 'pod.yaml', '-o', 'iam']);
    expect([code, out]).toEqual([0, '# This plan needs no rights in any store.\n']);
  });

  test('another format is a usage error', () => {
    expect(plan('-o', 'xml')).toMatchObject({
      code: 64,
      err: expect.stringContaining('is json, iam or iam-json'),
    });
  });
});
