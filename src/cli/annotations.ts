// Who answers a pod's annotations on the entrypoint route: the webhook's own managers, as
// bellhop.yaml has them. Loaded only for pods that ask.
import { BellhopError } from '../core/errors.ts';
import type { AnsweredPod, AskingPod } from '../entrypoint/annotated.ts';
import { ALL_INJECTORS } from '../injectors/_all.gen.ts';
import type { AnnotatedValue } from '../plan/annotated.ts';
import { flyteBinding, flyteBindingName } from '../plan/annotated.ts';
import { settingsProblems } from '../plan/settings-problems.ts';
import { storesOf } from '../plan/settings-use.ts';
import type { StoreOptions } from '../plan/types.ts';
import type { Manager, Outcome, WrongAnnotation } from '../webhook/asking.ts';
import { shorter } from '../webhook/asking.ts';
import { BOUND, boundManager, nameOfSecret } from '../webhook/bound.ts';
import { isDone } from '../webhook/handled.ts';
import type { InsidePod, InsideValue } from '../webhook/inside.ts';
import { insideOf } from '../webhook/inside.ts';
import { insideManagers, storeOfType } from '../webhook/managers.ts';
import { PodProblem, readPodState } from '../webhook/pod-state.ts';
import { pulledReference } from '../webhook/pull-plan.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import { readWebhookSettings } from '../webhook/settings.ts';
import type { Path } from '../wire/read.ts';
import { pathText } from '../wire/read.ts';
import { DIGESTS } from './digests.ts';

/** What the managers have said, for who wants to tell of it. */
export interface Answered {
  readonly settings: WebhookSettings;
  /** In the order in which they are asked. */
  readonly managers: readonly string[];
  readonly outcomes: InsidePod['outcomes'];
}

/**
 * Answers the annotations of a pod. Everything that is wrong is in the problems; `tell` is given
 * what the managers have said, also where somebody refuses.
 */
export async function answerAnnotations(
  asking: AskingPod,
  tell: (answered: Answered) => void = () => undefined,
): Promise<AnsweredPod> {
  const nothing = { origins: new Map(), values: [], stores: {}, problems: [], warnings: [] };
  const asItIs = { ...nothing, template: asking.template };
  if (isLeft(asking)) return asItIs;
  const { settings, problems } = webhookSettings(asking);
  const managers = managersFor(asking, settings);
  const inside = problems.length > 0 ? problems : await insideFor(asking, settings, managers);
  if (!('pod' in inside)) return { ...asItIs, problems: inside };
  const { outcomes, warnings } = inside;
  tell({ settings, managers: managers.map(({ type }) => type), outcomes });
  const placed = inside.values.map((value) => placedValue(asking, settings, value));
  const origins = [...inside.origins].map(([value, path]): [unknown, Path] => {
    return [value, [...asking.at, ...path]];
  });
  return {
    template: inside.pod,
    origins: new Map(origins),
    values: placed.map(({ value }) => value),
    stores: Object.fromEntries(placed.flatMap(({ store }) => (store === undefined ? [] : [store]))),
    problems: outcomes.flatMap((one) => problemOf(asking, one)),
    warnings,
  };
}

/**
 * A pod that a webhook has been at is left as it is, unless bellhop.yaml says otherwise: whose
 * webhook that was, and by which settings, nobody knows here.
 */
function isLeft({ template, settings }: AskingPod): boolean {
  if (settings.webhook !== undefined || settings.flyte !== undefined) return false;
  try {
    return isDone(readPodState(template));
  } catch (error) {
    if (error instanceof PodProblem) return false;
    throw error;
  }
}

/** Without a section `webhook` the manager is that of the cluster's own Secrets. */
const OF_A_CLUSTER = { secretManagerType: 'K8s' };

