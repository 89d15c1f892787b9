import { BellhopError } from '../core/errors.ts';
import type { Service } from '../wire/objects.ts';
import type { Container, Pod } from '../wire/pod-types.ts';
import { pathText } from '../wire/read.ts';
import type { DataObject } from '../wire/objects.ts';
import type { AnnotatedValue } from './annotated.ts';
import { annotatedFiles, bindAnnotated } from './annotated.ts';
import { EMBEDDED, bindLastGood } from './bind.ts';
import { givenIndexProblems, withIndex } from './completion-index.ts';
import { identityOf, identityProblems } from './identity.ts';
import { serviceVariables } from './services.ts';
import { clientVariables, metricsOf } from './metrics.ts';
import type { Settings } from './settings.ts';
import { policyOf, storesOf } from './settings-use.ts';
import type { Sidecar } from './sidecars.ts';
import { sidecarKind, sidecarText, sidecarsOf } from './sidecars.ts';
import type { DeclaredStores } from './stores-used.ts';
import { storesUsed } from './stores-used.ts';
import type { ArgvPlacement, Image, Placement, Plan, Policy, StoreOptions } from './types.ts';
import { PLAN_VERSION } from './types.ts';
import type { PlanContext } from './variables.ts';
import { podVariables, settingsVariables } from './variables.ts';
import { podVolumes, settingsFiles, terminationFile } from './volumes.ts';

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** Everything a plan is made from. */
export interface PlanInput {
  readonly kind: string;
  readonly workloadName: string;
  readonly pod: Pod;
  readonly container: Container;
  readonly namespace: string;
  readonly objects: readonly DataObject[];
  readonly services: readonly Service[];
  /** What the pod's annotations ask for. */
  readonly annotated?: readonly AnnotatedValue[];
  readonly settings: Settings;
  readonly image: Image;
  /** `--field` over `fields:`. */
  readonly fields: ReadonlyMap<string, string>;
  readonly node: ReadonlyMap<string, string>;
  readonly hasVersions: (store: string) => boolean;
  /** The stores that a store's options refer to, for its credentials. */
  readonly storesBehind: (options: StoreOptions) => readonly string[];
}

export interface PlanResult {
  readonly plan: Plan;
  readonly problems: readonly BellhopError[];
  readonly warnings: readonly string[];
  /** What stands beside the container and is not started. */
  readonly sidecars: readonly Sidecar[];
}

/** The container that `--container` names, the annotated default, or the only one but sidecars. */
export function chooseContainer(pod: Pod, wanted: string | undefined): Container {
  const all = [...pod.containers, ...pod.initContainers];
  const name = wanted ?? pod.annotations.get(DEFAULT_CONTAINER);
  const programs = pod.containers.filter((one) => sidecarKind(one) === undefined);
  const [only, more] = pod.containers.length === 1 ? pod.containers : programs;
  if (name === undefined && only !== undefined && more === undefined) return only;
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const there = all.map((one) => one.name).join(', ');
  const which = name === undefined ? 'none was chosen' : `there is no container ${name}`;
  const what = `${which} (there: ${there})`;
  throw new BellhopError('BH_ERR_CONTAINER', { where: ['the pod'], what });
}

/** Makes the plan of one container. Problems are collected; a plan with problems is not used. */
export function buildPlan(input: PlanInput): PlanResult {
  const { pod, container, settings, annotated = [] } = input;
  const problems = [...identityProblems(pod, container), ...givenIndexProblems(input)];
  const warnings: string[] = [];
  const { fields, node, namespace } = input;
  const bare: PlanContext = {
    settings,
    objects: input.objects,
    namespace,
    templates: templatesOf(input),
    hasVersions: input.hasVersions,
    problems,
    warnings,
    field: { pod, namespace, container, fields, node },
  };
  const standIns = bindAnnotated(bare, annotated);
  const context = { ...bare, standIns };
  const policy = withJobTime(policyOf(settings, bindLastGood(context)), pod);
  const sidecars = sidecarsOf(pod, settings, container.name);
  warnings.push(...sidecars.filter((one) => !one.isReplaced).map(sidecarText));
  const isInit = pod.initContainers.includes(container);
  const inits = pod.initContainers.filter((one) => sidecarKind(one) === undefined);
  if (inits.length > 0 && !isInit && policy.initContainers === 'refuse') {
    const names = inits.map((one) => one.name).join(', ');
    const what = `run delivers one container and does not run init containers (${names})`;
    problems.push(new BellhopError('BH_ERR_INIT_CONTAINERS', { where: ['spec'], what }));
  }
  if (container.workingDir !== '' && !container.workingDir.startsWith('/')) {
    const where = [pathText(container.place), 'workingDir'];
    const what = 'must be absolute: the runtime refuses another one';
    problems.push(new BellhopError('BH_ERR_POD_INVALID', { where, what }));
  }
  const { metrics, ...told } = metricsOf(settings);
  problems.push(...told.problems);
  warnings.push(...told.warnings);
  const placements: Placement[] = [
    ...clientVariables(metrics, settings.metrics?.clients),
    ...settingsVariables(context),
    ...servicesOf(input),
    ...podVariables(context, container),
    argvOf(container),
    ...podVolumes(context, pod, container),
    ...annotatedFiles(context, annotated),
    ...terminationFile(container),
    ...settingsFiles(context),
  ];
  const plan: Plan = {
    apiVersion: PLAN_VERSION,
    requires: metrics?.relay === undefined ? [] : ['metrics-relay'],
    origin: originOf(input),
    stores: storesUsed(declaredBy(input), placements, policy),
    policy,
    image: input.image,
    identity: identityOf(pod, container),
    ...(metrics === undefined ? {} : { metrics }),
    workingDir: container.workingDir,
    placements,
  };
  return { plan: withIndex(plan, bare.field, settings.submit), problems, warnings, sidecars };
}

function declaredBy({ settings, storesBehind }: PlanInput): DeclaredStores {
  return { stores: { ...storesOf(settings), [EMBEDDED]: { kind: EMBEDDED } }, storesBehind };
}

function originOf(input: PlanInput): Plan['origin'] {
  const { kind, workloadName: name, namespace, container } = input;
  return { kind, name, namespace, container: container.name };
}

function servicesOf(input: PlanInput): Placement[] {
  const { services, namespace, pod } = input;
  return serviceVariables({ services, namespace, links: pod.enableServiceLinks });
}

function templatesOf(input: PlanInput): PlanContext['templates'] {
  const { pod, container, namespace, fields, kind, workloadName } = input;
  const podName = fields.get('metadata.name') ?? pod.name;
  const label = pod.labels.get('batch.kubernetes.io/job-name') ?? pod.labels.get('job-name');
  const job = kind === 'Job' ? workloadName : label;
  return {
    namespace,
    container: container.name,
    ...(podName === '' ? {} : { pod: podName }),
    ...(job === undefined || job === '' ? {} : { job }),
  };
}

function argvOf(container: Container): ArgvPlacement {
  const { command, args, place } = container;
  return { kind: 'argv', command, args, rule: pathText(place) };
}

/** What is lent must last as long as Kubernetes lets the pod run, where it says how long. */
function withJobTime(policy: Policy, { activeDeadlineSeconds }: Pod): Policy {
  if (policy.jobSecondsMax !== undefined || activeDeadlineSeconds === undefined) return policy;
  return { ...policy, jobSecondsMax: activeDeadlineSeconds };
}
