// The verdict on a vector: every container that was seen is run and compared, or must be refused.
import { compare, type Difference, explained } from './compare.ts';
import { type Base, hasContent } from './rootfs.ts';
import { isWithoutMounts, type Mode, type Outcome, runContainer } from './run.ts';
import {
  type Container,
  containersOf,
  type Group,
  mountPath,
  type Seen,
  type Vector,
} from './vectors.ts';

/** Rules of vectors that a kubelet refused and `run` rightly starts, and why that is right. */
export const STARTS_ANYWAY: Readonly<Record<string, string>> = {};

/** What a run of one vector in one mode came to. */
export interface Verdict {
  vector: Vector;
  mode: Mode;
  differences: Difference[];
  /** Whether a container was started, as all of it or none are. */
  started: boolean;
  /** Names of the differences that are explained. */
  explained: ReadonlySet<string>;
  /** Why it is refused though Kubernetes starts it. */
  refusedFor: string | undefined;
  /** What `bellhop` and the probe said on standard error. */
  stderr: string;
}

/** What the judge runs in: the image, the executables, and the mode. */
export interface Court {
  base: Base;
  dist: string;
  mode: Mode;
}

interface Case {
  group: Group;
  container: Container;
  expected: Seen | undefined;
}

/** Why a container must be refused, and what the report then has to name. */
interface Refusal {
  why: string;
  /** Why `run` refuses what Kubernetes starts. */
  here?: string;
  names?: string;
}

const STDERR_CHARS_MAX = 600;
const CODE_LINE = /^ {2}code: BH_ERR_/m;

function casesOf(vector: Vector): Case[] {
  const all = containersOf(vector.pod);
  if (vector.snapshot !== undefined) {
    return all.flatMap(({ group, container }) => {
      const expected = vector.snapshot?.[group]?.[container.name];
      return expected === undefined ? [] : [{ group, container, expected }];
    });
  }
  const { container: name, message = '' } = vector.refused ?? {};
  const [, volume] = /volume "([^"]+)"/.exec(message) ?? [];
  const named =
    all.find(({ container }) => container.name === name) ??
    // The kubelet sets volumes up for the whole pod, `run` for the container that mounts them.
    all.find(({ container }) => container.volumeMounts?.some((mount) => mount.name === volume));
  const chosen = named ?? all.find(({ group }) => group === 'containers');
  return chosen === undefined ? [] : [{ ...chosen, expected: undefined }];
}

function mountsToken(vector: Vector, container: Container): boolean {
  const mounted = new Set((container.volumeMounts ?? []).map((mount) => mount.name));
  return (vector.pod.spec.volumes ?? []).some(
    (volume) =>
      mounted.has(volume.name) &&
      volume.projected?.sources?.some((source) => source.serviceAccountToken !== undefined),
  );
}

/** Why this container must not start, beyond what the kubelet refused; undefined if it must. */
function refusalOf(
  vector: Vector,
  { container, expected }: Case,
  court: Court,
): Refusal | undefined {
  if (vector.refused !== undefined) {
    const { by, message } = vector.refused;
    const anyway = vector.rules.some((rule) => rule in STARTS_ANYWAY);
    return anyway ? undefined : { why: `${by}: ${message}` };
  }
  if (mountsToken(vector, container)) {
    const why = 'a service account token that only a cluster can give, and no replacement';
    const here = 'a service account token, for which nothing is declared';
    return { why, here, names: 'serviceAccountToken' };
  }
  const hidden = (container.volumeMounts ?? [])
    .map((mount) => mountPath(mount.mountPath))
    .find((at) => hasContent(court.base, at));
  if (isWithoutMounts(court.mode) && hidden !== undefined) {
    const why = `the image has content at ${hidden} that cannot be hidden`;
    const here = 'content of the image at a mount path, which cannot be hidden';
    return { why, here, names: hidden };
  }
  const log = hidingLog(container, expected);
  if (isWithoutMounts(court.mode) && log !== undefined) {
    const why = `a volume has a file at ${log} that cannot be hidden`;
    const here = 'a termination log over a file of a volume, which cannot be hidden';
    return { why, here, names: log };
  }
  return undefined;
}

