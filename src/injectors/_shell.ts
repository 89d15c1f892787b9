import { literalValue } from './_literal.ts';

// Words in the command of a container: the kubelet expands it before the shell does.

const PLAIN = /^[\w@%+=:,./-]+$/;

/** One word of a shell's command line. What is plain stays as it is. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : literalValue(`'${text.replaceAll("'", String.raw`'\''`)}'`);
}

/** The same within double quotes, where they stand already. */
export function insideQuotes(text: string): string {
  return literalValue(text.replaceAll(/["$`\\]/g, String.raw`\$&`));
}
