import { BellhopError } from '../core/errors.ts';
import type { FileStat, Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';

// Files that somebody has asked for beside the output: snapshots, pages, traces.

/** What a command writes, where, and for whom. */
export interface Writing {
  /** The flag that names the file, or what else it is called, for messages. */
  readonly flag: string;
  readonly file: string;
  readonly text: string;
  readonly mode: number;
  /** What the command has read, each with its name: never written over. */
  readonly read: readonly (readonly [called: string, file: string])[];
}

/** Replaces a file as a whole or not at all; what is no plain file, or was read, is left alone. */
export function replaceFile(io: Io, writing: Writing): void {
  const { flag, file, text, mode } = writing;
  try {
    check(io, writing);
    const beside = `${file}.${Buffer.from(io.random(6)).toString('hex')}`;
    try {
      io.fs.write(beside, Buffer.from(text), mode);
      io.fs.rename(beside, file);
    } catch (error) {
      if (io.fs.stat(beside) !== undefined) io.fs.unlink(beside);
      throw error;
    }
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw refused(flag, file, `cannot be written (${error.errno})`);
  }
}

function check(io: Io, { flag, file, read }: Writing): void {
  const there = io.fs.stat(file);
  if (there === undefined) return;
  if (there.kind !== 'file') throw refused(flag, file, 'is there, and no plain file');
  const own = read.find(([, one]) => isSame(there, io.fs.statThrough(one)));
  if (own !== undefined) throw refused(flag, file, `is what ${own[0]} was read from`);
}

function isSame(one: FileStat, other: FileStat | undefined): boolean {
  return one.inode === other?.inode && one.device === other.device;
}

function refused(flag: string, file: string, what: string): BellhopError {
  return new BellhopError('BH_ERR_WRITE', { where: [`${flag} ${file}`], what });
}
