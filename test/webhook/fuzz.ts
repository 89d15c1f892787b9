// Broken reviews by the million: `node scripts/bun.mjs test/webhook/fuzz.ts COUNT [SEED]`. Prints
// how they ended; the first answer that is not clean ends it, with its body in Base64.
import { SEEDS, byBytes, byMembers, judge, numbersFrom } from './_fuzzing.ts';

const [count = '2000000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const next = numbersFrom(Number(seed));
const objects = SEEDS.filter((one) => /^\{.*\}$/s.test(one.toString()));
const outcomes = new Map<string, number>();
const start = performance.now();
let slowestMs = 0;
let slowest: Buffer = Buffer.alloc(0);
for (let done = 0; done < Number(count); done++) {
  const seeds = done % 2 === 0 ? SEEDS : objects;
  const from = seeds[next(seeds.length)] ?? Buffer.alloc(0);
  const body = done % 2 === 0 ? byBytes(from, next) : byMembers(from, next);
  const before = performance.now();
  const outcome = await judge(body);
  const spentMs = performance.now() - before;
  if (spentMs > slowestMs) {
    slowestMs = spentMs;
    slowest = body;
  }
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
const again = performance.now();
await judge(slowest);
// A machine that does something else makes one input slow once; a slow input is slow again.
const againMs = (performance.now() - again).toFixed(1);
console.log(
  `${count} inputs of seed ${seed} in ${seconds} s, ` +
    `the slowest ${slowestMs.toFixed(1)} ms (again: ${againMs} ms)`,
);
console.log(Object.fromEntries([...outcomes].toSorted(([a], [b]) => (a < b ? -1 : 1))));
