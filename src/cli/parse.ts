import { parseArgs } from 'node:util';
import { BellhopError } from '../core/errors.ts';
import type { LogFormat } from '../core/report.ts';
import type { Command, Flags, Given } from './command.ts';

/** Flags of every command. */
export const COMMON_FLAGS: Flags = {
  log: {
    value: 'FORMAT',
    help: 'how problems are printed: text or json (BELLHOP_LOG; default text)',
  },
  help: { short: 'h', help: 'print this help' },
};

/** Where the flags stand in argv, and how problems are printed unless they say otherwise. */
export interface ParseContext {
  /** Words before them. */
  readonly offset: number;
  readonly log: LogFormat;
}

/** Reads what stands behind the command's name. */
export function parseFlags(
  command: Command,
  argv: readonly string[],
  { offset, log }: ParseContext,
): Given {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  if (end >= 0 && !command.takesCommand) throw usage(command, 'takes no command behind --');
  const flags = { ...command.flags, ...COMMON_FLAGS };
  const { values, positionals } = parse(command, own, flags);
  if (positionals.length > command.wordsMax) {
    throw usage(command, `does not take the word ${positionals[command.wordsMax] ?? ''}`);
  }
  const list = (name: string): string[] => {
    const value = values[name];
    const all = Array.isArray(value) ? value : [value];
    return all.filter((one) => typeof one === 'string');
  };
  return {
    text: (name) => list(name).at(-1),
    texts: list,
    has: (name) => values[name] === true,
    words: positionals,
    commandAt: end < 0 || end + 1 >= argv.length ? undefined : offset + end + 1,
    log: formatOf(command, list('log').at(-1), log),
  };
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

function parse(
  command: Command,
  argv: readonly string[],
  flags: Flags,
): { values: Values; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => {
      const type: 'string' | 'boolean' = flag.value === undefined ? 'boolean' : 'string';
      const short = flag.short === undefined ? {} : { short: flag.short };
      return [name, { type, multiple: true, ...short }];
    }),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    const plain = Object.entries(values).map(([name, all]) => {
      return [name, Array.isArray(all) && all.every((one) => one === true) ? true : all] as const;
    });
    return { values: Object.fromEntries(plain), positionals };
  } catch (error) {
    const said = error instanceof Error ? error.message.split(/[.\n]/)[0] : undefined;
    throw usage(
      command,
      said === undefined ? 'cannot be read' : said[0]?.toLowerCase() + said.slice(1),
    );
  }
}

function formatOf(command: Command, written: string | undefined, unsaid: LogFormat): LogFormat {
  if (written === undefined) return unsaid;
  if (written === 'text') return 'text';
  if (written === 'json') return 'json';
  throw usage(command, '--log is text or json');
}

function usage(command: Command, what: string): BellhopError {
  const help = `see \`bellhop ${command.name} --help\``;
  return new BellhopError('BH_ERR_USAGE', { where: [`bellhop ${command.name}`], what, help });
}
