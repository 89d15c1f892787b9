import { describe, expect, test } from 'bun:test';
import { serviceVariables } from '../../src/plan/services.ts';
import { declaration } from '../support/manifest.ts';

const service = (name: string, spec: string, namespace = ''): string =>
  `{kind: Service, metadata: {name: ${name}${namespace === '' ? '' : `, namespace: ${namespace}`}}, spec: {${spec}}}`;

function variables(
  documents: readonly string[],
  options: { namespace?: string; links?: boolean } = {},
): Record<string, string> {
  const { services } = declaration(documents.join('\n---\n'));
  const { namespace = 'default', links = true } = options;
  const placed = serviceVariables({ services, namespace, links });
  return Object.fromEntries(
    placed.map((one) => [one.name, one.source.kind === 'text' ? one.source.text : '?']),
  );
}

const API = service(
  'kubernetes',
  'clusterIP: 10.96.0.1, ports: [{name: https, port: 443}]',
  'default',
);
const DB = service(
  'my-db',
  'clusterIP: 10.0.0.5, ports: [{name: sql-tls, port: 5432}, {name: dns, port: 53, protocol: UDP}]',
);

describe('service variables as kubelet makes them', () => {
  test('the eight of the API server', () => {
    expect(variables([API])).toEqual({
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
      KUBERNETES_PORT: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
      KUBERNETES_PORT_443_TCP_PORT: '443',
      KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
    });
  });

  test('several ports, dashes, UDP', () => {
    expect(variables([DB])).toEqual({
      MY_DB_SERVICE_HOST: '10.0.0.5',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_SQL_TLS: '5432',
      MY_DB_SERVICE_PORT_DNS: '53',
      MY_DB_PORT: 'tcp://10.0.0.5:5432',
      MY_DB_PORT_5432_TCP: 'tcp://10.0.0.5:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '10.0.0.5',
      MY_DB_PORT_53_UDP: 'udp://10.0.0.5:53',
      MY_DB_PORT_53_UDP_PROTO: 'udp',
      MY_DB_PORT_53_UDP_PORT: '53',
      MY_DB_PORT_53_UDP_ADDR: '10.0.0.5',
    });
  });

  test('an IPv6 address stands in brackets in URLs only', () => {
    const seen = variables([service('six', 'clusterIP: "fd00::1", ports: [{port: 80}]')]);
    expect([seen['SIX_SERVICE_HOST'], seen['SIX_PORT'], seen['SIX_PORT_80_TCP_ADDR']]).toEqual([
      'fd00::1',
      'tcp://[fd00::1]:80',
      'fd00::1',
    ]);
  });

  const names = (documents: string[], options: { namespace?: string; links?: boolean }): string[] =>
    Object.keys(variables(documents, options)).filter((name) => name.endsWith('_SERVICE_HOST'));
  test.each<[string, string[], { namespace?: string; links?: boolean }, string[]]>([
    [
      'enableServiceLinks: false leaves the API server',
      [API, DB],
      { links: false },
      ['KUBERNETES_SERVICE_HOST'],
    ],
    [
      'the API server is there in other namespaces',
      [API, DB.replace('name: my-db', 'name: my-db, namespace: default')],
      { namespace: 'team' },
      ['KUBERNETES_SERVICE_HOST'],
    ],
    [
      "a service without a namespace is in the pod's",
      [DB],
      { namespace: 'team' },
      ['MY_DB_SERVICE_HOST'],
    ],
    [
      'headless services give nothing',
      [service('h', 'clusterIP: None, ports: [{port: 1}]')],
      {},
      [],
    ],
    [
      'external services give nothing',
      [service('e', 'type: ExternalName, externalName: x.y')],
      {},
      [],
    ],
  ])('%s', (...[_name, documents, options, wanted]) => {
    expect(names(documents, options)).toEqual(wanted);
  });

  test('a service kubernetes of the own namespace wins over the API server, in any order', () => {
    const own = service('kubernetes', 'clusterIP: 10.9.9.9, ports: [{port: 1}]', 'team');
    for (const order of [
      [API, own],
      [own, API],
    ]) {
      expect(variables(order, { namespace: 'team' })['KUBERNETES_SERVICE_HOST']).toBe('10.9.9.9');
      expect(variables(order, { namespace: 'team', links: false })['KUBERNETES_SERVICE_HOST']).toBe(
        '10.96.0.1',
      );
    }
  });
});
