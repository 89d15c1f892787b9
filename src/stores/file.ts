import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { Sealed } from '../core/sealed.ts';
import type { Answer, StoreKind } from './_store.ts';

const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Files below one folder: a file is a value, a folder is a map of its files. */
const file: StoreKind = {
  kind: 'file',
  summary: 'Files below a folder: a file is a value, a folder is a map of its files',
  hasVersions: false,
  options: { folder: 'the folder that paths start from; absolute' },
  open(options, { name, io }) {
    const { folder } = options;
    if (typeof folder !== 'string' || !folder.startsWith('/')) {
      const what = '`folder` must be an absolute path';
      throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${name}`], what });
    }
    return {
      async fetch(wanted) {
        return wanted.map(({ path }) => answerOf(io, { name, folder, path }));
      },
    };
  },
};

export default file;

interface Asked {
  readonly name: string;
  readonly folder: string;
  readonly path: string;
}

function answerOf(io: Io, { name, folder, path }: Asked): Answer {
  const where = [`store ${name}`, path];
  if (path.split('/').includes('..')) {
    const what = "a path may not contain '..'";
    return { kind: 'failed', problem: new BellhopError('BH_ERR_SETTINGS', { where, what }) };
  }
  try {
    return readPath(io, `${folder}/${path}`);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    if (error.errno === 'ENOENT' || error.errno === 'ENOTDIR') return absent();
    const what = `cannot be read (${error.errno})`;
    const code = error.errno === 'EACCES' ? 'BH_ERR_STORE_DENIED' : 'BH_ERR_STORE';
    return { kind: 'failed', problem: new BellhopError(code, { where, what, cause: error }) };
  }
}

function absent(): Answer {
  return { kind: 'absent', what: 'there is no such file' };
}

function readPath(io: Io, path: string): Answer {
  const there = io.fs.statThrough(path);
  if (there === undefined) return absent();
  if (there.kind === 'file') {
    return { kind: 'value', value: new Sealed(io.fs.read(path, FILE_BYTES_MAX)) };
  }
  // A pipe or a device could keep the start waiting for ever.
  if (there.kind !== 'dir') throw new FsError('not a file or folder', path, 'read');
  const entries = new Map<string, Sealed>();
  // `..data` and timestamped folders of a Kubernetes volume are not keys.
  for (const key of io.fs
    .list(path)
    .toSorted()
    .filter((one) => !one.startsWith('..'))) {
    const isFile = io.fs.statThrough(`${path}/${key}`)?.kind === 'file';
    if (isFile) entries.set(key, new Sealed(io.fs.read(`${path}/${key}`, FILE_BYTES_MAX)));
  }
  return { kind: 'map', entries };
}
