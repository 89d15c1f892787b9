// Broken reviews and annotations by the million:
// `node scripts/bun.mjs test/webhook/fuzz.ts COUNT [SEED] [--keep]`. Prints how they ended; the
// first answer that is not clean ends it, with its body in Base64. With --keep, inputs that are
// answered in ways of their own go to test/webhook/corpus, which `npm test` tries again.
import { bytesOf, keeping, ownWords, readCorpus, saidOf, writeCorpus } from './_corpus.ts';
import type { Kept } from './_corpus.ts';
import { POD_SEEDS, SEEDS, askingOtherwise, byAsking, byBytes, byMembers } from './_fuzzing.ts';
import { judgeAgain } from './_fuzzing-again.ts';
import { judgeAnnotation, judged, numbersFrom } from './_fuzzing.ts';
import { WAYS } from './_fuzzing-managers.ts';

const KEPT_BYTES_MAX = 2500;
const KEPT_MAX = 600;
const [count = '2000000', seed = String(Date.now() % 1_000_000)] = process.argv
  .slice(2)
  .filter((one) => !one.startsWith('--'));
const isKeeping = process.argv.includes('--keep');
// The generator takes odd seeds only.
const next = numbersFrom(Number(seed) * 2 + 1);
const reviews = [...SEEDS, ...POD_SEEDS];
const objects = reviews.filter((one) => /^\{.*\}$/s.test(one.toString()));
const annotations = POD_SEEDS.flatMap((one) => {
  return [...one.toString().matchAll(/"flyte\.secrets\/s[^"]*":"([^"]*)"/g)].map(([, is]) => is);
});
const kept = new Map(readCorpus().map((one) => [`${one.way} ${one.said}`, one]));
const outcomes = new Map<string, number>();
let slowest = { ms: 0, again: async (): Promise<void> => Promise.resolve() };

/** Keeps the smallest of those that are answered alike. */
function keep(one: Kept): void {
  const key = `${one.way} ${one.said}`;
  const size = bytesOf(one).byteLength;
  const old = kept.get(key);
  if (size > KEPT_BYTES_MAX || (old === undefined && kept.size >= KEPT_MAX)) return;
  if (old === undefined || size < bytesOf(old).byteLength) kept.set(key, one);
}

function changed(number: number): Buffer {
  const among = number % 3 === 0 ? reviews : number % 3 === 1 ? objects : POD_SEEDS;
  const from = among[next(among.length)] ?? Buffer.alloc(0);
  if (number % 3 === 0) return byBytes(from, next);
  return number % 3 === 1 ? byMembers(from, next) : byAsking(from, next);
}

async function tryReview(number: number): Promise<string> {
  const way = WAYS[next(WAYS.length)] ?? 'k8s';
  const body = changed(number);
  const before = performance.now();
  const reviewed = await judged(body, way);
  noteTime(performance.now() - before, async () => void (await judged(body, way)));
  if (reviewed.outcome === 'patched') await judgeAgain(body, reviewed.text, way);
  // What is no pod is refused before any manager is asked.
  const as = reviewed.outcome === 'refused' ? 'k8s' : way;
  if (isKeeping) keep(keeping(as, saidOf(reviewed), body));
  return reviewed.outcome;
}

function tryAnnotation(): string {
  let annotation = annotations[next(annotations.length)] ?? '';
  for (let changes = 1 + next(3); changes > 0; changes--) {
    annotation = askingOtherwise(annotation, next);
  }
  const before = performance.now();
  const said = judgeAnnotation(annotation);
  noteTime(performance.now() - before, async () => {
    judgeAnnotation(annotation);
    return Promise.resolve();
  });
  if (isKeeping) keep(keeping('codec', ownWords(said), Buffer.from(annotation)));
  return said === 'read' ? 'annotation read' : 'annotation refused';
}

function noteTime(ms: number, again: () => Promise<void>): void {
  if (ms > slowest.ms) slowest = { ms, again };
}

const start = performance.now();
for (let done = 0; done < Number(count); done++) {
  const outcome = done % 4 === 3 ? tryAnnotation() : await tryReview(done);
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
const again = performance.now();
await slowest.again();
// A machine that does something else makes one input slow once; a slow input is slow again.
const againMs = (performance.now() - again).toFixed(1);
console.log(
  `${count} inputs of seed ${seed} in ${seconds} s, ` +
    `the slowest ${slowest.ms.toFixed(1)} ms (again: ${againMs} ms)`,
);
console.log(Object.fromEntries([...outcomes].toSorted(([a], [b]) => (a < b ? -1 : 1))));
if (isKeeping) {
  writeCorpus([...kept.values()]);
  console.log(`${kept.size} ways of answering are kept`);
}
