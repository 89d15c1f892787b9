// Which task of a Job this is, at the start of its program.
import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import { completionIndex } from '../../src/entrypoint/completion-index.ts';
import { ownText } from '../../src/entrypoint/environment.ts';
import type { Plan } from '../../src/plan/types.ts';
import { fakeIo } from '../support/fake-io.ts';

const KEY = 'batch.kubernetes.io/job-completion-index';
const OPEN = {};
const ONE = { below: 1, otherwise: '0' };
const ANY = { otherwise: '0' };
const NOMAD = { below: 3, toldBy: ['NOMAD_ALLOC_INDEX'] };
const NOWHERE = { below: 3, toldBy: [] };

interface Told {
  readonly index: Plan['index'];
  readonly env?: readonly string[];
  readonly platform?: { readonly index?: string };
}

async function found({ index, env = [], platform }: Told): Promise<unknown> {
  const plan = index === undefined ? {} : { index };
  const io = fakeIo({ env: [...env] }) as never;
  const told = await completionIndex(io, plan, async () => platform);
  return told instanceof BellhopError ? [told.code, told.message] : told;
}

const ROWS: readonly (readonly [string, Told, unknown])[] = [
  ['a plan without one asks nobody', { index: undefined, platform: { index: '3' } }, undefined],
  ["the platform's counts", { index: OPEN, platform: { index: '3' } }, '3'],
  [
    'the variable that was set by hand, over what the platform looks like',
    { index: OPEN, platform: { index: '3' }, env: ['JOB_COMPLETION_INDEX=1'] },
    '1',
  ],
  ["the platform's of a job that can do without", { index: ANY, platform: { index: '3' } }, '3'],
  [
    'one pod is 0, whatever is told',
    { index: ONE, platform: { index: '3' }, env: ['JOB_COMPLETION_INDEX=5'] },
    '0',
  ],
  [
    "a submitted job has its platform's, not what it looks like",
    { index: NOMAD, platform: { index: '9' }, env: ['NOMAD_ALLOC_INDEX=2'] },
    '2',
  ],
  [
    "a submitted job has its platform's, over the variable",
    { index: NOMAD, env: ['JOB_COMPLETION_INDEX=1', 'NOMAD_ALLOC_INDEX=2'] },
    '2',
  ],
  [
    'a submitted job has the variable where its platform tells none',
    { index: NOMAD, platform: { index: '9' }, env: ['JOB_COMPLETION_INDEX=1'] },
    '1',
  ],
  [
    'no platform is asked where the target has no index',
    { index: { ...NOWHERE, otherwise: '0' }, platform: { index: '2' } },
    '0',
  ],
  [
    'nothing is guessed where the target has no index',
    { index: NOWHERE, platform: { index: '2' } },
    ['BH_ERR_INDEX', "JOB_COMPLETION_INDEX: nothing tells which of the Job's pods this is"],
  ],
  [
    'an index of the variable that is not below the completions is refused',
    { index: { below: 3 }, env: ['JOB_COMPLETION_INDEX=3'] },
    [
      'BH_ERR_INDEX',
      "JOB_COMPLETION_INDEX: the index that is told here is not below the Job's 3 completions",
    ],
  ],
  [
    'an index of the platform that is not below the completions is refused',
    { index: NOMAD, env: ['NOMAD_ALLOC_INDEX=99'] },
    [
      'BH_ERR_INDEX',
      "NOMAD_ALLOC_INDEX: the index that is told here is not below the Job's 3 completions",
    ],
  ],
  [
    'an index that the container looks like and that is not below is refused',
    { index: { below: 3 }, platform: { index: '99' } },
    [
      'BH_ERR_INDEX',
      "the platform's index: the index that is told here is not below the Job's 3 completions",
    ],
  ],
  ['the last index is taken', { index: { below: 3 }, env: ['JOB_COMPLETION_INDEX=2'] }, '2'],
  [
    'the variable, where the platform has none',
    { index: OPEN, platform: {}, env: ['JOB_COMPLETION_INDEX=12'] },
    '12',
  ],
  [
    'the variable, where there is no platform',
    { index: OPEN, env: ['JOB_COMPLETION_INDEX=0'] },
    '0',
  ],
  ['0 for one pod', { index: ONE }, '0'],
  ['an empty variable is none', { index: ANY, env: ['JOB_COMPLETION_INDEX='] }, '0'],
  [
    'nothing is guessed for several',
    { index: OPEN },
    ['BH_ERR_INDEX', "JOB_COMPLETION_INDEX: nothing tells which of the Job's pods this is"],
  ],
  ...['-1', '01', '1.0', 'x', '1 ', '99999999999'].map((text): [string, Told, unknown] => [
    `${text} is no index`,
    { index: OPEN, env: [`JOB_COMPLETION_INDEX=${text}`] },
    [
      'BH_ERR_INDEX',
      'JOB_COMPLETION_INDEX: what is told here as the index is no whole number from 0 on',
    ],
  ]),
];

test.each([...ROWS])('%s', async (_, told, expected) => {
  expect(await found(told)).toEqual(expected);
});

describe('the texts of the pod itself', () => {
  const at = { nowMs: 0, index: '7' };
  const entries = { a: 'b', [KEY]: 'of the template' };
  test('the index alone', () => {
    expect(ownText({ kind: 'index', of: 'x' }, at)).toBe('7');
  });
  test('all labels, as the controller writes them over the template', () => {
    expect(ownText({ kind: 'labels', entries }, at)).toBe(`a="b"\n${KEY}="7"`);
  });
  test('all annotations, with those of the kubelet', () => {
    expect(ownText({ kind: 'annotations', entries }, at)).toStartWith(
      `a="b"\n${KEY}="7"\nkubernetes.io/config.seen="1970-`,
    );
  });
  test('a pod without an index has none', () => {
    expect(ownText({ kind: 'annotations', entries: {} }, { nowMs: 0 })).not.toContain(KEY);
  });
});
