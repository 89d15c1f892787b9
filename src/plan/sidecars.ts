import { readImageName } from '../wire/image-name.ts';
import type { Container, Pod } from '../wire/pod-types.ts';
import type { Settings } from './settings.ts';

// Containers beside the program that a platform without pods does not start: what each gives, and
// what stands in for it.

/** What a sidecar gives to the program. */
export type SidecarGives = 'metrics' | 'telemetry' | 'logs' | 'secrets' | 'mesh' | 'database';

/** One kind of sidecar, by the images and container names that it usually has. */
export interface SidecarKind {
  readonly kind: string;
  readonly gives: SidecarGives;
  /** Ends of the image's repository, without registry and tag. */
  readonly images: readonly string[];
  /** Names that injectors give to the container, whatever its image. */
  readonly names: readonly string[];
}

/** Where what is found stands in the pod, and what becomes of it. */
export interface Sidecar {
  readonly container: string;
  readonly kind: string;
  readonly gives: SidecarGives;
  /** Something in bellhop.yaml stands in for it. */
  readonly isReplaced: boolean;
  /** By what, or the nearest way; a clause without full stop. */
  readonly what: string;
}

/** By general knowledge of the vendors' charts and injectors; not held against their files. */
export const SIDECARS: readonly SidecarKind[] = [
  {
    kind: 'statsd-exporter',
    gives: 'metrics',
    images: ['prom/statsd-exporter', 'prometheus/statsd-exporter'],
    names: ['statsd-exporter'],
  },
  { kind: 'statsd', gives: 'metrics', images: ['statsd/statsd'], names: ['statsd'] },
  { kind: 'telegraf', gives: 'metrics', images: ['telegraf'], names: ['telegraf'] },
  {
    kind: 'Datadog agent',
    gives: 'metrics',
    images: ['datadog/agent', 'datadoghq/agent', 'datadog/dogstatsd', 'datadoghq/dogstatsd'],
    names: ['datadog-agent', 'datadog-agent-injected'],
  },
  {
    kind: 'CloudWatch agent',
    gives: 'metrics',
    images: ['amazon/cloudwatch-agent', 'cloudwatch-agent/cloudwatch-agent'],
    names: ['cloudwatch-agent'],
  },
  {
    kind: 'OpenTelemetry collector',
    gives: 'telemetry',
    images: [
      'otel/opentelemetry-collector',
      'otel/opentelemetry-collector-contrib',
      'opentelemetry-collector-releases/opentelemetry-collector-contrib',
      'aws-observability/aws-otel-collector',
      'amazon/aws-otel-collector',
    ],
    names: ['otc-container', 'otel-collector'],
  },
  {
    kind: 'Fluent Bit',
    gives: 'logs',
    images: [
      'fluent/fluent-bit',
      'amazon/aws-for-fluent-bit',
      'aws-observability/aws-for-fluent-bit',
    ],
    names: ['fluent-bit', 'log_router'],
  },
  { kind: 'Fluentd', gives: 'logs', images: ['fluent/fluentd'], names: ['fluentd'] },
  { kind: 'Vector', gives: 'logs', images: ['timberio/vector'], names: ['vector'] },
  {
    kind: 'Filebeat',
    gives: 'logs',
    images: ['beats/filebeat', 'elastic/filebeat'],
    names: ['filebeat'],
  },
  {
    kind: 'Vault agent',
    gives: 'secrets',
    images: ['hashicorp/vault'],
    names: ['vault-agent', 'vault-agent-init'],
  },
  {
    kind: 'Istio proxy',
    gives: 'mesh',
    images: ['istio/proxyv2', 'istio-release/proxyv2'],
    names: ['istio-proxy', 'istio-init', 'istio-validation'],
  },
  {
    kind: 'Linkerd proxy',
    gives: 'mesh',
    images: ['linkerd/proxy', 'linkerd/proxy-init'],
    names: ['linkerd-proxy', 'linkerd-init'],
  },
  { kind: 'Envoy', gives: 'mesh', images: ['envoyproxy/envoy'], names: ['envoy'] },
  {
    kind: 'Cloud SQL proxy',
    gives: 'database',
    images: ['cloudsql-docker/gce-proxy', 'cloud-sql-connectors/cloud-sql-proxy'],
    names: ['cloud-sql-proxy', 'cloudsql-proxy'],
  },
];

