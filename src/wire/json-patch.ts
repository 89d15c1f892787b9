// RFC 6902, as far as pods are patched: what we bring is added, and nothing else is written anew.

/** One operation. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** A JSON pointer (RFC 6901): `~` and `/` are escaped, numbers are indices, `-` is behind the end. */
export function pointer(...segments: readonly (string | number)[]): string {
  return segments
    .map((one) => `/${String(one).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
