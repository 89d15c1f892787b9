// What the plan of a pod of an Indexed Job has: k8s.io/kubernetes v1.33.13
// pkg/controller/job/indexed_job_utils.go.
import { describe, expect, test } from 'bun:test';
import { problemsOf } from '../../src/core/errors.ts';
import type { Declared } from '../../src/entrypoint/declare.ts';
import { declare } from '../../src/entrypoint/declare.ts';
import { readPlan, printPlan } from '../../src/plan/document.ts';
import { fakeIo } from '../support/fake-io.ts';

const KEY = 'batch.kubernetes.io/job-completion-index';
const LABEL = `metadata.labels['${KEY}']`;
const ANNOTATION = `metadata.annotations['${KEY}']`;

interface Chosen {
  readonly kind?: 'Job' | 'CronJob';
  readonly spec?: object;
  readonly env?: readonly object[];
  readonly items?: readonly object[];
  readonly fields?: readonly string[];
  readonly without?: readonly string[];
}

async function declaredOf(of: Chosen): Promise<Declared> {
  const { kind = 'Job', spec = {}, env = [], items = [], fields = [], without = [] } = of;
  const container = { name: 'main', image: 'i', command: ['x'], env };
  const mounted = { ...container, volumeMounts: [{ name: 'info', mountPath: '/info' }] };
  const volumes = [{ name: 'info', downwardAPI: { items } }];
  const pod = items.length === 0 ? { containers: [container] } : { containers: [mounted], volumes };
  const job = { completionMode: 'Indexed', completions: 3, ...spec, template: { spec: pod } };
  const value = {
    apiVersion: 'batch/v1',
    kind,
    metadata: { name: 'train' },
    spec: kind === 'Job' ? job : { jobTemplate: { spec: job } },
  };
  const settings = { apiVersion: 'bellhop/v1', submit: { without } };
  const files = { '/job.yaml': JSON.stringify(value), '/b.yaml': JSON.stringify(settings) };
  const common = { manifests: ['/job.yaml'], settings: '/b.yaml', node: [], image: {} };
  return declare(fakeIo({ files }) as never, { ...common, fields });
}

const variables = ({ plan }: Declared): unknown[] => {
  return plan.placements.flatMap((one) => {
    return one.kind === 'variable' ? [[one.name, one.source, one.rule]] : [];
  });
};

const OPEN = { kind: 'index', of: LABEL };
const own = (more: object): object => ({ name: 'JOB_COMPLETION_INDEX', ...more });

describe('the variable', () => {
  test('stands behind all others, and is read at the start', async () => {
    const declared = await declaredOf({ env: [{ name: 'A', value: '$(JOB_COMPLETION_INDEX)' }] });
    expect(variables(declared)).toEqual([
      ['A', { kind: 'template', text: '$(JOB_COMPLETION_INDEX)' }, expect.any(String)],
      ['JOB_COMPLETION_INDEX', OPEN, 'spec.completionMode'],
    ]);
    expect([declared.plan.index, declared.plan.requires]).toEqual([
      { below: 3 },
      ['completion-index'],
    ]);
  });
  test('is that of each Job of a CronJob', async () => {
    const declared = await declaredOf({ kind: 'CronJob' });
    const rule = 'spec.jobTemplate.spec.completionMode';
    expect(variables(declared)).toEqual([['JOB_COMPLETION_INDEX', OPEN, rule]]);
  });
  test("is the author's, where there is one", async () => {
    const declared = await declaredOf({ env: [own({ value: 'mine' })] });
    expect(variables(declared)).toEqual([
      ['JOB_COMPLETION_INDEX', { kind: 'template', text: 'mine' }, expect.any(String)],
    ]);
    expect([declared.plan.index, declared.plan.requires]).toEqual([undefined, []]);
  });
  test('is not there where nothing is said of an index', async () => {
    const declared = await declaredOf({ spec: { completionMode: 'NonIndexed' } });
    expect([variables(declared), declared.plan.index]).toEqual([[], undefined]);
  });
  test.each([LABEL, ANNOTATION])('is what is given with the fields: %s', async (field) => {
    const declared = await declaredOf({ fields: [`${field}=2`] });
    expect(variables(declared)).toEqual([
      ['JOB_COMPLETION_INDEX', { kind: 'text', text: '2', of: LABEL }, 'spec.completionMode'],
    ]);
    expect(declared.plan.index).toBeUndefined();
  });
});

describe('the annotation and the label', () => {
  test.each([LABEL, ANNOTATION])('%s is read at the start', async (fieldPath) => {
    const declared = await declaredOf({
      env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }],
    });
    expect(variables(declared)[0]).toEqual([
      'A',
      { kind: 'index', of: fieldPath },
      expect.any(String),
    ]);
  });
  test('all of them as files have it among them', async () => {
    const items = ['labels', 'annotations'].map((one) => {
      return { path: one, fieldRef: { fieldPath: `metadata.${one}` } };
    });
    const { plan } = await declaredOf({ items });
    const sources = plan.placements.flatMap((one) => {
      return one.kind === 'directory'
        ? one.contents.flatMap((c) => (c.kind === 'file' ? [c.source] : []))
        : [];
    });
    const labels = { 'batch.kubernetes.io/job-name': 'train', 'job-name': 'train' };
    expect(sources).toEqual([
      { kind: 'labels', entries: labels },
      { kind: 'annotations', entries: {} },
    ]);
  });
});

describe('where nobody tells it', () => {
  const ROWS: readonly (readonly [string, Chosen, object])[] = [
    ['one pod has the index 0', { spec: { completions: 1 } }, { below: 1, otherwise: '0' }],
    ['several have none', {}, { below: 3 }],
    [
      'but where the job can do without',
      { without: ['completionMode'] },
      { below: 3, otherwise: '0' },
    ],
    ['or runs once', { without: ['completions'] }, { below: 3, otherwise: '0' }],
  ];
  test.each([...ROWS])('%s', async (_, chosen, expected) => {
    expect((await declaredOf(chosen)).plan.index).toEqual(expected);
  });
});

describe('an index that is given with the fields', () => {
  const field = [LABEL, ANNOTATION];
  const rows = ['3', '99', 'abc', '', '-1', '01', '1.0'].flatMap((value) => {
    return field.map((one) => [one, value] as const);
  });
  test.each(rows)('%s=%s is refused of 3 completions', async (path, value) => {
    const error = await declaredOf({ fields: [`${path}=${value}`] }).catch((one: unknown) => one);
    expect(problemsOf(error).map(({ code, where }) => [code, where])).toEqual([
      ['BH_ERR_INDEX', [path]],
    ]);
  });
  test('is any text in a Job without indexes', async () => {
    const spec = { completionMode: 'NonIndexed' };
    const declared = await declaredOf({ spec, fields: [`${LABEL}=abc`] });
    expect(declared.plan.index).toBeUndefined();
  });
});

test('a document of it is read again, and refused where it is none', async () => {
  const { plan } = await declaredOf({ spec: { completions: 1 } });
  expect(readPlan(printPlan(plan), 'plan')).toEqual(plan);
  const broken = (index: object): string => printPlan({ ...plan, index } as never);
  for (const wrong of [{ otherwise: 0 }, { below: '3' }, { toldBy: 'A' }, { toldBy: [1] }]) {
    expect(() => readPlan(broken(wrong), 'plan')).toThrow('has an index of which');
  }
  const told = { ...plan, index: { below: 3, toldBy: ['A'] } };
  expect(readPlan(printPlan(told), 'plan')).toEqual(told);
});
