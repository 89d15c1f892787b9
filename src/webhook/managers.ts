import type {
  FoundValue,
  InjectorContext,
  InjectorKind,
  LookUp,
  PullSecrets,
} from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import type { StoreOptions } from '../plan/types.ts';
import { ENV_VAR } from '../wire/flyte-secret.ts';
import type { AllowRule } from './allow.ts';
import type { Manager } from './asking.ts';
import type { MutateSettings } from './mutate.ts';
import type { StartOf } from './image-starts.ts';
import type { PullSettings } from './pull-container.ts';
import type { FetchSettings } from './pull-plan.ts';
import type { ReadPulled } from './pulled-values.ts';
import { openKeptInstead } from './pulled-values.ts';
import type { WebhookSettings } from './settings.ts';
import { managerTypes } from './settings.ts';
import { fetchesVariables } from './settings-values.ts';
import type { ValueSecrets } from './value-secrets.ts';

/** What the managers ask of the world. */
export interface ManagersOutside {
  readonly global: (group: string, key: string) => string | undefined;
  readonly find: (id: string, signal: AbortSignal) => Promise<FoundValue | undefined>;
  readonly pullSecrets?: PullSecrets;
  /** Absent where there is no cluster to ask. */
  readonly lookUp?: LookUp;
  /** Names and makes the Secrets that hold values; where absent, no value becomes one. */
  readonly values?: ValueSecrets;
  /** Reads values of other stores as the webhook, for `pull.variables: secret`. */
  readonly readPulled?: ReadPulled;
  /** Asks registries; absent where none may be asked. */
  readonly startOf?: StartOf;
  readonly digest: InjectorContext['digest'];
  /** For what one container fetches. */
  readonly fetching: FetchSettings;
}

/** The managers that the configuration enables, and how they are asked. */
export function mutateSettings(
  settings: WebhookSettings,
  kinds: readonly InjectorKind[],
  outside: ManagersOutside,
): MutateSettings {
  const context = contextOf(settings, outside);
  const { readPulled } = outside;
  const isKeeping = fetchesVariables(settings) && readPulled !== undefined;
  const kept = isKeeping ? { keptInstead: openKeptInstead(readPulled, context) } : {};
  const managers = managersOf(settings, kinds, context).map((one) => ({ ...one, ...kept }));
  const pull: PullSettings = {
    container: settings.pull,
    images: settings.images,
    fetching: outside.fetching,
    storeOf: storeOfType({ settings, kinds, stores: outside.fetching.stores }),
  };
  const isV1 = settings.compat === 'v1';
  return {
    managers,
    allow: settings.allow.map(allowRule),
    statusAnnotation: settings.statusAnnotation,
    envOrder: isV1 ? 'last' : 'first',
    ...(settings.profile === 'native' ? { pull, ...pick(outside) } : {}),
    undecodable: isV1 ? '' : 'failed to unmarshal secrets from pod annotations: ',
  };
}

function pick({ values, startOf }: ManagersOutside): Pick<MutateSettings, 'values' | 'startOf'> {
  return {
    ...(values === undefined ? {} : { values }),
    ...(startOf === undefined ? {} : { startOf }),
  };
}

function managersOf(
  settings: WebhookSettings,
  kinds: readonly InjectorKind[],
  context: InjectorContext,
): readonly Manager[] {
  return managerTypes(settings).flatMap((type): Manager[] => {
    const kind = kinds.find((one) => one.type === type);
    if (kind === undefined) return [];
    const isQuick = kind.asksNobody === true || kind.storeKind !== undefined;
    const quick = isQuick ? { asksNobody: true as const } : {};
    const own = { type, inject: kind.open(context), ...quick };
    const needsRule = ruleFor(settings, kind);
    const byGroup = kind.isByGroup === undefined ? {} : { isByGroup: kind.isByGroup };
    return [needsRule === undefined ? own : { ...own, ...byGroup, needsRule }];
  });
}

/** What the webhook reads by its own rights, nobody gets whom nobody lets have it. */
function ruleFor(settings: WebhookSettings, kind: InjectorKind): Manager['needsRule'] {
  if (settings.profile === 'native' && kind.needsRule === true) return () => true;
  if (kind.storeKind === undefined || !fetchesVariables(settings)) return undefined;
  return ({ mountRequirement }) => mountRequirement === ENV_VAR;
}

