import type { Endpoint } from '../wire/endpoint.ts';
import { endpointText } from '../wire/endpoint.ts';

// The variables by which clients of metrics are told where to send. Read in the clients' own code;
// docs/metrics.md has this table.

/** A client whose code was read for a variable. */
export type Client = keyof typeof CLIENTS;

/** Each with the release that was read. */
export const CLIENTS = {
  datadog: 'datadog 0.56.0 (PyPI)',
  datadogOlder: 'datadog 0.49.1 (PyPI)',
  ddtrace: 'ddtrace 4.16.0 (PyPI)',
  hotShots: 'hot-shots 17.1.1 (npm)',
  ddTrace: 'dd-trace 5.132.0 (npm)',
  statsd: 'statsd 4.0.1 (PyPI), its `statsd.defaults.env`',
  otelPython: 'opentelemetry-exporter-otlp-proto-http 1.45.2 (PyPI)',
  otelNode: '@opentelemetry/otlp-exporter-base 0.223.0 (npm)',
} as const;

export interface ClientVariable {
  readonly name: string;
  readonly clients: readonly Client[];
  /** Its value for this address; undefined where it cannot say it. */
  readonly value: (to: Endpoint) => string | undefined;
}

/** Variables that belong together: where one of `own` is set already, none of them is given. */
export interface ClientGroup {
  readonly setting: 'statsd' | 'otlp';
  readonly own: readonly string[];
  readonly variables: readonly ClientVariable[];
}

const host = (to: Endpoint): string | undefined => (to.scheme === 'udp' ? to.host : undefined);
const port = (to: Endpoint): string | undefined => (to.scheme === 'udp' ? `${to.port}` : undefined);
const path = (to: Endpoint): string | undefined => (to.scheme === 'unixgram' ? to.path : undefined);

function url(to: Endpoint): string | undefined {
  if (to.scheme === 'udp') return endpointText(to);
  return to.scheme === 'unixgram' ? `unix://${to.path}` : undefined;
}

const DOGSTATSD: readonly ClientVariable[] = [
  { name: 'DD_DOGSTATSD_URL', clients: ['datadog', 'hotShots', 'ddtrace'], value: url },
  // Also where tracers look for their agent: with the sidecar gone there is none on localhost.
  { name: 'DD_AGENT_HOST', clients: ['datadog', 'datadogOlder', 'hotShots'], value: host },
  { name: 'DD_DOGSTATSD_HOST', clients: ['ddtrace', 'ddTrace'], value: host },
  {
    name: 'DD_DOGSTATSD_PORT',
    clients: ['datadog', 'datadogOlder', 'hotShots', 'ddtrace', 'ddTrace'],
    value: port,
  },
  { name: 'DD_DOGSTATSD_SOCKET', clients: ['hotShots'], value: path },
];

const STATSD: readonly ClientVariable[] = [
  { name: 'STATSD_HOST', clients: ['statsd'], value: host },
  { name: 'STATSD_PORT', clients: ['statsd'], value: port },
];

const namesOf = (variables: readonly ClientVariable[]): string[] =>
  variables.map((one) => one.name);

/** What `metrics.statsd` gives. */
export const STATSD_GROUPS: readonly ClientGroup[] = [
  {
    setting: 'statsd',
    own: [...namesOf(DOGSTATSD), 'DD_DOGSTATSD_HOSTNAME'],
    variables: DOGSTATSD,
  },
  { setting: 'statsd', own: namesOf(STATSD), variables: STATSD },
];

/** What `metrics.otlp` gives, its value as it is (OpenTelemetry's OTLP exporter specification). */
export const OTLP_VARIABLE = {
  name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  clients: ['otelPython', 'otelNode'],
  own: [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
  ],
} as const satisfies { name: string; clients: readonly Client[]; own: readonly string[] };
