import { BellhopError } from '../core/errors.ts';
import { breachesOf, hasForm } from '../targets/_caps.ts';
import { variablesAt } from './adapt-fields.ts';
import type { Adaptable } from './adapt-target.ts';
import { capsOf } from './adapt-target.ts';
import { countedText } from './judge.ts';

// Why a request that somebody else made is not left as it is.

/** Everything that the platform has against the request: fields with sizes, reserved names. */
export function against({ target, adapting, request }: Adaptable): readonly string[] {
  const breaches = breachesOf(capsOf({ target, adapting }), adapting.operation, request);
  const reserved = variablesAt(request, adapting.variables).flatMap(([name]) => {
    const found = target.reserved.find((one) => hasForm(one, name));
    return found === undefined ? [] : [`variable ${name}: ${found.why}`];
  });
  const over = breaches.map(({ cap, what }) => {
    return `${cap.at === '' ? 'the whole request' : cap.at}: ${what} (${countedText(cap)})`;
  });
  return [...over, ...reserved];
}

/** The same problem, with why the request needs bellhop at all. */
export function because(adaptable: Adaptable, problem: BellhopError): BellhopError {
  const { where, what, help } = problem;
  const all = against(adaptable);
  if (all.length === 0) return problem;
  const told = `${what}; bellhop is needed for ${all.join(', ')}`;
  return new BellhopError(problem.code, { where, what: told, help });
}
