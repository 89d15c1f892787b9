// Upper and lower case as Go's strings.ToUpper and ToLower have it (Go 1.26, Unicode 15.0): each
// code point by itself and to one code point, so `ß` stays, and a sigma at the end is as any other.
// What differs from this runtime is recorded in test/golden/flyte/casemap-exceptions.json.

/** Code points (hexadecimal) that newer Unicode maps and Go's does not. */
const UPPER_LATER = '19b 264 1c8a a7cd a7cf a7d3 a7d5 a7db 10d70-10d85 16ebb-16ed3';
const LOWER_LATER = '1c89 a7cb-a7cc a7ce a7d2 a7d4 a7da a7dc 10d50-10d65 16ea0-16eb8';

/** Greek letters with an iota below: Go has one capital for each, JavaScript two letters. */
const WITH_IOTA = '1f80-1f87 1f90-1f97 1fa0-1fa7';
const IOTA_STEP = 8;
const ENDING_WITH_IOTA = '1fb3 1fc3 1ff3';
const ENDING_IOTA_STEP = 9;

type Steps = ReadonlyMap<number, number>;

/** Every code point of such runs, with how far away what Go gives is. */
function steps(runs: string, step: number): (readonly [number, number])[] {
  return runs.split(' ').flatMap((run) => {
    const [first = '', last = first] = run.split('-');
    const [start, end] = [Number.parseInt(first, 16), Number.parseInt(last, 16)];
    return Array.from({ length: end - start + 1 }, (_, n) => [start + n, step] as const);
  });
}

const UPPER: Steps = new Map([
  ...steps(UPPER_LATER, 0),
  ...steps(WITH_IOTA, IOTA_STEP),
  ...steps(ENDING_WITH_IOTA, ENDING_IOTA_STEP),
]);
const DOTTED_I = 0x130;
const LOWER: Steps = new Map([
  ...steps(LOWER_LATER, 0),
  [DOTTED_I, 'i'.charCodeAt(0) - DOTTED_I] as const,
]);

const ASCII = /^[\0-\x7f]*$/;

export function goUpper(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  return mapped(text, (character) => character.toUpperCase(), UPPER);
}

export function goLower(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return mapped(text, (character) => character.toLowerCase(), LOWER);
}

function mapped(text: string, map: (character: string) => string, exceptions: Steps): string {
  let out = '';
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const step = exceptions.get(point);
    const other = step === undefined ? map(character) : String.fromCodePoint(point + step);
    // More than one code point is what Go does not do.
    const isOne = other.length === String.fromCodePoint(other.codePointAt(0) ?? 0).length;
    out += isOne ? other : character;
  }
  return out;
}
