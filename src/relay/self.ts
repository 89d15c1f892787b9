import { UDP_PACKET_BYTES_MAX } from './document.ts';
import { tagText } from './tags.ts';

// What a start tells the gateway of itself: one packet, of names and numbers only.

/** What is known of a start that is over. */
export interface StartFacts {
  readonly startMs: number;
  readonly requests: number;
  readonly retries: number;
  /** Values that a fallback or the last good copy has given. */
  readonly fallbacks: number;
  readonly version: string;
  /** 0 where the program is started. */
  readonly exit: number;
  /** The codes of what was wrong. */
  readonly codes: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Tags that say why; more codes than this say no more. */
const CODES_MAX = 3;

/** The packet as StatsD has it; with `none`, what tags would say is in the names. */
export function startPacket(facts: StartFacts, tagged: 'dogstatsd' | 'none'): string {
  const { startMs, requests, retries, fallbacks, exit } = facts;
  const outcome = exit === 0 ? 'ok' : 'failed';
  const numbers = [
    `bellhop.start.ms:${Math.round(startMs)}|ms`,
    `bellhop.start.requests:${requests}|c`,
    `bellhop.start.retries:${retries}|c`,
    `bellhop.start.fallbacks:${fallbacks}|c`,
  ];
  if (tagged === 'none') {
    const version = facts.version.replace(/[^\w]/g, '_');
    const own = [`bellhop.start.${outcome}:1|c`, `bellhop.version.${version}:1|c`];
    return [...own, ...numbers].join('\n');
  }
  const codes = [...new Set(facts.codes)].slice(0, CODES_MAX).map((code) => ['code', code]);
  const shared = [['outcome', outcome], ['version', facts.version], ...Object.entries(facts.tags)];
  const text = (tags: readonly (readonly string[])[]): string => {
    const words = tags.filter(([, value]) => value !== '').map((tag) => tag.map(tagText).join(':'));
    return `|#${words.join(',')}`;
  };
  const why = [['exit', String(exit)], ...codes];
  const lines = [
    `bellhop.start.count:1|c${text([...shared, ...why])}`,
    ...numbers.map((line) => `${line}${text(shared)}`),
  ];
  return fitting(lines);
}

/** Names of workloads have up to 253 characters: what does not fit into one packet is left out. */
function fitting(lines: readonly string[]): string {
  let packet = '';
  for (const line of lines) {
    const next = packet === '' ? line : `${packet}\n${line}`;
    if (new TextEncoder().encode(next).length <= UDP_PACKET_BYTES_MAX) packet = next;
  }
  return packet;
}
