// The section `webhook:` of bellhop.yaml: Flyte's own (flyteorg/flyte@6fadb90d65), taken as it is,
// and beside it what is ours.
import * as v from 'valibot';
import { isRecord } from '../wire/read.ts';
import {
  OWN_CERTIFICATES,
  OWN_CERTIFICATES_DEFAULTS,
  ownCertificatesProblems,
} from './settings-certificates.ts';
import {
  CACHE_INVALIDATION,
  invalidationProblems,
  invalidationWarnings,
} from './settings-invalidation.ts';
import { REGISTRY, REGISTRY_DEFAULTS, registryProblems } from './settings-registry.ts';
import { schemaIssues } from '../plan/schema-issues.ts';
import type { SettingsIssue } from '../plan/settings-problems.ts';
import { valueSecretsProblems } from './settings-values.ts';

const text = v.string();
const flag = v.boolean();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const texts = v.record(text, text);
const resources = v.record(text, texts);

/** Flyte's types, in the order of its documentation. */
export const MANAGER_TYPES = [
  'Global',
  'K8s',
  'AWS',
  'GCP',
  'Vault',
  'Embedded',
  'Azure',
  // Ours, under the profile `native`.
  'Confidant',
] as const;
const managerType = v.picklist(MANAGER_TYPES);
const client = v.strictObject({ qps: count, burst: count, timeout: text });
const sidecar = v.strictObject({ sidecarImage: text, resources });

const SHAPE = v.strictObject({
  'metrics-prefix': text,
  certDir: text,
  localCert: flag,
  listenPort: count,
  cacheInvalidationPort: count,
  serviceName: text,
  servicePort: count,
  secretName: text,
  secretManagerType: managerType,
  secretManagerTypes: v.nullable(v.array(managerType)),
  awsSecretManager: sidecar,
  gcpSecretManager: sidecar,
  azureSecretManager: sidecar,
  vaultSecretManager: v.strictObject({
    role: text,
    kvVersion: v.picklist(['1', '2']),
    annotations: v.nullable(texts),
  }),
  embeddedSecretManagerConfig: v.strictObject({
    type: v.picklist(['AWS', 'GCP', 'Azure', 'K8s']),
    awsConfig: v.strictObject({ region: text }),
    gcpConfig: v.strictObject({ project: text }),
    azureConfig: v.strictObject({ vaultURI: text }),
    k8sConfig: v.strictObject({ namespace: text, kubeClientConfig: client }),
    fileMountInitContainer: v.strictObject({ image: text, resources, containerName: text }),
    imagePullSecrets: v.strictObject({ enabled: flag }),
  }),
  imageBuilderConfig: v.looseObject({}),
  webhookTimeout: count,
  disableCreateMutatingWebhookConfig: flag,
  namespaceSelector: v.nullable(v.looseObject({})),
  kubeClientConfig: client,
  secretEnvVarPrefix: text,
  enableHTTP2: flag,
  // Ours.
  profile: v.picklist(['flyte', 'native']),
  compat: v.picklist(['v1', 'v2']),
  missing: v.optional(v.picklist(['flyte', 'wait', 'deny'])),
  allow: v.array(
    v.strictObject({
      name: text,
      namespaces: v.optional(v.array(text)),
      users: v.optional(v.array(text)),
      managers: v.optional(v.array(managerType)),
      groups: v.optional(v.array(text)),
      keys: v.optional(v.array(text)),
    }),
  ),
  valueSecrets: v.strictObject({ namespaces: v.array(text) }),
  statusAnnotation: flag,
  statusPort: count,
  cacheInvalidation: v.optional(CACHE_INVALIDATION),
  certificates: v.picklist(['self', 'files']),
  ownCertificates: OWN_CERTIFICATES,
  flyteSecretName: v.optional(text),
  registration: v.strictObject({
    failurePolicy: v.picklist(['Fail', 'Ignore']),
    timeoutSeconds: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(30)),
    matchConditions: v.array(v.strictObject({ name: text, expression: text })),
  }),
  drainMs: count,
  logLevel: v.picklist(['error', 'warn', 'info', 'debug']),
  stores: texts,
  pull: v.strictObject({
    image: text,
    imagePullPolicy: v.optional(v.picklist(['Always', 'IfNotPresent', 'Never'])),
    imagePullSecrets: v.array(text),
    command: v.array(text),
    resources,
    securityContext: v.looseObject({}),
    after: v.array(text),
    variables: v.picklist(['launcher', 'fileKeyRef', 'secret']),
  }),
  images: v.record(
    text,
    v.strictObject({
      entrypoint: v.optional(v.array(text)),
      cmd: v.optional(v.array(text)),
      leave: v.optional(flag),
    }),
  ),
  registry: REGISTRY,
});

/** Everything that the section says, with what it leaves out. */
export type WebhookSettings = v.InferOutput<typeof SHAPE>;

const SIDECAR_RESOURCES = {
  limits: { cpu: '200m', memory: '500Mi' },
  requests: { cpu: '200m', memory: '500Mi' },
};
const WRITER_RESOURCES = {
  limits: { cpu: '100m', memory: '100Mi' },
  requests: { cpu: '100m', memory: '100Mi' },
};

