// Texts of elements of an XML 1.0 document by their place: enough for what S3 and STS answer. No
// validation; a document type is skipped, so there are no entities but XML's five.

/** How a token that is no element starts, and ends. */
const ASIDES = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['<!', '>'],
] as const;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};
const LEVELS_MAX = 100;

/**
 * The texts of all elements whose innermost names are `path` (`['Credentials', 'AccessKeyId']`),
 * in their order; name-space prefixes count as part of a name. What is no XML gives none.
 */
export function xmlTexts(xml: string, path: readonly string[]): string[] {
  const reading: Reading = { path, found: [], open: [], text: '' };
  let end = 0;
  for (let start = xml.indexOf('<'); start !== -1; start = xml.indexOf('<', end)) {
    reading.text += decodeEntities(xml.slice(end, start));
    end = tokenEnd(xml, start);
    if (end === -1 || !take(reading, xml.slice(start, end))) return [];
  }
  return reading.open.length === 0 ? reading.found : [];
}

interface Reading {
  readonly path: readonly string[];
  readonly found: string[];
  /** Names of the elements that have not ended. */
  readonly open: string[];
  /** Since the last start or end of an element. */
  text: string;
}

/** False where the document is not well formed. */
function take(reading: Reading, token: string): boolean {
  const { path, found, open } = reading;
  if (token.startsWith('<![CDATA[')) reading.text += token.slice(9, -3);
  if (/^<[!?]/.test(token)) return true;
  const isEnd = token.startsWith('</');
  const name = /^<\/?([^\s/>]*)/.exec(token)?.[1] ?? '';
  if (!isEnd) {
    open.push(name);
    reading.text = '';
  }
  if (isEnd || token.endsWith('/>')) {
    if (isAt(open, path)) found.push(reading.text);
    reading.text = '';
    return open.pop() === name;
  }
  return open.length <= LEVELS_MAX;
}

/** Index behind the token that starts at `start`, or -1 where it has no end. */
function tokenEnd(xml: string, start: number): number {
  const aside = ASIDES.find(([first]) => xml.startsWith(first, start));
  if (aside !== undefined) {
    const [first, last] = aside;
    const at = xml.indexOf(last, start + first.length);
    return at === -1 ? -1 : at + last.length;
  }
  const tag = /<(?:"[^"]*"|'[^']*'|[^'">])*>/y;
  tag.lastIndex = start;
  return tag.test(xml) ? tag.lastIndex : -1;
}

/** The text of the first such element, or undefined. */
export function xmlText(xml: string, path: readonly string[]): string | undefined {
  return xmlTexts(xml, path)[0];
}

/** The error that S3 and STS answer with, or undefined where the text is none. */
export function awsXmlError(xml: string): { code: string; message: string } | undefined {
  const code = xmlText(xml, ['Error', 'Code']);
  return code === undefined
    ? undefined
    : { code, message: xmlText(xml, ['Error', 'Message']) ?? '' };
}

function isAt(open: readonly string[], path: readonly string[]): boolean {
  const first = open.length - path.length;
  return first >= 0 && path.every((name, index) => open[first + index] === name);
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(\w+));/g, (whole, ...groups) => {
    const [decimal, hexadecimal, name] = groups as (string | undefined)[];
    if (name !== undefined) return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] ?? '') : whole;
    const code = Number.parseInt(decimal ?? hexadecimal ?? '', decimal === undefined ? 16 : 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