/** A termination log over a file of a Secret, a ConfigMap or the like. */
function hidingLog({ terminationMessagePath }: Container, expected?: Seen): string | undefined {
  if (terminationMessagePath === undefined) return undefined;
  const log = mountPath(terminationMessagePath);
  const isOver = expected?.mounts.some(({ path, entries }) => {
    const isVersioned = entries.some((one) => one.path === '..data');
    const isHidden = entries.some((one) => one.type === 'file' && one.mountpoint === true);
    return log.startsWith(`${path}/`) && isVersioned && isHidden;
  });
  return isOver === true ? log : undefined;
}

function said({ exit, stdout, stderr }: Outcome): string {
  const words = `${stdout.slice(0, STDERR_CHARS_MAX)}${stderr.slice(0, STDERR_CHARS_MAX)}`.trim();
  return `exit ${exit}${words === '' ? '' : `: ${words}`}`;
}

function judgeRefusal(refusal: Refusal, outcome: Outcome): Difference[] {
  const expected = `refused (${refusal.why})`;
  const { stderr, seen, exit } = outcome;
  if (seen !== undefined) return [{ path: 'start', expected, got: 'the program ran' }];
  if (exit === 0 || !CODE_LINE.test(stderr)) {
    return [{ path: 'refusal', expected: `${expected} with a code BH_ERR_`, got: said(outcome) }];
  }
  if (refusal.names !== undefined && !stderr.includes(refusal.names)) {
    return [{ path: 'refusal', expected: `a report naming ${refusal.names}`, got: said(outcome) }];
  }
  return [];
}

/**
 * A mount inside of the second path of an emptyDir: that path would be a link, and what lies below
 * it is refused where nothing can be mounted (a named difference).
 */
function isBehindLink({ volumeMounts = [] }: Container, { seen, stderr }: Outcome): boolean {
  if (seen !== undefined || !stderr.includes('code: BH_ERR_PATH_TAKEN')) return false;
  const paths = volumeMounts.map((mount) => mountPath(mount.mountPath));
  return volumeMounts.some(({ name, mountPath: given }) => {
    const path = mountPath(given);
    const isTwice = volumeMounts.filter((other) => other.name === name).length > 1;
    const hasInside = paths.some((one) => one.startsWith(`${path}/`));
    return isTwice && hasInside && stderr.includes(` ${path}: is there already`);
  });
}

async function judgeCase(vector: Vector, one: Case, court: Court) {
  const { base, dist, mode } = court;
  const { container, expected, group } = one;
  const outcome = await runContainer(base, { vector, container, mode, dist });
  const refusal = refusalOf(vector, one, court);
  const isBehind = isWithoutMounts(mode) && isBehindLink(container, outcome);
  const behindLink = isBehind ? 'a mount inside of the second path of a volume, a link' : undefined;
  const found = (): Difference[] => {
    if (refusal !== undefined) return judgeRefusal(refusal, outcome);
    if (behindLink !== undefined) return [];
    if (outcome.seen === undefined)
      return [{ path: 'start', expected: 'starts', got: said(outcome) }];
    return expected === undefined
      ? []
      : compare(expected, outcome.seen, { vector, container, mode });
  };
  const differences = found().map((difference) => ({
    ...difference,
    path: `${group}.${container.name}.${difference.path}`,
  }));
  const { seen, stderr } = outcome;
  const isCompared = seen !== undefined && expected !== undefined && refusal === undefined;
  const named = isCompared ? explained(expected, seen, { vector, container, mode }) : [];
  return {
    differences,
    stderr,
    named,
    started: seen !== undefined,
    here: refusal?.here ?? behindLink,
  };
}

/** Runs one vector in one mode, container after container. */
export async function judge(vector: Vector, court: Court): Promise<Verdict> {
  const differences: Difference[] = [];
  const named = new Set<string>();
  let started = false;
  let refusedFor: string | undefined;
  let stderr = '';
  for (const one of casesOf(vector)) {
    const result = await judgeCase(vector, one, court);
    differences.push(...result.differences);
    for (const name of result.named) named.add(name);
    started ||= result.started;
    refusedFor ??= result.here;
    stderr += result.stderr;
  }
  return { vector, mode: court.mode, differences, started, explained: named, refusedFor, stderr };
}

/** Runs many, `parallelMax` at a time; the verdicts come in the order of the work. */
export async function judgeAll(
  work: readonly { vector: Vector; court: Court }[],
  parallelMax: number,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const queue = work.entries();
  const worker = async (): Promise<void> => {
    for (const [at, { vector, court }] of queue) verdicts[at] = await judge(vector, court);
  };
  await Promise.all(Array.from({ length: parallelMax }, worker));
  return verdicts;
}