/** What is left out is as in Flyte; of ours, `profile: native`. */
export const WEBHOOK_DEFAULTS: WebhookSettings = {
  'metrics-prefix': 'flyte:',
  certDir: '/etc/webhook/certs',
  localCert: false,
  listenPort: 9443,
  cacheInvalidationPort: 9444,
  serviceName: 'flyte-pod-webhook',
  servicePort: 443,
  secretName: 'flyte-pod-webhook',
  secretManagerType: 'Embedded',
  secretManagerTypes: null,
  awsSecretManager: {
    sidecarImage: 'docker.io/amazon/aws-secrets-manager-secret-sidecar:v0.1.4',
    resources: SIDECAR_RESOURCES,
  },
  gcpSecretManager: {
    sidecarImage: 'gcr.io/google.com/cloudsdktool/cloud-sdk:alpine',
    resources: SIDECAR_RESOURCES,
  },
  azureSecretManager: {
    sidecarImage: 'mcr.microsoft.com/azure-cli:cbl-mariner2.0',
    resources: SIDECAR_RESOURCES,
  },
  vaultSecretManager: { role: 'flyte', kvVersion: '2', annotations: null },
  embeddedSecretManagerConfig: {
    type: 'K8s',
    awsConfig: { region: '' },
    gcpConfig: { project: '' },
    azureConfig: { vaultURI: '' },
    k8sConfig: {
      namespace: 'flyte',
      kubeClientConfig: { qps: 0, burst: 0, timeout: '0s' },
    },
    fileMountInitContainer: {
      image: 'public.ecr.aws/docker/library/busybox:latest',
      resources: WRITER_RESOURCES,
      containerName: 'init-embedded-secret',
    },
    imagePullSecrets: { enabled: false },
  },
  imageBuilderConfig: {},
  webhookTimeout: 30,
  disableCreateMutatingWebhookConfig: false,
  namespaceSelector: null,
  kubeClientConfig: { qps: 100, burst: 25, timeout: '30s' },
  secretEnvVarPrefix: '_UNION_',
  enableHTTP2: false,
  profile: 'native',
  compat: 'v2',
  allow: [],
  valueSecrets: { namespaces: [] },
  statusAnnotation: false,
  statusPort: 10_254,
  certificates: 'self',
  ownCertificates: OWN_CERTIFICATES_DEFAULTS,
  registration: { failurePolicy: 'Fail', timeoutSeconds: 10, matchConditions: [] },
  drainMs: 5000,
  logLevel: 'info',
  stores: {},
  pull: {
    image: '',
    imagePullSecrets: [],
    command: ['/usr/bin/bellhop', 'pull'],
    resources: {
      limits: { cpu: '500m', memory: '128Mi' },
      requests: { cpu: '10m', memory: '64Mi' },
    },
    // Pod Security `restricted`, whatever the pod itself says.
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    after: [],
    variables: 'launcher',
  },
  images: {},
  registry: REGISTRY_DEFAULTS,
};

/** What version 1 of Flyte has otherwise. */
const V1_DEFAULTS = { secretManagerType: 'K8s', secretEnvVarPrefix: '_FSEC_' };

/** Keys that Flyte takes and does not use either; here they are named in a warning. */
const UNUSED = ['metrics-prefix', 'imageBuilderConfig', 'webhookTimeout', 'localCert'];

export interface WebhookSettingsRead {
  readonly settings: WebhookSettings;
  readonly problems: readonly SettingsIssue[];
  readonly warnings: readonly string[];
}

/** Reads the section; objects are laid over the defaults member by member, as Flyte does it. */
export function readWebhookSettings(given: unknown): WebhookSettingsRead {
  if (given !== undefined && given !== null && !isRecord(given)) {
    const problem = { path: [], what: 'must be an object' };
    return { settings: WEBHOOK_DEFAULTS, problems: [problem], warnings: [] };
  }
  const own = given ?? {};
  const isV1 = isRecord(own) && own['compat'] === 'v1';
  const defaults = isV1 ? { ...WEBHOOK_DEFAULTS, ...V1_DEFAULTS } : WEBHOOK_DEFAULTS;
  const result = v.safeParse(SHAPE, laidOver(defaults, own));
  const problems = schemaIssues(result.issues ?? [], SHAPE);
  const unused = UNUSED.filter((name) => Object.hasOwn(own, name));
  const idle = unused.map((name) => `webhook.${name} has no effect`);
  const warnings = [...idle, ...invalidationWarnings(own)];
  if (!result.success) return { settings: WEBHOOK_DEFAULTS, problems, warnings };
  return {
    settings: result.output,
    problems: [
      ...problems,
      ...prefixProblems(result.output),
      ...invalidationProblems(result.output.cacheInvalidation),
      ...ownCertificatesProblems(result.output.ownCertificates),
      ...valueSecretsProblems(result.output),
      ...registryProblems(result.output.registry),
    ],
    warnings,
  };
}

function prefixProblems({ secretEnvVarPrefix }: WebhookSettings) {
  if (secretEnvVarPrefix !== '') return [];
  const what = 'must not be empty: flytekit would look for variables that begin with _FSEC_';
  return [{ path: ['secretEnvVarPrefix'], what }];
}

function laidOver(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isRecord(below) || !isRecord(above)) return above;
  const names = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  return Object.fromEntries(names.map((name) => [name, laidOver(below[name], above[name])]));
}

/** The types that are asked, in their order: Flyte always asks Global first. */
export function managerTypes(settings: WebhookSettings): readonly string[] {
  const listed = settings.secretManagerTypes ?? [];
  return ['Global', ...(listed.length > 0 ? listed : [settings.secretManagerType])];
}
