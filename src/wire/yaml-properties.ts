// Anchors, aliases, and tags of sigs.k8s.io/yaml v1.4.0, goyaml.v2/scannerc.go.
import { isBlankOrEnd, refuseAt } from './yaml-scanner.ts';
import type { Scanner, Token } from './yaml-scanner.ts';

/** Scans `&name` or `*name`. */
export function scanAnchor(s: Scanner, type: '&' | '*'): Token {
  const start = s.at;
  const text = match(s, /[0-9A-Za-z_-]*/y, start + 1);
  const end = start + 1 + text.length;
  const next = s.text.charCodeAt(end);
  if (text === '' || !(isBlankOrEnd(next) || '?:,]}%@`'.includes(s.text.charAt(end)))) {
    throw refuseAt(s, start, 'the name of an anchor has other characters than 0-9 A-Z a-z _ -');
  }
  s.at = end;
  return { type, start, end, text, handle: '', plain: false };
}

/** Scans a tag: `handle` is empty for `!<…>` and for `!` alone. */
export function scanTag(s: Scanner): Token {
  const start = s.at;
  let handle = '';
  let text = '';
  if (s.text.charAt(start + 1) === '<') {
    s.at += 2;
    text = scanUri(s, '');
    if (s.text.charAt(s.at) !== '>') throw refuseAt(s, start, 'a tag `!<` without `>`');
    s.at += 1;
  } else {
    handle = match(s, /![0-9A-Za-z_-]*!?/y, start);
    s.at += handle.length;
    if (handle.length > 1 && handle.endsWith('!')) text = scanUri(s, '');
    else {
      text = scanUri(s, handle);
      handle = '!';
      if (text === '') [handle, text] = ['', '!'];
    }
  }
  if (!isBlankOrEnd(s.text.charCodeAt(s.at))) {
    throw refuseAt(s, start, 'a tag without white space behind it');
  }
  return { type: '!', start, end: s.at, text, handle, plain: false };
}

function scanUri(s: Scanner, head: string): string {
  const found = match(s, /[-0-9A-Za-z_;/?:@&=+$,.!~*'()[\]%]*/y, s.at);
  if (found === '' && head === '') throw refuseAt(s, s.at, 'a tag without a name');
  const start = s.at;
  s.at += found.length;
  if (!found.includes('%')) return head.slice(1) + found;
  try {
    return head.slice(1) + decodeURIComponent(found);
  } catch {
    throw refuseAt(s, start, 'a tag with a wrong % escape');
  }
}

function match(s: Scanner, pattern: RegExp, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(s.text)?.[0] ?? '';
}
