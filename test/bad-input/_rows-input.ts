// Bad input as a whole: files, flags, settings, plans.
import type { Row } from './_manifests.ts';
import { POD, aliasBomb, container, pod } from './_manifests.ts';
import { CANARY } from './_run.ts';

export const ROWS: readonly Row[] = [
  // The input itself.
  [
    'broken YAML',
    pod('kind: Pod\n\tx: 1'),
    ['BH_ERR_YAML'],
    'pod.yaml:2:1: a tab in the indentation',
  ],
  ['broken JSON', pod('{"kind": "Pod",'), ['BH_ERR_YAML'], 'pod.yaml:'],
  ['an alias bomb', pod(aliasBomb(9)), ['BH_ERR_YAML'], 'alias'],
  ['a cyclic alias', pod('kind: Pod\nspec: &a {x: *a}'), ['BH_ERR_YAML'], 'pod.yaml:2:'],
  ['an unknown alias', pod('kind: Pod\nspec: *nope'), ['BH_ERR_YAML'], 'pod.yaml:2:'],
  [
    'deep nesting',
    pod(`kind: Pod\nspec: ${'['.repeat(50_000)}`),
    ['BH_ERR_YAML'],
    'nested deeper than 1000 levels',
  ],
  [
    'deep nesting in JSON',
    pod(`{"kind":"Pod","spec":${'['.repeat(50_000)}`),
    ['BH_ERR_YAML'],
    'nested deeper than 1000 levels',
  ],
  [
    'more than 32 MiB',
    pod(`${POD}# ${'x'.repeat(33 * 1024 * 1024)}`),
    ['BH_ERR_INPUT_READ'],
    'has more than 33554432 bytes',
  ],
  [
    'more documents than 10,000',
    pod('a: 1\n---\n'.repeat(10_001)),
    ['BH_ERR_YAML'],
    'more than 10000 documents',
  ],
  [
    'bytes that are not UTF-8',
    pod(Buffer.concat([Buffer.from(`a: ${CANARY}`), Buffer.from([0xff])])),
    ['BH_ERR_YAML'],
    'bytes that are not UTF-8',
  ],
  [
    'a control character',
    pod(`kind: Pod\nmetadata: {name: "a\u0007"}`),
    ['BH_ERR_YAML'],
    'pod.yaml:2:20',
  ],
  [
    'a binary file',
    pod(Uint8Array.from({ length: 4096 }, (_, n) => (n * 7) % 256)),
    ['BH_ERR_YAML'],
    'pod.yaml:',
  ],
  ['nothing', pod(''), ['BH_ERR_WORKLOAD'], 'the input has 0 workloads'],
  [
    'comments only',
    pod('# nothing\n---\n# here\n'),
    ['BH_ERR_WORKLOAD'],
    'the input has 0 workloads',
  ],
  ['null', pod('null'), ['BH_ERR_WORKLOAD'], 'the input has 0 workloads'],
  [
    'no kind',
    pod('metadata: {name: x}'),
    ['BH_ERR_POD_INVALID', 'BH_ERR_WORKLOAD'],
    'not a Kubernetes object: it has no kind',
  ],
  ['a list of things', pod('[1, 2]'), ['BH_ERR_POD_INVALID', 'BH_ERR_WORKLOAD'], 'it has no kind'],
  [
    'a wrong kind',
    pod('kind: Ingress\nmetadata: {name: x}'),
    ['BH_ERR_WORKLOAD'],
    'the input has 0 workloads',
  ],
  [
    "somebody else's Job",
    pod('apiVersion: batch.volcano.sh/v1\nkind: Job'),
    ['BH_ERR_WORKLOAD'],
    '0 workloads',
  ],
  [
    'no such file',
    { files: {}, args: ['-f', 'nope.yaml'] },
    ['BH_ERR_INPUT_READ'],
    'nope.yaml: there is no such file',
  ],
  [
    'an empty folder',
    { files: { 'd/readme': 'x' }, args: ['-f', 'd'] },
    ['BH_ERR_WORKLOAD'],
    '0 workloads',
  ],
  [
    'a folder with two pods',
    {
      files: { 'd/a.yaml': POD, 'd/b.yaml': POD.replace('name: p', 'name: q') },
      args: ['-f', 'd'],
    },
    ['BH_ERR_WORKLOAD'],
    'there: pod/p, pod/q',
  ],
  [
    'a folder with a broken file',
    { files: { 'd/a.yaml': POD, 'd/b.yaml': '[' }, args: ['-f', 'd'] },
    ['BH_ERR_YAML'],
    'd/b.yaml:',
  ],
  [
    'standard input that is empty',
    { files: {}, args: ['-f', '-'], stdin: '' },
    ['BH_ERR_WORKLOAD'],
    '0 workloads',
  ],
  [
    'standard input that is broken',
    { files: {}, args: ['-f', '-'], stdin: 'a: [' },
    ['BH_ERR_YAML'],
    'standard input:',
  ],
  [
    'several workloads',
    pod(`${POD}---\n{kind: Job, metadata: {name: j}}`),
    ['BH_ERR_WORKLOAD'],
    'there: pod/p, job/j',
  ],
  [
    'an unknown workload',
    pod(POD, { args: ['-f', 'pod.yaml', '--workload', 'job/x'] }),
    ['BH_ERR_WORKLOAD'],
    '0 workloads called job/x',
  ],
  [
    'an unknown container',
    pod(POD, { args: ['-f', 'pod.yaml', '--container', 'x'] }),
    ['BH_ERR_CONTAINER'],
    'there is no container x (there: c)',
  ],
  [
    'no choice of container',
    pod('{kind: Pod, metadata: {name: p}, spec: {containers: [{name: a}, {name: b}]}}'),
    ['BH_ERR_CONTAINER'],
    '(there: a, b)',
  ],

  // Flags and settings.
  [
    'a field without a value',
    pod(POD, { args: ['-f', 'pod.yaml', '--field', 'status.podIP'] }),
    ['BH_ERR_USAGE'],
    'must be NAME=VALUE',
  ],
  [
    'a node without an amount',
    pod(POD, { args: ['-f', 'pod.yaml', '--node', 'cpu'] }),
    ['BH_ERR_USAGE'],
    'must be NAME=VALUE',
  ],
  ['an unknown flag', pod(POD, { args: ['-f', 'pod.yaml', '--nope'] }), ['BH_ERR_USAGE'], 'nope'],
  [
    'a list that is no JSON',
    pod(POD, { args: ['-f', 'pod.yaml', '--image-cmd', '{'] }),
    ['BH_ERR_USAGE'],
    '--image-cmd',
  ],
  [
    'settings with several problems',
    {
      files: {
        'pod.yaml': POD,
        'b.yaml': `apiVersion: bellhop/v1\nx: 1\nsecrets: {s: ${CANARY}}\npolicy: {disk: ${CANARY}}\n`,
      },
      args: ['-f', 'pod.yaml', '-c', 'b.yaml'],
    },
    ['BH_ERR_SETTINGS', 'BH_ERR_SETTINGS', 'BH_ERR_SETTINGS'],
    'b.yaml:2:4, x: unknown field x',
  ],
  [
    'settings that are broken',
    { files: { 'pod.yaml': POD, 'b.yaml': '{' }, args: ['-f', 'pod.yaml', '-c', 'b.yaml'] },
    ['BH_ERR_YAML'],
    'b.yaml:',
  ],
  [
    'settings that are empty',
    { files: { 'pod.yaml': POD, 'b.yaml': '' }, args: ['-f', 'pod.yaml', '-c', 'b.yaml'] },
    ['BH_ERR_SETTINGS'],
    'b.yaml: is empty',
  ],
  [
    'settings that are not there',
    pod(POD, { args: ['-f', 'pod.yaml', '-c', 'b.yaml'] }),
    ['BH_ERR_INPUT_READ'],
    'b.yaml: there is no such file',
  ],
  [
    'a store of an unknown kind',
    {
      files: {
        'pod.yaml': container('env: [{name: A, valueFrom: {secretKeyRef: {name: x, key: k}}}]'),
        'b.yaml': 'apiVersion: bellhop/v1\nstores: {v: {kind: toString}}\nsecrets: {x: "v:x"}\n',
      },
      args: ['-f', 'pod.yaml', '-c', 'b.yaml'],
    },
    ['BH_ERR_SETTINGS'],
    'stores.v.kind: its kind is none of',
  ],

  // Plans.
  [
    'a plan that is not there',
    { files: {}, args: ['--plan', 'plan.json'] },
    ['BH_ERR_INPUT_READ'],
    'plan.json: there is no such file',
  ],
  [
    'a plan that is no JSON',
    { files: { 'plan.json': 'x' }, args: ['--plan', 'plan.json'] },
    ['BH_ERR_PLAN'],
    'is not JSON',
  ],
  [
    'a plan that was changed',
    {
      files: { 'plan.json': '{"apiVersion":"bellhop/plan/v1","digest":"sha256:0"}' },
      args: ['--plan', 'plan.json'],
    },
    ['BH_ERR_PLAN'],
    'it was changed',
  ],
  [
    'BELLHOP_PLAN that is not there',
    { files: {}, args: [], env: { BELLHOP_PLAN: 'nope.json' } },
    ['BH_ERR_INPUT_READ'],
    'nope.json',
  ],
];
