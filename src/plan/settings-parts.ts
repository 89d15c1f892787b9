import * as v from 'valibot';

// What the sections of bellhop.yaml's schema share.

/** A name, which is never empty. */
export const name = v.pipe(v.string(), v.minLength(1));
export const words = v.array(v.string());

/** A setting that may be left out, with its line of the docs. */
export function setting<const S extends v.GenericSchema>(schema: S, text: string) {
  return v.optional(v.pipe(schema, v.description(text)));
}
