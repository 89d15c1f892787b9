// The chart as helm renders it.
import { loadAll } from 'js-yaml';
import { CHART, KUBE_VERSION } from '../../scripts/chart.ts';
import { run } from '../cluster/kit/cluster.ts';
import type { Said } from '../cluster/kit/cluster.ts';

const HELM_MS_MAX = 60_000;

/** Values, as a file of values would have them. */
export type Values = Readonly<Record<string, unknown>>;

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [member: string]: unknown;
}

/** Where and as what the chart is installed. */
export interface Release {
  readonly helm: string;
  readonly namespace: string;
  readonly name?: string;
  /** e.g. `templates/policy.yaml` */
  readonly only?: string;
}

/** What `helm template` says, and how it ended. */
export async function template(release: Release, values: Values): Promise<Said> {
  const { helm, namespace, name = 'bellhop', only } = release;
  const show = only === undefined ? [] : [`--show-only=${only}`];
  const command = [helm, 'template', name, CHART, `--namespace=${namespace}`, KUBE_VERSION];
  return run([...command, ...show, '--values=-'], HELM_MS_MAX, JSON.stringify(values));
}

/** The objects; throws what helm says where it refuses. */
export async function objects(release: Release, values: Values): Promise<readonly KubeObject[]> {
  const said = await template(release, values);
  if (!said.ok) throw new Error(said.err);
  const all: unknown[] = loadAll(said.out);
  return all.filter((one) => one !== null && one !== undefined) as KubeObject[];
}

function rightsOn(places: object): Values {
  return { readSecrets: places, writeSecrets: places, valueSecrets: places };
}

const PEM = Buffer.from('a certificate').toString('base64');

/** Every option of the chart on and off, by what each set is about. */
export const VARIANTS: Readonly<Record<string, Values>> = {
  'nothing said': {},
  'one replica without budget, policy, roles and account': {
    replicaCount: 1,
    podDisruptionBudget: { enabled: false },
    networkPolicy: { enabled: false },
    rbac: { create: false },
    serviceAccount: { create: false, name: 'given' },
    image: { repository: 'registry.example/bellhop', tag: 'v9', pullPolicy: 'Always' },
  },
  'all that is optional': {
    image: { digest: `sha256:${'a'.repeat(64)}` },
    imagePullSecrets: [{ name: 'registry' }],
    autoscaling: { enabled: true, maxReplicas: 9 },
    podDisruptionBudget: { maxUnavailable: '50%' },
    priorityClass: { create: true, value: 1_000_000_000 },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: { nodeAffinity: {} },
    topologySpreadConstraints: [
      { maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
    ],
    podAnnotations: { a: 'b' },
    podLabels: { c: 'd' },
    podSecurityContext: { runAsUser: 12_345, fsGroup: 12_345 },
    extraEnv: [{ name: 'FLYTE_SECRET_A_B', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
    extraEnvFrom: [{ secretRef: { name: 'more', optional: true } }],
    extraVolumes: [{ name: 'global', secret: { secretName: 'global' } }],
    extraVolumeMounts: [{ name: 'global', mountPath: '/etc/secrets', readOnly: true }],
    extraArgs: ['--log=json'],
    service: { port: 8443, annotations: { e: 'f' } },
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/x' } },
    rbac: { events: false, ...rightsOn({ cluster: true }) },
    certificates: {
      flyteSecretName: 'flyte-pod-webhook',
      own: { leafDays: 1, authorityDays: 7, renewAtShare: 0.5 },
    },
    networkPolicy: {
      from: [{ ipBlock: { cidr: '10.0.0.0/28' } }],
      metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
      egress: [{ ports: [{ port: 443, protocol: 'TCP' }] }],
    },
    policy: { enabled: true, validationActions: ['Warn', 'Audit'] },
    cacheInvalidation: { authentication: 'kubernetes', users: ['system:serviceaccount:flyte:*'] },
    metrics: {
      serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
      prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
      dashboard: { enabled: true },
    },
    registration: {
      failurePolicy: 'Ignore',
      timeoutSeconds: 3,
      reinvocationPolicy: 'Never',
      annotations: { g: 'h' },
      namespaceSelector: {
        matchLabels: { team: 'ml' },
        matchExpressions: [{ key: 'control-plane', operator: 'DoesNotExist' }],
      },
      matchConditions: [
        { name: 'not-system', expression: "!request.userInfo.username.startsWith('system:node')" },
      ],
    },
  },
  'on the network of the node': {
    hostNetwork: true,
    priorityClassName: 'system-cluster-critical',
    ports: { webhook: 19_443, health: 19_254 },
    registration: { mode: 'server' },
    policy: { enabled: true, validationActions: ['Deny', 'Audit'] },
  },
  'certificates by cert-manager': { certificates: { mode: 'certManager' } },
  'certificates by an issuer that is there': {
    certificates: {
      mode: 'certManager',
      secretName: 'own-tls',
      certManager: { issuerRef: { kind: 'ClusterIssuer', name: 'company' } },
    },
  },
  'certificates from files': { certificates: { mode: 'files', secretName: 's', caBundle: PEM } },
  'certificates from files, registered by somebody else': {
    certificates: { mode: 'files' },
    registration: { mode: 'none' },
    existingConfigMap: 'settings',
  },
  'rights in namespaces': {
    rbac: rightsOn({ namespaces: ['default'] }),
  },
  "values forgotten by Flyte's secret service": {
    cacheInvalidation: {
      authentication: 'none',
      from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'flyte' } } }],
    },
  },
  'values forgotten by who has a token': {
    ports: { cache: 19_444 },
    cacheInvalidation: { authentication: 'token', tokenSecret: { name: 'cache-token' } },
  },
  'names of its own': { nameOverride: 'hook', fullnameOverride: 'the-hook' },
};
