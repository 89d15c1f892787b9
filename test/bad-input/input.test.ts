import { describe, expect, test } from 'bun:test';
import { container, mounted } from './_manifests.ts';
import { ROWS as INPUT } from './_rows-input.ts';
import { ROWS as MISSING } from './_rows-missing.ts';
import { ROWS as POD } from './_rows-pod.ts';
import type { Case } from './_run.ts';
import { CANARY, refused, start } from './_run.ts';

describe('bad input is refused: nothing starts, nothing is written, no value is told', () => {
  test.each([...INPUT, ...POD, ...MISSING])('%s', (...[_name, given, codes, sentence]) => {
    expect(refused(given, codes)).toContain(sentence);
  });
});

describe('odd input that Kubernetes takes', () => {
  const ran = (text: string, script: string, more: Omit<Case, 'files' | 'args'> = {}): string => {
    const result = start({
      files: { 'pod.yaml': text },
      args: ['-f', 'pod.yaml', '--', '/bin/sh', '-c', script],
      ...more,
    });
    expect(result.exit, result.stderr).toBe(0);
    expect(result.stderr).toBe('');
    return result.stdout;
  };

  test('10,000 variables', () => {
    const env = Array.from({ length: 10_000 }, (_, n) => `{name: BH_V${n}, value: x}`).join(', ');
    expect(ran(container(`env: [${env}]`), 'env | grep -c ^BH_V')).toBe('10000\n');
  });

  test('an optional Secret that is nowhere, as a variable, as all variables', () => {
    const text = container(
      'env: [{name: A, valueFrom: {secretKeyRef: {name: x, key: k, optional: true}}}], envFrom: [{secretRef: {name: z, optional: true}}]',
    );
    expect(ran(text, 'echo "${A-absent}"')).toBe('absent\n');
  });

  test('a Secret called constructor with the keys __proto__, constructor and toString', () => {
    const keys = ['__proto__', 'constructor', 'toString'];
    const text = `${container(`envFrom: [{prefix: P_, secretRef: {name: constructor}}], env: [${keys.map((key, n) => `{name: K${n}, valueFrom: {secretKeyRef: {name: constructor, key: ${key}}}}`).join(', ')}]`)}---\n{kind: Secret, metadata: {name: constructor}, stringData: {${keys.map((key, n) => `${key}: v${n}`).join(', ')}}}\n`;
    expect(ran(text, 'echo $K0 $K1 $K2 $P___proto__ $P_constructor $P_toString')).toBe(
      'v0 v1 v2 v0 v1 v2\n',
    );
  });

  test('standard input, and the same objects twice: the last one counts', () => {
    const text = `${container('env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]')}---\n{kind: Secret, metadata: {name: s}, stringData: {k: last}}\n`;
    const result = start({
      files: {},
      args: ['-f', '-', '--', '/bin/sh', '-c', 'echo $A'],
      stdin: text,
    });
    expect([result.exit, result.stdout]).toEqual([0, 'last\n']);
  });

  const plan = (text: string): Record<string, unknown> => {
    const result = start({ files: { 'pod.yaml': text }, command: 'plan' });
    expect(result.exit, result.stderr).toBe(0);
    expect(result.stdout).not.toContain(CANARY);
    return JSON.parse(result.stdout) as Record<string, unknown>;
  };

  test('a pod with 2,000 volumes', () => {
    const numbers = Array.from({ length: 2000 }, (_, n) => n);
    const text = container(
      `volumeMounts: [${numbers.map((n) => `{name: v${n}, mountPath: /m${n}}`).join(', ')}]`,
      `, volumes: [${numbers.map((n) => `{name: v${n}, secret: {secretName: s}}`).join(', ')}]`,
    );
    expect((plan(text)['placements'] as unknown[]).length).toBe(2001);
  });

  test('a ConfigMap of exactly 1 MiB', () => {
    const text = `${mounted('configMap: {name: m}')}---\n{kind: ConfigMap, metadata: {name: m}, data: {k: "${'x'.repeat(1_048_576)}"}}`;
    expect(plan(text)['origin']).toMatchObject({ kind: 'Pod', name: 'p' });
  });

  test('labels and annotations called __proto__', () => {
    const text = `{kind: Pod, metadata: {name: p, labels: {__proto__: a}, annotations: {__proto__: b}}, spec: {containers: [{name: c, volumeMounts: [{name: v, mountPath: /m}], env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.labels['__proto__']"}}}]}], volumes: [{name: v, downwardAPI: {items: [{path: all, fieldRef: {fieldPath: metadata.annotations}}]}}]}}`;
    const result = start({ files: { 'pod.yaml': text }, command: 'plan' });
    // `_` may not start a key in a fieldPath, as in Kubernetes.
    expect(result.codes).toEqual(['BH_ERR_POD_INVALID']);
    const whole = plan(text.replace(/, env: \[.*?\]\}\]/, '}]'));
    expect(JSON.stringify(whole)).toContain('"entries":{"__proto__":"b"}');
  });
});

test('--log json gives the same as one JSON object a line', () => {
  const result = start({
    files: { 'pod.yaml': container('env: [{name: "A\\e=", value: 5}]') },
    args: ['-f', 'pod.yaml', '--log', 'json'],
  });
  const lines = result.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map((one) => [one['level'], one['code'], one['exit']])).toEqual([
    ['error', 'BH_ERR_POD_INVALID', 65],
    ['error', 'BH_ERR_POD_INVALID', 65],
  ]);
  expect(result.stderr).not.toContain('\x1b');
  expect(result.exit).toBe(65);
});
