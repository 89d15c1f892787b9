import { describe, expect, test } from 'bun:test';
import { clientVariables, metricsOf } from '../../src/plan/metrics.ts';
import type { Settings } from '../../src/plan/settings.ts';
import { sidecarKind, sidecarText, sidecarsOf } from '../../src/plan/sidecars.ts';
import type { Container } from '../../src/wire/pod-types.ts';

type Written = NonNullable<Settings['metrics']>;
const settings = (metrics: Written): Settings => ({ apiVersion: 'bellhop/v1', metrics });

describe('metrics of a plan', () => {
  test('a relay without more is the port that clients have by default', () => {
    const { metrics, problems } = metricsOf(settings({ statsd: 'gateway:8125', relay: {} }));
    expect(problems).toEqual([]);
    expect(metrics).toEqual({
      statsd: 'udp://gateway:8125',
      tags: 'dogstatsd',
      self: true,
      relay: {
        listen: ['udp://localhost:8125'],
        taken: 'warn',
        tags: { job: '{job}', host: '{host}' },
        forward: [],
      },
    });
  });

  const REFUSED: readonly (readonly [string, Written, string])[] = [
    ['a relay to nowhere', { relay: {} }, 'metrics.relay: needs `metrics.statsd`'],
    [
      'metrics without a gateway',
      { relay: { listen: ['localhost:8125'] } },
      'metrics.relay.listen: needs `metrics.statsd`',
    ],
    [
      'an address of others',
      { statsd: 'g:1', relay: { listen: ['0.0.0.0:8125'] } },
      'metrics.relay.listen[0]: is no address of the container itself',
    ],
    [
      'datagrams to a stream',
      { relay: { forward: [{ listen: 'unixgram:///dev/log', to: 'tcp://syslog:601' }] } },
      'metrics.relay.forward[0]: goes from datagrams to datagrams',
    ],
    [
      'a gateway of frames',
      { statsd: 'unixstream:///x' },
      'metrics.statsd: a gateway is reached by',
    ],
    [
      'too many places',
      {
        statsd: 'g:1',
        relay: { listen: Array.from({ length: 9 }, (_, i) => `localhost:${i + 1}`) },
      },
      'listens at 18 places, more than 16',
    ],
    [
      'tags that are longer than metrics',
      { statsd: 'g:1', relay: { tags: { a: 'x'.repeat(600) } } },
      'are over 512 bytes',
    ],
  ];
  for (const [name, written, what] of REFUSED) {
    test(`${name} is refused`, () => {
      const { problems } = metricsOf(settings(written));
      expect(problems.map(({ message }) => message).join('\n')).toContain(what);
      expect(problems.every(({ code }) => code === 'BH_ERR_SETTINGS')).toBe(true);
    });
  }

  test('a path with localhost in it is one place, a port of localhost two', () => {
    const listen = Array.from({ length: 14 }, (_, i) => `unixgram:///run/localhost/${i}`);
    const { problems } = metricsOf(
      settings({ statsd: 'g:1', relay: { listen: [...listen, 'localhost:1'] } }),
    );
    expect(problems).toEqual([]);
  });

  test('a TCP gateway without a relay is told: no client can be pointed at it', () => {
    const { warnings } = metricsOf(settings({ statsd: 'tcp://gateway:8125' }));
    expect(warnings).toEqual([
      expect.stringContaining('no client can be pointed at a TCP gateway'),
    ]);
  });
});

describe('variables of clients', () => {
  const given = (written: Written): Record<string, string> => {
    return Object.fromEntries(
      clientVariables(metricsOf(settings(written)).metrics, written.clients).map(
        ({ name, source }) => {
          return [name, source.kind === 'text' ? source.text : source.kind];
        },
      ),
    );
  };
  test('without a relay they name the gateway', () => {
    expect(given({ statsd: '[fd00::1]:9125' })).toEqual({
      DD_DOGSTATSD_URL: 'udp://[fd00::1]:9125',
      DD_AGENT_HOST: 'fd00::1',
      DD_DOGSTATSD_HOST: 'fd00::1',
      DD_DOGSTATSD_PORT: '9125',
      STATSD_HOST: 'fd00::1',
      STATSD_PORT: '9125',
    });
  });
  test('with one they name the relay, and a socket file where that is all it has', () => {
    expect(given({ statsd: 'tcp://g:1', relay: {} })['DD_DOGSTATSD_URL']).toBe(
      'udp://localhost:8125',
    );
    const relay = { listen: ['tcp://localhost:8125', 'unixgram:///run/dsd.socket'] };
    expect(given({ statsd: 'g:1', relay })).toEqual({
      DD_DOGSTATSD_URL: 'unix:///run/dsd.socket',
      DD_DOGSTATSD_SOCKET: '/run/dsd.socket',
    });
  });
  test('OpenTelemetry has its own; `clients: false` gives none', () => {
    const otlp = 'http://collector:4318';
    expect(given({ otlp })).toEqual({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp });
    expect(given({ statsd: 'g:1', otlp, clients: false })).toEqual({});
  });
});

const container = (name: string, image = ''): Container => ({
  name,
  image,
  command: [],
  args: [],
  workingDir: '',
  env: [],
  envFrom: [],
  mounts: [],
  resources: { limits: new Map(), requests: new Map() },
  security: { addCapabilities: [], dropCapabilities: [] },
  terminationMessagePath: '',
  isSidecar: false,
  stdin: false,
  tty: false,
  place: [],
});

describe('sidecars', () => {
  const KINDS: readonly (readonly [string, string, string | undefined])[] = [
    ['a', 'quay.io/prometheus/statsd-exporter:v0.28.0', 'statsd-exporter'],
    ['a', `gcr.io/datadoghq/agent@sha256:${'0'.repeat(64)}`, 'Datadog agent'],
    ['a', 'registry.corp:5000/mirror/fluent/fluent-bit:3', 'Fluent Bit'],
    ['istio-proxy', 'corp/proxy', 'Istio proxy'],
    ['vault-agent', 'hashicorp/vault:1.17', 'Vault agent'],
    ['a', 'corp/agent', undefined],
    ['a', 'corp/not-telegraf', undefined],
    ['main', 'registry.corp:5000/train', undefined],
    ['a', 'telegraf:1.30', 'telegraf'],
    ['main', '', undefined],
  ];
  for (const [name, image, kind] of KINDS) {
    test(`${name} ${image} is ${kind ?? 'none'}`, () => {
      expect(sidecarKind({ name, image })?.kind).toBe(kind);
    });
  }
  test('each says whether bellhop.yaml stands in for it, or what is nearest', () => {
    const pod = {
      initContainers: [container('istio-init')],
      containers: [container('main'), container('m', 'prom/statsd-exporter'), container('fluentd')],
    };
    const found = sidecarsOf(pod, { metrics: { statsd: 'g:1' } }, 'main');
    expect(found.map(({ container: name, isReplaced }) => [name, isReplaced])).toEqual([
      ['istio-init', false],
      ['m', true],
      ['fluentd', false],
    ]);
    expect(found.map(sidecarText)[1]).toBe(
      'container m (statsd-exporter) is not started: `metrics.statsd` of bellhop.yaml stands in for it',
    );
    expect(sidecarsOf(pod, {}, 'm').map((one) => one.container)).toEqual(['istio-init', 'fluentd']);
  });
});
