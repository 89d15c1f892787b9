// .env files as dotenv 17.4.2 reads them (lib/main.js, parse; BSD-2-Clause, Scott Motte): the
// patterns are its own, but that blank lines are not gone through once for every one of them.

const NAME = String.raw`^[^\S\n\u2028\u2029]*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)`;
const VALUES = [
  String.raw`\s*'(?:\\'|[^'])*'`,
  String.raw`\s*"(?:\\"|[^"])*"`,
  '\\s*`(?:\\\\`|[^`])*`',
  String.raw`[^#\r\n]+`,
];
const LINE = new RegExp(`${NAME}(${VALUES.join('|')})?\\s*(?:#.*)?$`, 'gm');

/**
 * The variables in the order of their first lines; the last value of a name counts. Quoted values
 * may span lines, `\n` and `\r` are escapes in double quotes only, and nothing is expanded. Lines
 * that set nothing are passed over. dotenv itself loses a variable called `__proto__`.
 */
export function readDotenv(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', written = ''] of text.replace(/\r\n?/g, '\n').matchAll(LINE)) {
    const trimmed = written.trim();
    const value = trimmed.replace(/^(['"`])([^]*)\1$/gm, '$2');
    const isEscaped = trimmed.startsWith('"');
    found.set(name, isEscaped ? value.replace(/\\n/g, '\n').replace(/\\r/g, '\r') : value);
  }
  return found;
}
