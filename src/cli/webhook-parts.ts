// What `mutate` and `webhook` have in common: from bellhop.yaml to a decision about pods.
import type { BellhopError } from '../core/errors.ts';
import { judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { readSettingsFile } from '../entrypoint/inputs.ts';
import { openAskOne } from '../entrypoint/one-value.ts';
import { storeProblems, storesBehind } from '../entrypoint/store-problems.ts';
import { variablesOf } from '../entrypoint/platform.ts';
import { ALL_INJECTORS } from '../injectors/_all.gen.ts';
import type { SettingsIssue } from '../plan/settings-problems.ts';
import { settingsProblems } from '../plan/settings-problems.ts';
import type { Settings } from '../plan/settings.ts';
import { policyFallbacks, policyOf, storesOf } from '../plan/settings-use.ts';
import type { Mutate } from '../webhook/decision.ts';
import { embeddedPlace } from '../webhook/embedded-place.ts';
import { globalValues } from '../webhook/global-values.ts';
import type { KubernetesApi } from '../webhook/kubernetes-api.ts';
import { mutateSettings, storeOfType } from '../webhook/managers.ts';
import type { MutateSettings } from '../webhook/mutate.ts';
import { openMutate } from '../webhook/mutate.ts';
import type { FetchSettings } from '../webhook/pull-plan.ts';
import { openPullSecrets } from '../webhook/pull-secrets.ts';
import { openSecretLookup } from '../webhook/secret-lookup.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import type { ValuesOpened } from './webhook-values.ts';
import { openValues } from './webhook-values.ts';
import { fetchesVariables } from '../webhook/settings-values.ts';
import { readGlobalSettings } from '../webhook/settings-global.ts';
import { managerTypes, readWebhookSettings } from '../webhook/settings.ts';
import type { ValueCache } from '../webhook/value-cache.ts';
import { CACHE_LIMITS, openValueCache } from '../webhook/value-cache.ts';
import type { Source } from '../wire/read.ts';
import { DIGESTS } from './digests.ts';
import { openPulled } from './webhook-pulled.ts';
import { openRegistries } from './webhook-registry.ts';

/** What decides about pods, as bellhop.yaml says. */
export interface WebhookParts {
  readonly settings: WebhookSettings;
  readonly mutate: Mutate;
  /** How the managers are asked. */
  readonly asking: MutateSettings;
  /** What Embedded has read. */
  readonly cache: ValueCache;
  /** What else is kept for a while, by the names that metrics have for it. */
  readonly otherCaches: ReadonlyMap<string, ValueCache>;
  readonly values: ValuesOpened;
  readonly warnings: readonly string[];
}

/**
 * Reads bellhop.yaml; throws everything that is wrong with it, together. Without a cluster no
 * image pull secrets are seen to, and no Secret is looked up.
 */
export async function webhookParts(
  io: Io,
  config: string | undefined,
  api?: KubernetesApi,
): Promise<WebhookParts> {
  const { settings: all, problems, source } = await readSettingsFile(io, config);
  const webhook = readWebhookSettings(all.webhook);
  const global = readGlobalSettings(all.flyteSecrets);
  judge([
    ...problems,
    ...storeProblems(all, source),
    ...below('webhook', webhook.problems, source),
    ...below('webhook', storesProblems(webhook.settings, Object.keys(all.stores ?? {})), source),
    ...below('flyteSecrets', global.problems, source),
  ]);
  const { settings } = webhook;
  const place = embeddedPlace(settings.embeddedSecretManagerConfig, DIGESTS.md5);
  const ask = openAskOne(io, { ...place.options, kind: place.kind }, CACHE_LIMITS.readMsMax);
  const read: ValueCache['find'] = async (id, signal) => {
    return place.read(await ask(place.pathOf(id), signal), id);
  };
  const cache = openValueCache(read, io.clock);
  const variables = variablesOf(io);
  const values = openValues({ io, settings, api, sha256: DIGESTS.sha256 });
  const places = { fs: io.fs, clock: io.clock, variable: (name: string) => variables.get(name) };
  const fetching = fetchSettings(all);
  const storeOf = storeOfType({ settings, kinds: ALL_INJECTORS, stores: fetching.stores });
  const pulled = fetchesVariables(settings) ? openPulled({ io, fetching, storeOf }) : undefined;
  const registries = openRegistries({ io, settings, api });
  const asking = mutateSettings(settings, ALL_INJECTORS, {
    global: globalValues(places, global.settings),
    find: cache.find,
    ...(api === undefined ? {} : byCluster(api, io)),
    values: values.secrets,
    ...(pulled === undefined ? {} : { readPulled: pulled.read }),
    ...(registries === undefined ? {} : { startOf: registries.startOf }),
    fetching,
    digest: DIGESTS,
  });
  const mutate = openMutate(asking);
  const others = { stores: pulled?.cache, ...registries?.caches };
  const otherCaches = new Map(
    Object.entries(others).flatMap(([name, one]) => (one === undefined ? [] : [[name, one]])),
  );
  const warnings = [...webhook.warnings, ...unused(all), ...ambiguous(settings, fetching.stores)];
  return { settings, mutate, asking, cache, otherCaches, values, warnings };
}

function fetchSettings(all: Settings): FetchSettings {
  return {
    stores: storesOf(all),
    storesBehind,
    policy: policyOf(all, undefined),
    fallbacksOf: (reference) => policyFallbacks(all, reference),
  };
}

function unused({ policy }: Settings): string[] {
  if (policy?.lastGood === undefined) return [];
  return ['policy.lastGood is not used here: of what pods fetch no copy is kept'];
}

/** Managers for which more than one store would do: none of them is taken. */
function ambiguous(settings: WebhookSettings, stores: FetchSettings['stores']): string[] {
  if (settings.profile === 'flyte') return [];
  return managerTypes(settings).flatMap((type) => {
    const kind = ALL_INJECTORS.find((one) => one.type === type)?.storeKind;
    const named = Object.keys(stores).filter((name) => stores[name]?.kind === kind);
    if (kind === undefined || Object.hasOwn(settings.stores, type) || named.length < 2) return [];
    const which = `say which in \`webhook.stores: { ${type}: NAME }\``;
    return [
      `the stores ${named.join(', ')} are of kind ${kind}, so ${type} has one without options: ${which}`,
    ];
  });
}

const WITH_STORES = ALL_INJECTORS.flatMap(({ type, storeKind }) => {
  return storeKind === undefined ? [] : [type];
});

/** What of `webhook.stores` is of no manager, or names no store: none would be asked by it. */
function storesProblems(
  { stores }: WebhookSettings,
  declared: readonly string[],
): readonly SettingsIssue[] {
  return Object.entries(stores).flatMap(([type, store]): SettingsIssue[] => {
    const path = ['stores', type];
    if (!WITH_STORES.includes(type)) {
      return [{ path, what: `is no manager with a store; there are ${WITH_STORES.join(', ')}` }];
    }
    if (declared.includes(store)) return [];
    const there = declared.length === 0 ? 'it declares none' : `there are ${declared.join(', ')}`;
    return [{ path, what: `names no store of bellhop.yaml's \`stores\`: ${there}` }];
  });
}

function byCluster(api: KubernetesApi, { clock }: Io) {
  return { pullSecrets: openPullSecrets(api), lookUp: openSecretLookup(api, clock) };
}

function below(
  section: string,
  problems: readonly SettingsIssue[],
  source: Source | undefined,
): readonly BellhopError[] {
  if (source === undefined) return [];
  const issues = problems.map(({ path, what }) => ({ path: [section, ...path], what }));
  return settingsProblems(issues, source);
}
