// What the plan's `metrics` ask for at a start: the relay's document, and the packet about it.
import { BellhopError, exitOf } from '../core/errors.ts';
import type { Io, RelayDocument } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { renderProblems, renderWarning } from '../core/report.ts';
import type { Span } from '../core/trace.ts';
import type { MeteredStart, Metering, StartOutcome } from '../entrypoint/metrics.ts';
import { START_MS_DEFAULT } from '../plan/types.ts';
import type { RelayFacts } from '../relay/document.ts';
import { namesOf, relayDocument } from '../relay/document.ts';
import { startPacket } from '../relay/self.ts';
import { isInHosts, questionsFor, readResolver, serverAddresses, wholeNames } from '../wire/dns.ts';
import { inetAddress, knownEndpoint } from '../wire/endpoint.ts';
import type { Metrics, Relay } from '../wire/metrics.ts';

/** For how long names are looked up, beside the rest of the start, where a relay needs them. */
const RELAY_MS_MAX = 1000;
/** For how long a start waits for the gateway's name only to tell of itself. */
const SELF_MS_MAX = 20;
const CONNECT_MS_MAX = 100;
const HOSTNAME_BYTES_MAX = 256;
/** BH_ERR_RELAY. */
const FAIL_CODE = 'BH_ERR_RELAY';

/** The names that are looked up, each to its address. */
type Addresses = Map<string, string>;

interface Looking {
  readonly addresses: Addresses;
  /** Waits until all were answered, or the time since the beginning is over. */
  until(msMax: number): Promise<void>;
}

/** Begins to look names up at once; nothing here rejects but `relay`. */
export async function openMetrics(io: Io, about: MeteredStart): Promise<Metering> {
  const { metrics } = about.plan;
  if (metrics === undefined) return { relay: async () => undefined, tell: async () => undefined };
  const startMsMax = about.plan.policy.startMsMax ?? START_MS_DEFAULT;
  const looking = lookUp(io, namesOf(metrics), startMsMax);
  return {
    relay: async () => relayOf(io, { metrics, about, looking }),
    tell: async (outcome) => {
      if (!metrics.self || metrics.statsd === undefined) return;
      try {
        await looking.until(SELF_MS_MAX);
        await send(io, metrics.statsd, {
          addresses: looking.addresses,
          text: packetOf(io, about, outcome),
        });
      } catch {
        // A start does not fail for what it tells of itself.
      }
    },
  };
}

function lookUp(io: Io, names: readonly string[], startMsMax: number): Looking {
  const addresses: Addresses = new Map();
  const begunMs = io.clock.monotonicMs();
  const all = Promise.all(
    names.map(async (name) => {
      const address = await io.net.resolve(name);
      if (address !== undefined) addresses.set(name, address);
    }),
  );
  return {
    addresses,
    until: async (msMax) => {
      const nowMs = io.clock.monotonicMs();
      const leftMs = Math.max(0, Math.min(begunMs + msMax, startMsMax) - nowMs);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const cancel = io.clock.after(leftMs, resolve);
      await Promise.race([all, late]);
      cancel();
    },
  };
}

/** The document of a relay that is all there is: what it cannot have ends it. */
export async function relayAlone(
  io: Io,
  about: MeteredStart,
  metrics: Metrics & { readonly relay: Relay },
): Promise<RelayDocument | undefined> {
  const relay: Relay = { ...metrics.relay, taken: 'fail' };
  const wanted = { ...metrics, relay };
  return relayOf(io, {
    metrics: wanted,
    about,
    looking: lookUp(io, namesOf(wanted), RELAY_MS_MAX),
  });
}

interface Relaying {
  readonly metrics: Metrics;
  readonly about: MeteredStart;
  readonly looking: Looking;
}

