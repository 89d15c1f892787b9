import { printable } from './report.ts';

// HTML that cannot be broken out of: whatever is put into a template is escaped, unless it is HTML
// that such a template made. After the HTML standard, 13.3 (serializing) and 13.2.5 (tokenizing),
// for text, and for attributes in double quotes.

/** Made by `html` only. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Html[] | undefined;

const MADE = new WeakSet<object>();

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Text as it may stand between tags and in quoted attributes; control characters are shown. */
export function escapeHtml(text: string): string {
  return printable(text.toWellFormed()).replace(/[&<>"'`]/g, (one) => ESCAPES[one] ?? one);
}

/** A piece of HTML; what is undefined is nothing. */
export function html(literal: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const texts = literal.map((text, index) => {
    return index < parts.length ? text + partText(parts[index]) : text;
  });
  return made(texts.join(''));
}

function partText(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escapeHtml(part);
  if (isList(part)) return part.map(partText).join('');
  // A record that looks like ours and came from elsewhere is text.
  return MADE.has(part) ? part.html : escapeHtml(String(part.html));
}

function isList(part: Html | readonly Html[]): part is readonly Html[] {
  return Array.isArray(part);
}

function made(text: string): Html {
  const piece: Html = { html: text };
  MADE.add(piece);
  return piece;
}

/** What stands in `<style>`: no element of it ends there. Only for constants of ours. */
export function styleElement(css: string): Html {
  return made(`<style>${css.replaceAll('</', '<\\/')}</style>`);
}

/** What stands in `<script>`: no element of it ends there. Only for constants of ours. */
export function scriptElement(script: string): Html {
  return made(`<script>${script.replaceAll('</', '<\\/')}</script>`);
}
