/**
 * True where the text is as the pattern says, in which `*` is any characters. Without a regular
 * expression: a pattern is foreign, and must cost no more than its length.
 */
export function fitsPattern(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return text === pattern;
  const last = rest.pop() ?? '';
  const isEnclosed = text.startsWith(first) && text.endsWith(last);
  if (!isEnclosed || text.length < first.length + last.length) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
