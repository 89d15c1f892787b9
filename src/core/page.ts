import { digestOf } from './canonical.ts';
import type { Html } from './html.ts';
import { html, scriptElement, styleElement } from './html.ts';

/** One page of bellhop's: everything that it needs is in it. */
export interface Page {
  readonly title: string;
  /** Constants of ours, like the script. */
  readonly style: string;
  readonly script?: string;
  readonly body: Html;
}

/**
 * The page as a document: nothing is loaded, nothing but its own style and script is taken by the
 * browser (its policy names both by their digests), and every name in it is escaped. Ends with a
 * newline.
 */
export function pageDocument({ title, style, script, body }: Page): string {
  const page = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyText(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
${styleElement(style)}
</head>
<body>
${body}
${script === undefined ? undefined : scriptElement(script)}
</body>
</html>
`;
  return `<!doctype html>\n${page.html}`;
}

/** Nothing is allowed but what stands in the page by our own hand. */
function policyText(style: string, script: string | undefined): string {
  const allowed = script === undefined ? '' : ` script-src '${hashOf(script)}';`;
  const rest = "base-uri 'none'; form-action 'none'";
  return `default-src 'none'; style-src '${hashOf(style)}';${allowed} ${rest}`;
}

function hashOf(text: string): string {
  const hex = digestOf(text).slice('sha256:'.length);
  return `sha256-${Buffer.from(hex, 'hex').toString('base64')}`;
}

/** A sentence of ours in which what stands between grave accents is code. */
export function withCode(text: string): readonly Html[] {
  return text.split('`').map((part, index) => {
    return index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`;
  });
}
