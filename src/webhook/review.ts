// One question of the API server from its body to the text of the answer. Never throws.
import { BellhopError, problemsOf } from '../core/errors.ts';
import type { Answer, PodReview, Refusal } from '../wire/admission.ts';
import { TOO_LARGE, answerText, readReview } from '../wire/admission.ts';
import type { Deadline } from './deadline.ts';
import type { Decision, Delivered, Mutate, PodRequest } from './decision.ts';
import type { OwnerFacts } from './pod-owner.ts';
import { controllerIn } from './pod-owner.ts';

/** How a review ended; the label of metrics and logs. */
export type Outcome =
  | 'patched'
  | 'unchanged'
  | 'denied'
  /** What was asked is no review of a pod. */
  | 'refused'
  /** No decision came in time. */
  | 'late'
  /** bellhop itself is wrong. */
  | 'failed';

/** A body with what belongs to it. */
export interface ReviewInput {
  /** `too large` where it was not kept. */
  readonly body: Uint8Array | 'too large';
  readonly contentType: string | undefined;
  readonly deadline: Deadline;
}

/** The answer, and what logs, metrics and Events tell of it; never a value of a secret. */
export interface Reviewed {
  /** Of HTTP; what went wrong stands in the answer's own code. */
  readonly status: 200;
  readonly text: string;
  readonly outcome: Outcome;
  readonly uid: string;
  /** Undefined where no pod could be read. */
  readonly pod: PodFacts | undefined;
  /** Why it was not admitted. */
  readonly reason: string | undefined;
  readonly delivered: readonly Delivered[];
  readonly warnings: readonly string[];
}

/** Which pod it was about. */
export interface PodFacts {
  /** What it is called, else what its name begins with. */
  readonly name: string;
  readonly namespace: string;
  readonly dryRun: boolean;
  /** Who made it and will make it again: a Job, a ReplicaSet. */
  readonly owner?: OwnerFacts;
}

const LATE = 'bellhop could not decide before the API server would have given up';
const FAILED = 'bellhop has failed at this pod by a fault of its own; its log says at what';

/** Answers one question. */
export async function review(input: ReviewInput, mutate: Mutate): Promise<Reviewed> {
  if (input.body === 'too large') return refusedBy(TOO_LARGE);
  const read = readReview(input.body, input.contentType);
  if (read.kind === 'refused') return refusedBy(read.refusal);
  const { review: asked } = read;
  const steps = { last: '' };
  try {
    const decision = await decideInTime(asked, mutate, { deadline: input.deadline, steps });
    if (decision !== 'late') return decided(asked, decision);
    const waited = steps.last === '' ? '' : `: it waited for ${steps.last}`;
    const message = `${LATE}${waited}; try again`;
    const answer: Answer = { allowed: false, code: 504, message };
    return reviewed(asked, { answer, outcome: 'late', reason: message });
  } catch (error) {
    const answer: Answer = { allowed: false, code: 500, message: FAILED };
    return reviewed(asked, { answer, outcome: 'failed', reason: faultOf(error) });
  }
}

async function decideInTime(
  { pod, namespace, dryRun, user }: PodReview,
  mutate: Mutate,
  { deadline, steps }: { readonly deadline: Deadline; readonly steps: { last: string } },
): Promise<Decision | 'late'> {
  const request: PodRequest = {
    pod,
    namespace,
    dryRun,
    user,
    onStep: (what) => {
      steps.last = what;
    },
    get signal() {
      return deadline.signal;
    },
  };
  return deadline.orLate(() => mutate(request));
}

function decided(asked: PodReview, decision: Decision): Reviewed {
  switch (decision.kind) {
    case 'unchanged': {
      const answer: Answer = { allowed: true, message: 'No changes' };
      return reviewed(asked, { answer, outcome: 'unchanged' });
    }
    case 'patched': {
      const { patch, warnings, delivered } = decision;
      const answer: Answer = { allowed: true, patch, warnings };
      return reviewed(asked, { answer, outcome: 'patched', delivered, warnings });
    }
    case 'denied': {
      const { message, delivered } = decision;
      const answer: Answer = { allowed: false, code: 400, message };
      return reviewed(asked, { answer, outcome: 'denied', delivered, reason: message });
    }
  }
}

interface Told {
  readonly answer: Answer;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly delivered?: readonly Delivered[];
  readonly warnings?: readonly string[];
}

function reviewed(asked: PodReview, told: Told): Reviewed {
  return {
    status: 200,
    text: answerText(asked.echo, told.answer),
    outcome: told.outcome,
    uid: asked.echo.uid,
    pod: podFacts(asked),
    reason: told.reason,
    delivered: told.delivered ?? [],
    warnings: told.warnings ?? [],
  };
}

function refusedBy({ echo, code, message }: Refusal): Reviewed {
  return {
    status: 200,
    text: answerText(echo, { allowed: false, code, message }),
    outcome: 'refused',
    uid: echo.uid,
    pod: undefined,
    reason: message,
    delivered: [],
    warnings: [],
  };
}

/** The types are those that `readReview` has made sure of. */
interface Metadata {
  readonly name?: string | null;
  readonly generateName?: string | null;
  readonly ownerReferences?: unknown;
}

function podFacts({ pod, namespace, dryRun }: PodReview): PodFacts {
  const metadata = (pod as { metadata?: Metadata | null }).metadata ?? {};
  const owner = controllerIn(metadata.ownerReferences);
  const name = metadata.name || metadata.generateName || '';
  return { name, namespace, dryRun, ...(owner === undefined ? {} : { owner }) };
}

/**
 * What can be said of an error without a value: sentences of our own, else its kind and where it
 * was thrown. A message of the runtime may quote what was read.
 */
export function faultOf(error: unknown): string {
  if (error instanceof BellhopError) {
    return problemsOf(error)
      .map((one) => `${[...one.where, one.what].join(': ')} (${one.code})`)
      .join('; ');
  }
  if (!(error instanceof Error)) return `a ${typeof error} was thrown`;
  const frame = /\bat (?:async )?(?:([\w.$<>]+) \()?[^()\n]*?([\w.-]+:\d+:\d+)\)?/.exec(
    error.stack?.slice(error.stack.indexOf('\n    at ')) ?? '',
  );
  const kind = error.constructor.name;
  return frame === null ? kind : `${kind} at ${frame[2] ?? ''} (${frame[1] ?? 'no name'})`;
}
