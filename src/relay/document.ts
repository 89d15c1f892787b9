import type { RelayDocument, RelayListener, RelayTarget, RelayUse } from '../core/io/types.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import {
  endpointText,
  inetAddress,
  isStream,
  knownEndpoint,
  unixAddress,
} from '../wire/endpoint.ts';
import type { Metrics, Relay } from '../wire/metrics.ts';
import { tagText } from './tags.ts';

// What the relay's process is told, from the settings and from what is known of this start.

/** What only the container knows. */
export interface RelayFacts {
  /** Filled into tags. */
  readonly templates: Readonly<Record<string, string>>;
  /** Addresses of the names that were looked up; a name that is not here has none. */
  readonly addresses: ReadonlyMap<string, string>;
  /** LOOK_MS where absent. */
  readonly lookMs?: number;
  /** Name servers, and questions for the gateway's name, where it is looked up again. */
  readonly look?: Pick<RelayDocument, 'servers' | 'questions'>;
  /** The warning where this endpoint cannot be had, with `{{why}}`. */
  readonly report: (endpoint: string) => string;
  /** The warning where there can be no relay. */
  readonly notStarted: string;
  /** The exit code where a listener must be had and cannot. */
  readonly failExit: number;
}

/** Over Ethernet (MTU 1500) in one piece, by IPv6 too, as DogStatsD's clients have it. */
export const UDP_PACKET_BYTES_MAX = 1432;
/** DogStatsD's buffer of a Unix socket; a stream has no packets, but is written in such pieces. */
const OTHER_PACKET_BYTES_MAX = 8192;

/** How long a gateway that has moved is not found, beside the time of the answer. */
export const LOOK_MS = 30_000;

/** The document of a relay. */
export function relayDocument(
  metrics: Pick<Metrics, 'statsd' | 'tags'> & { readonly relay: Relay },
  facts: RelayFacts,
): RelayDocument {
  const { relay, statsd } = metrics;
  const gateway = statsd === undefined ? [] : [targetOf(knownEndpoint(statsd), facts)];
  // Without packets of metrics: nothing of our own goes there.
  const behind = relay.forward.map(({ to }) => {
    return { ...targetOf(knownEndpoint(to), facts), packetBytesMax: 0 };
  });
  const listeners = [
    ...(gateway.length === 0 ? [] : relay.listen).flatMap((text) => {
      return listenersOf(text, { target: 0, use: statsdUse, facts });
    }),
    ...relay.forward.flatMap(({ listen }, index) => {
      return listenersOf(listen, { target: gateway.length + index, use: forwardUse, facts });
    }),
  ];
  return {
    failExit: relay.taken === 'fail' ? facts.failExit : 0,
    tags: metrics.tags === 'none' ? '' : tagsText(relay, facts),
    notStarted: facts.notStarted,
    lookMs: facts.lookMs ?? LOOK_MS,
    ...(facts.look ?? { servers: [], questions: [] }),
    targets: [...gateway, ...behind],
    listeners,
  };
}

/** Names that must be looked up before the document can be made. */
export function namesOf({ statsd, relay }: Pick<Metrics, 'statsd' | 'relay'>): string[] {
  const texts = [
    ...(statsd === undefined ? [] : [statsd]),
    ...(relay?.forward ?? []).map((one) => one.to),
  ];
  const hosts = texts
    .map((text) => knownEndpoint(text))
    .flatMap((one) => {
      return 'host' in one && inetAddress(one.host, one.port) === undefined ? [one.host] : [];
    });
  return [...new Set(hosts)];
}

function targetOf(one: Endpoint, facts: RelayFacts): RelayTarget {
  const packetBytesMax = one.scheme === 'udp' ? UDP_PACKET_BYTES_MAX : OTHER_PACKET_BYTES_MAX;
  return { stream: isStream(one), packetBytesMax, address: addressOf(one, facts) };
}

function addressOf(one: Endpoint, { addresses }: RelayFacts): Uint8Array {
  if ('path' in one) return unixAddress(one.path);
  const found = addresses.get(one.host) ?? '';
  return inetAddress(one.host, one.port) ?? inetAddress(found, one.port) ?? new Uint8Array();
}

interface Listening {
  readonly target: number;
  readonly use: (endpoint: Endpoint) => RelayUse;
  readonly facts: RelayFacts;
}

/** `localhost` is both of its addresses; a machine without IPv6 has one of them. */
function listenersOf(text: string, { target, use, facts }: Listening): RelayListener[] {
  const one = knownEndpoint(text);
  const base = { use: use(one), target, report: facts.report(endpointText(one)) };
  if ('path' in one) return [{ ...base, lenient: false, address: unixAddress(one.path) }];
  const hosts = one.host === 'localhost' ? ['127.0.0.1', '::1'] : [one.host];
  return hosts.flatMap((host) => {
    const address = inetAddress(host, one.port);
    return address === undefined ? [] : [{ ...base, lenient: host === '::1', address }];
  });
}

function statsdUse({ scheme }: Endpoint): RelayUse {
  if (scheme === 'unixstream') return 'statsdFrames';
  return scheme === 'tcp' ? 'statsdLines' : 'statsd';
}

function forwardUse(endpoint: Endpoint): RelayUse {
  return isStream(endpoint) ? 'stream' : 'datagrams';
}

/** As DogStatsD has them; what would end a tag is not in one. */
function tagsText({ tags }: Relay, { templates }: RelayFacts): string {
  const words = Object.entries(tags).map(([name, value]) => {
    const filled = value.replace(/\{(\w+)\}/g, (whole, key: string) => templates[key] ?? whole);
    return [name, filled].map(tagText);
  });
  return words.flatMap(([name, value]) => (value === '' ? [] : [`${name}:${value}`])).join(',');
}
