import * as v from 'valibot';
import { parseEndpoint } from '../wire/endpoint.ts';
import { setting } from './settings-parts.ts';

// The section `metrics` of bellhop.yaml.

function said(text: string): string | undefined {
  const read = parseEndpoint(text);
  return typeof read === 'string' ? read : undefined;
}

/** A plan holds no credential, and a URL may. */
const COLLECTOR = /^https?:\/\/[^\s/@?#]+(\/[^\s@?#]*)?$/;

const endpoint = v.pipe(
  v.string(),
  v.check(
    (text) => said(text) === undefined,
    (issue) => said(String(issue.input)) ?? 'is no address',
  ),
);

const forward = v.strictObject({
  listen: v.pipe(endpoint, v.description('Where the program sends, as `tcp://localhost:24224`')),
  to: v.pipe(endpoint, v.description('Where it goes: datagrams to datagrams, streams to streams')),
});

const relay = v.strictObject({
  listen: setting(
    v.array(endpoint),
    'Where metrics are taken: `udp://`, `tcp://`, `unixgram://` or `unixstream://` (`udp://localhost:8125` where absent)',
  ),
  taken: setting(
    v.picklist(['warn', 'fail']),
    'Where such a port or path is taken already: the program starts all the same (default), or not',
  ),
  tags: setting(
    v.record(v.pipe(v.string(), v.minLength(1)), v.string()),
    'Added to each metric; `{job} {namespace} {container} {host}` are filled in (`job: "{job}"` and `host: "{host}"` where absent)',
  ),
  forward: setting(
    v.array(forward),
    'Other ports of a sidecar (syslog, fluentd, OTLP), each as `{ listen: …, to: … }`',
  ),
});

/** `metrics:` of bellhop.yaml. */
export const METRICS = v.strictObject({
  statsd: setting(
    endpoint,
    'The StatsD gateway: `HOST:PORT` (UDP), `tcp://HOST:PORT` or `unixgram:///PATH`',
  ),
  otlp: setting(
    v.pipe(
      v.string(),
      v.check(
        (text) => COLLECTOR.test(text),
        'must be http://HOST:PORT or https://…, without user, password or query',
      ),
    ),
    "The OpenTelemetry collector's base URL, as in `http://collector.internal:4318`",
  ),
  clients: setting(
    v.boolean(),
    'Point known clients there by variables, unless these are set (true where absent)',
  ),
  tags: setting(
    v.picklist(['dogstatsd', 'none']),
    "How the relay's tags and bellhop's own are written (dogstatsd where absent)",
  ),
  self: setting(v.boolean(), 'Each start tells the gateway of itself (true where absent)'),
  relay: setting(relay, 'A small process that takes metrics on localhost; `{}` switches it on'),
});
