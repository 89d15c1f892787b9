import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { InputDocument } from '../plan/declaration.ts';
import type { Settings } from '../plan/settings.ts';
import type { Source } from '../wire/read.ts';
import { NO_SETTINGS } from '../plan/settings-use.ts';
import { YamlProblem, readDocuments } from '../wire/yaml.ts';

/** One file of manifests, settings or a plan. */
export const INPUT_BYTES_MAX = 32 * 1024 * 1024;
const FILES_MAX = 10_000;
const DEPTH_MAX = 16;

/** Reads files, folders (`*.yaml`, `*.yml`, `*.json`, also below; nothing hidden) and `-`. */
export function readManifests(
  io: Io,
  names: readonly string[],
): { readonly documents: readonly InputDocument[]; readonly problems: readonly BellhopError[] } {
  const problems: BellhopError[] = [];
  const documents: InputDocument[] = [];
  for (const name of names) {
    for (const file of attempt(name, problems, () => filesOf(io, name, 0))) {
      documents.push(...attempt(file, problems, () => readFile(io, file, problems)));
    }
  }
  return { documents, problems };
}

function attempt<T>(name: string, problems: BellhopError[], work: () => T[]): T[] {
  try {
    return work();
  } catch (error) {
    problems.push(readProblem(error, name));
    return [];
  }
}

function filesOf(io: Io, name: string, depth: number): string[] {
  if (name === '-' || io.fs.statThrough(name)?.kind !== 'dir') return [name];
  if (depth > DEPTH_MAX) {
    const what = `has manifests more than ${DEPTH_MAX} folders deep`;
    throw new BellhopError('BH_ERR_INPUT_READ', { where: [name], what });
  }
  const base = name.endsWith('/') ? name.slice(0, -1) : name;
  const below = io.fs
    .list(name)
    .toSorted()
    .flatMap((entry) => {
      const path = `${base}/${entry}`;
      // Hidden entries are tools' own, or the `..data` of a mounted ConfigMap, whose files the
      // links beside it show; links to folders could lead in circles.
      if (entry.startsWith('.')) return [];
      const kind = io.fs.statThrough(path)?.kind;
      if (kind === 'dir')
        return io.fs.stat(path)?.kind === 'link' ? [] : filesOf(io, path, depth + 1);
      // A pipe or a device among manifests would be waited for.
      return kind !== 'other' && /\.(ya?ml|json)$/.test(entry) ? [path] : [];
    });
  if (below.length <= FILES_MAX) return below;
  const what = `has ${below.length} manifests, at most ${FILES_MAX} are read`;
  throw new BellhopError('BH_ERR_INPUT_READ', { where: [name], what });
}

function readFile(io: Io, name: string, problems: BellhopError[]): InputDocument[] {
  const called = name === '-' ? 'standard input' : name;
  const bytes = name === '-' ? io.stdin(INPUT_BYTES_MAX) : io.fs.readWaiting(name, INPUT_BYTES_MAX);
  try {
    return readDocuments(bytes).map((document) => ({
      value: document.value,
      source: { name: called, locate: (path) => document.locate(path) },
    }));
  } catch (error) {
    problems.push(yamlProblem(error, called));
    return [];
  }
}

function yamlProblem(error: unknown, name: string): BellhopError {
  if (!(error instanceof YamlProblem)) throw error;
  const where = [`${name}:${error.line}:${error.column}`];
  return new BellhopError('BH_ERR_YAML', { where, what: error.what });
}

/** A file, pipe or device with at most so many bytes; throws why it cannot be read. */
export function readInput({ fs }: Io, name: string, bytesMax: number): Uint8Array {
  try {
    return fs.readWaiting(name, bytesMax);
  } catch (error) {
    throw readProblem(error, name, bytesMax);
  }
}

/** Why a file could not be read; `bytesMax` are those that were asked for. */
export function readProblem(
  error: unknown,
  name: string,
  bytesMax = INPUT_BYTES_MAX,
): BellhopError {
  if (error instanceof BellhopError) return error;
  if (!(error instanceof FsError)) throw error;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'is a folder',
    EMFILE: 'no file descriptor is left (`ulimit -n`)',
    EFBIG: `has more than ${bytesMax} bytes`,
  };
  const what = reasons[error.errno] ?? `cannot be read (${error.errno})`;
  return new BellhopError('BH_ERR_INPUT_READ', { where: [name], what });
}

/** bellhop.yaml as it was read; without a source where there is none. */
export interface SettingsRead {
  readonly settings: Settings;
  readonly problems: readonly BellhopError[];
  readonly source?: Source;
}

/** Reads bellhop.yaml; no file is no settings. */
export async function readSettingsFile(io: Io, name: string | undefined): Promise<SettingsRead> {
  if (name === undefined) return { settings: NO_SETTINGS, problems: [] };
  const problems: BellhopError[] = [];
  try {
    const [document, second] = readFile(io, name, problems);
    if (problems.length > 0) return { settings: NO_SETTINGS, problems };
    if (document !== undefined && second === undefined) {
      // The schema library is loaded only where there are settings.
      const { readSettings } = await import('../plan/settings.ts');
      return { ...readSettings(document.value, document.source), source: document.source };
    }
    const what = document === undefined ? 'is empty' : 'has several documents, one is wanted';
    problems.push(new BellhopError('BH_ERR_SETTINGS', { where: [name], what }));
  } catch (error) {
    problems.push(readProblem(error, name));
  }
  return { settings: NO_SETTINGS, problems };
}
