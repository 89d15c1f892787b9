/**
 * HTTP by Bun's global fetch alone: loading node:https costs 20 ms. What it does by itself, so that
 * nothing here has to (Bun 1.4.5, measured against servers made for it):
 * - HTTP/2: requests of one pool share a connection from the first; above the server's
 *   MAX_CONCURRENT_STREAMS it opens more (300 requests: 19-23 connections at 10 streams, 3 at 100).
 *   A refused stream is asked again 5 times, and what a GOAWAY left out on a new connection.
 * - A kept HTTP/1.1 connection that the server had closed: GET and PUT are asked again on a new
 *   one, POST fails with ECONNRESET.
 * - 50 first requests at once to a server without HTTP/2 cost 1 connection more where it ignores
 *   ALPN, and about 20 where it refuses the handshake.
 * - At most 256 requests of the process are under way; more wait, whatever their server
 *   (BUN_CONFIG_MAX_HTTP_REQUESTS): 256 that hang keep all others back. Of the launcher's child
 *   4096 are (src/launcher/child.h).
 */
import type { Connections, Protocol, Route } from './connections.ts';
import { openConnections } from './connections.ts';
import {
  codeOfError,
  isBrokenH2,
  isUnknownAuthority,
  netErrorOf,
  proxyWantsLogin,
} from './net-errors.ts';
import { readBody } from './http-body.ts';
import { ownPlace, sharedPlace } from './lane.ts';
import type { HttpAnswer, HttpRequest, Net } from './net-types.ts';
import { NetError } from './net-types.ts';
import type { Trust } from './tls-trust.ts';
import { pemFault, tlsOptions } from './tls-trust.ts';

/** The proxy for this URL as the variables on arrival say; undefined goes straight. */
export type NetProxies = (url: URL) => string | undefined;

/** What all requests of a process share. */
interface Shared {
  readonly trust: Trust;
  readonly proxyFor: NetProxies;
  readonly connections: Connections;
}

/** Nothing is done before the first request. */
export function openHttp(trust: Trust, proxyFor: NetProxies): Pick<Net, 'http' | 'warm'> {
  const connections = openConnections((route) => optionsOf(trust, route));
  const shared: Shared = { trust, proxyFor, connections };
  return {
    http: async (request, signal) => {
      try {
        signal.throwIfAborted();
        checkHeaders(request);
        return await exchange(shared, request, signal);
      } catch (error) {
        throw signal.aborted ? new NetError('aborted', '') : netErrorOf(error, 'before answer');
      }
    },
    warm: (request) => warm(shared, request),
  };
}

/**
 * Refuses what fetch would by a TypeError without a code, which looks like any other failure: a
 * value is bytes without CR, LF and NUL, white space around it not counted.
 */