function webhookSettings({ settings: { webhook, stores = {} }, source }: AskingPod) {
  const { settings, problems } = readWebhookSettings(webhook ?? OF_A_CLUSTER);
  const declared = Object.keys(stores).join(', ') || 'none';
  const unknown = Object.entries(settings.stores).filter(([, name]) => {
    return !Object.hasOwn(stores, name);
  });
  const issues = [
    ...problems,
    ...unknown.map(([type]) => {
      const what = `names a store that is not declared (stores: ${declared})`;
      return { path: ['stores', type], what };
    }),
  ].map(({ path, what }) => ({ path: ['webhook', ...path], what }));
  return { settings, problems: source === undefined ? [] : settingsProblems(issues, source) };
}

function managersFor({ settings }: AskingPod, webhook: WebhookSettings): readonly Manager[] {
  const managers = insideManagers(webhook, ALL_INJECTORS, DIGESTS);
  if (settings.flyte === undefined) return managers;
  const bound = boundManager({
    isBound: (secret) => flyteBinding(settings, secret) !== undefined,
    envPrefix: webhook.secretEnvVarPrefix,
    managers: settings.webhook === undefined ? [] : managers,
  });
  return [bound, ...managers];
}

async function insideFor(
  { template, namespace }: AskingPod,
  { compat }: WebhookSettings,
  managers: readonly Manager[],
): Promise<InsidePod | readonly BellhopError[]> {
  const { signal } = new AbortController();
  const user = { name: '', groups: [] };
  const envOrder = compat === 'v1' ? 'last' : 'first';
  const asked = { managers, allow: [], envOrder } as const;
  try {
    return await insideOf(asked, { pod: template, namespace, dryRun: true, user, signal });
  } catch (error) {
    if (!(error instanceof PodProblem)) throw error;
    return [new BellhopError('BH_ERR_POD_INVALID', { where: ['the pod'], what: error.message })];
  }
}

function ruleOf({ at }: AskingPod, annotation: string): string {
  return pathText([...at, 'metadata', 'annotations', annotation]);
}

interface Placed {
  readonly value: AnnotatedValue;
  /** One that nobody has declared. */
  readonly store?: readonly [name: string, options: StoreOptions];
}

function placedValue(asking: AskingPod, settings: WebhookSettings, inside: InsideValue): Placed {
  const { annotation, secret, by, edit, files } = inside;
  const called = `${annotation} [${edit.called}]`;
  const base = { standsAs: annotation, called, rule: ruleOf(asking, annotation), files };
  const name = nameOfSecret(secret);
  const written = by === BOUND ? flyteBinding(asking.settings, name) : undefined;
  if (written !== undefined) return { value: { ...base, from: { written, secret: name } } };
  const stores = storesOf(asking.settings);
  const store = storeOfType({ settings, kinds: ALL_INJECTORS, stores })(edit.type);
  const isDeclared = stores[store.name] === store.options;
  const reference = pulledReference(edit, () => store);
  const value = { ...base, from: { reference } };
  return isDeclared ? { value } : { value, store: [reference.store, store.options] };
}

const WRITTEN_BY_SDK =
  "let Flyte's SDK write the annotation: Base32 (a-z, 1-6) of a secret in protobuf's text form";

function problemOf(asking: AskingPod, one: Outcome | WrongAnnotation): BellhopError[] {
  const rule = ruleOf(asking, one.annotation);
  if ('wrong' in one) {
    const what = `is no secret of Flyte: ${one.wrong}`;
    return [new BellhopError('BH_ERR_POD_INVALID', { where: [rule], what, help: WRITTEN_BY_SDK })];
  }
  if (one.done !== undefined) return [];
  const each = one.reasons
    .map(({ type, why }) => `${type}: ${shorter(why, one.called)}`)
    .join('; ');
  const what = `no secret manager delivers it: ${each}`;
  const name = flyteBindingName(nameOfSecret(one.secret)) || '*';
  const help = `say in bellhop.yaml where it is: \`flyte: { ${JSON.stringify(name)}: store:path }\``;
  return [new BellhopError('BH_ERR_UNBOUND', { where: [rule, `[${one.called}]`], what, help })];
}
