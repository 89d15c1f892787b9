// Profile `native`: what the containers see is what Flyte's pod would have shown them.
import { describe, expect, test } from 'bun:test';
import { readPlan } from '../../src/plan/document.ts';
import type { FilePlacement } from '../../src/plan/types.ts';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { SECRET_ANNOTATION } from '../../src/wire/flyte-names.ts';
import { ENV_VAR, decodeSecret } from '../../src/wire/flyte-secret.ts';
import { check } from './_judge.ts';
import { runVector } from './_run.ts';
import { KEPT } from './_values.ts';
import type { Json, MutateVector } from './_vectors.ts';
import { comparable, mutateFiles, vectorsOf } from './_vectors.ts';

const NATIVE = { profile: 'native', pull: { image: 'bellhop:1' }, ...KEPT };
const all = mutateFiles().flatMap((file) => vectorsOf(file));
const PULLED = new Set(['AWS', 'GCP', 'Azure', 'Vault']);
const named = (vectors: readonly MutateVector[]) => vectors.map((one) => [one.id, one] as const);

describe('by Kubernetes alone: the same pods', () => {
  const ofK8s = all.filter(({ injectedBy = [], stand }) => {
    const isOurs = injectedBy.length > 0 && injectedBy.every((by) => by === 'K8s');
    return isOurs && stand === 'compatible';
  });
  test('there are some', () => expect(ofK8s.length).toBeGreaterThan(50));
  test.each(named(ofK8s))('%s', async (_, vector) => {
    check(vector, await runVector(vector, { ...NATIVE, missing: 'flyte' }));
  });
});

/** ENV_VAR of another store: Flyte denies it. */
const hasLateVariables = ({ pod, config }: MutateVector): boolean => {
  const types = (config['secretManagerTypes'] ?? [config['secretManagerType']]) as unknown[];
  const isVariable = ([name, text]: [string, string]): boolean => {
    return name.startsWith(SECRET_ANNOTATION) && decodes(text)?.mountRequirement === ENV_VAR;
  };
  return types.some((type) => PULLED.has(String(type))) && annotations(pod).some(isVariable);
};
const annotations = (pod: Json): [string, string][] => Object.entries(annotationsOf(pod));
const decodes = (text: string): FlyteSecret | undefined => {
  try {
    return decodeSecret(text);
  } catch {
    return undefined;
  }
};

describe('the same denials', () => {
  const denied = all.filter((vector) => {
    const { expected, stand } = vector;
    return !expected.allowed && stand === 'compatible' && !hasLateVariables(vector);
  });
  test('there are some', () => expect(denied.length).toBeGreaterThan(30));
  test.each(named(denied))('%s', async (_, vector) => {
    check(vector, await runVector(vector, NATIVE));
  });
});

/** Words of managers, without the secret that they are about. */
const REFUSED = new RegExp(
  [
    'requires? both key and group',
    'require both group and group version',
    'a key is needed',
    'is the same file',
    'labels',
    'webhook\\.allow has no rule',
  ].join('|'),
);

describe('variables of other stores, which Flyte denies', () => {
  const late = all.filter((vector) => hasLateVariables(vector) && !vector.expected.allowed);
  const images = { '*': { entrypoint: ['/entry'] } };
  test('there are some', () => expect(late.length).toBeGreaterThan(8));
  test.each(named(late))('%s', async (_, vector) => {
    const { decision, pod } = await runVector(vector, { ...NATIVE, images });
    if (decision.kind === 'denied') {
      // What Flyte's managers want is wanted here too; two files may be one.
      expect(decision.message.replaceAll(/\[[^\]]*\]/g, '')).toMatch(REFUSED);
      return;
    }
    const plan = readPlan(annotationsOf(pod)['bellhop/plan'] ?? '', 'the annotation');
    const variables = plan.placements.filter(({ kind }) => kind === 'variable');
    const wanted = annotations(vector.pod).flatMap(([name, text]) => {
      if (!name.startsWith(SECRET_ANNOTATION)) return [];
      const secret = decodeSecret(text);
      return secret.mountRequirement === ENV_VAR && secret.envVar !== '' ? [secret.envVar] : [];
    });
    const names = variables.map((one) => ('name' in one ? one.name : ''));
    // Others of the pod may come by reference.
    const env = (specOf(pod)['containers']?.[0]?.['env'] ?? []) as readonly { name: string }[];
    const seen = [...names, ...env.map(({ name }) => name)];
    expect(seen).toEqual(expect.arrayContaining(wanted));
    expect(names.some((name) => name.startsWith('_UNION_'))).toBe(true);
    for (const container of specOf(pod)['containers'] ?? []) {
      expect(container['command']).toEqual(expect.arrayContaining(['/bellhop-start/bellhop']));
    }
  });
});

