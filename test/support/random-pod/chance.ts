// Chance that can be had again: the same seed gives the same pod on every machine.

/** Draws from one seed; each call gives the next. */
export interface Chance {
  /** A whole number from 0 up to, and without, `below`. */
  readonly int: (below: number) => number;
  /** True once in so many draws. */
  readonly once: (inDraws: number) => boolean;
  readonly pick: <T>(from: readonly T[]) => T;
  /** At most so many of a list, in their order, each at most once. */
  readonly some: <T>(from: readonly T[], most: number) => T[];
  /** A list whose length is drawn, 0 up to `most`. */
  readonly list: <T>(most: number, make: (n: number) => T) => T[];
}

const STEP = 0x6d_2b_79_f5;
const RANGE = 2 ** 32;

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state are enough for test data. */
export function chanceOf(seed: number, index: number): Chance {
  let state = (Math.imul(seed, 0x9e_37_79_b1) ^ Math.imul(index + 1, 0x85_eb_ca_6b)) >>> 0;
  const next = (): number => {
    state = (state + STEP) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / RANGE;
  };
  const int = (below: number): number => Math.floor(next() * below);
  const pick = <T>(from: readonly T[]): T => {
    if (from.length === 0) throw new Error('nothing to pick from');
    return from[int(from.length)] as T;
  };
  return {
    int,
    pick,
    once: (inDraws) => int(inDraws) === 0,
    some: (from, most) => {
      const wanted = int(Math.min(most, from.length) + 1);
      const chosen = new Set<number>();
      while (chosen.size < wanted) chosen.add(int(from.length));
      return from.filter((_, index) => chosen.has(index));
    },
    list: (most, make) => Array.from({ length: int(most + 1) }, (_, n) => make(n)),
  };
}
