// Broken reviews by the million: `node scripts/bun.mjs test/webhook/fuzz.ts COUNT [SEED]`. Prints
// how they ended; the first answer that is not clean ends it, with its body in Base64.
import { SEEDS, byBytes, byMembers, judge, numbersFrom } from './_fuzzing.ts';

const [count = '2000000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const next = numbersFrom(Number(seed));
const objects = SEEDS.filter((one) => /^\{.*\}$/s.test(one.toString()));
const outcomes = new Map<string, number>();
const start = performance.now();
let slowestMs = 0;
for (let done = 0; done < Number(count); done++) {
  const seeds = done % 2 === 0 ? SEEDS : objects;
  const from = seeds[next(seeds.length)] ?? Buffer.alloc(0);
  const body = done % 2 === 0 ? byBytes(from, next) : byMembers(from, next);
  const before = performance.now();
  const outcome = await judge(body);
  slowestMs = Math.max(slowestMs, performance.now() - before);
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(
  `${count} inputs of seed ${seed} in ${seconds} s, the slowest ${slowestMs.toFixed(1)} ms`,
);
console.log(Object.fromEntries([...outcomes].toSorted()));
