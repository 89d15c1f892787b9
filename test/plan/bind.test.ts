import { describe, expect, test } from 'bun:test';
import type { Placement } from '../../src/plan/types.ts';
import { planText } from '../support/manifest.ts';

const SECRET = '\n---\n{kind: Secret, metadata: {name: db}, stringData: {k: v}}';
const STORES = 'apiVersion: bellhop/v1\nstores: {v: {kind: vault}}\n';
const USE = '{name: A, valueFrom: {secretKeyRef: {name: db, key: k}}}';

function pod(env: string, metadata = 'name: p'): string {
  return `{kind: Pod, metadata: {${metadata}}, spec: {containers: [{name: c, env: [${env}]}]}}`;
}

/** What variable A is bound to, as text. */
function boundTo(text: string, settings?: string): string {
  const { plan, problems, warnings } = planText(text, settings === undefined ? {} : { settings });
  if (problems.length > 0) return problems.map((one) => `${one.code}: ${one.message}`).join('\n');
  const found = plan.placements.find(
    (one): one is Extract<Placement, { kind: 'variable' }> =>
      one.kind === 'variable' && one.name === 'A',
  );
  if (found?.source.kind !== 'value') return found?.source.kind ?? 'nothing';
  const { reference, member } = found.source.bound;
  const key = [reference.key, member].filter((one) => one !== undefined).join(' then ');
  const warned = warnings.length === 0 ? '' : ` (${warnings.join('; ')})`;
  return `${reference.store} ${reference.path} ${key}${warned}`;
}

