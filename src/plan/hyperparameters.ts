import { jsonMembers } from '../wire/json-source.ts';

// Hyperparameters as SageMaker has them: one flat JSON object whose values are all strings. A
// string stays itself; anything else is its JSON text, digit for digit.

/** Name and value. */
export type Parameter = readonly [name: string, value: string];

/** The members of a JSON object, sorted by name; undefined where the bytes are no JSON object. */
export function readParameters(bytes: Uint8Array): readonly Parameter[] | undefined {
  const members = jsonMembers(bytes);
  if (members === undefined) return undefined;
  const decoder = new TextDecoder();
  return sortedParameters([...members].map(([name, value]) => [name, decoder.decode(value)]));
}

/** In one order, so that the same parameters are the same bytes. */
export function sortedParameters(parameters: readonly Parameter[]): readonly Parameter[] {
  return parameters.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** As the platform writes the file. */
export function printParameters(parameters: readonly Parameter[]): Uint8Array {
  const members = parameters.map(([name, value]) => {
    return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  });
  return new TextEncoder().encode(`{${members.join(',')}}`);
}

/**
 * What a job gets of the platform's own file and of ours: the platform's members win, since a tuner
 * chooses them anew for each of its jobs. Undefined where the platform's is no JSON object.
 */
export function mergedParameters(platform: Uint8Array, ours: Uint8Array): Uint8Array | undefined {
  const theirs = readParameters(platform);
  if (theirs === undefined) return undefined;
  if (theirs.length === 0) return ours;
  const all = new Map([...(readParameters(ours) ?? []), ...theirs]);
  return printParameters(sortedParameters([...all]));
}
