import { canonicalJson, digestOf } from '../core/canonical.ts';
import { BellhopError } from '../core/errors.ts';
import { isRecord } from '../wire/read.ts';
import type { Plan } from './types.ts';
import { PLAN_VERSION } from './types.ts';

/** Features of plans that this reader carries out. */
const FEATURES: readonly string[] = [];

/** The plan as a document: canonical JSON (RFC 8785) with its digest, and a newline. */
export function printPlan(plan: Plan): string {
  return `${canonicalJson({ ...plan, digest: planDigest(plan) })}\n`;
}

/** SHA-256 over the canonical JSON of the plan without its digest. */
export function planDigest(plan: Plan): string {
  return digestOf(canonicalJson(plan));
}

/**
 * Reads a plan document. Its digest must fit, and `expected` too if it is given; a reader refuses a
 * version that it does not know and features that it cannot carry out.
 */
export function readPlan(text: string, name: string, expected?: string): Plan {
  const refuse = (what: string): BellhopError => {
    return new BellhopError('BH_ERR_PLAN', { where: [name], what });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refuse('is not JSON');
  }
  if (!isRecord(parsed)) throw refuse('is not a plan');
  const { digest, ...plan } = parsed;
  if (plan['apiVersion'] !== PLAN_VERSION) {
    throw refuse(`has a version that this bellhop does not read (it reads ${PLAN_VERSION})`);
  }
  const real = digestOf(canonicalJson(plan));
  if (digest !== real) throw refuse('its digest does not fit its content: it was changed');
  if (expected !== undefined && expected !== real) {
    throw refuse(`is another plan than BELLHOP_PLAN_DIGEST says (it is ${real})`);
  }
  const { requires } = plan;
  const unknown = Array.isArray(requires)
    ? requires.filter((one) => !FEATURES.includes(String(one)))
    : [];
  if (unknown.length > 0) throw refuse(`needs what this bellhop cannot do: ${unknown.join(', ')}`);
  if (!isPlan(plan)) throw refuse('lacks what a plan must have');
  return plan;
}

function isPlan(value: Record<string, unknown>): value is Record<string, unknown> & Plan {
  const { origin, stores, policy, image, identity, placements } = value;
  return (
    [origin, stores, policy, image, identity].every(isRecord) &&
    Array.isArray(placements) &&
    placements.every((one) => isRecord(one) && typeof one['kind'] === 'string')
  );
}
