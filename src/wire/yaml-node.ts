import { floatKey, resolveJsonNumber, resolvePlain, resolveTagged } from './yaml-scalar.ts';
import type { Scalar } from './yaml-scalar.ts';
import type { Source } from './yaml-source.ts';

/** A node of a document: a mapping's items are keys and values in turn. */
export interface Node {
  readonly kind: 'scalar' | 'list' | 'mapping' | 'alias';
  readonly start: number;
  /** The full name, empty if there is none. */
  readonly tag: string;
  /** The text of a scalar. */
  readonly text: string;
  /** No quotes and no block: the text decides the type. */
  readonly plain: boolean;
  readonly items: readonly Node[];
  /** Some alias may mean it. */
  readonly anchored: boolean;
  /** What an alias means. */
  readonly target: Node | undefined;
}

/**
 * How scalars are read; `words` is YAML whose plain keys are the words that stand there, where
 * kubectl has `false` for `no` and `1.5` for `1.50`.
 */
export type Grammar = 'yaml' | 'words' | 'json';

/** A document as the parser saw it. */
export interface Parsed {
  readonly source: Source;
  readonly root: Node;
  readonly grammar: Grammar;
}

/** A document that was read, and how to parse it once more when a position is asked for. */
export interface Found {
  readonly source: Source;
  readonly startLine: number;
  readonly value: unknown;
  readonly parse: () => Parsed;
}

/** A mapping key as text, and what tells apart two keys that have the same text. */
export interface Key {
  readonly text: string;
  readonly type: string;
}

/** Gives what an alias means, and every other node itself. */
export function meant(node: Node): Node {
  return node.target ?? node;
}

/** Resolves a scalar as Go's decoder, or as the JSON decoder, does. */
export function scalarOf(node: Node, grammar: Grammar): Scalar {
  const { text, plain, tag } = node;
  if (tag !== '') return resolveTagged(tag, text);
  if (!plain) return { kind: 'string', value: text };
  return grammar === 'json' && /^[-\d]/.test(text) ? resolveJsonNumber(text) : resolvePlain(text);
}

/** Gives the mapping key that a node is, or undefined if it can be none. */
export function keyOf(node: Node, grammar: Grammar): Key | undefined {
  const own = meant(node);
  if (own.kind !== 'scalar') return undefined;
  const scalar = scalarOf(own, grammar);
  if (grammar === 'words' && isWord(own)) return { text: own.text, type: scalar.kind };
  return keyOfScalar(scalar, own.text);
}

function isWord({ plain, tag, text }: Node): boolean {
  return plain && tag === '' && text !== '';
}

function keyOfScalar(scalar: Scalar, text: string): Key | undefined {
  switch (scalar.kind) {
    case 'string':
      return { text: scalar.value, type: 'string' };
    case 'bool':
      return { text: String(scalar.value), type: 'bool' };
    case 'int':
      // Beyond int64 Go has an unsigned integer, which is no key.
      return scalar.unsigned ? undefined : { text: scalar.text, type: 'int' };
    case 'float': {
      // Go has 0.0 and -0.0 as one key, with the text of the first.
      const negativeZero = scalar.value === 0 && text.startsWith('-');
      const key = negativeZero ? undefined : floatKey(scalar.value);
      return key === undefined ? undefined : { text: key, type: `float ${scalar.text}` };
    }
    case 'null':
    case 'refused':
      return undefined;
  }
}

/** Says whether a node is the key `<<` that merges. */
export function isMergeKey({ kind, text, tag, plain }: Node): boolean {
  if (text !== '<<' || kind !== 'scalar') return false;
  return (tag === '' && plain) || tag === '!' || tag === 'tag:yaml.org,2002:merge';
}
