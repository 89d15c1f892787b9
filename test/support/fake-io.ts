// An outside made of values, for modules that only look at it.
import type { FileStat, Io, Kernel } from '../../src/core/io/types.ts';
import { FsError } from '../../src/core/io/types.ts';

export interface FakeOutside {
  readonly argv?: readonly string[];
  /** One character a byte. */
  readonly env?: readonly string[];
  /** Path to content; a value of null is an empty folder, `-> x` a link. */
  readonly files?: Readonly<Record<string, string | Uint8Array | null>>;
  readonly stdin?: string;
  readonly kernel?: Partial<Kernel>;
}

const LINK = '-> ';

/** An Io of which only what is given works; anything else throws. */
export function fakeIo(outside: FakeOutside): Io {
  const files = new Map(Object.entries(outside.files ?? {}));
  const stat = (path: string): FileStat | undefined => {
    const slash = path.lastIndexOf('/');
    const at = slash <= 0 ? path : `${follow(files, path.slice(0, slash))}${path.slice(slash)}`;
    return kindOf(files, at);
  };
  const through = (path: string): FileStat | undefined => stat(follow(files, path));
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
  const read = (path: string, bytesMax: number): Uint8Array => {
    const content = files.get(follow(files, path));
    if (content === undefined) throw new FsError('ENOENT', path, 'open');
    if (content === null) throw new FsError('EISDIR', path, 'read');
    const given = typeof content === 'string' ? Buffer.from(content) : content;
    if (given.byteLength > bytesMax) throw new FsError('EFBIG', path, 'read');
    return given;
  };
  const io = {
    fs: {
      stat,
      statThrough: through,
      list: (path: string) => children(files, follow(files, path)),
      read,
      readWaiting: read,
    },
    arrival: { argv: (outside.argv ?? []).map(bytes), env: (outside.env ?? []).map(bytes) },
    kernel: {
      kind: 'launcher',
      pid: 1,
      uid: 0,
      gid: 0,
      groups: [0],
      capabilities: 2n ** 41n - 1n,
      execBytesMax: 2_097_152,
      rootPrefix: '',
      ...outside.kernel,
    },
    stdin: () => Buffer.from(outside.stdin ?? ''),
    clock: { now: () => 0, monotonicMs: () => 0, after: () => () => undefined },
    random: (count: number) => new Uint8Array(count),
  };
  return io as unknown as Io;
}

type Files = ReadonlyMap<string, string | Uint8Array | null>;

function follow(files: Files, path: string): string {
  for (const [link, target] of files) {
    if (typeof target !== 'string' || !target.startsWith(LINK)) continue;
    if (path === link) return follow(files, target.slice(LINK.length));
    if (path.startsWith(`${link}/`))
      return follow(files, `${target.slice(LINK.length)}${path.slice(link.length)}`);
  }
  return path;
}

function kindOf(files: Files, path: string): FileStat | undefined {
  const base = { mode: 0o644, uid: 0, gid: 0, size: 0, inode: 1, device: 1, bornMs: 0 };
  const content = files.get(path);
  if (typeof content === 'string' && content.startsWith(LINK)) return { ...base, kind: 'link' };
  if (content === null || children(files, path).length > 0) return { ...base, kind: 'dir' };
  return content === undefined ? undefined : { ...base, kind: 'file' };
}

function children(files: Files, folder: string): string[] {
  const base = folder.endsWith('/') ? folder : `${folder}/`;
  const below = [...files.keys()].filter((one) => one.startsWith(base));
  return [...new Set(below.map((one) => one.slice(base.length).split('/')[0] ?? ''))];
}
