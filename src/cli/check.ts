import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { renderWarning } from '../core/report.ts';
import type { CheckReport } from '../entrypoint/check.ts';
import { check } from '../entrypoint/check.ts';
import type { CheckInput } from '../entrypoint/check-input.ts';
import { declaredInput, inputOfPlan } from '../entrypoint/check-input.ts';
import type { ReferenceRow, StoreRow } from '../entrypoint/check-rows.ts';
import type { Command, Given } from './command.ts';
import { DECLARE_FLAGS, declareOptions, needManifest } from './declare-flags.ts';
import type { Look } from './look.ts';
import { lengthText, lookOf, titled } from './look.ts';

const command: Command = {
  name: 'check',
  summary: 'Ask the stores whether a start would find everything, and how fast; never a value',
  usage: '[-f pod.yaml] [-c bellhop.yaml] [--plan FILE] [FLAGS]',
  about: [
    'For each store: reachable, who we are to it, how long its first answer took. For each reference:',
    'present, absent, denied, unreachable or unusable, its size, version and the end of its lease;',
    'fallbacks are asked as well. With -c alone it asks for everything that bellhop.yaml names.',
    'Nothing is delivered. The exit code is 0 where `run` would have every value, else that of `run`.',
  ].join('\n'),
  flags: {
    ...DECLARE_FLAGS,
    plan: { value: 'FILE', help: 'a plan made by `bellhop plan`, instead of -f and -c' },
    output: { short: 'o', value: 'FORMAT', help: 'table or json (default: table)' },
  },
  wordsMax: 0,
  takesCommand: false,
  example: [
    '$ bellhop check -c bellhop.yaml',
    'STORE  KIND                 REACHABLE  IDENTITY                           FIRST ANSWER',
    'sm     aws-secrets-manager  yes        arn:aws:iam::111122223333:role/x  41 ms',
    '',
    'REFERENCE            FOR                      STATE    SIZE',
    'sm:prod/db#password  secret db, key password  present  24 bytes',
    '',
    'A start would have everything that it needs.',
  ].join('\n'),
  async run(io, given) {
    const format = given.text('output') ?? 'table';
    if (format !== 'table' && format !== 'json') {
      throw new BellhopError('BH_ERR_USAGE', { where: ['--output'], what: 'is table or json' });
    }
    const input = await inputOf(io, given);
    for (const warning of input.warnings) io.stderr(renderWarning(warning, given.log));
    const { report, problems } = await check(io, input);
    if (format === 'json') io.stdout(`${JSON.stringify(report, undefined, 2)}\n`);
    else io.stdout(reportText(report, lookOf(io)));
    judge(problems);
    return 0;
  },
};

export default command;

async function inputOf(io: Io, given: Given): Promise<CheckInput> {
  const options = declareOptions(given);
  const path = given.text('plan');
  if (path === undefined) {
    needManifest(options);
    return declaredInput(io, options);
  }
  const { readPlanFile } = await import('../entrypoint/plan-file.ts');
  const { plan, objects } = await readPlanFile(io, { path, digest: undefined }, options.manifests);
  return inputOfPlan(plan, objects);
}

function reportText({ stores, references, unchecked, ready }: CheckReport, look: Look): string {
  const left = unchecked.map((one) => `not checked without a manifest: ${one}`);
  const verdict = ready
    ? 'A start would have everything that it needs.'
    : 'A start would not have everything that it needs.';
  const parts = [
    titled({ headings: STORE_HEADINGS, rows: stores.map(storeCells) }, look),
    titled({ headings: REFERENCE_HEADINGS, rows: references.map(referenceCells) }, look),
    ...(left.length === 0 ? [] : [left.join('\n')]),
    verdict,
  ];
  return `${parts.join('\n\n')}\n`;
}

const STORE_HEADINGS = ['STORE', 'KIND', 'REACHABLE', 'IDENTITY', 'FIRST ANSWER', 'ALL', 'NOTES'];

function storeCells(row: StoreRow): string[] {
  const { store, kind, reachable, identity = '', firstAnswerMs, tookMs, problem } = row;
  const reached = reachable === undefined ? 'not asked' : reachable ? 'yes' : 'no';
  const first = firstAnswerMs === undefined ? '' : lengthText(firstAnswerMs);
  const all = tookMs === undefined ? '' : lengthText(tookMs);
  // Why it did not answer stands with each reference, and in the report.
  const note = problem === undefined || reachable === false ? '' : problem.text;
  return [store, kind, reached, identity, first, all, note];
}

const REFERENCE_HEADINGS = [
  'REFERENCE',
  'FOR',
  'STATE',
  'SIZE',
  'VERSION',
  'LENT FOR',
  'TOOK',
  'NOTES',
];

function referenceCells(row: ReferenceRow): string[] {
  const { reference, called, state, version = '', leaseMs, tookMs, problem } = row;
  const notes = [
    ...(row.why === 'value' ? [] : [row.why]),
    ...(row.optional === true ? ['optional'] : []),
    ...(row.hasDefault === true ? ['has a default'] : []),
    ...(problem === undefined ? [] : [problem.code]),
  ];
  const lent = leaseMs === undefined ? '' : lengthText(leaseMs);
  const took = tookMs === undefined ? '' : lengthText(tookMs);
  return [reference, called, state, sizeText(row), version, lent, took, notes.join(', ')];
}

function sizeText({ bytes, keys }: ReferenceRow): string {
  if (bytes === undefined) return '';
  const size = bytes === 1 ? '1 byte' : `${bytes} bytes`;
  if (keys === undefined) return size;
  return `${keys === 1 ? '1 key' : `${keys} keys`}, ${size}`;
}