async function relayOf(
  io: Io,
  { metrics, about, looking }: Relaying,
): Promise<RelayDocument | undefined> {
  const { relay } = metrics;
  if (relay === undefined) return undefined;
  const { log } = about;
  const problem = (what: string): BellhopError => {
    return new BellhopError(FAIL_CODE, { where: ['metrics.relay'], what });
  };
  const report = (what: string): string => {
    if (relay.taken === 'fail') return renderProblems([problem(what)], log);
    return renderWarning(`metrics.relay: ${what}`, log);
  };
  if (io.kernel.kind === 'alone') {
    const what = 'there is no relay without the launcher';
    if (relay.taken === 'fail') throw problem(what);
    io.stderr(report(what));
    return undefined;
  }
  await looking.until(RELAY_MS_MAX);
  for (const name of namesOf(metrics).filter((one) => !looking.addresses.has(one))) {
    io.stderr(renderWarning(`metrics.relay: no address of ${name}: what goes there is lost`, log));
  }
  return relayDocument(metrics, {
    templates: { ...originTags(about), host: hostName(io) },
    addresses: looking.addresses,
    ...lookAgain(io, metrics, looking.addresses),
    report: (endpoint) => report(`cannot listen at ${endpoint} ({{why}})`),
    notStarted: report('cannot be started ({{why}})'),
    failExit: exitOf([problem('')]),
  });
}

const ETC_BYTES_MAX = 256 * 1024;

/** How the relay finds a gateway that has moved: by the name servers that gave its address. */
function lookAgain(io: Io, { statsd }: Metrics, addresses: Addresses): Pick<RelayFacts, 'look'> {
  const to = statsd === undefined ? undefined : knownEndpoint(statsd);
  if (to === undefined || 'path' in to) return {};
  const address = addresses.get(to.host);
  if (address === undefined) return {};
  if (isInHosts(etcText(io, 'hosts'), to.host)) return {};
  const resolver = readResolver(etcText(io, 'resolv.conf'));
  const servers = serverAddresses(resolver);
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  const questions = questionsFor(wholeNames(to.host, resolver), family);
  return servers.length === 0 ? {} : { look: { servers, questions } };
}

function etcText(io: Io, name: string): string {
  try {
    return new TextDecoder().decode(io.fs.read(`/etc/${name}`, ETC_BYTES_MAX));
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return '';
  }
}

function originTags({ plan: { origin } }: MeteredStart): Record<string, string> {
  const { name, namespace, container } = origin;
  return { job: name, namespace, container };
}

function hostName(io: Io): string {
  try {
    const bytes = io.fs.read('/proc/sys/kernel/hostname', HOSTNAME_BYTES_MAX);
    return new TextDecoder().decode(bytes).trim();
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return '';
  }
}

function packetOf(
  io: Io,
  about: MeteredStart,
  { spans, fallbacks, problems }: StartOutcome,
): string {
  const count = (fits: (span: Span) => boolean): number => spans.filter(fits).length;
  const facts = {
    startMs: io.clock.monotonicMs(),
    requests: count(({ kind }) => kind === 'attempt' || kind === 'hedge'),
    retries: count(({ kind, name }) => kind === 'wait' && name !== 'queued'),
    fallbacks,
    version: about.version,
    exit: problems.length === 0 ? 0 : exitOf(problems),
    codes: problems.map(({ code }) => code),
    tags: { ...originTags(about), host: hostName(io) },
  };
  return startPacket(facts, about.plan.metrics?.tags ?? 'dogstatsd');
}

interface Sending {
  readonly addresses: Addresses;
  readonly text: string;
}

/** UDP is sent and forgotten; a TCP gateway that does not answer at once is not told. */
async function send(io: Io, statsd: string, { addresses, text }: Sending): Promise<void> {
  const to = knownEndpoint(statsd);
  if ('path' in to) return;
  const isNumber = inetAddress(to.host, to.port) !== undefined;
  const address = isNumber ? to.host : addresses.get(to.host);
  if (address === undefined) return;
  if (to.scheme === 'udp') return io.net.datagram({ address, port: to.port }, text);
  const stop = new AbortController();
  const cancel = io.clock.after(CONNECT_MS_MAX, () => stop.abort());
  try {
    const connection = await io.net.connect({ host: address, port: to.port }, stop.signal);
    connection.write(new TextEncoder().encode(`${text}\n`));
    connection.close();
  } finally {
    cancel();
  }
}
