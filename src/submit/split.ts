import { breachesOf, hasForm, bytesOf } from '../targets/_caps.ts';
import type { Breach, Cap } from '../targets/_caps.ts';
import type { Job, NativeSecret, Request, Target, Variable } from '../targets/_target.ts';
import type { Pointer } from './pointer.ts';

// What goes into a platform's request and what to the other place: pure, and a function of its
// input alone. By need: the pointer, then secrets that the platform brings itself, then variables
// in the order of the plan, as far as the caps go.

/** What the job is before it is known what fits. */
export type Frame = Omit<Job, 'variables' | 'secrets' | 'hyperparameters' | 'channel'>;

/** What wants to be in the request. */
export interface Wishes {
  readonly pointer: Pointer;
  readonly secrets: readonly NativeSecret[];
  readonly hyperparameters: readonly Variable[];
  readonly variables: readonly Variable[];
}

/** Where something went, for people. */
export interface Placed {
  readonly what: 'pointer' | 'secret' | 'variable' | 'hyperparameter';
  readonly name: string;
  readonly isInRequest: boolean;
  /** Why it is not in the request. */
  readonly why?: string;
}

/** What became of the wishes; `breaches` is empty where the requests can be sent. */
export interface Split {
  readonly job: Job;
  readonly requests: readonly Request[];
  readonly placed: readonly Placed[];
  readonly breaches: readonly Breach[];
}

/** Fills the request as far as the target's caps go. */
export function split(target: Target, frame: Frame, wishes: Wishes): Split {
  const { pointer } = wishes;
  const sayable = wishes.variables.map((one) => [one, unsayable(target, one)] as const);
  const fit = sayable.flatMap(([one, why]) => {
    return why === undefined ? [written(target, one) ?? one] : [];
  });
  const secrets = wishes.secrets.filter(({ name }) => nameProblem(target, name) === undefined);
  const most = (count: number, jobOf: (kept: number) => Job): number => {
    return largest(count, (kept) => breachesIn(target, jobOf(kept)).length === 0);
  };
  const bare = jobWith(frame, { ...wishes, variables: [] });
  const secretsKept = most(secrets.length, (kept) => ({
    ...bare,
    secrets: secrets.slice(0, kept),
  }));
  const withSecrets = { ...bare, secrets: secrets.slice(0, secretsKept) };
  const jobOf = (kept: number): Job => {
    return { ...withSecrets, variables: [...pointer.variables, ...fit.slice(0, kept)] };
  };
  const kept = most(fit.length, jobOf);
  const job = jobOf(kept);
  return {
    job,
    requests: target.render(job),
    placed: [
      ...pointer.variables.map(([name]) => inRequest('pointer', name)),
      ...wishes.secrets.map((one) => {
        const problem = nameProblem(target, one.name);
        if (withSecrets.secrets.includes(one)) return inRequest('secret', one.name);
        return elsewhere('secret', one.name, problem ?? NO_ROOM);
      }),
      ...wishes.hyperparameters.map(([name]) => inRequest('hyperparameter', name)),
      ...variablesPlaced(sayable, kept),
    ],
    breaches: breachesIn(target, job),
  };
}

/** What is wished for without secrets. */
type Bare = Omit<Wishes, 'secrets'>;

/** The job that has all of it. */
function jobWith(frame: Frame, { pointer, hyperparameters, variables }: Bare): Job {
  return {
    ...frame,
    variables: [...pointer.variables, ...variables],
    secrets: [],
    hyperparameters,
    ...(pointer.channel === undefined ? {} : { channel: pointer.channel }),
  };
}

/** True where the requests have room for all of it. */
export function fits(target: Target, frame: Frame, wishes: Bare): boolean {
  return breachesIn(target, jobWith(frame, wishes)).length === 0;
}

const NO_ROOM = 'no room is left under the caps';

function inRequest(what: Placed['what'], name: string): Placed {
  return { what, name, isInRequest: true };
}

function elsewhere(what: Placed['what'], name: string, why: string): Placed {
  return { what, name, isInRequest: false, why };
}

function variablesPlaced(
  sayable: readonly (readonly [Variable, string | undefined])[],
  kept: number,
): Placed[] {
  let taken = 0;
  return sayable.map(([[name], why]) => {
    if (why !== undefined) return elsewhere('variable', name, why);
    taken += 1;
    return taken <= kept ? inRequest('variable', name) : elsewhere('variable', name, NO_ROOM);
  });
}

/** The largest count from 0 that is good; where one is not, none above it is. */
function largest(count: number, isGood: (kept: number) => boolean): number {
  if (count === 0 || isGood(count)) return count;
  let [good, bad] = [0, count];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isGood(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** Every cap that the requests of a job break. */
export function breachesIn(target: Target, job: Job): Breach[] {
  return target.render(job).flatMap(({ operation, input }) => {
    return breachesOf(target.caps, operation, input);
  });
}

/** A variable as the platform must be sent it; undefined where it would change the value. */
export function written(target: Target, [name, value]: Variable): Variable | undefined {
  const literal = target.literal === undefined ? value : target.literal(value);
  return literal === undefined ? undefined : [name, literal];
}

/** Why a variable cannot be in the request, whatever else is in it. */
function unsayable(target: Target, [name, value]: Variable): string | undefined {
  const sent = written(target, [name, value]);
  if (sent === undefined) return 'the platform would change the value';
  return nameProblem(target, name) ?? ownProblem(target, 'value', sent[1]);
}

function nameProblem(target: Target, name: string): string | undefined {
  // It would stand in for the pointer.
  if (name.startsWith('BELLHOP_')) return "names that begin with BELLHOP_ are bellhop's own";
  const reserved = target.reserved.find((one) => hasForm(one, name));
  return reserved?.why ?? ownProblem(target, 'name', name);
}

/** What the caps say of one name or one value by itself. */
function ownProblem(target: Target, of: 'name' | 'value', text: string): string | undefined {
  const { operation, at } = target.variablesAt;
  const caps = target.caps.filter((cap) => cap.operation === operation && cap.at === at);
  for (const cap of caps) {
    const problem = capProblem(cap, of, text);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function capProblem(cap: Cap, of: 'name' | 'value', text: string): string | undefined {
  if (cap.kind === 'form') {
    return cap.of === of && !hasForm(cap, text)
      ? `its ${of} is not of the form ${cap.pattern}`
      : undefined;
  }
  if (cap.counts !== of || bytesOf(text) <= cap.max) return undefined;
  return `its ${of} has ${bytesOf(text)} bytes, the platform takes ${cap.max}`;
}
