// What MarkupSafe's escape() does to text; Confidant 6.6.0 and 6.6.1 store values escaped by it.

const CHARACTERS: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&#34;': '"',
  '&#39;': "'",
};

/** Takes one escaping back: `&amp;#34;` becomes `&#34;`, and nothing else is an escape. */
export function unescapeMarkup(text: string): string {
  return text.replace(/&(?:amp|lt|gt|#34|#39);/g, (escape) => CHARACTERS[escape] ?? escape);
}
