import type { Budget } from '../core/budget.ts';
import { pause } from '../core/budget.ts';
import { BellhopError, CODES } from '../core/errors.ts';
import type { Clock } from '../core/io/types.ts';
import type { JsonObject } from '../targets/_caps.ts';
import type { Job, Progress, Request, Target } from '../targets/_target.ts';
import type { Sender } from './calls.ts';

/** What sending came to. */
export interface Sent {
  /** What the last request was answered, or what was found there. */
  readonly answer: JsonObject;
  /** Operations that were not made, since what they make was there. */
  readonly found: readonly string[];
}

/**
 * Sends the requests in their order; what is there already is not made again. Where the user has
 * given the name, what is there must have this digest in it: else it is something else.
 */
export async function sendAll(
  requests: readonly Request[],
  send: Sender,
  digest?: string,
): Promise<Sent> {
  const found: string[] = [];
  let answer: JsonObject = {};
  for (const request of requests) {
    const there = await lookFor(request, send);
    if (there !== undefined) {
      if (!isOurs(there, digest)) throw taken(request);
      found.push(request.operation);
      answer = there;
      continue;
    }
    const sent = await send(request, request.doneCodes ?? []);
    if (sent.kind === 'code') {
      if (digest !== undefined) throw taken(request);
      found.push(request.operation);
    }
    const refusal = sent.kind === 'answer' ? request.refusal?.(sent.answer) : undefined;
    if (refusal !== undefined) {
      throw new BellhopError('BH_ERR_API', { where: [request.operation], what: refusal });
    }
    answer = sent.kind === 'answer' ? sent.answer : {};
  }
  return { answer, found };
}

function isOurs(there: JsonObject, digest: string | undefined): boolean {
  return digest === undefined || JSON.stringify(there).includes(digest);
}

function taken({ operation }: Request): BellhopError {
  const what = 'this name is taken, by what is other than this or does not say what it is';
  const help = 'give another `--name`, or none: then the name says what it is';
  return new BellhopError('BH_ERR_API', { where: [operation], what, help });
}

async function lookFor({ unless }: Request, send: Sender): Promise<JsonObject | undefined> {
  if (unless === undefined) return undefined;
  const seen = await send(unless.request, unless.absentCodes);
  return seen.kind === 'answer' && unless.isThere(seen.answer) ? seen.answer : undefined;
}

const WAIT_MS_FIRST = 2000;
const WAIT_GROWTH = 1.5;
const WAIT_MS_MAX = 30_000;

/** What following a job takes. */
export interface Following {
  readonly target: Target;
  readonly job: Job;
  /** What the last request was answered. */
  readonly answer: JsonObject;
  readonly clock: Clock;
  /** How long it is followed at most. */
  readonly budget: Budget;
  readonly tell: (progress: Progress) => void;
}

/**
 * Asks until the job has ended well, and gives its last state; throws why it failed, or that the
 * time is over. What nobody follows has ended when it was made.
 */
export async function follow(following: Following, send: Sender): Promise<Progress> {
  const { target, job, answer, clock, budget, tell } = following;
  if (target.follow === undefined) return { state: 'succeeded', said: 'made' };
  let waitMs = WAIT_MS_FIRST;
  for (;;) {
    const asked = await send(target.follow.ask(job, answer), []);
    const progress = target.follow.read(asked.kind === 'answer' ? asked.answer : {});
    tell(progress);
    if (progress.state === 'succeeded') return progress;
    if (progress.state === 'failed') throw failed(target, job, progress);
    if (!(await pause(clock, budget, waitMs))) throw tooLong(target, job, progress);
    waitMs = Math.min(WAIT_MS_MAX, waitMs * WAIT_GROWTH);
  }
}

function failed({ name }: Target, job: Job, { said, reason }: Progress): BellhopError {
  const why = reason === undefined || reason === '' ? said : `${said}: ${reason}`;
  return new BellhopError('BH_ERR_JOB_FAILED', { where: [name, job.name], what: why });
}

function tooLong({ name }: Target, job: Job, { said }: Progress): BellhopError {
  const what = `is still ${said} when the time of --wait-max is over`;
  const help = `it goes on; ${CODES.BH_ERR_JOB_FAILED.help}`;
  return new BellhopError('BH_ERR_JOB_FAILED', { where: [name, job.name], what, help });
}
