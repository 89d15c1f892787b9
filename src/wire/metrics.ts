/** Where metrics go, as a plan has it; `src/plan/metrics.ts` makes it of bellhop.yaml. */
export interface Metrics {
  /** The gateway: `udp://HOST:PORT`, `tcp://…` or `unixgram:///PATH`. */
  readonly statsd?: string;
  /** The collector of OpenTelemetry: its base URL. */
  readonly otlp?: string;
  /** How metrics are tagged. */
  readonly tags: 'dogstatsd' | 'none';
  /** bellhop tells of its own start. */
  readonly self: boolean;
  readonly relay?: Relay;
}

/** The relay: what it listens at, on the container's own side. */
export interface Relay {
  readonly listen: readonly string[];
  /** Where a port or path is taken already. */
  readonly taken: 'warn' | 'fail';
  /** Added to each metric; `{job} {namespace} {container} {host}` are filled in. */
  readonly tags: Readonly<Record<string, string>>;
  readonly forward: readonly Forward[];
}

/** One port that is passed on. */
export interface Forward {
  readonly listen: string;
  readonly to: string;
}
