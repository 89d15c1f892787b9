import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { configMapValues } from '../entrypoint/carried.ts';
import type { Declared } from '../entrypoint/declare.ts';
import { readInput } from '../entrypoint/inputs.ts';
import type { Parameter } from '../plan/hyperparameters.ts';
import { readParameters, sortedParameters } from '../plan/hyperparameters.ts';
import type { SubmitSettings } from '../plan/settings-submit.ts';
import type { JobParameters } from '../submit/prepare.ts';

const encoder = new TextEncoder();
const FILE_BYTES_MAX = 64 * 1024 * 1024;

type Wanted = SubmitSettings['hyperparameters'] & {};

/** What is wrong with the section, as the end of a sentence. */
class ParametersProblem extends Error {}

/** Hyperparameters from a ConfigMap of the input, a file or bellhop.yaml. */
export function parametersOf(
  io: Io,
  declared: Declared,
  of: { readonly wanted: Wanted | undefined; readonly problems: BellhopError[] },
): JobParameters | undefined {
  if (of.wanted === undefined) return undefined;
  try {
    return read(io, declared, of.wanted);
  } catch (error) {
    if (error instanceof BellhopError) of.problems.push(error);
    else if (error instanceof ParametersProblem) {
      const where = ['bellhop.yaml', 'submit.hyperparameters'];
      of.problems.push(new BellhopError('BH_ERR_SETTINGS', { where, what: error.message }));
    } else throw error;
    return undefined;
  }
}

function read(io: Io, declared: Declared, wanted: Wanted): JobParameters {
  const { configMap, file, values, path } = wanted;
  if ([configMap, file, values].filter((one) => one !== undefined).length !== 1) {
    throw new ParametersProblem('needs one of `configMap`, `file` and `values`');
  }
  const { parameters, content } =
    configMap === undefined
      ? written(io, wanted)
      : ofConfigMaps(declared, [configMap].flat(), wanted.key);
  const isInPod = configMap !== undefined;
  return { parameters, isInPod, ...(path === undefined ? {} : { file: { path, content } }) };
}

interface Parameters {
  readonly parameters: readonly Parameter[];
  /** As they were written. */
  readonly content: Uint8Array;
}

function written(io: Io, { file, values }: Wanted): Parameters {
  const content =
    file === undefined
      ? encoder.encode(JSON.stringify(values))
      : readInput(io, file, FILE_BYTES_MAX);
  const parameters = readParameters(content);
  if (parameters !== undefined) return { parameters, content };
  throw new ParametersProblem(`${file ?? 'what is given'} is no JSON object`);
}

/** Those of several ConfigMaps together; a name stands in one of them. */
function ofConfigMaps(declared: Declared, names: readonly string[], key?: string): Parameters {
  const [first, ...more] = names.map((name) => ofConfigMap(declared, { name, key }));
  if (first === undefined || more.length === 0) return first ?? { parameters: [], content: NONE };
  const parts = [first, ...more];
  const parameters = sortedParameters(parts.flatMap((one) => one.parameters));
  const twice = parameters.find(([name], at) => name === parameters[at + 1]?.[0]);
  if (twice !== undefined) {
    throw new ParametersProblem(`${JSON.stringify(twice[0])} is in more than one ConfigMap`);
  }
  return { parameters, content: joined(parts.map(({ content }) => content)) };
}

const NONE = encoder.encode('{}');

/** Objects of JSON as one, each member as it was written. */
function joined(objects: readonly Uint8Array[]): Uint8Array {
  const decoder = new TextDecoder();
  const members = objects.map((one) => decoder.decode(one).trim().slice(1, -1));
  return encoder.encode(`{${members.filter((one) => one.trim() !== '').join(',')}}`);
}

function ofConfigMap(
  { plan, objects }: Declared,
  { name, key }: { readonly name: string; readonly key: string | undefined },
): Parameters {
  const entries = configMapValues(objects, { name, namespace: plan.origin.namespace });
  if (entries === undefined)
    throw new ParametersProblem(`there is no ConfigMap ${name} in the input`);
  const parameters = key === undefined ? eachKey(entries) : readParameters(valueAt(entries, key));
  if (parameters === undefined)
    throw new ParametersProblem(`key ${key ?? ''} of ConfigMap ${name} is no JSON object`);
  const content = key === undefined ? jsonOf(parameters) : valueAt(entries, key);
  return { parameters, content };
}

function valueAt(entries: ReadonlyMap<string, Uint8Array>, key: string): Uint8Array {
  const value = entries.get(key);
  if (value !== undefined) return value;
  throw new ParametersProblem(`there is no key ${key} in the ConfigMap`);
}

function eachKey(entries: ReadonlyMap<string, Uint8Array>): readonly Parameter[] {
  const decoder = new TextDecoder();
  return sortedParameters([...entries].map(([name, value]) => [name, decoder.decode(value)]));
}

function jsonOf(parameters: readonly Parameter[]): Uint8Array {
  return encoder.encode(JSON.stringify(Object.fromEntries(parameters)));
}
