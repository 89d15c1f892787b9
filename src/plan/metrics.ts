import { BellhopError } from '../core/errors.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { endpointText, isStream, knownEndpoint } from '../wire/endpoint.ts';
import type { Metrics, Relay } from '../wire/metrics.ts';
import { OTLP_VARIABLE, STATSD_GROUPS } from './metric-clients.ts';
import type { Settings } from './settings.ts';
import type { VariablePlacement } from './types.ts';

// `metrics:` of bellhop.yaml: what a plan says of it, and the variables of known clients.

const LISTEN_DEFAULT = ['udp://localhost:8125'];
const TAGS_DEFAULT = { job: '{job}', host: '{host}' };
/** Sockets: src/launcher/relay_parts.h. */
const LISTENERS_MAX = 16;
const FORWARDS_MAX = 8;
const TAG_BYTES_MAX = 512;

export interface MetricsRead {
  readonly metrics?: Metrics;
  readonly problems: readonly BellhopError[];
  readonly warnings: readonly string[];
}

/** The metrics of a plan, with everything that is wrong in how the settings go together. */
export function metricsOf({ metrics: written }: Settings): MetricsRead {
  if (written === undefined) return { problems: [], warnings: [] };
  const { statsd, otlp, relay: asked, tags = 'dogstatsd', self = true } = written;
  const relay = asked === undefined ? {} : { relay: relayOf(asked, statsd !== undefined) };
  const gateway = statsd === undefined ? {} : { statsd: endpointText(knownEndpoint(statsd)) };
  const collector = otlp === undefined ? {} : { otlp };
  const metrics: Metrics = { ...gateway, ...collector, tags, self, ...relay };
  const problems = [...gatewayProblems(statsd), ...relayProblems(metrics.relay, statsd)];
  return { metrics, problems, warnings: written.clients === false ? [] : deafness(metrics) };
}

function deafness({ statsd, relay }: Metrics): string[] {
  if (relay !== undefined || statsd?.startsWith('tcp:') !== true) return [];
  const what = 'bellhop.yaml metrics.statsd: no client can be pointed at a TCP gateway';
  return [`${what}; \`metrics: { relay: {} }\` takes UDP and sends TCP`];
}

/** The variables of known clients, each left out where its group is set by anything else. */
export function clientVariables(
  metrics: Metrics | undefined,
  isAsked: boolean = true,
): VariablePlacement[] {
  if (metrics === undefined || !isAsked) return [];
  const to = clientsTo(metrics);
  const statsd = STATSD_GROUPS.flatMap(({ variables, own }) => {
    return variables.flatMap(({ name, value }) => {
      const text = to === undefined ? undefined : value(to);
      return text === undefined
        ? []
        : [variable({ name, text, of: 'metrics.statsd', unless: own })];
    });
  });
  if (metrics.otlp === undefined) return statsd;
  const { name, own } = OTLP_VARIABLE;
  return [...statsd, variable({ name, text: metrics.otlp, of: 'metrics.otlp', unless: own })];
}

interface Given {
  readonly name: string;
  readonly text: string;
  readonly of: string;
  readonly unless: readonly string[];
}

function variable({ name, text, of, unless }: Given): VariablePlacement {
  const source = { kind: 'text', text, of } as const;
  return { kind: 'variable', layer: 'settings', name, source, unless, rule: `bellhop.yaml ${of}` };
}

/** Where clients send: to the relay where it takes what they can send, else to the gateway. */
function clientsTo({ statsd, relay }: Metrics): Endpoint | undefined {
  if (statsd === undefined) return undefined;
  if (relay === undefined) return knownEndpoint(statsd);
  const taken = relay.listen.map(knownEndpoint);
  return taken.find(({ scheme }) => scheme === 'udp') ?? taken.find((one) => !isStream(one));
}

function relayOf(
  asked: NonNullable<NonNullable<Settings['metrics']>['relay']>,
  fed: boolean,
): Relay {
  return {
    listen: (asked.listen ?? (fed ? LISTEN_DEFAULT : [])).map((one) =>
      endpointText(knownEndpoint(one)),
    ),
    taken: asked.taken ?? 'warn',
    tags: asked.tags ?? TAGS_DEFAULT,
    forward: (asked.forward ?? []).map(({ listen, to }) => ({
      listen: endpointText(knownEndpoint(listen)),
      to: endpointText(knownEndpoint(to)),
    })),
  };
}

function problem(where: string, what: string): BellhopError {
  return new BellhopError('BH_ERR_SETTINGS', { where: ['bellhop.yaml', where], what });
}

function gatewayProblems(statsd: string | undefined): BellhopError[] {
  if (statsd === undefined || knownEndpoint(statsd).scheme !== 'unixstream') return [];
  return [problem('metrics.statsd', 'a gateway is reached by udp, tcp or unixgram')];
}

function relayProblems(relay: Relay | undefined, statsd: string | undefined): BellhopError[] {
  if (relay === undefined) return [];
  const { listen, forward, tags } = relay;
  const places = [
    ...listen.map((text, index) => ({ text, where: `metrics.relay.listen[${index}]` })),
    ...forward.map((one, index) => {
      return { text: one.listen, where: `metrics.relay.forward[${index}].listen` };
    }),
  ];
  const local = (text: string): boolean => isOwn(knownEndpoint(text));
  const count = places.reduce((sum, { text }) => sum + socketsOf(knownEndpoint(text)), 0);
  const tagBytes = new TextEncoder().encode(Object.entries(tags).flat().join(',,')).length;
  const isIdle = listen.length === 0 && forward.length === 0;
  return [
    ...places
      .filter(({ text }) => !local(text))
      .map(({ where }) => problem(where, 'is no address of the container itself')),
    ...forward.flatMap((one, index) => {
      const fits = isStream(knownEndpoint(one.listen)) === isStream(knownEndpoint(one.to));
      const what = 'goes from datagrams to datagrams or from a stream to a stream, nothing else';
      return fits ? [] : [problem(`metrics.relay.forward[${index}]`, what)];
    }),
    ...(listen.length > 0 && statsd === undefined
      ? [problem('metrics.relay.listen', 'needs `metrics.statsd`, where metrics go')]
      : []),
    ...(isIdle
      ? [problem('metrics.relay', 'needs `metrics.statsd`, or something to forward')]
      : []),
    ...(count > LISTENERS_MAX
      ? [problem('metrics.relay', `listens at ${count} places, more than ${LISTENERS_MAX}`)]
      : []),
    ...(forward.length > FORWARDS_MAX
      ? [problem('metrics.relay.forward', `has more than ${FORWARDS_MAX} entries`)]
      : []),
    ...(tagBytes > TAG_BYTES_MAX
      ? [problem('metrics.relay.tags', `are over ${TAG_BYTES_MAX} bytes, added to every metric`)]
      : []),
  ];
}

/** `localhost` is both of its addresses. */
function socketsOf(one: Endpoint): number {
  return 'host' in one && one.host === 'localhost' ? 2 : 1;
}

function isOwn(one: Endpoint): boolean {
  if ('path' in one) return true;
  return one.host === 'localhost' || one.host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(one.host);
}
