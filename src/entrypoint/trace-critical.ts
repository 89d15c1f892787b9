import type { Stretch, TraceSpan } from './trace-types.ts';

/** Ends that lie closer together than this are the same moment: the same store's goes first. */
const MOMENT_MS = 1;

interface Walk {
  readonly spans: readonly TraceSpan[];
  readonly childrenOf: ReadonlyMap<number | undefined, readonly TraceSpan[]>;
  readonly pieces: Stretch[];
  /** Spans that were walked through: none explains itself. */
  readonly seen: Set<number>;
}

/**
 * What the end of the start had to wait for, walked back from the end: whatever ended last before
 * a moment is what that moment waited for. The stretches lie end to end from 0 to `totalMs`.
 */
export function criticalPath(spans: readonly TraceSpan[], totalMs: number): Stretch[] {
  const childrenOf = new Map<number | undefined, TraceSpan[]>();
  for (const span of spans) {
    const siblings = childrenOf.get(span.parent);
    if (siblings === undefined) childrenOf.set(span.parent, [span]);
    else siblings.push(span);
  }
  const walk: Walk = { spans, childrenOf, pieces: [], seen: new Set() };
  walkBack(walk, undefined, { fromMs: 0, toMs: totalMs });
  return joined(walk.pieces.toReversed());
}

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Pieces of one owner's range, the last first. */
function walkBack(walk: Walk, owner: TraceSpan | undefined, { fromMs, toMs }: Range): void {
  const below = candidates(walk, owner);
  let atMs = toMs;
  let store = owner?.store;
  while (atMs > fromMs) {
    const next = latest(below, { atMs, fromMs, store });
    if (next === undefined) {
      walk.pieces.push(piece(running(walk, owner, atMs) ?? owner, fromMs, atMs));
      return;
    }
    if (next.endMs < atMs) {
      walk.pieces.push(piece(running(walk, owner, atMs) ?? owner, next.endMs, atMs));
    }
    const startMs = Math.max(fromMs, next.startMs);
    walk.seen.add(next.id);
    walkBack(walk, next, { fromMs: startMs, toMs: next.endMs });
    atMs = startMs;
    store = next.store ?? store;
  }
}

/** What may have kept the owner waiting. */
interface Candidates {
  readonly children: readonly TraceSpan[];
  /** What ran for others, too: it counts only where the wait ended with it. */
  readonly others: readonly TraceSpan[];
}

/** A call waits for credentials, which are calls of their own, perhaps of another store. */
function candidates({ spans, childrenOf, seen }: Walk, owner: TraceSpan | undefined): Candidates {
  const children = childrenOf.get(owner?.id) ?? [];
  if (owner === undefined || !CALLS.has(owner.kind)) return { children, others: [] };
  const firstMs = Math.min(owner.endMs, ...children.map(({ startMs }) => startMs));
  const others = spans.filter((one) => {
    const isAsked =
      one.kind === 'credentials' || (one.kind === 'call' && one.store !== owner.store);
    return isAsked && !seen.has(one.id) && one.endMs > owner.startMs && one.endMs <= firstMs;
  });
  return { children, others };
}

const CALLS: ReadonlySet<string> = new Set(['call', 'credentials']);

interface Moment {
  readonly atMs: number;
  readonly fromMs: number;
  readonly store: string | undefined;
}

function latest({ children, others }: Candidates, { atMs, fromMs, store }: Moment) {
  const asked = others.filter(({ endMs }) => endMs > atMs - MOMENT_MS);
  const before = [...children, ...asked].filter(({ startMs, endMs }) => {
    return endMs <= atMs && endMs > fromMs && startMs < endMs && startMs < atMs;
  });
  const lastMs = Math.max(...before.map(({ endMs }) => endMs));
  const close = before.filter(({ endMs }) => endMs > lastMs - MOMENT_MS);
  // What was aborted ended because of another one, where there is one.
  const rank = (one: TraceSpan): number => {
    return (one.outcome === 'aborted' ? 2 : 0) + (one.store === store ? 0 : 1);
  };
  return close.toSorted((a, b) => rank(a) - rank(b) || b.endMs - a.endMs).at(0);
}

/** The attempt that was under way when nothing had ended: the call waited for it. */
function running({ childrenOf }: Walk, owner: TraceSpan | undefined, atMs: number) {
  if (owner === undefined) return undefined;
  return (childrenOf.get(owner.id) ?? []).find(({ kind, startMs, endMs }) => {
    return kind === 'attempt' && startMs < atMs && endMs >= atMs;
  });
}

function piece(span: TraceSpan | undefined, fromMs: number, toMs: number): Stretch {
  return { ...(span === undefined ? {} : { span: span.id }), fromMs, toMs };
}

function joined(pieces: readonly Stretch[]): Stretch[] {
  const all: Stretch[] = [];
  for (const one of pieces) {
    const before = all.at(-1);
    if (before !== undefined && before.span === one.span) {
      all[all.length - 1] = { ...before, toMs: one.toMs };
    } else if (one.toMs > one.fromMs) all.push(one);
  }
  return all;
}