describe('by one container that fetches: the same files and variables', () => {
  const pulled = all.filter(({ injectedBy = [], expected, id }) => {
    const isOurs = injectedBy.length > 0 && injectedBy.every((by) => PULLED.has(by));
    return isOurs && expected.allowed && !id.includes('shell-chars');
  });
  test('there are some of each', () => {
    const by = new Set(pulled.flatMap(({ injectedBy = [] }) => injectedBy));
    expect(by).toEqual(PULLED);
  });
  test.each(named(pulled))('%s', async (_, vector) => {
    const { decision, pod } = await runVector(vector, NATIVE);
    if (decision.kind === 'denied') {
      // Of two secrets that are one file, Flyte's pod shows one.
      expect(decision.message).toContain('is the same file');
      return;
    }
    const flyte = vector.better?.pod ?? vector.expected.pod ?? {};
    expect(filesOfPlan(pod)).toEqual(filesOfFlyte(flyte));
    expect(variables(pod)).toEqual(variables(flyte));
    const initial = specOf(pod)['initContainers'] ?? [];
    expect(initial.filter(({ name }) => name === 'bellhop-pull')).toHaveLength(1);
    expect(initial[0]?.['name']).toBe('bellhop-pull');
    const own = (specOf(vector.pod)['initContainers'] ?? []).map(({ name }) => name);
    expect(initial.slice(1).map(({ name }) => name)).toEqual(own);
  });
});

function specOf(pod: Json): Readonly<Record<string, readonly Json[] | undefined>> {
  return pod['spec'] as Readonly<Record<string, readonly Json[] | undefined>>;
}

function annotationsOf(pod: Json): Readonly<Record<string, string>> {
  return ((pod['metadata'] as Json)['annotations'] ?? {}) as Readonly<Record<string, string>>;
}

function filesOfPlan(pod: Json): readonly string[] {
  const plan = readPlan(annotationsOf(pod)['bellhop/plan'] ?? '', 'the annotation');
  const files = plan.placements as readonly FilePlacement[];
  for (const { medium, mode } of files) expect([medium, mode]).toEqual(['memory', 0o444]);
  return files.map(({ path }) => path).toSorted();
}

/** Where Flyte's containers, or Vault's, would have written. */
function filesOfFlyte(pod: Json): readonly string[] {
  const ofVault = Object.entries(annotationsOf(pod))
    .filter(([name]) => name.includes('/agent-inject-file-'))
    .map(([, file]) => `/etc/flyte/secrets/${file}`);
  const written = (specOf(pod)['initContainers'] ?? []).flatMap((container) => {
    const { command = [], env = [] } = container as {
      command?: readonly string[];
      env?: readonly { name: string; value?: string }[];
    };
    const [, , script = ''] = command;
    const ofGoogle = [...script.matchAll(/--out-file=([^\s;]+)/g)].map(([, file = '']) => file);
    const ofAzure = [...script.matchAll(/-o tsv > (\S+)/g)].map(([, file = '']) => file);
    const ofAws = env
      .filter(({ name }) => name === 'SECRET_FILENAME')
      .map(({ value = '' }) => `/etc/flyte/secrets${value}`);
    return [...ofGoogle, ...ofAzure, ...ofAws];
  });
  return [...new Set([...ofVault, ...written])].toSorted();
}

/** Of the pod's own containers. */
function variables(pod: Json): unknown {
  return (specOf(pod)['containers'] ?? []).map(({ name, env }) => comparable({ name, env }));
}

