import { describe, expect, test } from 'bun:test';
import { readSettings } from '../../src/plan/settings.ts';
import { policyOf, referenceOf, storesOf } from '../../src/plan/settings-use.ts';
import { documents } from '../support/manifest.ts';

function read(text: string): {
  settings: ReturnType<typeof readSettings>['settings'];
  problems: string[];
} {
  const [document] = documents(text, 'b.yaml');
  if (document === undefined) throw new Error('no document');
  const { settings, problems } = readSettings(document.value, document.source);
  expect(problems.every((one) => one.code === 'BH_ERR_SETTINGS')).toBe(true);
  return { settings, problems: problems.map((one) => one.message) };
}

const HEAD = 'apiVersion: bellhop/v1\n';
const REFERENCE = 'must be a reference (store:path#key@version) or an object';

describe('bellhop.yaml is judged', () => {
  test.each<[string, ...string[]]>([
    ['stors: {}', 'b.yaml:2:8, stors: unknown field stors: is stores meant?'],
    [
      'x: {}',
      'b.yaml:2:4, x: unknown field x; there are apiVersion, stores, secrets, configMaps, env, files, tokens, flyte, volumes, fields, node, image, metrics, policy, submit, webhook, flyteSecrets',
    ],
    ['stores: {v: {}}', 'b.yaml:2:13, stores.v.kind: kind is required'],
    ['stores: {v: {kind: ""}}', 'b.yaml:2:20, stores.v.kind: must not be empty'],
    ['stores: {v: vault}', 'b.yaml:2:13, stores.v: must be an object, is a string'],
    ['stores: [v]', 'b.yaml:2:9, stores: must be an object, is a list'],
    ['secrets: {a: 5}', `b.yaml:2:14, secrets.a: ${REFERENCE}, is a number`],
    ['secrets: {a: null}', `b.yaml:2:14, secrets.a: ${REFERENCE}, is null`],
    [
      'secrets: {a: nocolon}',
      'b.yaml:2:14, secrets.a: a reference is written store:path#key@version',
    ],
    ['secrets: {a: [x]}', 'b.yaml:2:14, secrets.a: must be an object, is a list'],
    ['secrets: {a: {k: 5}}', `b.yaml:2:18, secrets.a.k: ${REFERENCE}, is a number`],
    [
      'secrets: {a: {k: {from: "v:x", optonal: true}}}',
      'b.yaml:2:41, secrets.a.k.optonal: unknown field optonal: is optional meant?',
    ],
    [
      'secrets: {a: {k: {from: nocolon}}}',
      'b.yaml:2:25, secrets.a.k.from: a reference is written store:path#key@version',
    ],
    [
      'secrets: {a: {k: {from: {store: v}}}}',
      'b.yaml:2:25, secrets.a.k.from.path: path is required',
    ],
    [
      'secrets: {a: {store: v, path: 5}}',
      'b.yaml:2:31, secrets.a.path: must be a string, is a number',
    ],
    [
      'secrets: {a: {store: v, path: x, extra: 1}}',
      'b.yaml:2:41, secrets.a.extra: unknown field extra; there are store, path, key, version',
    ],
    [
      'secrets: {constructor: nocolon}',
      'b.yaml:2:24, secrets.constructor: a reference is written store:path#key@version',
    ],
    ['secrets: {__proto__: 5}', `b.yaml:2:22, secrets.__proto__: ${REFERENCE}, is a number`],
    ['configMaps: []', 'b.yaml:2:13, configMaps: must be an object, is a list'],
    ['env: {A: 5}', `b.yaml:2:10, env.A: ${REFERENCE}, is a number`],
    ['env: {A: {x: 1}}', 'b.yaml:2:10, env.A: must have `from`, or `store` and `path`'],
    ['env: {A: {store: v}}', 'b.yaml:2:10, env.A.path: path is required'],
    [
      'env: {A: {from: "v:x", default: 5}}',
      'b.yaml:2:33, env.A.default: must be a string, is a number',
    ],
    [
      'env: {A: {from: "v:x", optional: "yes"}}',
      'b.yaml:2:34, env.A.optional: must be true or false, is a string',
    ],
    ['env: {from: v:x}', 'b.yaml:2:13, env.from: must be a list, is a string'],
    ['env: {from: [v:x, 5]}', `b.yaml:2:19, env.from[1]: ${REFERENCE}, is a number`],
    ['files: {/x: v:x}', 'b.yaml:2:13, files./x: must be an object, is a string'],
    ['files: {/x: {mode: 256}}', 'b.yaml:2:13, files./x.from: from is required'],
    [
      'files: {/x: {from: v:x, mode: 0999}}',
      'b.yaml:2:31, files./x.mode: must be a mode between 0 and 0777 (octal)',
    ],
    [
      'files: {/x: {from: v:x, mode: -1}}',
      'b.yaml:2:31, files./x.mode: must be a mode between 0 and 0777 (octal)',
    ],
    ['policy: {startMsMax: 0}', 'b.yaml:2:22, policy.startMsMax: must be 1 or more'],
    ['files: {/x: {from: v:x, mode: 1.5}}', 'b.yaml:2:31, files./x.mode: must be a whole number'],
    [
      'files: {/x: {from: v:x, mode: "0400"}}',
      'b.yaml:2:31, files./x.mode: must be a number, is a string',
    ],
    ['tokens: {"*": 5}', `b.yaml:2:15, tokens.*: ${REFERENCE}, is a number`],
    ['volumes: {a: gone}', 'b.yaml:2:14, volumes.a: must be present'],
    [
      'fields: {status.podIP: 5}',
      'b.yaml:2:24, fields.status.podIP: must be a string, is a number',
    ],
    ['node: {cpu: true}', 'b.yaml:2:13, node.cpu: must be a string or a number, is a boolean'],
    ['image: {entrypoint: sh}', 'b.yaml:2:21, image.entrypoint: must be a list, is a string'],
    ['image: {cmd: [1]}', 'b.yaml:2:15, image.cmd[0]: must be a string, is a number'],
    [
      'image: {workdir: /x}',
      'b.yaml:2:18, image.workdir: unknown field workdir; there are entrypoint, cmd, user, workingDir',
    ],
    ['policy: {disk: perhaps}', 'b.yaml:2:16, policy.disk: must be refuse or allow'],
    ['policy: {disk: true}', 'b.yaml:2:16, policy.disk: must be refuse or allow, is a boolean'],
    ['policy: {stripEnv: X}', 'b.yaml:2:20, policy.stripEnv: must be a list, is a string'],
    [
      'metrics: {statsd: gateway}',
      'b.yaml:2:19, metrics.statsd: needs a port, as in gateway.internal:8125',
    ],
    [
      'metrics: {otlp: "http://me:pass@collector:4318"}',
      'b.yaml:2:17, metrics.otlp: must be http://HOST:PORT or https://…, without user, password or query',
    ],
    [
      'metrics: {relay: {forward: [{listen: "udp://localhost:1"}]}}',
      'b.yaml:2:29, metrics.relay.forward[0].to: to is required',
    ],
    [
      'metrics: {relay: {forward: [{listen: "udp://localhost:1", too: x}]}}',
      'b.yaml:2:29, metrics.relay.forward[0].to: to is required',
      'b.yaml:2:64, metrics.relay.forward[0].too: unknown field too: is to meant?',
    ],
    ['submit: {expireDays: 0}', 'b.yaml:2:22, submit.expireDays: must be 1 or more'],
    ['submit: {expireDays: 4000}', 'b.yaml:2:22, submit.expireDays: must be 3650 or less'],
    [
      'submit: {hyperparameters: {values: {}, path: x}}',
      'b.yaml:2:46, submit.hyperparameters.path: must start with /',
    ],
    ['policy: x', 'b.yaml:2:9, policy: must be an object, is a string'],
  ])('%s', (text, ...wanted) => {
    expect(read(HEAD + text).problems).toEqual(wanted);
  });

  test.each([
    ['x', 'b.yaml:1:1: must be an object, is a string'],
    ['[]', 'b.yaml:1:1: must be an object, is a list'],
    ['{}', 'b.yaml:1:1, apiVersion: apiVersion is required: bellhop/v1'],
    ['apiVersion: bellhop/v2', 'b.yaml:1:13, apiVersion: must be bellhop/v1'],
    ['apiVersion: 1', 'b.yaml:1:13, apiVersion: must be bellhop/v1, is a number'],
  ])('%j: %s', (text, wanted) => {
    expect(read(text).problems).toEqual([wanted]);
  });

  test('every problem at once, in the order of the file', () => {
    const text = `apiVersion: bellhop/v2
unknown: 1
secrets:
  a: 5
  b: {k: {from: "v:x", typo: 1, optional: 3}}
policy:
  disk: maybe
  nonUtf8Env: 1
`;
    expect(read(text).problems.map((one) => one.split(',')[0] ?? '')).toEqual([
      'b.yaml:1:13',
      'b.yaml:2:10',
      'b.yaml:4:6',
      'b.yaml:5:30',
      'b.yaml:5:43',
      'b.yaml:7:9',
      'b.yaml:8:15',
    ]);
  });

  test('a value is never in a message: it may be a secret by mistake', () => {
    const canary = 'canary-7f3a';
    const text = `${HEAD}secrets: {a: ${canary}, b: {k: [${canary}]}}\nenv: {A: {from: ${canary}, default: [${canary}]}}\npolicy: {disk: ${canary}, stripEnv: ${canary}}\nvolumes: {v: ${canary}}\n`;
    const { problems } = read(text);
    expect(problems.length).toBeGreaterThanOrEqual(6);
    expect(problems.join('\n')).not.toContain(canary);
  });
});