const NOT_HERE = 'only the webhook has its values: bind the secret in the section `flyte`';

/**
 * The managers that the configuration enables, for the route without a cluster: what is fetched may
 * become variables, whatever the profile. Who may ask is not for us: the stores' rights decide.
 */
export function insideManagers(
  settings: WebhookSettings,
  kinds: readonly InjectorKind[],
  digest: InjectorContext['digest'],
): readonly Manager[] {
  const nothing = { global: () => undefined, find: async () => undefined };
  const context = contextOf(settings, { ...nothing, digest });
  // What the webhook's process has is nothing that somebody asks for by name.
  const [, ...asked] = managersOf(settings, kinds, { ...context, isPulling: true });
  return asked.map(({ type, inject }) => {
    const refuse = (): never => {
      throw new Refusal(NOT_HERE);
    };
    const isWebhooks = kinds.find((one) => one.type === type)?.needsRule === true;
    return { type, inject: isWebhooks ? refuse : inject };
  });
}

function allowRule({ name, namespaces, users, managers, groups, keys }: WrittenRule): AllowRule {
  return {
    name,
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(users === undefined ? {} : { users }),
    ...(managers === undefined ? {} : { managers }),
    ...(groups === undefined ? {} : { groups }),
    ...(keys === undefined ? {} : { keys }),
  };
}

type WrittenRule = WebhookSettings['allow'][number];

interface Known {
  readonly settings: WebhookSettings;
  readonly kinds: readonly InjectorKind[];
  readonly stores: Readonly<Record<string, StoreOptions>>;
}

/** The one that `webhook.stores` names, else the only one of its kind, else one without options. */
export function storeOfType({ settings, kinds, stores }: Known): PullSettings['storeOf'] {
  return (type) => {
    const kind = kinds.find((one) => one.type === type)?.storeKind ?? '';
    const ofKind = Object.keys(stores).filter((name) => stores[name]?.kind === kind);
    const name = settings.stores[type] ?? (ofKind.length === 1 ? ofKind[0] : undefined);
    const found = name ?? freeName(type.toLowerCase(), stores);
    return { name: found, options: stores[found] ?? { kind } };
  };
}

/** A name that is bellhop.yaml's means the store there, which may hold credentials of others. */
function freeName(name: string, stores: Known['stores']): string {
  return Object.hasOwn(stores, name) ? freeName(`${name}-default`, stores) : name;
}

function contextOf(
  settings: WebhookSettings,
  outside: Omit<ManagersOutside, 'fetching'>,
): InjectorContext {
  const { vaultSecretManager: vault, embeddedSecretManagerConfig: embedded } = settings;
  const { fileMountInitContainer: writer, imagePullSecrets } = embedded;
  const { pullSecrets, lookUp } = outside;
  const missing = settings.missing ?? missingBy(settings);
  const { namespaces } = settings.valueSecrets;
  const keepsIn = (namespace: string): boolean => {
    if (outside.values === undefined) return false;
    return namespaces.includes('*') || namespaces.includes(namespace);
  };
  const isNative = settings.profile === 'native';
  const pulls = imagePullSecrets.enabled && pullSecrets !== undefined ? { pullSecrets } : {};
  return {
    envPrefix: settings.secretEnvVarPrefix,
    isPulling: isNative,
    ...(isNative ? { keepsIn } : {}),
    compat: settings.compat,
    isOptional: missing === 'flyte',
    ...(missing === 'deny' && lookUp !== undefined ? { lookUp } : {}),
    aws: sidecar(settings.awsSecretManager),
    gcp: sidecar(settings.gcpSecretManager),
    azure: sidecar(settings.azureSecretManager),
    vault: {
      role: vault.role,
      kvVersion: vault.kvVersion,
      annotations: vault.annotations ?? {},
    },
    embedded: {
      writer: {
        name: writer.containerName,
        image: writer.image,
        resources: writer.resources,
      },
      find: outside.find,
      ...pulls,
    },
    global: outside.global,
    digest: outside.digest,
  };
}

/** Under the profile `flyte` a Secret that is missing is left out, under ours the pod waits. */
function missingBy({ profile }: WebhookSettings): 'flyte' | 'wait' {
  return profile === 'flyte' ? 'flyte' : 'wait';
}

function sidecar({ sidecarImage, resources }: WebhookSettings['awsSecretManager']) {
  return { image: sidecarImage, resources };
}
