import type { Reference } from './types.ts';

/** What is wrong with a written reference, as one sentence. */
export class ReferenceProblem extends Error {}

const ESCAPES: Readonly<Record<string, string>> = {
  '%23': '#',
  '%40': '@',
  '%25': '%',
  '%7B': '{',
  '%7D': '}',
};
const STORE_NAME = /^[a-z0-9][-a-z0-9_]*$/i;

/**
 * Reads `store:path#key@version`. The store is up to the first `:`, the key after the last `#`, the
 * version after the last `@` behind it. Without a key, `path@version` has a version only if the
 * store has versions at all; elsewhere an `@` belongs to the path.
 */
export function parseReference(text: string, hasVersions: (store: string) => boolean): Reference {
  const colon = text.indexOf(':');
  if (colon < 0) throw new ReferenceProblem('a reference is written store:path#key@version');
  const store = text.slice(0, colon);
  if (!STORE_NAME.test(store))
    throw new ReferenceProblem("what stands before the first ':' is not a store's name");
  const rest = text.slice(colon + 1);
  const hash = rest.lastIndexOf('#');
  const hasKey = hash >= 0;
  const tail = versionOf(rest.slice(hash + 1), hasKey || hasVersions(store));
  const path = hasKey ? rest.slice(0, hash) : tail.text;
  if (path === '') throw new ReferenceProblem('the path of a reference is empty');
  if (hasKey && tail.text === '') throw new ReferenceProblem('the key after # is empty');
  return {
    store,
    path: unescapeText(path),
    ...(hasKey ? { key: unescapeText(tail.text) } : {}),
    ...(tail.version === undefined ? {} : { version: unescapeText(tail.version) }),
  };
}

/** Takes `@version` off the end, where there may be one. */
function versionOf(text: string, allowed: boolean): { text: string; version?: string } {
  const at = allowed ? text.lastIndexOf('@') : -1;
  if (at < 0) return { text };
  const version = text.slice(at + 1);
  if (version === '') throw new ReferenceProblem('the version after @ is empty');
  return { text: text.slice(0, at), version };
}

function unescapeText(text: string): string {
  return text.replace(/%(?:23|40|25|7B|7D)/gi, (code) => ESCAPES[code.toUpperCase()] ?? code);
}

function escapeText(text: string): string {
  return text.replace(/[#@%]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The reference as people write it; `parseReference` of it gives the same reference. */
export function formatReference(reference: Reference): string {
  const { store, path, key, version } = reference;
  const keyPart = key === undefined ? '' : `#${escapeText(key)}`;
  const versionPart = version === undefined ? '' : `@${escapeText(version)}`;
  return `${store}:${escapeText(path)}${keyPart}${versionPart}`;
}

/** What templates may name, and nothing else. */
export const TEMPLATE_NAMES = ['namespace', 'name', 'pod', 'container', 'job'] as const;
/** And in the bindings of `flyte`. */
export const FLYTE_TEMPLATE_NAMES = ['group', 'key', 'version'] as const;
const KNOWN_NAMES = [...TEMPLATE_NAMES, ...FLYTE_TEMPLATE_NAMES];
export type TemplateValues = Readonly<Partial<Record<(typeof KNOWN_NAMES)[number], string>>>;

/**
 * Replaces `{name}` and the like in a path as it is written in bellhop.yaml. A value may not add a
 * `/` or be `..`: a name from the manifest never chooses another part of the store.
 */
export function fillTemplate(written: string, values: TemplateValues): string {
  return written.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const known = KNOWN_NAMES.find((one) => one === name);
    if (known === undefined) {
      throw new ReferenceProblem(`{${name}} is not one of {${TEMPLATE_NAMES.join('} {')}}`);
    }
    const value = values[known];
    if (value === undefined || value === '') {
      throw new ReferenceProblem(`{${name}} is not known here`);
    }
    if (value.includes('/') || value === '.' || value === '..') {
      throw new ReferenceProblem(`{${name}} would change the path: it contains / or ..`);
    }
    return value.replace(/[#@%]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  });
}
