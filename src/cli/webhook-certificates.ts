// Where the webhook's certificate comes from, as bellhop.yaml says: of its own, kept in a Secret
// that all replicas share, or files that somebody else keeps.
import type { Io } from '../core/io/types.ts';
import { variablesOf } from '../entrypoint/platform.ts';
import { REVIEW_PATH } from '../webhook/answering.ts';
import type { CertificateSource } from '../webhook/certificate-source.ts';
import type { CertificateStatus } from '../webhook/certificates-figures.ts';
import { openCertificateFiles, readAuthorities } from '../webhook/certificates-files.ts';
import { MANAGER_TIMES, openManager } from '../webhook/certificates-manager.ts';
import { dnsNamesOf, secretNamesOf } from '../webhook/certificates-names.ts';
import { DEFAULT_LIVES } from '../webhook/certificates-steps.ts';
import type { KubernetesApi } from '../webhook/kubernetes-api.ts';
import type { HolderLoop } from '../webhook/holder-loop.ts';
import { openRegistrationKeeper } from '../webhook/registration-keeper.ts';
import type { RegistrationWish } from '../webhook/registration.ts';
import { ONLY_WITH_SECRETS } from '../webhook/registration.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import { livesOf } from '../webhook/settings-certificates.ts';
import type { Tell } from '../webhook/telling.ts';

/** A certificate at work. */
export interface Certificates {
  readonly source: CertificateSource;
  /** Why what is served may not be trusted yet; undefined where nothing is known against it. */
  readonly notReady: () => string | undefined;
  readonly status: () => CertificateStatus;
  readonly stop: () => Promise<void>;
}

export interface CertificatesParts {
  readonly io: Io;
  readonly settings: WebhookSettings;
  readonly tell: Tell;
  /** Absent where no cluster can be asked. */
  readonly api: KubernetesApi | undefined;
}

/** Opens it; resolves when there is something to serve. */
export async function openCertificates(parts: CertificatesParts): Promise<Certificates> {
  const { io, settings, api } = parts;
  if (settings.certificates === 'files' || api === undefined) return fromFiles(parts);
  const manager = openManager({
    api,
    clock: io.clock,
    random: (count) => io.random(count),
    tell: parts.tell,
    ...secretNamesOf({
      secretName: settings.secretName,
      flyteSecretName: settings.flyteSecretName,
    }),
    dnsNames: dnsNamesOf(settings.serviceName, api.namespace),
    lives: { ...DEFAULT_LIVES, ...livesOf(settings.ownCertificates) },
    registration: registrationOf(settings, api.namespace),
    leaseName: settings.serviceName,
    identity: identityOf(io),
    ...MANAGER_TIMES,
  });
  const source = await manager.start();
  let wasTrusted = false;
  // Only until the first time: an emptied caBundle must not take all replicas away.
  const notReady = (): string | undefined => {
    const { isTrusted } = manager.status();
    wasTrusted ||= isTrusted !== false;
    return wasTrusted ? undefined : 'the registration does not trust the certificate yet';
  };
  return { source, notReady, status: () => manager.status(), stop: async () => manager.stop() };
}

function fromFiles(parts: CertificatesParts): Certificates {
  const { io, settings, tell, api } = parts;
  const [name = ''] = dnsNamesOf(settings.serviceName, api?.namespace ?? '');
  const files = openCertificateFiles({
    fs: io.fs,
    clock: io.clock,
    random: (count) => io.random(count),
    tell,
    certFile: `${settings.certDir}/tls.crt`,
    keyFile: `${settings.certDir}/tls.key`,
    // Outside of a cluster nobody asks for the Service's name.
    dnsNames: api === undefined ? [] : [name],
    pollMs: MANAGER_TIMES.pollMs,
  });
  const keeper = api === undefined ? undefined : keeperOf(parts, api);
  keeper?.start();
  const stop = async (): Promise<void> => {
    await Promise.all([files.stop(), keeper?.stop()]);
  };
  const status = (): CertificateStatus => ({ faults: files.faults() });
  return { source: files.source, notReady: () => undefined, status, stop };
}

/** Where the registration is ours to make, it trusts whom ca.crt beside the pair names. */
function keeperOf(
  { io, settings, tell }: CertificatesParts,
  api: KubernetesApi,
): HolderLoop | undefined {
  if (settings.disableCreateMutatingWebhookConfig) return undefined;
  return openRegistrationKeeper({
    api,
    clock: io.clock,
    random: (count) => io.random(count),
    tell,
    registration: registrationOf(settings, api.namespace),
    bundle: () => readAuthorities(io.fs, `${settings.certDir}/ca.crt`),
    leaseName: settings.serviceName,
    identity: identityOf(io),
    ...MANAGER_TIMES,
  });
}

/** Flyte's names, so that its own entry is taken over. */
function registrationOf(settings: WebhookSettings, namespace: string): RegistrationWish {
  const { serviceName, servicePort, registration, namespaceSelector } = settings;
  return {
    keep: settings.disableCreateMutatingWebhookConfig ? 'caBundle' : 'own',
    name: serviceName,
    entryName: `${serviceName}.flyte.org`,
    target: { kind: 'service', name: serviceName, namespace, path: REVIEW_PATH, port: servicePort },
    failurePolicy: registration.failurePolicy,
    timeoutSeconds: registration.timeoutSeconds,
    namespaceSelector: namespaceSelector ?? undefined,
    namespacesExcluded: [...new Set(['kube-system', 'kube-node-lease', namespace])],
    matchConditions: [ONLY_WITH_SECRETS, ...registration.matchConditions],
    ownerReferences: [],
  };
}

/** Ours alone: a container that starts again is another one. */
export function identityOf(io: Io): string {
  const name = variablesOf(io).get('POD_NAME') ?? variablesOf(io).get('HOSTNAME') ?? 'bellhop';
  return `${name}_${Buffer.from(io.random(4)).toString('hex')}`;
}
