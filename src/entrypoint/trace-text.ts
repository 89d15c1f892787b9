// How figures of a trace are told.

/** `0.4 ms`, `12 ms`, `1.25 s`. */
export function ms(length: number): string {
  if (length >= 999.5) return `${(length / 1000).toFixed(length < 9995 ? 2 : 1)} s`;
  return length < 9.95 ? `${length.toFixed(1)} ms` : `${Math.round(length)} ms`;
}

/** `once`, `3 times`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** `1 call`, `3 calls`. */
export function plural(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count} ${word}s`;
}
