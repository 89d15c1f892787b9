import { BellhopError } from '../core/errors.ts';
import type { Fs } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { Sealed } from '../core/sealed.ts';
import type { SopsFormat } from '../wire/sops.ts';
import type { Format } from './_formats.ts';
import { formatOfName, valueAnswer } from './_formats.ts';
import type { Document } from './_formats-document.ts';
import { DocumentProblem, readDocument } from './_formats-document.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import { failedAnswer } from './_rest.ts';
import { SOPS_OPTIONS, SOPS_VARIABLES, isSealed, openSealed } from './_sops.ts';
import type { Answer, Store, StoreContext, StoreKind } from './_store.ts';

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;
const NO_FILE = 'not a file or folder';

/** Files below one folder, or the members of one document. What sops sealed is opened. */
const file: StoreKind = {
  kind: 'file',
  summary:
    'A folder (files are values, folders maps), or one JSON, YAML or .env document; plain, or sealed by sops',
  path: 'below the folder: `db/password`; in the document: member names, `db/password`, `.` is all',
  perCall: { paths: 1, inFlight: 1, valueBytes: FILE_BYTES_MAX },
  options: {
    folder: { type: 'text', help: 'the folder that paths start from; absolute' },
    file: { type: 'text', help: 'instead of a folder: a document whose members are values' },
    format: {
      type: 'choice',
      of: ['json', 'yaml', 'dotenv'],
      help: 'what `file` is written in; by default its ending tells; YAML keys are as written: `no`',
    },
    ...SOPS_OPTIONS,
  },
  auth: { age: 'age identities, for files that sops sealed' },
  variables: SOPS_VARIABLES,
  places: [],
  open(options, context) {
    const answer = openFiles(options, context);
    const folder = textOption(options, 'folder');
    return {
      ...(folder === undefined ? {} : { put: putBelow(context, folder) }),
      fetch: async (wanted) => {
        const byPath = new Map<string, Promise<Answer>>();
        for (const { path } of wanted) if (!byPath.has(path)) byPath.set(path, answer(path));
        return Promise.all(wanted.map(async ({ path }) => byPath.get(path) ?? answer(path)));
      },
      identity: async () => `user id ${context.io.kernel.uid}`,
    };
  },
  rights(options, wanted) {
    const document = textOption(options, 'file');
    if (document !== undefined) return [{ system: 'other', text: `read ${document}` }];
    const folder = textOption(options, 'folder') ?? '';
    return wanted.map(({ path }) => ({ system: 'other', text: `read ${folder}/${path}` }));
  },
  writes: {
    needs: 'folder',
    rights(options, path) {
      const folder = textOption(options, 'folder') ?? '';
      return [{ system: 'other', text: `write ${folder}/${path}` }];
    },
  },
};

export default file;

/** Written aside and renamed: a reader finds the old content or the new, whole. */
function putBelow({ name, io }: StoreContext, folder: string): Store['put'] & {} {
  return async (path, content) => {
    const where = [`store ${name}`, path];
    const at = `${folder}/${path}`;
    const aside = `${at}.${Buffer.from(io.random(8)).toString('hex')}`;
    if (path.split('/').includes('..')) {
      throw new BellhopError('BH_ERR_SETTINGS', { where, what: "a path may not contain '..'" });
    }
    try {
      makeFolders(io.fs, folder, path);
      io.fs.write(aside, content, 0o600);
      io.fs.rename(aside, at);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      if (io.fs.stat(aside) !== undefined) io.fs.unlink(aside);
      const what = `cannot be written (${error.errno})`;
      throw new BellhopError('BH_ERR_WRITE', { where, what, cause: error });
    }
  };
}

/** Folders of the path below the store's own, which must be there. */
function makeFolders(fs: Fs, folder: string, path: string): void {
  const steps = path.split('/').slice(0, -1);
  for (let count = 1; count <= steps.length; count += 1) {
    const at = `${folder}/${steps.slice(0, count).join('/')}`;
    if (fs.statThrough(at) === undefined) fs.mkdir(at, 0o755);
  }
}

type Answering = (path: string) => Promise<Answer>;

