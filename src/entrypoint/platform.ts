import type { Io } from '../core/io/types.ts';
import { nameOf } from './exec-document.ts';

const API_SERVER =
  /^KUBERNETES_(SERVICE_(HOST|PORT|PORT_HTTPS)|PORT|PORT_443_TCP(_(PROTO|PORT|ADDR))?)$/;

/** The API server's variables where the platform gave them: the kubelet's references see them. */
export function apiServer(io: Io): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const entry of io.arrival.env) {
    const name = nameOf(entry);
    if (API_SERVER.test(name))
      map.set(
        name,
        Buffer.from(entry)
          .toString('latin1')
          .slice(name.length + 1),
      );
  }
  return map;
}

const HOSTS_BYTES_MAX = 1024 * 1024;

/** The kubelet's mark on /etc/hosts together with its variables: this container was delivered. */
export function isKubernetes(io: Io): boolean {
  if (!apiServer(io).has('KUBERNETES_SERVICE_HOST')) return false;
  try {
    const hosts = new TextDecoder().decode(io.fs.read('/etc/hosts', HOSTS_BYTES_MAX));
    return hosts.startsWith('# Kubernetes-managed hosts file');
  } catch {
    return false;
  }
}

/** The variables on arrival as text; of several of one name the last counts. */
export function variablesOf(io: Io): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const entry of io.arrival.env) {
    const text = Buffer.from(entry).toString('utf8');
    const equals = text.indexOf('=');
    if (equals > 0) map.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return map;
}
