// Go's time.ParseDuration (Go 1.26, time/format.go): `10s`, `1m30s`, `1.5h`.

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;
const CHARACTERS_MAX = 64;

/** Milliseconds, with their fraction; undefined where Go would refuse the text. */
export function parseGoDuration(text: string): number | undefined {
  if (text.length > CHARACTERS_MAX) return undefined;
  const sign = /^[-+]/.exec(text)?.[0] ?? '';
  if (text.slice(sign.length) === '0') return 0;
  let ms = 0;
  let at = sign.length;
  if (at === text.length) return undefined;
  while (at < text.length) {
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (part === null) return undefined;
    ms += Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? 0);
    at = PART.lastIndex;
  }
  return sign === '-' ? -ms : ms;
}
