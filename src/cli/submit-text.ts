import { contentHints } from '../submit/container.ts';
import type { Submission, SubmitInput } from '../submit/prepare.ts';
import { countedText } from '../submit/judge.ts';
import type { Json } from '../core/canonical.ts';
import { bytesOf, nodesAt, usedOf } from '../targets/_caps.ts';
import type { Cap, Limit } from '../targets/_caps.ts';
import type { Request, Target } from '../targets/_target.ts';
import { printable } from '../core/report.ts';
import type { Look } from './look.ts';
import { titled } from './look.ts';
import { commandOf } from './submit-command.ts';
import { bold } from './table.ts';

// What people see of a submission: never a value.

/** The whole of a dry run, as one JSON document. */
export function dryRun(target: Target, submission: Submission): string {
  const { split, spilled, digest, whySpilled } = submission;
  const document = {
    target: target.name,
    name: split.job.name,
    plan: digest,
    ...(spilled === undefined
      ? {}
      : {
          spilled: {
            store: spilled.store,
            path: spilled.path,
            bytes: spilled.bytes.byteLength,
            why: whySpilled,
          },
        }),
    requests: split.requests.map((request) => ({
      operation: request.operation,
      command: commandOf(request),
      input: request.input,
    })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** Each cap with how much of it is used, and what went where. */
export function explanation(input: SubmitInput, submission: Submission, look: Look): string {
  const { target } = input;
  const { split, spilled, whySpilled } = submission;
  const { job, placed } = split;
  const head = `${target.name}: ${job.name}`;
  const caps = target.caps.flatMap((cap) => capRow(cap, split.requests));
  const parts = [
    bold(printable(head), look.colours),
    planText(submission),
    titled({ headings: ['CAP', 'COUNTS', 'USED', 'MAX', 'SOURCE'], rows: caps }, look),
    titled({ headings: ['WHAT', 'NAME', 'IN', 'WHY'], rows: placedRows(placed) }, look),
  ];
  const notes = [...toolText(target, submission), ...contentHints(input).map(noteText)];
  const end =
    spilled === undefined
      ? 'nothing is spilled'
      : `spilled: ${spilled.bytes.byteLength} bytes to ${spilled.store}:${spilled.path}, since ${whySpilled}`;
  return `${[...parts, ...notes, printable(end)].join('\n\n')}\n`;
}

/** Hyperparameters that a tool of the platform cannot take, though the file can hold them. */
function toolText(target: Target, submission: Submission): string[] {
  const said = tooMany(target, submission);
  return said === undefined ? [] : [noteText(said)];
}

function tooMany({ hyperparameters }: Target, { parametersBytes }: Submission): string | undefined {
  const tool = hyperparameters?.tool;
  if (tool === undefined || parametersBytes <= tool.bytesMax) return undefined;
  const text = `${tool.called} takes ${tool.bytesMax} bytes of hyperparameters, these have ${parametersBytes}`;
  return `${text}: read ${hyperparameters?.path ?? ''} instead`;
}

/** What is said where one of the hyperparameters tells that this tool runs the job. */
export function toolWarning(target: Target, submission: Submission): string | undefined {
  const isKnown = submission.parameterNames.has(target.hyperparameters?.tool?.knownBy ?? '');
  return isKnown ? tooMany(target, submission) : undefined;
}

function noteText(text: string): string {
  return `note      ${text}`;
}

function planText({ split, digest, spilled }: Submission): string {
  const pointer = split.job.variables.find(([name]) => name === 'BELLHOP_PLAN')?.[1] ?? '';
  const where = spilled === undefined ? 'in the request itself' : 'beside the request';
  return `plan      ${where} (${printable(pointer)})\ndigest    ${digest}`;
}

function capRow(cap: Cap, requests: readonly Request[]): string[][] {
  const inputs = requests.filter((one) => one.operation === cap.operation).map((one) => one.input);
  const at = `${cap.operation}${cap.at === '' ? '' : `.${cap.at}`}`;
  if (cap.kind === 'form') return [[at, countedText(cap), '', cap.pattern, cap.source]];
  const isThere = inputs.some((input) => nodesAt(input, cap.at).length > 0);
  return [
    [at, countedText(cap), isThere ? usedText(cap, inputs) : '', String(cap.max), cap.source],
  ];
}

function usedText(cap: Limit, inputs: readonly Json[]): string {
  return String(Math.max(0, ...inputs.map((input) => usedOf(cap, input))));
}

function placedRows(placed: Submission['split']['placed']): string[][] {
  return placed.map(({ what, name, isInRequest, why }) => [
    what,
    name,
    isInRequest ? 'request' : 'plan',
    why ?? '',
  ]);
}

/** One line of what was or would be done. */
export function summary(target: Target, { split, spilled }: Submission): string {
  const { job, placed } = split;
  const inRequest = placed.filter((one) => one.what !== 'pointer' && one.isInRequest).length;
  const pointer = job.variables.reduce((sum, [a, b]) => sum + bytesOf(a) + bytesOf(b), 0);
  const spill = spilled === undefined ? '' : `, ${spilled.bytes.byteLength} bytes spilled`;
  return `${target.name} ${job.name}: ${inRequest} values in the request (${pointer} bytes of variables)${spill}`;
}