function openFiles(options: Options, context: StoreContext): Answering {
  const [folder, document] = [textOption(options, 'folder'), textOption(options, 'file')];
  const fail = (what: string): never => {
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${context.name}`], what });
  };
  if ((folder === undefined) === (document === undefined)) fail('it needs `folder`, or `file`');
  const place = folder ?? document ?? '';
  if (!place.startsWith('/')) fail('`folder` and `file` must be absolute paths');
  const reader: Reader = { options, context };
  if (folder !== undefined) {
    return async (path) => guarded(reader, path, async () => belowFolder(reader, folder, path));
  }
  const format = (textOption(options, 'format') as DocumentFormat) ?? formatOfName(place);
  if (format === undefined) fail('its name does not tell what it is written in: give `format`');
  let reading: Promise<Document | undefined> | undefined;
  return async (path) =>
    guarded(reader, path, async () => {
      reading ??= documentOf(reader, place, format);
      return (await reading)?.at(path) ?? { kind: 'absent', what: `there is no file ${place}` };
    });
}

type DocumentFormat = Exclude<Format, 'text'>;

interface Reader {
  readonly options: Options;
  readonly context: StoreContext;
}

/** What is wrong with one path is its answer. */
async function guarded(
  { context }: Reader,
  path: string,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const where = [`store ${context.name}`, path];
  try {
    return await work();
  } catch (error) {
    if (error instanceof DocumentProblem) {
      return failedAnswer(new BellhopError('BH_ERR_VALUE', { where, what: error.message }));
    }
    if (!(error instanceof FsError)) return failedAnswer(error);
    if (error.errno === 'ENOENT' || error.errno === 'ENOTDIR') return absent();
    return failedAnswer(unreadable(error, where));
  }
}

/** What a link or a file is stays as it is; the rest (EIO, ESTALE, EMFILE …) may pass. */
const LASTING = new Set(['ELOOP', 'ENAMETOOLONG', 'EISDIR', 'EINVAL', NO_FILE, 'a pipe']);

function unreadable(error: FsError, where: readonly string[]): BellhopError {
  const { errno, path } = error;
  const cause = error;
  if (errno === 'EFBIG') {
    const most = `${FILE_BYTES_MAX} bytes, of a document ${DOCUMENT_BYTES_MAX}`;
    const what = `${path} is more than bellhop takes (${most})`;
    return new BellhopError('BH_ERR_VALUE', { where, what, cause, help: SIZE_HELP });
  }
  const what = `${path} cannot be read (${errno})`;
  if (errno === 'EACCES' || errno === 'EPERM') {
    return new BellhopError('BH_ERR_STORE_DENIED', { where, what, cause });
  }
  if (!LASTING.has(errno)) return new BellhopError('BH_ERR_STORE', { where, what, cause });
  return new BellhopError('BH_ERR_SETTINGS', { where, what, cause, help: KIND_HELP });
}

const SIZE_HELP = 'deliver it another way than through bellhop: as a part of the image, or a mount';
const KIND_HELP = 'give a regular file, or a link to one';

function absent(): Answer {
  return { kind: 'absent', what: 'there is no such file' };
}

async function belowFolder(reader: Reader, folder: string, path: string): Promise<Answer> {
  const { context } = reader;
  if (path.split('/').includes('..')) {
    const what = "a path may not contain '..'";
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${context.name}`, path], what });
  }
  const at = `${folder}/${path}`;
  const { fs } = context.io;
  const kind = fs.statThrough(at)?.kind;
  if (kind === undefined) return absent();
  if (kind !== 'dir') return valueAnswer(await contentOf(reader, at));
  const entries = new Map<string, Sealed>();
  for (const key of keysIn(fs, at)) {
    entries.set(key, new Sealed(await contentOf(reader, `${at}/${key}`)));
  }
  return { kind: 'map', entries };
}

/** `..data` and timestamped folders of a Kubernetes volume are not keys. */
function keysIn(fs: Fs, folder: string): string[] {
  const names = fs.list(folder).toSorted();
  return names.filter((name) => {
    return !name.startsWith('..') && fs.statThrough(`${folder}/${name}`)?.kind === 'file';
  });
}

function bytesOf(fs: Fs, path: string, bytesMax: number): Uint8Array {
  // A pipe or a device could keep the start waiting for ever.
  const isFile = fs.statThrough(path)?.kind === 'file';
  if (!isFile) throw new FsError(NO_FILE, path, 'read');
  return fs.read(path, bytesMax);
}

const SOPS_FORMATS: Readonly<Record<DocumentFormat, SopsFormat>> = {
  json: 'tree',
  yaml: 'tree',
  dotenv: 'dotenv',
};

/** A file's bytes; of what sops sealed its content, by the ending as sops itself has it. */
async function contentOf({ options, context }: Reader, path: string): Promise<Uint8Array> {
  const bytes = bytesOf(context.io.fs, path, FILE_BYTES_MAX);
  if (options['sops'] === 'leave' || !isSealed(bytes)) return bytes;
  const byName = formatOfName(path);
  const format = byName === undefined || byName === 'text' ? 'binary' : SOPS_FORMATS[byName];
  return openSealed({ name: path, bytes, format }, options, context);
}

/** Undefined where there is no such file. */
async function documentOf(
  { options, context }: Reader,
  path: string,
  format: DocumentFormat,
): Promise<Document | undefined> {
  const { fs } = context.io;
  if (fs.statThrough(path) === undefined) return undefined;
  const bytes = bytesOf(fs, path, DOCUMENT_BYTES_MAX);
  if (options['sops'] === 'leave' || !isSealed(bytes)) return readDocument(bytes, format);
  const sealed = { name: path, bytes, format: SOPS_FORMATS[format] };
  return readDocument(await openSealed(sealed, options, context), 'json');
}
