// The webhook's own figures; docs/webhook.md prints the table of them.
import type { CertificateSource } from './certificate-source.ts';
import type { Count, Metrics, Observe } from './metrics.ts';
import type { Outcome } from './review.ts';

const OUTCOMES: readonly Outcome[] = [
  'patched',
  'unchanged',
  'denied',
  'refused',
  'late',
  'failed',
];

/** In seconds: most reviews take less than a millisecond, a slow store some hundred. */
const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

export interface Figures {
  readonly review: (outcome: Outcome, isDryRun: boolean) => void;
  /** Seconds. */
  readonly duration: Observe;
  /** Labels: the type of secret manager. */
  readonly secret: Count;
  /** Labels: the result. */
  readonly event: Count;
  /** Labels: `used` or `refused`. */
  readonly certificateChange: Count;
  /** Labels: the cache, and `hit`, `miss`, `shared` (another was asking), `absent` or `failed`. */
  readonly cacheRead: Count;
  /** Labels: how a Secret for values was seen to, `failed`, or `collected`. */
  readonly valueSecret: Count;
}

/** What is read when somebody looks. */
export interface Seen {
  readonly inFlight: () => number;
  readonly connections: () => number;
  readonly certificates: CertificateSource;
  /** Of the cache of values, where there is one. */
  readonly cacheBytes?: (() => number) | undefined;
}

/** Adds the figures to the registry; those of one server. */
export function addFigures(metrics: Metrics, seen: Seen): Figures {
  const reviews = metrics.counter(
    {
      name: 'reviews_total',
      help: 'Admission reviews by how they ended: patched, unchanged, denied, refused, late, failed.',
      labels: ['outcome', 'dry_run'],
    },
    OUTCOMES.flatMap((outcome) => [
      [outcome, 'false'],
      [outcome, 'true'],
    ]),
  );
  const help = 'Seconds from the last byte of a review to its answer.';
  const duration = metrics.histogram({ name: 'review_duration_seconds', help }, SECONDS);
  addGauges(metrics, seen);
  return {
    review: (outcome, isDryRun) => reviews([outcome, String(isDryRun)]),
    duration,
    secret: metrics.counter({
      name: 'secrets_total',
      help: 'Secrets that pods were given, by the type of secret manager that delivers them.',
      labels: ['manager'],
    }),
    event: metrics.counter(
      {
        name: 'events_total',
        help: 'Kubernetes Events about denials: created, failed, or dropped because of too many.',
        labels: ['result'],
      },
      [['created'], ['failed'], ['dropped']],
    ),
    certificateChange: metrics.counter(
      {
        name: 'certificate_changes_total',
        help: 'New certificates that the server got: used, or refused because they do not fit.',
        labels: ['result'],
      },
      [['used'], ['refused']],
    ),
    cacheRead: metrics.counter({
      name: 'cache_reads_total',
      help: 'Reads of caches by result: hit, miss, shared (another was asking), absent, failed.',
      labels: ['cache', 'result'],
    }),
    valueSecret: metrics.counter({
      name: 'value_secrets_total',
      help: 'Secrets for values that the webhook has: known, found, created, touched, failed, collected.',
      labels: ['result'],
    }),
  };
}

function addGauges(metrics: Metrics, seen: Seen): void {
  metrics.gauge({ name: 'reviews_in_flight', help: 'Reviews that wait for an answer.' }, () =>
    seen.inFlight(),
  );
  metrics.gauge({ name: 'connections', help: 'Open connections of clients.' }, () =>
    seen.connections(),
  );
  metrics.gauge(
    { name: 'cache_bytes', help: 'Bytes of values that are kept, and of what images start.' },
    () => seen.cacheBytes?.(),
  );
  const notAfter = 'When the certificate ends, in seconds since the epoch.';
  metrics.gauge({ name: 'certificate_not_after_seconds', help: notAfter }, () => {
    return Math.floor(seen.certificates.current().notAfterMs / 1000);
  });
}
