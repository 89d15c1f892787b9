import type { Io } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';

/** One flag: drives parsing, help and docs. */
export interface Flag {
  readonly short?: string;
  /** What stands for the value in help; absent for a switch. */
  readonly value?: string;
  readonly many?: true;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What the flags were, by name: a list where `many`, true for a switch. */
export interface Given {
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  has(name: string): boolean;
  /** Words that are no flags, before `--`. */
  readonly words: readonly string[];
  /** Index in argv of the first word behind `--`; undefined where there is none. */
  readonly commandAt: number | undefined;
  readonly log: LogFormat;
}

/** One command: everything that help, docs and parsing need, and what it does. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  /** A few sentences below the usage. */
  readonly about: string;
  readonly flags: Flags;
  /** How many words it takes beside its flags. */
  readonly wordsMax: number;
  readonly takesCommand: boolean;
  /** One transcript: what is typed and what is printed. */
  readonly example: string;
  /** Returns the exit code; `run` does not return. */
  run(io: Io, given: Given): Promise<number>;
}

/** No flags at all, only the command that starts at this index of argv. */
export function noFlags(commandAt: number, log: LogFormat): Given {
  return {
    text: () => undefined,
    texts: () => [],
    has: () => false,
    words: [],
    commandAt,
    log,
  };
}
