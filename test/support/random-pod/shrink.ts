// Makes a pod that fails smaller as long as it fails: what is left is what matters.
import type { Vector } from '../../kubelet/vectors.ts';

/** Tells of each whether it still fails; many at once, as a node runs many at once. */
export type Fails = (candidates: readonly Vector[]) => Promise<readonly boolean[]>;

const BATCH_MAX = 24;
const BATCHES_MAX = 20;

type Place = readonly (string | number)[];

/** Every element and member below, the larger ones first. */
function placesOf(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  const own = keys.map((key): Place => [...at, key]);
  const deeper = keys.flatMap((key) =>
    placesOf((value as Record<string | number, unknown>)[key], [...at, key]),
  );
  return [...own, ...deeper].toSorted((a, b) => a.length - b.length);
}

function without<T>(whole: T, place: Place): T {
  const copy = structuredClone(whole);
  const last = place.at(-1) ?? '';
  let parent = copy as unknown;
  for (const step of place.slice(0, -1))
    parent = (parent as Record<string | number, unknown>)[step];
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string, unknown>)[last];
  return copy;
}

/** Without it there is no pod to run. */
const isNeeded = (place: Place): boolean =>
  place.length < 2 ||
  /^pod (spec|metadata( name| namespace)?|spec containers)$/.test(place.join(' '));

/** A pod that fails and from which nothing more can be taken, as far as the batches go. */
export async function shrunk(vector: Vector, fails: Fails): Promise<Vector> {
  let smallest = vector;
  let from = 0;
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const { pod, objects } = smallest;
    const all = placesOf({ pod: { spec: pod.spec, metadata: pod.metadata }, objects });
    const places = all.filter((place) => !isNeeded(place));
    const tried = places.slice(from, from + BATCH_MAX);
    if (tried.length === 0) return smallest;
    const candidates = tried.map((place) => without(smallest, place));
    const failing = (await fails(candidates)).indexOf(true);
    const found = candidates[failing];
    if (found === undefined) from += BATCH_MAX;
    else {
      smallest = found;
      // Places before this one have been tried, and did not fail without.
      from += failing;
    }
  }
  return smallest;
}
