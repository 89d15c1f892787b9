// What other webhooks do to a pod between two calls (reinvocationPolicy: IfNeeded), and what a pod
// may cost.
import { describe, expect, test } from 'bun:test';
import { MAIN, PULL, handled, podOf, sourceAt, start } from './_variables.ts';
import type { Json } from './_vectors.ts';

const FILES = { mountRequirement: 2 };

function changed(pod: Json, change: (spec: Record<string, Json[]>) => void): Json {
  const copy = structuredClone(pod) as { spec: Record<string, Json[]> };
  change(copy.spec);
  return copy as unknown as Json;
}

describe('between two calls', () => {
  test('a container that was put in front starts before the launcher is there: it is left', async () => {
    const once = await handled(podOf({ containers: [MAIN] }));
    const mesh = { name: 'mesh', image: 'p', command: ['proxy'], restartPolicy: 'Always' };
    const pod = changed(once.pod, (spec) => spec['initContainers']?.unshift(mesh));
    const again = await handled(pod);
    const [first, second] = again.spec['initContainers'] ?? [];
    expect([first?.['command'], second?.['name']]).toEqual([['proxy'], 'bellhop-pull']);
    expect(sourceAt(again, '/bellhop-start/mesh.start')).toBeUndefined();
  });

  test('an image that was rewritten is ours all the same', async () => {
    const once = await handled(podOf({ containers: [MAIN] }));
    const pod = changed(once.pod, (spec) => {
      spec['initContainers'] = (spec['initContainers'] ?? []).map((one) => {
        return { ...one, image: `mirror.example/${String(one['image'])}` };
      });
    });
    const again = await handled(pod);
    expect(again.pod).toEqual(pod);
  });

  test('what is asked for since then is fetched by the same container', async () => {
    const once = await handled(podOf({ containers: [MAIN] }, [FILES]));
    const { annotations } = podOf({}, [FILES, { key: 'late' }])['metadata'] as Json;
    const metadata = once.pod['metadata'] as Json;
    const all = { ...(metadata['annotations'] as object), ...(annotations as object) };
    const again = await handled({ ...once.pod, metadata: { ...metadata, annotations: all } });
    const [pulling] = again.spec['initContainers'] ?? [];
    expect(again.spec['initContainers']).toHaveLength(1);
    expect(pulling?.['volumeMounts']).toContainEqual({
      name: 'bellhop-start',
      mountPath: '/bellhop-start',
    });
    expect(again.spec['containers']?.[0]?.['command']).toEqual([...start('main'), 'run']);
  });

  test('a command that was wrapped stays wrapped, with one launcher', async () => {
    const once = await handled(podOf({ containers: [MAIN] }));
    const pod = changed(once.pod, (spec) => {
      const [main = {}] = spec['containers'] ?? [];
      spec['containers'] = [{ ...main, command: ['nice', ...(main['command'] as string[])] }];
    });
    const again = await handled(pod);
    expect(again.spec['containers']?.[0]?.['command']).toEqual(['nice', ...start('main'), 'run']);
  });
});

test('what proves who the pod is, and is fetched itself, is not given to the one that fetches', async () => {
  const pull = { ...PULL, variables: 'fileKeyRef' };
  const ran = await handled(podOf({ containers: [MAIN] }, [{ envVar: 'VAULT_TOKEN' }]), { pull });
  expect(ran.spec['initContainers']?.[0]?.['env']).toBeUndefined();
});

describe('a pod is denied', () => {
  const doubling = Array.from({ length: 40 }, (_, n) => {
    const before = n === 0 ? '$(T)' : `$(V${n - 1})`;
    return { name: `V${n}`, value: before + before };
  });
  const twice = [
    { name: 'B', value: '1' },
    { name: 'A', value: '$(T)-$(B)' },
    { name: 'B', value: '2' },
  ];
  const late = [
    { name: 'A', value: '$(T)-$(B)' },
    { name: 'B', value: '2' },
  ];
  const below = '/etc/flyte/secrets/zz';
  const mounted = { name: 'v', mountPath: below, subPathExpr: '$(N)' };
  const many = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `k${n}` }));
  const containers = (count: number) => {
    return Array.from({ length: count }, (_, n) => ({ ...MAIN, name: `c${n}` }));
  };
  test.each([
    ['whose variables double', { env: doubling }, 'has more than 10000 parts'],
    ['that sets a variable twice', { env: twice }, 'variable A refers to B, which is set again'],
    [
      'that sets one behind what others may have set',
      { env: late, envFrom: [{ configMapRef: { name: 'c' } }] },
      'variable A refers to B',
    ],
    ['with a path made of variables', { volumeMounts: [mounted] }, 'subPathExpr at'],
  ])('%s', async (_, more, words) => {
    const secrets = [{ envVar: 'T' }, FILES];
    const { said } = await handled(podOf({ containers: [{ ...MAIN, ...more }] }, secrets));
    expect(said[0]).toStartWith('none of the secret managers injected secret [');
    expect(said[0]).toContain(words);
  });

  test('whose containers all are left alone', async () => {
    const images = { i: { leave: true } };
    const { said } = await handled(podOf({ containers: [MAIN] }), { images });
    expect(said[0]).toContain('`webhook.images` leaves all of them alone');
  });

  test.each([
    [1001, 1, 'asks for 1001 secrets, at most 1000'],
    [300, 100, 'asks for 300 secrets in 100 containers'],
  ])('with %i secrets in %i containers', async (secrets, count, words) => {
    const { said } = await handled(podOf({ containers: containers(count) }, many(secrets)));
    expect(said[0]).toContain(words);
  });

  test('with more annotations than Kubernetes takes, before they are read', async () => {
    const long = { key: 'x'.repeat(100_000) };
    const { said } = await handled(podOf({ containers: [MAIN] }, [long, long]));
    expect(said[0]).toMatch(/annotations have \d+ bytes, Kubernetes takes at most 262144/);
  });
});

test('who asks for two secrets as one variable is told which it has', async () => {
  const secrets = [{ envVar: 'T' }, { key: 'other', envVar: 'T' }];
  const { said } = await handled(podOf({ containers: [MAIN] }, secrets));
  expect(said[0]).toContain('are both the variable T: it has the latter');
});
