// Figures in the text format of Prometheus (exposition format 0.0.4). Own code: prom-client 15.1.3
// brings tdigest and OpenTelemetry's API, and a collector of Node's internals, for what are three
// kinds of numbers here.

export type MetricKind = 'counter' | 'gauge' | 'histogram';

/** What a figure is; the docs print this. */
export interface MetricFacts {
  /** Without the prefix. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Adds to the figure with these values of its labels, in their order. */
export type Count = (labels?: readonly string[], by?: number) => void;
export type Observe = (value: number) => void;

/** Figures under one prefix; everybody may add some. */
export interface Metrics {
  /** Known values of labels stand there from the start, with 0. */
  counter(facts: MetricFacts, known?: readonly (readonly string[])[]): Count;
  /** `read` is called when somebody looks; undefined is left out. */
  gauge(facts: MetricFacts, read: () => number | undefined): void;
  /** The upper bounds in ascending order; one without end is added. */
  histogram(facts: MetricFacts, bounds: readonly number[]): Observe;
  /** All of them as text. */
  render(): string;
  /** What there is, for docs. */
  list(): readonly (MetricFacts & { readonly kind: MetricKind })[];
}

export const METRICS_PREFIX = 'bellhop_webhook_';
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Label values come from fixed sets; what is over this many is counted together. */
const SERIES_MAX = 500;
const OTHER = 'other';

interface Metric {
  readonly facts: MetricFacts;
  readonly kind: MetricKind;
  readonly lines: () => readonly string[];
}

/** A registry without figures. */
export function openMetrics(): Metrics {
  const metrics: Metric[] = [];
  const add = (metric: Metric): void => {
    metrics.push(metric);
  };
  return {
    counter(facts, known = []) {
      const { count, lines } = openCounter(facts, known);
      add({ facts, kind: 'counter', lines });
      return count;
    },
    gauge(facts, read) {
      const lines = (): string[] => {
        const value = read();
        return value === undefined ? [] : [`${METRICS_PREFIX}${facts.name} ${value}`];
      };
      add({ facts, kind: 'gauge', lines });
    },
    histogram(facts, bounds) {
      const { observe, lines } = openHistogram(facts, bounds);
      add({ facts, kind: 'histogram', lines });
      return observe;
    },
    render: () => metrics.map(textOf).join(''),
    list: () => metrics.map(({ facts, kind }) => ({ ...facts, kind })),
  };
}

function textOf({ facts, kind, lines }: Metric): string {
  const name = `${METRICS_PREFIX}${facts.name}`;
  const help = facts.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines(), ''].join('\n');
}

function openCounter(
  { name, labels = [] }: MetricFacts,
  known: readonly (readonly string[])[],
): { count: Count; lines: () => string[] } {
  const series = new Map<string, number>();
  const keyOf = (values: readonly string[]): string => {
    const pairs = labels.map((label, index) => `${label}="${escaped(values[index] ?? '')}"`);
    return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  };
  /** Keys that were made before, by their values: every review counts some. */
  const made = new Map<string, string>();
  const madeKey = (values: readonly string[]): string => {
    const together = values.length === 1 ? (values[0] ?? '') : values.join('\n');
    const known = made.get(together);
    if (known !== undefined) return known;
    const key = keyOf(values);
    if (made.size < SERIES_MAX) made.set(together, key);
    return key;
  };
  const count: Count = (values = [], by = 1) => {
    const own = madeKey(values);
    const isRoom = series.has(own) || series.size < SERIES_MAX;
    const key = isRoom ? own : keyOf(labels.map(() => OTHER));
    series.set(key, (series.get(key) ?? 0) + by);
  };
  for (const values of labels.length === 0 ? [[]] : known) count(values, 0);
  const lines = (): string[] => {
    return [...series].map(([key, value]) => `${METRICS_PREFIX}${name}${key} ${value}`);
  };
  return { count, lines };
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function openHistogram(
  { name }: MetricFacts,
  bounds: readonly number[],
): { observe: Observe; lines: () => string[] } {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  const observe: Observe = (value) => {
    const found = bounds.findIndex((bound) => value <= bound);
    const index = found < 0 ? bounds.length : found;
    counts[index] = (counts[index] ?? 0) + 1;
    sum += value;
  };
  const lines = (): string[] => {
    let below = 0;
    const full = `${METRICS_PREFIX}${name}`;
    const buckets = counts.map((count, index) => {
      below += count;
      return `${full}_bucket{le="${bounds[index] ?? '+Inf'}"} ${below}`;
    });
    return [...buckets, `${full}_sum ${sum}`, `${full}_count ${below}`];
  };
  return { observe, lines };
}
