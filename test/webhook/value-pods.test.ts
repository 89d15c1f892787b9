// A whole decision about a pod whose values go into a Secret.
import { describe, expect, test } from 'bun:test';
import { FILE } from '../../src/wire/flyte-secret.ts';
import { memoryCluster } from './_memory-api.ts';
import { CANARY, OWNER, TOK, decide, nameIn, secretsIn } from './_value-pods.ts';
import type { Json } from './_vectors.ts';

describe('a pod with values of the webhook', () => {
  test('has references to one Secret, which its controller owns, and is told no value', async () => {
    const secrets = [
      TOK,
      { ...TOK, key: 'File', mountRequirement: FILE },
      { ...TOK, group: 'global' },
    ];
    const ownerReferences = [
      { ...OWNER, uid: 'u-0' },
      { ...OWNER, controller: true },
    ];
    const { decision, cluster, pod } = await decide({ secrets, metadata: { ownerReferences } });
    const [secret, ...others] = secretsIn(cluster);
    expect(others).toEqual([]);
    const name = nameIn(decision);
    expect(secret).toMatchObject({ metadata: { name, ownerReferences: [OWNER] } });
    const refer = (key: string): object => ({ valueFrom: { secretKeyRef: { name, key } } });
    expect(pod['spec']).toEqual({
      containers: [
        {
          name: 'c',
          image: 'i',
          env: [
            { name: '_UNION_GLOBAL_TOK', ...refer('2-tok') },
            { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_UNION_' },
            { name: 'FLYTE_SECRETS_FILE_PREFIX' },
            { name: 'FLYTE_SECRETS_DEFAULT_DIR', value: '/etc/flyte/secrets' },
            { name: '_UNION_TOK', ...refer('0-tok') },
          ],
          volumeMounts: [
            { name: 'bellhop-values', readOnly: true, mountPath: '/etc/flyte/secrets' },
          ],
        },
      ],
      volumes: [
        {
          name: 'bellhop-values',
          secret: {
            secretName: name,
            items: [
              { key: '1-File', path: 'File' },
              { key: '1-File', path: 'file' },
            ],
          },
        },
      ],
    });
    expect(JSON.stringify(decision)).not.toContain(CANARY);
    expect(decision.kind === 'patched' && decision.warnings).toEqual([]);
  });

  test('on a dry run is answered the same, and nothing is made', async () => {
    const wish = { secrets: [TOK], cluster: memoryCluster() };
    const real = await decide(wish);
    const before = wish.cluster.objects.size;
    const dry = await decide({ ...wish, dryRun: true });
    expect(dry.decision).toEqual(real.decision);
    const fresh = memoryCluster(new Map([...wish.cluster.objects].slice(0, 1)));
    expect(secretsIn(fresh)).toEqual([]);
    expect((await decide({ secrets: [TOK], cluster: fresh, dryRun: true })).decision).toEqual(
      real.decision,
    );
    expect([fresh.objects.size, wish.cluster.objects.size]).toEqual([1, before]);
  });

  test('asked for again with another value refers to that, and the old Secret stays', async () => {
    const secrets = [TOK, { ...TOK, mountRequirement: FILE, envVar: 'AT' }];
    const first = await decide({ secrets });
    const values = { tok: { text: 'changed' } };
    const again = await decide({ secrets, values, cluster: first.cluster }, first.pod);
    const [old, now] = [nameIn(first.decision), nameIn(again.decision)];
    expect(JSON.stringify(again.pod)).not.toContain(old);
    expect(JSON.stringify(again.pod).split(now)).toHaveLength(3);
    expect(secretsIn(first.cluster)).toHaveLength(2);
    const third = await decide({ secrets, values, cluster: first.cluster }, again.pod);
    expect(third.decision).toMatchObject({ kind: 'patched', patch: [] });
  });

  test('what one container of another webhook came later is given the same', async () => {
    const secrets = [TOK, { ...TOK, mountRequirement: FILE }];
    const { pod, cluster } = await decide({ secrets });
    const { containers, ...spec } = pod['spec'] as { containers: readonly Json[] };
    const later = { ...pod, spec: { ...spec, containers: [...containers, { name: 'sidecar' }] } };
    const again = await decide({ secrets, cluster }, later);
    const all = (again.pod['spec'] as { containers: readonly Json[] }).containers;
    expect(all[1]?.['env']).toEqual(all[0]?.['env']);
    expect(all[1]?.['volumeMounts']).toEqual(all[0]?.['volumeMounts']);
    expect(secretsIn(cluster)).toHaveLength(1);
  });

  test('gets its files by the container that fetches, where there is one', async () => {
    const aws = { group: 'g', key: 'none', mountRequirement: FILE };
    const secrets = [aws, { key: 'x.json', mountRequirement: FILE }];
    const { pod, cluster, decision } = await decide({ secrets });
    const { initContainers, containers } = pod['spec'] as Readonly<Record<string, readonly Json[]>>;
    expect(initContainers?.[0]?.['volumeMounts']).toContainEqual({
      name: 'bellhop-values',
      mountPath: '/bellhop-values',
      readOnly: true,
    });
    expect(JSON.stringify(containers)).not.toContain('bellhop-values');
    expect(JSON.stringify(pod)).toContain('"items":[{"key":"0-x.json","path":"0"}]');
    const { annotations } = pod['metadata'] as { annotations: Readonly<Record<string, string>> };
    const plan = JSON.parse(annotations['bellhop/plan'] ?? '') as { stores: object };
    const store = { kind: 'file', folder: '/bellhop-values', sops: 'leave' };
    expect(plan.stores).toMatchObject({ 'bellhop-values': store });
    expect(JSON.stringify(plan)).not.toContain(CANARY);
    expect(secretsIn(cluster)).toMatchObject([{ metadata: { name: nameIn(decision) } }]);
    const again = await decide({ secrets, cluster }, pod);
    expect(again.decision).toMatchObject({ kind: 'patched', patch: [] });
  });
});