function checkHeaders({ headers }: HttpRequest): void {
  for (const [name, value] of Object.entries(headers)) {
    // Not repeated: who writes a value where its name belongs would read it in a log.
    if (!HEADER_NAME.test(name)) throw new NetError('header', 'with an odd name');
    if (PLAIN.test(value)) continue;
    const sent = value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
    if (UNSENDABLE.test(sent) || sent.includes('\0')) throw new NetError('header', name);
  }
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const PLAIN = /^[ -~]*$/;
const UNSENDABLE = /[\r\n\u0100-\uffff]/;

/** Undefined where there is no TLS: even unused, these options cost a first request 1.4 ms. */
function optionsOf(trust: Trust, route: Route): Bun.TLSOptions | undefined {
  const { origin, proxy, tls, systemCa } = route;
  if (!origin.startsWith('https:') && proxy?.startsWith('https:') !== true) return undefined;
  return tlsOptions(tls, tls?.ca ?? systemCa ?? trust.fromVariables());
}

/** By HTTP/2 where that is wanted and may work, else or after that has failed by HTTP/1.1. */
async function exchange(
  shared: Shared,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const route = routeOf(shared, request);
  const attempt = { shared, request, signal, route };
  if (request.protocol === 'h1' || !mayTryH2(route)) return await trusted(attempt, 'h1');
  try {
    const answer = await trusted(attempt, 'h2');
    route.isH2Settled = true;
    return answer;
  } catch (error) {
    const code = codeOfError(error);
    if (isBrokenH2(code)) route.h1Only = true;
    if (code === 'HTTP2StreamReset') return await afterReset(attempt, error);
    // HTTP2Unsupported: it chose nothing, or HTTP/1.1. EPROTO: it broke the handshake off, which
    // has other causes too, so only an answer by HTTP/1.1 proves that this was why.
    if (signal.aborted || (code !== 'HTTP2Unsupported' && code !== 'EPROTO')) throw error;
    const answer = await trusted(attempt, 'h1');
    route.h1Only = true;
    return answer;
  }
}

/**
 * A server may take HTTP/1.1 only for what it has (RFC 9113, HTTP_1_1_REQUIRED), and Bun 1.4.5
 * tells no code of a reset: until it has answered by HTTP/2, HTTP/1.1 is tried, once.
 */
async function afterReset(attempt: Attempt, reset: unknown): Promise<HttpAnswer> {
  const { route, signal } = attempt;
  if (signal.aborted || route.isH2Settled) throw reset;
  route.isH2Settled = true;
  const answer = await trusted(attempt, 'h1').catch(() => {
    throw reset;
  });
  route.h1Only = true;
  return answer;
}

/**
 * Looks the name up ahead, which is all that can be done: fetch.preconnect of Bun 1.4.5 takes no
 * TLS options and no session, its connections are never used by requests that have either, and it
 * opens none for HTTP/2.
 */
function warm(shared: Shared, request: Parameters<Net['warm']>[0]): void {
  try {
    const { proxy, origin } = routeOf(shared, request);
    const { hostname, port, protocol } = new URL(proxy ?? origin);
    Bun.dns.prefetch(hostname, Number(port) || (protocol === 'https:' ? 443 : 80));
  } catch {
    // The request itself will say it.
  }
}

/** Bun's HTTP/2 goes neither without TLS nor through a proxy. */
function mayTryH2(route: Route): boolean {
  return !route.h1Only && route.proxy === undefined && route.origin.startsWith('https:');
}

function routeOf(shared: Shared, request: Pick<HttpRequest, 'url' | 'proxy' | 'tls'>): Route {
  const url = URL.parse(request.url);
  if (!isHttp(url)) throw new NetError('protocol', 'no URL');
  const proxy = request.proxy === 'never' ? undefined : shared.proxyFor(url);
  if (proxy !== undefined && !isHttp(URL.parse(proxy))) {
    const what = 'the URL of the proxy, of a variable like https_proxy, is not http or https';
    throw new NetError('proxy', what, 'settings');
  }
  return shared.connections.routeOf({ origin: url.origin, proxy, tls: request.tls });
}

function isHttp(url: URL | null): url is URL {
  return url?.protocol === 'https:' || url?.protocol === 'http:';
}

interface Attempt {
  readonly shared: Shared;
  readonly request: HttpRequest;
  readonly signal: AbortSignal;
  readonly route: Route;
}

/** Tries the machine's authorities where the built-in ones do not know the server. */
async function trusted(attempt: Attempt, protocol: Protocol): Promise<HttpAnswer> {
  const { route, shared } = attempt;
  const triedCa = route.systemCa;
  try {
    return await once(attempt, protocol);
  } catch (error) {
    const isOurs =
      route.tls?.ca === undefined && triedCa === undefined && isUnknownAuthority(error);
    const systemCa = isOurs ? shared.trust.ofMachine() : undefined;
    if (systemCa === undefined || attempt.signal.aborted) throw error;
    if (route.systemCa === undefined) {
      route.systemCa = systemCa;
      shared.connections.forget(route);
    }
    return await once(attempt, protocol);
  }
}

async function once(attempt: Attempt, protocol: Protocol): Promise<HttpAnswer> {
  const { request, signal, route, shared } = attempt;
  const lane = shared.connections.laneOf(route, protocol, request.fresh === true);
  const place = protocol === 'h2' ? sharedPlace(lane, signal) : ownPlace(signal);
  try {
    const answering = fetch(request.url, {
      method: request.method,
      headers: { 'user-agent': 'bellhop', ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      session: lane.session,
      protocol,
      redirect: 'manual',
      decompress: false,
      // The signal ends what is idle; Bun's own 5 minutes would be a second clock.
      timeout: false,
      signal: place.signal,
    });
    const response = await place.orLeft(answering);
    place.answered();
    if (response.status === PROXY_WANTS_LOGIN && isAnsweredByProxy(route)) {
      throw proxyWantsLogin();
    }
    if (response.status >= 500) lane.isSuspect = true;
    const limits = { bytesMax: request.bodyBytesMax, protocol };
    const body =
      request.method === 'HEAD' ? NO_BODY : await place.orLeft(readBody(response, limits));
    return answerOf(response, body, protocol);
  } catch (error) {
    lane.isSuspect = true;
    if (codeOfError(error) === 'FailedToOpenSocket') {
      const fault = pemFault(optionsOf(shared.trust, route) ?? {});
      if (fault !== undefined) throw new NetError('certificate', fault, 'settings');
    }
    throw route.proxy === undefined ? error : withProxyNamed(error);
  } finally {
    lane.isUsed = true;
    place.ended();
  }
}

/** Only plain requests are answered by a proxy; TLS goes through it as it is. */
function isAnsweredByProxy({ proxy, origin }: Route): boolean {
  return proxy !== undefined && origin.startsWith('http:');
}

/** With a proxy, what cannot be found or reached is the proxy. */
function withProxyNamed(error: unknown): unknown {
  const { reason, detail } = netErrorOf(error, 'before answer');
  const isOfWayThere = /^(?:refused|unreachable|name )/.test(reason);
  return isOfWayThere ? new NetError(reason, `${detail}, of the proxy`) : error;
}

/** Headers are read where somebody asks for one: of a good answer hardly anybody does. */
function answerOf(response: Response, body: Uint8Array, protocol: Protocol): HttpAnswer {
  let headers: Record<string, string> | undefined;
  return {
    status: response.status,
    body,
    protocol,
    get headers() {
      headers ??= headersOf(response);
      return headers;
    },
  };
}

function headersOf(response: Response): Record<string, string> {
  const headers: Record<string, string> = {};
  // oxlint-disable-next-line unicorn/no-array-for-each -- Headers has no other way that types allow
  response.headers.forEach((value, name) => {
    headers[name] = value;
  });
  return headers;
}

const PROXY_WANTS_LOGIN = 407;
const NO_BODY = new Uint8Array();
