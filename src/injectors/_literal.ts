/**
 * A value as it must stand in a pod for the program to see it as it is: the kubelet expands
 * `$(NAME)` and makes `$$` one `$`. Only a `$` before one of these is written twice, so that all
 * other values stay as they are.
 */
export function literalValue(value: string): string {
  return value.replaceAll(/\$(?=[($])/g, '$$$$');
}
