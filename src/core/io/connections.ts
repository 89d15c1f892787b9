/**
 * Which connections a request may use. Connections are kept by origin, proxy and TLS facts, apart
 * for HTTP/1.1 and HTTP/2: an HTTP/2 request that finds a pooled HTTP/1.1 connection of the same
 * origin fails with HTTP2Unsupported (Bun 1.4.5).
 */
import type { Lane } from './lane.ts';
import { openLane } from './lane.ts';
import type { HttpRequest, TlsFacts } from './net-types.ts';

export type Protocol = HttpRequest['protocol'];

/** All that decides which connections fit. */
export interface Way {
  readonly origin: string;
  /** The proxy's URL; undefined goes straight. */
  readonly proxy: string | undefined;
  readonly tls: TlsFacts | undefined;
}

/** What was learned about a way, and its open connections. */
export interface Route extends Way {
  /** The server does not do HTTP/2, or badly. */
  h1Only: boolean;
  /** True once it has answered by HTTP/2, or has been tried by HTTP/1.1 after a reset. */
  isH2Settled: boolean;
  /** The machine's own authorities, where the built-in ones do not know this server. */
  systemCa: string | undefined;
  readonly lanes: Partial<Record<Protocol, Lane>>;
}

export interface Connections {
  routeOf(way: Way): Route;
  laneOf(route: Route, protocol: Protocol, fresh: boolean): Lane;
  /** What was kept for this route no longer fits. */
  forget(route: Route): void;
}

/** No connection is opened before it is needed. */
export function openConnections(
  tlsOptions: (route: Route) => Bun.TLSOptions | undefined,
): Connections {
  const routes = new Map<string, Route[]>();
  const open = (route: Route): Lane => {
    const { proxy } = route;
    return openLane(
      new Bun.FetchSession({
        tls: tlsOptions(route),
        proxy: proxy === undefined ? false : { url: proxy, respectNoProxy: false },
      }),
    );
  };
  return {
    routeOf: (way) => {
      const ofOrigin = routes.get(way.origin) ?? [];
      const known = ofOrigin.find((one) => isSameWay(one, way));
      if (known !== undefined) return known;
      const route: Route = {
        ...way,
        h1Only: false,
        isH2Settled: false,
        systemCa: undefined,
        lanes: {},
      };
      routes.set(way.origin, [...ofOrigin, route]);
      return route;
    },
    laneOf: (route, protocol, fresh) => {
      const lane = route.lanes[protocol];
      if (lane !== undefined && !(fresh && isOld(lane, protocol))) return lane;
      lane?.session.close();
      return (route.lanes[protocol] = open(route));
    },
    forget: (route) => {
      route.lanes.h1?.session.close();
      route.lanes.h2?.session.close();
      delete route.lanes.h1;
      delete route.lanes.h2;
    },
  };
}

/**
 * A server that lets 200 streams die at once must not be asked for 200 new connections by their
 * retries: by HTTP/2 they share the one that the first of them opened, until that fails too.
 */
function isOld(lane: Lane, protocol: Protocol): boolean {
  return lane.isSuspect || (lane.isUsed && protocol === 'h1');
}

function isSameWay(one: Way, other: Way): boolean {
  return one.proxy === other.proxy && isSameTls(one.tls, other.tls);
}

function isSameTls(one: TlsFacts | undefined, other: TlsFacts | undefined): boolean {
  return (
    one?.ca === other?.ca &&
    one?.cert === other?.cert &&
    one?.key === other?.key &&
    one?.serverName === other?.serverName
  );
}