describe('the container that fetches', () => {
  const [vector] = all.filter(({ id }) => id === 'aws/FILE-noenv');
  const run = async (spec: Json, more: Json = {}) => {
    const given = vector ?? expect.unreachable();
    const pod = { ...given.pod, spec: { containers: [{ name: 'main', image: 'i' }], ...spec } };
    const ran = await runVector({ ...given, pod }, { ...NATIVE, ...more });
    const [pulling] = (specOf(ran.pod)['initContainers'] ?? []).filter(
      ({ name }) => name === 'bellhop-pull',
    );
    return { ...ran, pulling: pulling ?? {} };
  };

  test('passes Pod Security `restricted`, and asks for little', async () => {
    const { pulling } = await run({});
    expect(pulling['securityContext']).toMatchObject({
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pulling['resources']).toMatchObject({ requests: { cpu: '10m', memory: '64Mi' } });
  });

  test('is who the pod is: what other webhooks gave its containers, it has too', async () => {
    const token = { name: 'aws-iam-token', mountPath: '/var/run/secrets/eks.amazonaws.com/token' };
    const env = [
      { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::111122223333:role/x' },
      { name: 'OTHER', value: 'x' },
    ];
    const main = { name: 'main', image: 'i', env, volumeMounts: [token] };
    const { pulling } = await run({ containers: [main] });
    expect(pulling['env']).toEqual([env[0]]);
    expect(pulling['volumeMounts']).toContainEqual(token);
  });

  test('stands first, but behind the native sidecars that it is told', async () => {
    const mesh = { name: 'istio-proxy', image: 'p', restartPolicy: 'Always' };
    const other = { name: 'init', image: 'i' };
    const names = async (more: Json): Promise<unknown> => {
      const { pod } = await run({ initContainers: [mesh, other] }, more);
      return specOf(pod)['initContainers']?.map(({ name }) => name);
    };
    expect(await names({})).toEqual(['bellhop-pull', 'istio-proxy', 'init']);
    const pull = { ...NATIVE.pull, after: ['istio-proxy', 'init'] };
    expect(await names({ pull })).toEqual(['istio-proxy', 'bellhop-pull', 'init']);
  });

  test.each([
    ['no image', { more: { pull: {} } }, 'set `webhook.pull.image`'],
    [
      'a container of that name',
      { spec: { containers: [{ name: 'bellhop-pull', image: 'x' }] } },
      'has a container bellhop-pull of its own',
    ],
    [
      'a volume that hides what is fetched',
      {
        spec: {
          containers: [
            {
              name: 'main',
              image: 'i',
              volumeMounts: [
                {
                  name: 'v',
                  mountPath:
                    '/etc/flyte/secrets/arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/',
                },
              ],
            },
          ],
        },
      },
      'which hides /etc/flyte/secrets/arn',
    ],
    [
      'a volume of that name',
      { spec: { volumes: [{ name: 'bellhop-plan', emptyDir: {} }] } },
      'has a volume bellhop-plan of its own',
    ],
  ] as readonly (readonly [string, { spec?: Json; more?: Json }, string])[])(
    '%s: the pod is denied and told',
    async (_, { spec = {}, more = {} }, words) => {
      const { decision } = await run(spec, more);
      expect(decision.kind === 'denied' ? decision.message : decision.kind).toContain(words);
    },
  );

  test('a plan that does not fit into annotations is denied', async () => {
    const given = vector ?? expect.unreachable();
    const metadata = given.pod['metadata'] as Json;
    const annotations = { ...annotationsOf(given.pod), big: 'x'.repeat(262_000) };
    const pod = { ...given.pod, metadata: { ...metadata, annotations } };
    const { decision } = await runVector({ ...given, pod }, NATIVE);
    expect(decision.kind === 'denied' ? decision.message : '').toContain('at most 262144');
  });

  test('has what lies below the folder of secrets, so that there is a place for it', async () => {
    const volumeMounts = [{ name: 'own', mountPath: '/etc/flyte/secrets/own' }];
    const main = { name: 'main', image: 'i', volumeMounts };
    const other = { name: 'other', image: 'i', volumeMounts };
    const { pulling } = await run({ containers: [main, other] });
    const mounts = pulling['volumeMounts'] as readonly Json[];
    expect(mounts.filter(({ name }) => name === 'own')).toEqual([
      { name: 'own', mountPath: '/etc/flyte/secrets/own', readOnly: true },
    ]);
  });

  test('pull secrets for its image are added to the pod', async () => {
    const pull = { ...NATIVE.pull, imagePullSecrets: ['registry'] };
    const { pod } = await run({ imagePullSecrets: [{ name: 'own' }] }, { pull });
    expect(specOf(pod)['imagePullSecrets']).toEqual([{ name: 'own' }, { name: 'registry' }]);
  });
});
