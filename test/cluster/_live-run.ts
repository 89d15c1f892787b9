// Random pods on both sides: recorded on the node, then judged; what differs is made smaller.
import type { Verdict } from '../kubelet/judge.ts';
import { judgeAll } from '../kubelet/judge.ts';
import type { Base } from '../kubelet/rootfs.ts';
import { STAGES } from '../kubelet/run.ts';
import { DIST, PARALLEL_MAX } from '../kubelet/setting.ts';
import type { Vector } from '../kubelet/vectors.ts';
import { randomVector } from '../support/random-pod/pod.ts';
import { shrunk } from '../support/random-pod/shrink.ts';
import { recordAll } from './_live-node.ts';
import { keepFailed } from './_live-record.ts';
import type { Failed, LiveResult } from './_live-record.ts';
import type { LiveWorld } from './_live-world.ts';

/** At once on the node. */
const BATCH = 50;
/** Pods that are made smaller: each takes up to some hundred pods. */
const SHRUNK_MAX = Number(process.env['BELLHOP_LIVE_SHRUNK'] ?? 2);

/** What the pods run on, here and there. */
export interface LiveSides {
  readonly world: LiveWorld;
  readonly base: Base;
}

async function recorded(world: LiveWorld, vectors: readonly Vector[]): Promise<Vector[]> {
  const node = { allocatable: { ...world.allocatable } };
  const all = await recordAll(
    world,
    vectors.map((vector) => ({ ...vector, node })),
  );
  return all.map((vector) => ({ ...vector, objects: [...vector.objects, ...world.shared] }));
}

function judged({ base }: LiveSides, vectors: readonly Vector[]): Promise<Verdict[]> {
  const work = vectors.flatMap((vector) =>
    STAGES.map((mode) => ({ vector, court: { base, dist: DIST, mode } })),
  );
  return judgeAll(work, PARALLEL_MAX);
}

/** What differs is kept at once: the run may be ended before its end. */
async function judgedAndKept(sides: LiveSides, vectors: readonly Vector[]): Promise<Verdict[]> {
  const verdicts = await judged(sides, vectors);
  for (const { vector } of verdicts.filter(isBad)) keepFailed(vector);
  return verdicts;
}

const isBad = ({ differences }: Verdict): boolean => differences.length > 0;

/** Runs so many pods of a seed; the node works on one batch while the one before is judged. */
export async function runLive(
  sides: LiveSides,
  { seed, pods }: { readonly seed: number; readonly pods: number },
): Promise<LiveResult> {
  const { namespace, manyImages, kubelet } = sides.world;
  const by: Record<string, number> = {};
  let containers = 0;
  let judging: Promise<Verdict[]>[] = [];
  for (let from = 0; from < pods; from += BATCH) {
    const size = Math.min(BATCH, pods - from);
    const vectors = Array.from({ length: size }, (_, n) => {
      return randomVector({ seed, index: from + n, namespace, manyImages });
    });
    const batch = await recorded(sides.world, vectors);
    for (const { refused, snapshot } of batch) {
      by[refused?.by ?? 'ran'] = (by[refused?.by ?? 'ran'] ?? 0) + 1;
      containers += Object.values(snapshot ?? {}).flatMap((one) => Object.keys(one)).length;
    }
    await judging.at(-1);
    judging = [...judging, judgedAndKept(sides, batch)];
  }
  const bad = (await Promise.all(judging)).flat().filter(isBad);
  const failed: Failed[] = [];
  for (const verdict of bad) {
    const smallest = failed.length < SHRUNK_MAX ? await smaller(sides, verdict) : undefined;
    failed.push(told(verdict, smallest));
  }
  return { kubelet, seed, pods, containers, by, failed };
}

function told({ vector, mode, differences }: Verdict, smallest: Vector | undefined): Failed {
  const texts = differences.map(({ path: at, expected, got }) => {
    return `${at}: kubelet ${JSON.stringify(expected)}, run ${JSON.stringify(got)}`;
  });
  const { id, description } = vector;
  const left = smallest && { objects: smallest.objects, pod: smallest.pod };
  return { id, description, mode, differences: texts, ...(left && { smallest: left }) };
}

/** Names of their own, since many of one pod run in one namespace. */
function renamed(vector: Vector, as: string): Vector {
  const own = vector.pod.metadata.name.replace(/-pod$/, '');
  return JSON.parse(JSON.stringify(vector).replaceAll(`"${own}-`, `"${as}-`)) as Vector;
}

async function smaller(sides: LiveSides, { vector, mode }: Verdict): Promise<Vector> {
  const shared = new Set(sides.world.shared.map(({ metadata }) => metadata.name));
  const own = vector.objects.filter(({ metadata }) => !shared.has(metadata.name));
  let count = 0;
  const { snapshot: _, refused: _was, ...bare } = { ...vector, objects: own };
  return shrunk(bare, async (candidates) => {
    const fresh = candidates.map((one) => renamed(one, `x${count++}`));
    const verdicts = await judged(sides, await recorded(sides.world, fresh));
    return fresh.map((one) => verdicts.some((each) => isOf(each, one, mode)));
  });
}

function isOf(verdict: Verdict, { pod }: Vector, mode: string): boolean {
  const isSame = verdict.vector.pod.metadata.name === pod.metadata.name && verdict.mode === mode;
  return isSame && isBad(verdict);
}
