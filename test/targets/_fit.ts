// Requests that use exactly so much of a cap: for tests at max - 1, max and max + 1.
import type { Json } from '../../src/core/canonical.ts';
import type { JsonObject, Limit } from '../../src/targets/_caps.ts';
import { jsonBytes } from '../../src/targets/_caps.ts';

/** The name `N`, `=` and NUL, and a pointer, as far as each counts them. */
const AROUND = { total: 1, entry: 3, environment: 11 } as const;

/** A node that uses `count` of what the limit counts; undefined where no node can. */
export function nodeUsing({ counts, at }: Limit, count: number): Json | undefined {
  if (counts === 'number' || counts === 'seconds') return counted(counts, count);
  const isMap = /Environment|Variables|HyperParameters|^env$/.test(at);
  const pair = (name: string, value: string): Json => {
    return isMap ? { [name]: value } : [{ name, value }];
  };
  const word = 'w'.repeat(Math.max(count, 0));
  switch (counts) {
    case 'entries':
      return entries(count, isMap);
    case 'name':
      return pair(word, '');
    case 'value':
      return isMap ? { N: word } : [word];
    case 'total':
    case 'entry':
    case 'environment':
      return pair('N', 'w'.repeat(count - AROUND[counts]));
    case 'text':
      return word;
    case 'json': {
      const around = jsonBytes({ N: '' });
      return { N: 'w'.repeat(count - around) };
    }
  }
}

/** The request in which a node stands at a path. */
export function requestWith(at: string, node: Json): Json {
  if (at === '') return node;
  const [step = '', ...rest] = at.split('.');
  const inner = requestWith(rest.join('.'), node);
  const isList = step.endsWith('[]');
  const name = isList ? step.slice(0, -2) : step;
  const made: JsonObject = { [name]: isList ? [inner] : inner };
  return made;
}

function counted(counts: 'number' | 'seconds', count: number): Json {
  return counts === 'number' ? count : `${count}s`;
}

function entries(count: number, isMap: boolean): Json {
  const all = Array.from({ length: count }, (_, at): readonly [string, string] => [`N${at}`, '']);
  return isMap ? Object.fromEntries(all) : all.map(([, value]) => value);
}
