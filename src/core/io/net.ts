/** The network as it is: requests, connections, and what the variables on arrival say of them. */
import { proxyFor } from '../proxy.ts';
import { openConnection } from './connect.ts';
import { resolveHost, sendDatagram } from './datagram.ts';
import { openHttp } from './http.ts';
import type { Net } from './net-types.ts';
import { openTrust } from './tls-trust.ts';
import type { Arrival, Fs } from './types.ts';

/** Nothing is read or opened before it is asked for. */
export function openNet(fs: Fs, arrival: Arrival): Net {
  let variables: ReadonlyMap<string, string> | undefined;
  const variable = (name: string): string | undefined => {
    variables ??= networkVariables(arrival.env);
    return variables.get(name);
  };
  const trust = openTrust(fs, variable);
  return {
    ...openHttp(trust, (url) => proxyFor(url, variable)),
    resolve: resolveHost,
    datagram: sendDatagram,
    connect: async (request, signal) => await openConnection(request, { trust, signal }),
  };
}

const OF_THE_NETWORK = /^(?:https?_proxy|all_proxy|no_proxy|request_method|ssl_cert_\w+)$/i;
/** Their first letters: only such names are decoded, as a start has no time for all of them. */
const FIRST_LETTERS = new Set('hHaAnNrRsS');
const EQUALS = 0x3d;

/** Those that steer the network; of entries of one name the first counts, as for getenv(3). */
function networkVariables(env: readonly Uint8Array[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of env) {
    if (!FIRST_LETTERS.has(String.fromCharCode(entry[0] ?? 0))) continue;
    const end = entry.indexOf(EQUALS);
    const name = Buffer.from(entry.subarray(0, Math.max(0, end))).toString('latin1');
    if (!OF_THE_NETWORK.test(name) || found.has(name)) continue;
    found.set(name, Buffer.from(entry.subarray(end + 1)).toString('utf8'));
  }
  return found;
}
