// A recorded pod through a platform: its Secrets into a real store, the request by whoever renders
// it, the simulator, and what the probe in the container saw against what a real kubelet gave.
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compare, type Difference } from '../kubelet/compare.ts';
import { harnessMounts } from '../kubelet/rootfs.ts';
import { type Container, containersOf, imageOf, mountPath } from '../kubelet/vectors.ts';
import type { Seen, Vector } from '../kubelet/vectors.ts';
import { yardFolder } from './_container.ts';
import { declare } from './_declared.ts';
import { EXECUTABLE, type Road, type Way } from './_road.ts';
import type { BuiltImage, Mounted, Own, Ran } from './_types.ts';

/** What one container of one pod came to. */
export interface Arrived {
  readonly vector: string;
  readonly container: string;
  readonly differences: readonly Difference[];
  /** Why it was not started, by whom. */
  readonly refused?: string;
}

function libraries(): Mounted[] {
  const own = new Set(['/bellhop', '/bellhop-input']);
  return harnessMounts()
    .filter((at) => !own.has(at))
    .map((at) => ({ kind: 'bind', at, from: realpathSync(at), ro: true }));
}

function mountsOf(road: Road, container: Container, platform: readonly string[]): Mounted[] {
  const input = yardFolder(road.yard);
  const declared = (container.volumeMounts ?? []).map((one) => `+${mountPath(one.mountPath)}`);
  const hidden = [...harnessMounts(), ...platform].map((one) => `-${one}`);
  const words = [...declared, ...hidden].map((one) => `${one}\0`).join('');
  mkdirSync(input, { recursive: true });
  writeFileSync(path.join(input, 'probe-paths'), words);
  return [
    ...libraries(),
    { kind: 'bind', at: '/bellhop', from: realpathSync(road.dist), ro: true },
    { kind: 'bind', at: '/bellhop-input', from: input, ro: true },
  ];
}

function imageFor(road: Road, way: Way, job: { vector: Vector; container: Container }): BuiltImage {
  const config = imageOf(job.vector, job.container.name);
  const entrypoint = way.entrypoint === 'image' ? [EXECUTABLE, 'run', '--'] : config.entrypoint;
  return { layers: [road.base.image], config: { ...config, entrypoint } };
}

/** What only the platform decides: its variables, its host's name, what it starts beside. */
function withoutOwn(seen: Seen, expected: Seen, { env: own, paths }: Own): Seen {
  const declared = new Set(expected.env.map(({ name }) => name));
  const mounted = new Set(expected.mounts.map(({ path: at }) => at));
  const isOwn = (name: unknown): boolean =>
    own.includes(name as string) && !declared.has(name as string);
  return {
    ...seen,
    hostname: expected.hostname,
    mounts: seen.mounts.filter(({ path: at }) => mounted.has(at) || !paths.includes(at)),
    env: seen.env
      .filter(({ name }) => !isOwn(name))
      .map((one) => {
        const same = one.name === 'HOSTNAME' && one.value === seen.hostname;
        return same ? { ...one, value: expected.hostname } : one;
      }),
  };
}

function seenOf(stdout: string): Seen | undefined {
  return stdout.startsWith('{"probe":1,') ? (JSON.parse(stdout) as Seen) : undefined;
}

const SAID_CHARS_MAX = 700;

function judged(
  ran: Ran,
  job: { vector: Vector; container: Container; expected: Seen },
): Pick<Arrived, 'differences' | 'refused'> {
  if (ran.kind === 'refused') {
    const said = ran.refusals.map(({ at, message }) => `${at}: ${message}`).join('; ');
    return {
      differences: [{ path: 'request', expected: 'taken', got: said.slice(0, SAID_CHARS_MAX) }],
    };
  }
  if (ran.kind === 'not started') {
    return { differences: [{ path: 'start', expected: 'starts', got: ran.reason }] };
  }
  const { outcome } = ran;
  const seen = seenOf(outcome.stdout);
  if (seen === undefined) {
    const said = `exit ${outcome.exit}: ${(outcome.stdout + outcome.stderr).slice(0, SAID_CHARS_MAX)}`;
    return { differences: [{ path: 'start', expected: 'starts', got: said }] };
  }
  const { vector, container, expected } = job;
  const context = { vector, container, mode: 'no-mount' } as const;
  return { differences: compare(expected, withoutOwn(seen, expected, outcome.own), context) };
}

/** Renders and runs one container of a pod; what it came to, or why it was not rendered. */
export async function carry(
  job: { readonly vector: Vector; readonly container: Container },
  road: Road,
  way: Way,
): Promise<Ran | { readonly kind: 'not rendered'; readonly said: string }> {
  const declared = await declare(job, road, way);
  const rendered = await road.render(declared, way.name);
  if ('refused' in rendered) return { kind: 'not rendered', said: rendered.refused };
  const image = imageFor(road, way, job);
  const tools = way.tools ?? [];
  const hidden = ['/opt/ml', ...tools.map(({ at }) => at)];
  const mounts = [...tools, ...mountsOf(road, job.container, hidden)];
  const wish = { ...road.wish, mounts };
  const { yard, aws, web } = road;
  return way.run(rendered.requests, { yard, aws, web, image, wish });
}

async function one(
  job: { vector: Vector; container: Container; expected: Seen },
  road: Road,
  way: Way,
): Promise<Arrived> {
  const id = { vector: job.vector.id, container: job.container.name };
  const ran = await carry(job, road, way);
  if (ran.kind === 'not rendered') return { ...id, differences: [], refused: ran.said };
  const { differences } = judged(ran, job);
  const { differs } = way;
  return { ...id, differences: differences.filter(({ path: at }) => differs?.test(at) !== true) };
}

/** Takes every recorded container of a pod through a platform. */
export async function roundTrip(vector: Vector, road: Road, way: Way): Promise<Arrived[]> {
  const arrived: Arrived[] = [];
  for (const { group, container } of containersOf(vector.pod)) {
    const expected = vector.snapshot?.[group]?.[container.name];
    if (group !== 'containers' || expected === undefined) continue;
    arrived.push(await one({ vector, container, expected }, road, way));
  }
  return arrived;
}
