// What the plan's `metrics` ask for at a start: the relay's document, and the packet about it.
import { BellhopError, exitOf } from '../core/errors.ts';
import type { Io, RelayDocument } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { renderProblems, renderWarning } from '../core/report.ts';
import type { Span } from '../core/trace.ts';
import { NO_METRICS } from '../entrypoint/metrics.ts';
import type { MeteredStart, Metering, StartOutcome } from '../entrypoint/metrics.ts';
import { START_MS_DEFAULT } from '../plan/types.ts';
import type { RelayFacts } from '../relay/document.ts';
import { namesOf, relayDocument } from '../relay/document.ts';
import { startPacket } from '../relay/self.ts';
import { isInHosts, questionsFor, readResolver, serverAddresses, wholeNames } from '../wire/dns.ts';
import { inetAddress, knownEndpoint, NOWHERE } from '../wire/endpoint.ts';
import type { Metrics, Relay } from '../wire/metrics.ts';

/** For how long names are looked up, beside the rest of the start, where a relay needs them. */
const RELAY_MS_MAX = 1000;
/** For how long a start waits for the gateway's name only to tell of itself. */
const SELF_MS_MAX = 20;
const CONNECT_MS_MAX = 100;
const HOSTNAME_BYTES_MAX = 256;

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
  if (metrics === undefined) return NO_METRICS;
  const startMsMax = about.plan.policy.startMsMax ?? START_MS_DEFAULT;
  const looking = lookUp(io, namesOf(metrics), startMsMax);
  const { relay } = metrics;
  return {
    relay: async () => {
      return relay && relayOf(io, { metrics: { ...metrics, relay }, about, looking });
    },
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

/** `endMs` is when the start is over in any case, counted like the clock. */
function lookUp(io: Io, names: readonly string[], endMs: number): Looking {
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
      const leftMs = Math.max(0, Math.min(begunMs + msMax, endMs) - nowMs);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const cancel = io.clock.after(leftMs, resolve);
      await Promise.race([all, late]);
      cancel();
    },
  };
}

/** Becomes a relay that is all there is: what it cannot have ends it. */
export async function relayAlone(io: Io, about: MeteredStart, metrics: Relayed): Promise<never> {
  if (io.kernel.relay === undefined) throw relayProblem(NO_LAUNCHER);
  const wanted = { ...metrics, relay: { ...metrics.relay, taken: 'fail' as const } };
  const looking = lookUp(io, namesOf(wanted), Infinity);
  return io.kernel.relay(await documentOf(io, { metrics: wanted, about, looking }));
}

type Relayed = Metrics & { readonly relay: Relay };

interface Relaying {
  readonly metrics: Relayed;
  readonly about: MeteredStart;
  readonly looking: Looking;
}

const NO_LAUNCHER = 'there is no relay without the launcher';

function relayProblem(what: string): BellhopError {
  return new BellhopError('BH_ERR_RELAY', { where: ['metrics.relay'], what });
}

/** Undefined where there can be none and the program starts all the same, which is told. */
async function relayOf(io: Io, relaying: Relaying): Promise<RelayDocument | undefined> {
  if (io.kernel.kind !== 'alone') return documentOf(io, relaying);
  if (relaying.metrics.relay.taken === 'fail') throw relayProblem(NO_LAUNCHER);
  io.stderr(renderWarning(`metrics.relay: ${NO_LAUNCHER}`, relaying.about.log));
  return undefined;
}

async function documentOf(io: Io, { metrics, about, looking }: Relaying): Promise<RelayDocument> {
  const { log } = about;
  const report = (what: string): string => {
    if (metrics.relay.taken === 'fail') return renderProblems([relayProblem(what)], log);
    return renderWarning(`metrics.relay: ${what}`, log);
  };
  await looking.until(RELAY_MS_MAX);
  const again = lookAgain(io, metrics, looking.addresses);
  const gateway = again.look === undefined ? undefined : hostOf(metrics);
  for (const name of namesOf(metrics).filter((one) => !looking.addresses.has(one))) {
    const what = name === gateway ? 'metrics wait until it has one' : 'what goes there is lost';
    io.stderr(renderWarning(`metrics.relay: no address of ${name}: ${what}`, log));
  }
  return relayDocument(metrics, {
    templates: { ...originTags(about), host: hostName(io) },
    ...again,
    report: (endpoint) => report(`cannot listen at ${endpoint} ({{why}})`),
    notStarted: report('cannot be started ({{why}})'),
    failExit: exitOf([relayProblem('')]),
  });
}

const ETC_BYTES_MAX = 256 * 1024;

function hostOf({ statsd }: Metrics): string | undefined {
  const to = statsd === undefined ? undefined : knownEndpoint(statsd);
  if (to === undefined || 'path' in to) return undefined;
  return inetAddress(to.host, to.port) === undefined ? to.host : undefined;
}

/**
 * How the relay finds a gateway that has moved, or that had no address yet: by the name servers
 * that give it. The relay keeps the family of the address that it is given.
 */
function lookAgain(
  io: Io,
  metrics: Metrics,
  addresses: Addresses,
): Pick<RelayFacts, 'addresses' | 'look'> {
  const host = hostOf(metrics);
  if (host === undefined || isInHosts(etcText(io, 'hosts'), host)) return { addresses };
  const resolver = readResolver(etcText(io, 'resolv.conf'));
  const servers = serverAddresses(resolver);
  if (servers.length === 0) return { addresses };
  // A network of IPv6 alone has name servers of IPv6 alone.
  const isSix = resolver.servers.every((one) => one.includes(':'));
  const address = addresses.get(host) ?? NOWHERE[isSix ? 'ipv6' : 'ipv4'];
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  const questions = questionsFor(wholeNames(host, resolver), family);
  return { addresses: new Map([...addresses, [host, address]]), look: { servers, questions } };
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
