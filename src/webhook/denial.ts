// Why a pod is denied, in the words of Flyte that others match on.
import { BellhopError } from '../core/errors.ts';
import { Refusal } from '../injectors/_injector.ts';
import { EditProblem } from './pod-volumes.ts';

/** Why one manager does not deliver a secret. */
export interface Reason {
  readonly type: string;
  readonly why: string;
  /** It could not say whether it has the secret: its store is down, or does not let us ask. */
  readonly isInDoubt?: true;
}

/** What was thrown, as a reason. */
export function reasonOf(type: string, error: unknown): Reason {
  const isSaid = error instanceof Refusal || error instanceof EditProblem;
  return { type, why: whyOf(error), ...(isSaid ? {} : { isInDoubt: true as const }) };
}

/** Only what was written to be read is repeated: other errors may have values in them. */
export function whyOf(error: unknown): string {
  const isWritten =
    error instanceof Refusal || error instanceof EditProblem || error instanceof BellhopError;
  return isWritten ? error.message : 'an internal error';
}

/** Flyte's words, which others match on, and then the reasons. */
export function unsatisfied(called: string, reasons: readonly Reason[]): string {
  const types = reasons.map(({ type }) => type).join(' ');
  const each = reasons.map(({ type, why }) => `${type}: ${why}`).join('; ');
  return (
    `none of the secret managers injected secret [${called}]: ` +
    `failed to inject secret [${called}] using any of the enabled secret managers: [${types}]. ` +
    `Possible reasons: the secret cannot be found or an internal error occurred. ${each}`
  );
}
