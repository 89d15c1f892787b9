import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bellhop, call, folder } from './_call.ts';

describe('settings without a pod', () => {
  const settings = path.join(folder, 'bellhop.yaml');
  writeFileSync(
    settings,
    'apiVersion: bellhop/v1\nstores: { own: { kind: env } }\nenv: { COPY: own:KEEP }\n',
  );
  test('run -c places what bellhop.yaml says', () => {
    const { code, out, err } = call(['run', '-c', settings, '--', 'env'], { KEEP: 'x y' });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('COPY=x y\n');
  });
  test('what a store does not have is told with the place that wants it', () => {
    const { code, err } = call(['run', '-c', settings, '--', 'env']);
    expect(code).toBe(69);
    expect(err).toContain(
      'bellhop.yaml env.COPY, variable COPY, own:KEEP: there is no such variable',
    );
  });
  test.each([
    ['stores: { own: { kind: nosuch } }', 'bad.yaml:2:24, stores.own.kind: its kind is none of'],
    ['secrets: { x: "own:y" }', 'bad.yaml:2:15, secrets.x: names a store that is not declared'],
    ['stores: { own: { kind: env, token: canary-9 } }', 'env has no option token (options: none)'],
    ['stores: { embedded: { kind: env } }', 'this name is taken'],
  ])('%s is refused before anything is fetched', (line, what) => {
    const bad = path.join(folder, 'bad.yaml');
    writeFileSync(bad, `apiVersion: bellhop/v1\n${line}\n`);
    const { code, err } = call(['plan', '-f', 'pod.yaml', '-c', bad]);
    expect(code).toBe(78);
    expect(err).toContain(what);
    expect(err).not.toContain('canary-9');
  });
  test('flags that a plan makes meaningless are refused', () => {
    const document = path.join(folder, 'flags.json');
    writeFileSync(document, call(['plan', '-f', 'pod.yaml']).out);
    const { code, err } = call(['run', '--plan', document, '-c', settings, '--container', 'main']);
    expect(code).toBe(64);
    expect(err).toContain('--config, --container: has no meaning with a plan');
  });
});

describe('what tired engineers meet', () => {
  const write = (text: string): string => {
    const file = path.join(folder, 'met.yaml');
    writeFileSync(file, text);
    return file;
  };
  test('a volumeClaimTemplate is a volume that bellhop.yaml can call present', () => {
    const set = write(`apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  volumeClaimTemplates: [{ metadata: { name: data } }]
  template:
    spec:
      containers: [{ name: m, image: i, volumeMounts: [{ name: data, mountPath: /tmp }] }]
`);
    const { code, err } = call(['run', '-f', set, '--', 'true']);
    expect(code).toBe(65);
    expect(err).toContain('BH_ERR_POD_UNSUPPORTED');
    expect(err).toContain('volumes: { data: present }');
    const settings = path.join(folder, 'present.yaml');
    writeFileSync(settings, 'apiVersion: bellhop/v1\nvolumes: { data: present }\n');
    expect(call(['run', '-f', set, '-c', settings, '--', 'true'])).toEqual({
      code: 0,
      out: '',
      err: '',
    });
  });
  test('a few lines that expand without end are refused as too big', () => {
    const doubled = Array.from({ length: 60 }, (_, i) => {
      const value = i === 0 ? 'xxxxxxxxxx' : `$(V${i - 1})$(V${i - 1})`;
      return `{ name: V${i}, value: "${value}" }`;
    });
    const bomb = write(
      `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: m, image: i, env: [${doubled.join(', ')}]}]}}`,
    );
    const { code, err } = call(['run', '-f', bomb, '--', 'true']);
    expect(code).toBe(126);
    expect(err).toContain('code: BH_ERR_EXEC_TOO_BIG');
  });
  test('a Secret of another namespace is named, with the place that wants it', () => {
    const pod = write(`apiVersion: v1
kind: Pod
metadata: { name: p, namespace: prod }
spec:
  containers:
  - name: m
    image: i
    envFrom: [{ secretRef: { name: s } }]
---
{ apiVersion: v1, kind: Secret, metadata: { name: s, namespace: test } }
`);
    const { code, err } = call(['run', '-f', pod, '--', 'true']);
    expect(code).toBe(65);
    expect(err).toContain(
      'met.yaml:8:15, secret s, spec.containers[0].envFrom[0]: neither in the input',
    );
    expect(err).toContain('(namespace prod; the input has one in test)');
  });
  test.each([
    ['the plan itself', JSON.stringify({ apiVersion: 'bellhop/plan/v1', rest: 'shown-no-more' })],
    ['what is longer than a path', `${'shown-a-little'.repeat(300)}shown-no-more`],
  ])('BELLHOP_PLAN that holds %s is not printed as a whole', (_, text) => {
    const { code, err } = call(['run', '--', 'true'], { BELLHOP_PLAN: text });
    expect(code).toBe(65);
    expect(err).toStartWith('bellhop: BELLHOP_PLAN: must be the path of a plan, and begins with ');
    expect([err.includes('shown-no-more'), err.length < 250]).toEqual([false, true]);
  });
  test('an empty BELLHOP_PLAN is none', () => {
    expect(call(['run', '--', 'true'], { BELLHOP_PLAN: '', BELLHOP_REQUIRE: '' }).code).toBe(0);
  });
});

describe('output that cannot be written', () => {
  test('a full device is BH_ERR_OUTPUT', () => {
    const done = Bun.spawnSync(['sh', '-c', '"$0" plan -f pod.yaml > /dev/full', bellhop], {
      cwd: folder,
      stderr: 'pipe',
      timeout: 20_000,
    });
    expect(done.exitCode).toBe(74);
    expect(done.stderr.toString()).toContain('standard output: cannot be written (ENOSPC)');
    expect(done.stderr.toString()).toContain('code: BH_ERR_OUTPUT (exit 74)');
  });
  test('a reader that has ended is not worth a word', () => {
    const done = Bun.spawnSync(['sh', '-c', '"$0" help run | true', bellhop], {
      cwd: folder,
      stderr: 'pipe',
      timeout: 20_000,
    });
    expect(done.stderr.toString()).toBe('');
  });
});