describe('bellhop.yaml is read', () => {
  test('everything that there is', () => {
    const { settings, problems } = read(`${HEAD}
stores: {v: {kind: vault, address: "https://x", nested: {a: [1]}}}
secrets: {db: "v:db", "*": {store: v, path: "{name}"}, keys: {k: "v:x#y", o: {from: "v:z", optional: true, default: ""}}}
configMaps: {c: "v:c"}
env: {from: ["v:all"], A: "v:a", B: {store: v, path: b, key: k, version: "3"}}
files: {/x: {from: "v:x", mode: 0400}}
tokens: {"*": "v:t"}
volumes: {data: present}
fields: {status.podIP: 10.0.0.1}
node: {cpu: 4, memory: 8Gi}
image: {entrypoint: [/bin/sh], cmd: [], user: "1000", workingDir: /app}
policy: {overImage: merge, stripEnv: [AWS_SECRET_ACCESS_KEY]}
`);
    expect(problems).toEqual([]);
    expect(settings.files?.['/x']?.mode).toBe(0o400);
    expect(settings.node).toEqual({ cpu: 4, memory: '8Gi' });
    expect(storesOf(settings)['v']).toMatchObject({ kind: 'vault', nested: { a: [1] } });
    expect(policyOf(settings, undefined)).toEqual({
      overImage: 'merge',
      disk: 'refuse',
      nonUtf8Env: 'replace',
      initContainers: 'refuse',
      identity: 'become',
      stripEnv: ['AWS_SECRET_ACCESS_KEY'],
    });
  });

  test('names that the schema library would drop are kept', () => {
    const { settings, problems } = read(
      `${HEAD}stores: {constructor: {kind: x, __proto__: 1}}\nsecrets: {constructor: "constructor:a", prototype: {__proto__: "constructor:b"}}\nenv: {constructor: "constructor:c"}`,
    );
    expect(problems).toEqual([]);
    expect(Object.keys(settings.secrets ?? {})).toEqual(['constructor', 'prototype']);
    expect(Object.keys(settings.secrets?.['prototype'] ?? {})).toEqual(['__proto__']);
    expect(Object.keys(settings.env ?? {})).toEqual(['constructor']);
    expect(Object.keys(settings.stores?.['constructor'] ?? {})).toEqual(['kind', '__proto__']);
  });

  test('the object form of a reference needs no escapes', () => {
    expect(referenceOf({ store: 'v', path: 'a#b@c', key: '%23' }, () => true)).toEqual({
      store: 'v',
      path: 'a#b@c',
      key: '%23',
    });
  });
});
