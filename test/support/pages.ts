// The Markdown pages of the repository, taken apart for test/docs.test.ts.
import { filesBelow } from './source.ts';
import type { SourceFile } from './source.ts';

/** Every page that is ours; recorded data has pages of its own. */
export const PAGES: readonly SourceFile[] = filesBelow('').filter(({ path }) => {
  return path.endsWith('.md') && !/(^|\/)golden\//.test(path);
});

/** A fenced block: the word behind the fence and what stands in it. */
export interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of all pages. */
export function blocks(): Block[] {
  return PAGES.flatMap(({ path, text }) => {
    return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, inside]) => {
      return { page: path, language: language ?? '', text: inside ?? '' };
    });
  });
}

/** A page's text without its blocks and spans of code. */
function proseOf(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** Where a page points to, as written: links and images, not to other hosts. */
export function relativeLinks({ text }: SourceFile): string[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a page, as GitHub makes them from its headings. */
export function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    return (heading ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
  });
}

/** Files of the repository that a page names in code, but for patterns with NAME. */
export function namedFiles({ text }: SourceFile): string[] {
  const written = /`((?:src|test|scripts|docs|examples|\.ci)\/[\w./-]*[\w-])(?:\/)?`/g;
  return [...text.matchAll(written)]
    .map(([, file]) => file ?? '')
    .filter((file) => !file.includes('NAME'));
}