/** Every sidecar of the pod but the chosen container, in the pod's order. Pure: for all routes. */
export function sidecarsOf(
  pod: Pick<Pod, 'containers' | 'initContainers'>,
  settings: Pick<Settings, 'metrics' | 'stores'>,
  chosen?: string,
): Sidecar[] {
  return [...pod.initContainers, ...pod.containers].flatMap((one) => {
    const found = one.name === chosen ? undefined : sidecarKind(one);
    if (found === undefined) return [];
    const { kind, gives } = found;
    return [{ container: one.name, kind, gives, ...standIn(gives, settings) }];
  });
}

/** What kind of sidecar a container is; undefined where it is none that is known. */
export function sidecarKind({
  name,
  image,
}: Pick<Container, 'name' | 'image'>): SidecarKind | undefined {
  const read = readImageName(image);
  const isOf = (end: string): boolean => `/${read?.repository ?? ''}`.endsWith(`/${end}`);
  return SIDECARS.find(({ images, names }) => names.includes(name) || images.some(isOf));
}

/** True where nothing is lost without it: what wrote secrets may have had templates of its own. */
export function standsIn({ isReplaced, gives }: Sidecar): boolean {
  return isReplaced && gives !== 'secrets';
}

/** One sentence about a sidecar that is not started. */
export function sidecarText({ container, kind, what }: Sidecar): string {
  return `container ${container} (${kind}) is not started: ${what}`;
}

type Beside = Pick<Settings, 'metrics' | 'stores'>;

interface StandIn {
  readonly isThere: (settings: Beside) => boolean;
  readonly done: string;
  readonly nearest: string;
}

const forwards = ({ metrics }: Beside): boolean => (metrics?.relay?.forward ?? []).length > 0;

const STAND_INS: Readonly<Record<SidecarGives, StandIn>> = {
  metrics: {
    isThere: ({ metrics }) => metrics?.statsd !== undefined,
    done: '`metrics.statsd` of bellhop.yaml stands in for it',
    nearest: 'give its gateway as `metrics: { statsd: HOST:PORT }` in bellhop.yaml',
  },
  telemetry: {
    isThere: (settings) => settings.metrics?.otlp !== undefined || forwards(settings),
    done: '`metrics.otlp` or `metrics.relay.forward` of bellhop.yaml stands in for it',
    nearest: 'give its collector as `metrics: { otlp: http://HOST:4318 }` in bellhop.yaml',
  },
  logs: {
    isThere: forwards,
    done: '`metrics.relay.forward` of bellhop.yaml passes its port on',
    nearest:
      'pass its port on with `metrics: { relay: { forward: … } }`, or let the platform take stdout',
  },
  secrets: {
    isThere: ({ stores }) => Object.keys(stores ?? {}).length > 0,
    done: 'the stores of bellhop.yaml are asked instead; templates of its annotations are not',
    nearest: 'bind what it wrote to a store in bellhop.yaml',
  },
  mesh: {
    isThere: () => false,
    done: '',
    nearest: 'no platform without pods has a mesh: the program must do its own TLS',
  },
  database: {
    isThere: () => false,
    done: '',
    nearest: 'the database must be reached directly, or by a connector in the program',
  },
};

function standIn(gives: SidecarGives, settings: Beside): Pick<Sidecar, 'isReplaced' | 'what'> {
  const { isThere, done, nearest } = STAND_INS[gives];
  const isReplaced = isThere(settings);
  return { isReplaced, what: isReplaced ? done : nearest };
}
