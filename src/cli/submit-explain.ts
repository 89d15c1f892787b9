import { judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { DeclareOptions } from '../entrypoint/declare.ts';
import { submissionProblems } from '../submit/judge.ts';
import { prepare } from '../submit/prepare.ts';
import { lookOf } from './look.ts';
import { readSubmit, targetOf } from './submit-input.ts';
import { explanation } from './submit-text.ts';

/** What of a pod fits into a target's request, as tables; throws what keeps it from being sent. */
export async function explainTarget(io: Io, named: string, options: DeclareOptions): Promise<void> {
  const target = await targetOf(named);
  const { input } = await readSubmit(io, target, { options, name: undefined });
  const submission = prepare(input);
  io.stdout(`\n${explanation(input, submission, lookOf(io))}`);
  judge(submissionProblems(input, submission));
}
