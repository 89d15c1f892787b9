import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { secretCalled } from '../wire/flyte-secret.ts';
import type { Edit } from './_edit.ts';

/** A pod can be read by many, and stands in audit logs. */
export function inClearText(secret: FlyteSecret): Edit {
  const text = `secret [${secretCalled(secret)}] stands in the pod in clear text`;
  return { kind: 'warning', text };
}

/**
 * A value as it must stand in a pod for the program to see it as it is: the kubelet expands
 * `$(NAME)` and makes `$$` one `$`. Only a `$` before one of these is written twice, so that all
 * other values stay as they are.
 */
export function literalValue(value: string): string {
  return value.replaceAll(/\$(?=[($])/g, '$$$$');
}
