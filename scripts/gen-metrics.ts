// The tables of docs/metrics.md, from the tables that the code itself uses.
import { CLIENTS, OTLP_VARIABLE, STATSD_GROUPS } from '../src/plan/metric-clients.ts';
import type { Client } from '../src/plan/metric-clients.ts';
import { SIDECARS } from '../src/plan/sidecars.ts';
import { parseEndpoint } from '../src/wire/endpoint.ts';
import { code, table, withPart } from './markdown.ts';

/** The page with its two tables. */
export function metricsPage(text: string): string {
  return withPart(withPart(text, 'clients', clientTable()), 'sidecars', sidecarTable());
}

const EXAMPLES = ['udp://gateway:8125', 'unixgram:///run/dsd.socket'];

function clientTable(): string[] {
  const names = (clients: readonly Client[]): string => {
    return clients.map((client) => CLIENTS[client]).join('; ');
  };
  const rows = STATSD_GROUPS.flatMap(({ variables }, kind) => {
    return variables.map(({ name, clients, value }) => {
      const values = EXAMPLES.map((text) => {
        const to = parseEndpoint(text);
        const said = typeof to === 'string' ? undefined : value(to);
        return said === undefined ? '–' : code(said);
      });
      return [String(kind + 1), code(name), ...values, names(clients)];
    });
  });
  const { name, clients } = OTLP_VARIABLE;
  const otlp = [
    String(STATSD_GROUPS.length + 1),
    code(name),
    '`metrics.otlp`',
    '–',
    names(clients),
  ];
  const heads = ['kind', 'variable', ...EXAMPLES.map(code), 'read by'];
  return table(heads, [...rows, otlp]);
}

function sidecarTable(): string[] {
  const rows = SIDECARS.map(({ kind, gives, images, names }) => {
    return [kind, gives, images.map(code).join(' '), names.map(code).join(' ')];
  });
  return table(['sidecar', 'gives', 'images end in', 'or are called'], rows);
}
