// $(VAR) expansion: k8s.io/kubernetes third_party/forked/golang/expansion v1.33.13, but for the
// repair of kubernetes#136325: a `$` before a character outside ASCII stays as it is.

/**
 * Longer than anything that the kernel takes as arguments and variables together (6 MiB): expansion
 * stops there, so that a few lines of `$(A)$(A)` cannot fill the memory; the size check refuses it.
 */
const EXPANDED_LENGTH_MAX = 8 * 1024 * 1024;

/** Gives a variable's value, or undefined for one that is not known. */
export type Lookup = (name: string) => string | undefined;

/**
 * Expands `$(NAME)`, once and from left to right. `$$` is one `$`; an unknown, empty or unclosed
 * reference stays as it is written. Works on any string whose ASCII characters stand for
 * themselves, so also on bytes kept as latin1.
 */
export function expand(input: string, lookup: Lookup): string {
  return expandEach(input, (name) => lookup(name) ?? `$(${name})`);
}

/** The same where every reference must be known: subPathExpr. Gives the unknown names. */
export function expandStrictly(
  input: string,
  lookup: Lookup,
): { readonly text: string; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const text = expandEach(input, (name) => {
    const value = lookup(name);
    if (value === undefined) missing.push(name);
    return value ?? '';
  });
  return { text, missing };
}

function expandEach(input: string, value: (name: string) => string): string {
  let out = '';
  walk(input, {
    text: (text) => void (out += text),
    name: (name) => void (out += value(name)),
    isFull: () => out.length > EXPANDED_LENGTH_MAX,
  });
  return out;
}

interface Visitor {
  readonly text: (text: string) => void;
  readonly name: (name: string) => void;
  readonly isFull: () => boolean;
}

function walk(input: string, visit: Visitor): void {
  let done = 0;
  for (let at = input.indexOf('$'); at >= 0; at = input.indexOf('$', done)) {
    if (visit.isFull()) return;
    visit.text(input.slice(done, at));
    const next = input[at + 1];
    const close = next === '(' ? input.indexOf(')', at + 2) : -1;
    if (close >= 0) {
      visit.name(input.slice(at + 2, close));
      done = close + 1;
    } else if (next === undefined) {
      visit.text('$');
      done = at + 1;
    } else {
      // `$$` is an escaped `$`; `$x` and an unclosed `$(` are literal.
      visit.text(next === '$' ? '$' : `$${next}`);
      done = at + 2;
    }
  }
  visit.text(input.slice(done));
}

/** A template as texts, with escapes undone, and the names between them; no two texts in a row. */
export function piecesOf(input: string): (string | { readonly name: string })[] {
  const pieces: (string | { readonly name: string })[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') pieces.push(text);
    text = '';
  };
  walk(input, {
    text: (more) => void (text += more),
    name: (name) => {
      flush();
      pieces.push({ name });
    },
    isFull: () => false,
  });
  flush();
  return pieces;
}

/** The names that a template refers to, in order; for `explain` and for checks. */
export function referencedNames(input: string): string[] {
  const names: string[] = [];
  expandEach(input, (name) => {
    names.push(name);
    return '';
  });
  return names;
}
