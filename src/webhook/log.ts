// What the webhook says while it runs: one JSON object a line.
import type { Clock } from '../core/io/types.ts';

export type Level = 'error' | 'warn' | 'info' | 'debug';

const RANK: Readonly<Record<Level, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** Members of a line, in their order; undefined is left out. */
export type LogFacts = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface Log {
  /** Writes a line; `what` is a short sentence that stays the same. Never throws. */
  say(level: Level, what: string, facts?: LogFacts): void;
  /** False where lines of this level go nowhere. */
  isOn(level: Level): boolean;
  /** Writes what waits. */
  flush(): void;
}

export interface LogParts {
  readonly level: Level;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Takes whole lines. May throw: then they are lost. */
  readonly write: (text: string) => void;
}

const TEXT_CHARACTERS_MAX = 2000;
const LIST_LENGTH_MAX = 100;
const WAITING_CHARACTERS_MAX = 65_536;
const FLUSH_MS = 50;

/** Lines of the same moment are written together, at the latest after FLUSH_MS milliseconds. */
export function openLog({ level, clock, write }: LogParts): Log {
  let waiting = '';
  let cancel: (() => void) | undefined;
  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    const text = waiting;
    waiting = '';
    if (text === '') return;
    try {
      write(text);
    } catch {
      // Nobody reads the log; reviews go on.
    }
  };
  const isOn = (one: Level): boolean => RANK[one] <= RANK[level];
  return {
    isOn,
    flush,
    say(one, what, facts = {}) {
      if (!isOn(one)) return;
      const time = new Date(clock.now()).toISOString();
      waiting += `${lineOf({ time, level: one, what, ...facts })}\n`;
      if (waiting.length > WAITING_CHARACTERS_MAX) flush();
      else cancel ??= clock.after(FLUSH_MS, flush);
    },
  };
}

/** One line, whatever the texts hold: JSON escapes line breaks, and this what terminals obey. */
function lineOf(facts: LogFacts): string {
  const json = JSON.stringify(Object.values(facts).some(isLong) ? cut(facts) : facts);
  return CONTROLS.test(json) ? json.replace(EACH_CONTROL, escaped) : json;
}

/** Controls of the second block, line separators, and marks that turn the direction of text. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const EACH_CONTROL = new RegExp(CONTROLS.source, 'g');

function escaped(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function isLong(value: LogFacts[string]): boolean {
  if (typeof value === 'string') return value.length > TEXT_CHARACTERS_MAX;
  if (typeof value !== 'object') return false;
  return value.length > LIST_LENGTH_MAX || value.some((one) => one.length > TEXT_CHARACTERS_MAX);
}

function cut(facts: LogFacts): LogFacts {
  const short = (value: LogFacts[string]): LogFacts[string] => {
    if (typeof value === 'string') return shortened(value);
    if (typeof value !== 'object') return value;
    const kept = value.slice(0, LIST_LENGTH_MAX).map(shortened);
    return kept.length < value.length ? [...kept, '…'] : kept;
  };
  return Object.fromEntries(Object.entries(facts).map(([name, one]) => [name, short(one)]));
}

function shortened(text: string): string {
  if (text.length <= TEXT_CHARACTERS_MAX) return text;
  return `${text.slice(0, TEXT_CHARACTERS_MAX).toWellFormed()}…`;
}
