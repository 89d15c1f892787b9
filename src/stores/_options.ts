import { isCredentialHeader } from './_header-names.ts';

/** One option of a kind of store: drives the check, the JSON Schema and the docs. */
export type OptionSpec = {
  /** One line for the docs. */
  readonly help: string;
  readonly required?: true;
} & (
  | { readonly type: 'text' | 'number' | 'flag' | 'texts' }
  /** Of `headers`, those whose names say that they prove something are an error. */
  | { readonly type: 'record'; readonly of?: 'headers' }
  /** A value in another store: a literal credential in bellhop.yaml is an error. */
  | { readonly type: 'reference' | 'references' }
  | { readonly type: 'choice'; readonly of: readonly string[] }
  | { readonly type: 'group'; readonly members: OptionSpecs }
);

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Options as bellhop.yaml or a plan has them. */
export type Options = Readonly<Record<string, unknown>>;

/** What is wrong with one option, and where below the store. */
export interface OptionProblem {
  readonly path: readonly string[];
  readonly what: string;
}

/** Everything that is wrong with the options of a store. */
export function optionProblems(
  specs: OptionSpecs,
  options: Options,
  kind: string,
): OptionProblem[] {
  const known = Object.keys(specs).join(', ') || 'none';
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(specs, name));
  return [
    ...unknown.map((name) => {
      return { path: [name], what: `${kind} has no option ${name} (options: ${known})` };
    }),
    ...Object.entries(specs).flatMap(([name, spec]) => {
      const value = Object.hasOwn(options, name) ? options[name] : undefined;
      if (value !== undefined && value !== null) return valueProblems(spec, value, name);
      const what = `${kind} needs the option ${name}: ${spec.help}`;
      return spec.required === true ? [{ path: [], what }] : [];
    }),
  ];
}

/** What each type wants to see. */
const WANTED: Readonly<Record<OptionSpec['type'], string>> = {
  text: 'must be a string',
  number: 'must be a number of 0 or more',
  flag: 'must be true or false',
  texts: 'must be a list of strings',
  record: 'must be an object of strings',
  reference: 'must be a reference (store:path#key) to where the value is, never the value itself',
  references: 'must be an object of references (store:path#key), never the values themselves',
  choice: 'must be one of',
  group: 'must be an object',
};

function valueProblems(spec: OptionSpec, value: unknown, name: string): OptionProblem[] {
  if (!fits(spec, value)) {
    const choices = spec.type === 'choice' ? ` ${spec.of.join(', ')}` : '';
    return [{ path: [name], what: `${WANTED[spec.type]}${choices}` }];
  }
  const texts = [value].flat().filter(isText);
  if (texts.some((text) => PASSWORD_IN_URL.test(text))) {
    return [{ path: [name], what: 'has a password in it, which must be in another store' }];
  }
  if (texts.some((text) => MORE_THAN_ADDRESS.test(text))) {
    return [
      { path: [name], what: 'has more in it than an address: a user, a query or a fragment' },
    ];
  }
  if (spec.type === 'record' && spec.of === 'headers') return headerProblems(value, name);
  if (spec.type !== 'group') return [];
  const below = optionProblems(spec.members, value as Options, name);
  return below.map(({ path, what }) => ({ path: [name, ...path], what }));
}

/** A literal credential: a plan would hold it. Stores refuse more, when they are opened. */
const PASSWORD_IN_URL = /^\s*[a-z][a-z0-9+.-]*:\/\/[^/?#@]*:[^/?#]*@/i;
/** What may be a credential as well; no store takes it. */
const MORE_THAN_ADDRESS = /^\s*https?:\/\/(?:[^/?#]*@|[^?#]*[?#].)/i;

function headerProblems(value: unknown, name: string): OptionProblem[] {
  const names = Object.keys(value as Options).filter(isCredentialHeader);
  const what = 'looks like a credential: give a reference in `secretHeaders`';
  return names.map((one) => ({ path: [name, one], what }));
}

function fits(spec: OptionSpec, value: unknown): boolean {
  return spec.type === 'choice' ? spec.of.some((one) => one === value) : FITS[spec.type](value);
}

const FITS: Readonly<Record<Exclude<OptionSpec['type'], 'choice'>, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string' && value !== '',
  number: (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value),
  flag: (value) => typeof value === 'boolean',
  texts: (value) => Array.isArray(value) && value.every(isText),
  record: (value) => isObject(value) && Object.values(value).every(isText),
  reference: isReference,
  references: (value) => isObject(value) && Object.values(value).every(isReference),
  group: isObject,
};

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** `store:path`, or the object form. Whether the store is declared is found out elsewhere. */
function isReference(value: unknown): boolean {
  if (typeof value === 'string') return /^[a-z0-9][-a-z0-9_]*:[^\s]+$/i.test(value);
  if (!isObject(value)) return false;
  const { store, path } = value;
  return typeof store === 'string' && typeof path === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every reference that options make, by the path below the store. */
export function referencesIn(
  specs: OptionSpecs,
  options: Options,
): { readonly path: readonly string[]; readonly reference: unknown }[] {
  return Object.entries(specs).flatMap(([name, spec]) => {
    const value = Object.hasOwn(options, name) ? options[name] : undefined;
    if (value === undefined || !fits(spec, value)) return [];
    if (spec.type === 'reference') return [{ path: [name], reference: value }];
    const below =
      spec.type === 'references'
        ? Object.entries(value as Options).map(([key, one]) => ({ path: [key], reference: one }))
        : spec.type === 'group'
          ? referencesIn(spec.members, value as Options)
          : [];
    return below.map(({ path, reference }) => ({ path: [name, ...path], reference }));
  });
}

// Readers of options that were checked: what is absent is undefined.

export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function numberOption(options: Options, name: string): number | undefined {
  const value = options[name];
  return typeof value === 'number' ? value : undefined;
}

export function flagOption(options: Options, name: string): boolean {
  return options[name] === true;
}

export function textsOption(options: Options, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** A record or a group; empty where absent. */
export function groupOption(options: Options, name: string): Options {
  const value = options[name];
  return isObject(value) ? value : {};
}

/** An object of strings; empty where absent. */
export function recordOption(options: Options, name: string): Readonly<Record<string, string>> {
  const entries = Object.entries(groupOption(options, name));
  return Object.fromEntries(entries.map(([key, one]) => [key, String(one)]));
}