describe('which source holds an object', () => {
  test.each<[string, string, string, string]>([
    ['an object of the input', pod(USE) + SECRET, '', 'embedded secret/default/db k'],
    ['an exact binding', pod(USE), 'secrets: {db: "v:x"}', 'v x k'],
    ['an exact binding with a key', pod(USE), 'secrets: {db: "v:x#a"}', 'v x a then k'],
    [
      'an exact binding over the input, with a warning',
      pod(USE) + SECRET,
      'secrets: {db: "v:x"}',
      'v x k (secret db is in the input and bound in bellhop.yaml; the binding wins)',
    ],
    [
      'the input over *',
      pod(USE) + SECRET,
      'secrets: {"*": "v:x/{name}"}',
      'embedded secret/default/db k',
    ],
    [
      '* for what is nowhere else',
      pod(USE),
      'secrets: {"*": "v:{namespace}/{name}/{pod}/{container}"}',
      'v default/db/p/c k',
    ],
    ['a key by itself', pod(USE), 'secrets: {db: {k: "v:x#deep"}}', 'v x deep'],
    [
      'the object form',
      pod(USE),
      'secrets: {db: {store: v, path: "a#b@c", key: d}}',
      'v a#b@c d then k',
    ],
    [
      'keys that are called store and path',
      pod('{name: A, valueFrom: {secretKeyRef: {name: db, key: path}}}'),
      'secrets: {db: {store: "v:x", path: "v:y"}}',
      'v y ',
    ],
    [
      'a Secret called constructor',
      pod(USE.replace('db', 'constructor')),
      'secrets: {constructor: "v:x"}',
      'v x k',
    ],
    [
      'a key called __proto__',
      pod(USE.replace('key: k', 'key: __proto__')),
      'secrets: {db: {__proto__: "v:x"}}',
      'v x ',
    ],
    [
      'the last of two objects with one name',
      pod(USE) + SECRET + SECRET,
      '',
      'embedded secret/default/db k',
    ],
  ])('%s', (...[_name, text, settings, wanted]) => {
    expect(boundTo(text, STORES + settings)).toBe(wanted);
  });

  test.each<[string, string, string, string]>([
    [
      'nowhere',
      pod(USE),
      '',
      'BH_ERR_UNBOUND: secret db, key k, spec.containers[0].env[0]: neither in the input nor bound to a store',
    ],
    [
      'a ConfigMap of the name',
      pod(USE) + SECRET.replace('kind: Secret', 'kind: ConfigMap').replace('stringData', 'data'),
      '',
      'BH_ERR_UNBOUND: secret db, key k, spec.containers[0].env[0]: neither in the input nor bound to a store',
    ],
    [
      'another namespace',
      pod(USE, 'name: p, namespace: team') +
        SECRET.replace('name: db', 'name: db, namespace: other'),
      '',
      'BH_ERR_UNBOUND: secret db, key k, spec.containers[0].env[0]: neither in the input nor bound to a store',
    ],
    [
      'bound for other keys',
      pod(USE),
      'secrets: {db: {a: "v:x", b: "v:y"}}',
      'BH_ERR_UNBOUND: secret db, key k, spec.containers[0].env[0]: bellhop.yaml binds other keys only (a, b)',
    ],
    [
      'bound as a configMap',
      pod(USE),
      'configMaps: {"*": "v:x"}',
      'BH_ERR_UNBOUND: secret db, key k, spec.containers[0].env[0]: neither in the input nor bound to a store',
    ],
    [
      'a Secret called toString',
      pod(USE.replace('db', 'to-string')),
      'secrets: {}',
      'BH_ERR_UNBOUND: secret to-string, key k, spec.containers[0].env[0]: neither in the input nor bound to a store',
    ],
    [
      'an unknown store',
      pod(USE),
      'secrets: {db: "w:x"}',
      'BH_ERR_SETTINGS: bellhop.yaml, secret db: names a store that bellhop.yaml does not declare (stores: v)',
    ],
    [
      'an unknown template',
      pod(USE),
      'secrets: {db: "v:{nope}"}',
      'BH_ERR_SETTINGS: bellhop.yaml, secret db: {nope} is not one of {namespace} {name} {pod} {container} {job}',
    ],
    [
      'a store called toString',
      pod(USE),
      'secrets: {db: {store: toString, path: x}}',
      'BH_ERR_SETTINGS: bellhop.yaml, secret db: names a store that bellhop.yaml does not declare (stores: v)',
    ],
  ])('%s', (...[_name, text, settings, wanted]) => {
    expect(boundTo(text, STORES + settings)).toContain(wanted);
  });

  test.each<[string, string, string]>([
    ['no namespace anywhere is default', pod(USE) + SECRET, 'secret/default/db'],
    [
      "an object without a namespace is in the pod's",
      pod(USE, 'name: p, namespace: team') + SECRET,
      'secret/team/db',
    ],
    [
      'the namespace of the object fits',
      pod(USE, 'name: p, namespace: team') +
        SECRET.replace('name: db', 'name: db, namespace: team'),
      'secret/team/db',
    ],
    [
      "of two namespaces the pod's",
      pod(USE, 'name: p, namespace: team') +
        SECRET.replace('name: db', 'name: db, namespace: team') +
        SECRET.replace('name: db', 'name: db, namespace: other'),
      'secret/team/db',
    ],
  ])('%s', (_name, text, path) => {
    expect(boundTo(text)).toBe(`embedded ${path} k`);
  });

  test('a warning comes once, however often the object is used', () => {
    const twice = pod(`${USE}, ${USE.replace('name: A', 'name: B')}`) + SECRET;
    expect(planText(twice, { settings: `${STORES}secrets: {db: "v:x"}` }).warnings.length).toBe(1);
  });
});

test('only the stores that a placement uses are in the plan', () => {
  const settings = `${STORES.replace('}}', '}, unused: {kind: vault}}')}secrets: {db: "v:x"}`;
  expect(planText(pod(USE), { settings }).plan.stores).toEqual({ v: { kind: 'vault' } });
  expect(planText(pod(USE) + SECRET).plan.stores).toEqual({ embedded: { kind: 'embedded' } });
});

test.each(['toString', 'constructor', '__proto__'])(
  'a token for the audience %s is not there by accident',
  (audience) => {
    const text = `{kind: Pod, metadata: {name: p}, spec: {volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t, audience: ${audience}}}]}}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /t}]}]}}`;
    const codes = (settings: string): string[] =>
      planText(text, { settings: STORES + settings }).problems.map((one) => one.code);
    expect(codes('tokens: {other: "v:x"}')).toEqual(['BH_ERR_POD_UNSUPPORTED']);
    expect(codes(`tokens: {${audience}: "v:x"}`)).toEqual([]);
    expect(codes('tokens: {"*": "v:x"}')).toEqual([]);
  },
);
