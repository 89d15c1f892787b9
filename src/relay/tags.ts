/** A part of a DogStatsD tag: what would end it is not in it. */
export function tagText(text: string): string {
  return text.replace(/[|,#\s\p{Cc}]/gu, '_');
}
