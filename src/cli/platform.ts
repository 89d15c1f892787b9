import { CODES, problemsOf } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { printable } from '../core/report.ts';
import { isKubernetes, variablesOf } from '../entrypoint/platform.ts';
import { ALL_TARGETS } from '../targets/_all.gen.ts';
import type { Detected, FailureFile, Inside, Target } from '../targets/_target.ts';

/** What a container was found to be. */
export interface Platform extends Detected {
  readonly target: Target;
}

const FILE_BYTES_MAX = 256 * 1024;

/** Looks at the container; undefined where no target knows it. */
export async function detectPlatform(
  io: Io,
  words: readonly string[],
): Promise<Platform | undefined> {
  const inside = insideOf(io, words);
  const targets = await Promise.all(Object.values(ALL_TARGETS).map(async (load) => load()));
  return targets
    .map(({ default: target }) => ({ target, detected: target.detect(inside) }))
    .flatMap(({ target, detected }) => (detected === undefined ? [] : [{ ...detected, target }]))
    .toSorted((a, b) => b.target.rank - a.target.rank)[0];
}

function insideOf(io: Io, words: readonly string[]): Inside {
  const variables = variablesOf(io);
  const quietly = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (error instanceof FsError) return undefined;
      throw error;
    }
  };
  return {
    variable: (name) => variables.get(name) || undefined,
    exists: (path) => quietly(() => io.fs.statThrough(path)) !== undefined,
    read: (path) => {
      return quietly(() => new TextDecoder().decode(io.fs.read(path, FILE_BYTES_MAX)));
    },
    words,
  };
}

const CUT = '…';

/** The kubelet reads as much of it; k8s.io/kubernetes v1.33.13 pkg/kubelet/container. */
const TERMINATION_LOG = { path: '/dev/termination-log', charactersMax: 4096 };

/**
 * Writes why nothing was started to where the platform looks for it. Never throws: the report on
 * stderr and the exit code say it all the same.
 */
export async function tellPlatform(
  io: Io,
  words: readonly string[],
  error: unknown,
): Promise<void> {
  try {
    const place = isKubernetes(io)
      ? TERMINATION_LOG
      : (await detectPlatform(io, words))?.target.failure;
    if (place === undefined || !isFree(io, place)) return;
    io.fs.overwrite(place.path, new TextEncoder().encode(failureText(error, place.charactersMax)));
  } catch (failure) {
    if (!(failure instanceof FsError)) throw failure;
  }
}

/** What stands there already is of somebody who knows more; the folder above is the platform's. */
function isFree({ fs }: Io, { path }: Pick<FailureFile, 'path'>): boolean {
  const there = fs.statThrough(path);
  if (there !== undefined) return there.size === 0;
  const folder = path.slice(0, path.lastIndexOf('/'));
  if (fs.statThrough(folder) !== undefined) return true;
  const above = folder.slice(0, folder.lastIndexOf('/'));
  if (fs.statThrough(above)?.kind !== 'dir') return false;
  // A processing container without outputs has none: SageMaker reads the file all the same.
  fs.mkdir(folder, 0o755);
  return true;
}

/**
 * How many there are, then the first problem first. Never longer than what is shown of it, neither
 * in characters nor in bytes, and never cut inside of a character.
 */
export function failureText(error: unknown, charactersMax: number): string {
  const problems = problemsOf(error);
  const lines = problems.map((one) => {
    return `${one.code} (exit ${CODES[one.code].exit}): ${printable(one.message)}`;
  });
  const head = `bellhop started nothing: ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}`;
  const text = [head, ...lines].join('\n');
  if (Buffer.byteLength(text) <= charactersMax) return text;
  let kept = '';
  let bytes = Buffer.byteLength(CUT);
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > charactersMax) break;
    kept += character;
  }
  return `${kept}${CUT}`;
}
