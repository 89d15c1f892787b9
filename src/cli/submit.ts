import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable, renderWarning } from '../core/report.ts';
import { submissionProblems } from '../submit/judge.ts';
import { prepare } from '../submit/prepare.ts';
import type { Submission } from '../submit/prepare.ts';
import type { Target } from '../targets/_target.ts';
import type { Command, Given } from './command.ts';
import { DECLARE_FLAGS, declareOptions, needManifest } from './declare-flags.ts';
import { lookOf } from './look.ts';
import { readSubmit, targetOf } from './submit-input.ts';
import { onlyText, scriptOf } from './submit-command.ts';
import type { SendOptions } from './submit-send.ts';
import { dryRun, explanation, summary, toolWarning } from './submit-text.ts';

const SECONDS_MAX_DEFAULT = 604_800;

const command: Command = {
  name: 'submit',
  summary: 'Run the pod on another platform: its request under its caps, the rest spilled',
  usage: 'TARGET -f pod.yaml -c bellhop.yaml [FLAGS]',
  about: [
    'What fits goes into the request, by need: the pointer to the plan, secrets that the platform',
    'brings itself, then variables. What does not fit goes to `submit.spill` as one object, named',
    'by its content; Secrets only ever as references. bellhop.yaml gives what no pod says (roles,',
    'queues) below `submit.targets`. The same input gives the same request, and a job that is there',
    'already is not started again. docs/targets.md has every target with its caps.',
  ].join('\n'),
  flags: {
    ...DECLARE_FLAGS,
    name: { value: 'NAME', help: "the job's name (default: the workload's, and a digest)" },
    'dry-run': { help: 'print the requests and what would be spilled as JSON; send nothing' },
    only: {
      value: 'OPERATION',
      help: "with --dry-run: this request alone, as the platform's CLI takes it",
    },
    explain: { help: 'print each cap, what of it is used, and what went where; send nothing' },
    wait: {
      help: 'follow the job until it has ended; 69 where it failed; not of a script',
    },
    'wait-max': {
      value: 'SECONDS',
      help: `how long --wait follows it (default: ${SECONDS_MAX_DEFAULT})`,
    },
  },
  wordsMax: 1,
  takesCommand: false,
  example: [
    '$ bellhop submit sagemaker-training -f job.yaml -c bellhop.yaml --dry-run --only CreateTrainingJob > job.json',
    '$ aws sagemaker create-training-job --cli-input-json file://job.json',
  ].join('\n'),
  async run(io, given) {
    const target = await targetOf(given.words[0]);
    const options = declareOptions(given);
    needManifest(options);
    needDryRun(given);
    const waitMsMax = waitOf(given);
    const { input, settings, warnings } = await readSubmit(io, target, {
      options,
      name: given.text('name'),
    });
    for (const warning of warnings) io.stderr(renderWarning(warning, given.log));
    const submission = prepare(input);
    const tooMany = toolWarning(target, submission);
    if (tooMany !== undefined) io.stderr(renderWarning(tooMany, given.log));
    const problems = submissionProblems(input, submission);
    if (given.has('explain')) io.stdout(explanation(input, submission, lookOf(io)));
    judge(problems);
    if (given.has('dry-run')) io.stdout(dryRunText(target, submission, given));
    if (given.has('explain') || given.has('dry-run')) return 0;
    return send(io, submission, { settings, target, waitMsMax });
  },
};

export default command;

interface Sending extends Omit<SendOptions, 'waitMsMax'> {
  readonly waitMsMax: number | undefined;
}

/** Makes the calls, or prints the script that does; the exit code. */
async function send(
  io: Io,
  submission: Submission,
  { settings, target, waitMsMax }: Sending,
): Promise<number> {
  const script = scriptOf(submission.split.requests);
  if (script !== '' && waitMsMax !== undefined) throw unfollowed();
  const { sendSubmission } = await import('./submit-send.ts');
  const wait = waitMsMax === undefined ? {} : { waitMsMax };
  const { found, progress } = await sendSubmission(io, submission, { settings, target, ...wait });
  if (script !== '') {
    io.stdout(script);
    io.stderr(
      printable(`bellhop: ${summary(target, submission)}; hand this script to a shell`) + '\n',
    );
    return 0;
  }
  const there = found.length === 0 ? '' : ` (there already: ${found.join(', ')})`;
  const ended = progress === undefined ? '' : `; ${progress.said}`;
  io.stdout(printable(`${summary(target, submission)}${there}${ended}`) + '\n');
  return 0;
}

function dryRunText(target: Target, submission: Submission, given: Given): string {
  const only = given.text('only');
  if (only === undefined) return dryRun(target, submission);
  const request = submission.split.requests.find(({ operation }) => operation === only);
  if (request !== undefined) return onlyText(request);
  const what = `is none of ${target.operations.join(', ')}`;
  throw new BellhopError('BH_ERR_USAGE', { where: ['--only'], what });
}

/** Passed over, it would send what was only to be looked at. */
function needDryRun(given: Given): void {
  if (given.text('only') === undefined || given.has('dry-run')) return;
  const what = 'prints a request of --dry-run, which is not given';
  throw new BellhopError('BH_ERR_USAGE', { where: ['--only'], what });
}

function unfollowed(): BellhopError {
  const what = 'what starts the job is a script, and not run from here';
  const help = "do without it: the platform's own tool tells how far the job is";
  return new BellhopError('BH_ERR_USAGE', { where: ['--wait'], what, help });
}

/** How long the job is followed; undefined where it is not. */
function waitOf(given: Given): number | undefined {
  const written = given.text('wait-max');
  const seconds = Number(written ?? SECONDS_MAX_DEFAULT);
  const refuse = (what: string): BellhopError => {
    return new BellhopError('BH_ERR_USAGE', { where: ['--wait-max'], what });
  };
  if (!Number.isSafeInteger(seconds) || seconds <= 0) {
    throw refuse('must be a whole number of seconds above 0');
  }
  if (given.has('wait')) return seconds * 1000;
  if (written === undefined) return undefined;
  throw refuse('says how long --wait follows the job, which is not given');
}
