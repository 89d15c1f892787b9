import type { Json } from '../core/canonical.ts';
import { canonicalJson, digestOf } from '../core/canonical.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import type { Bundle, BundledObject } from '../plan/bundle.ts';
import { bundleDigest, printBundle } from '../plan/bundle.ts';
import type { Parameter } from '../plan/hyperparameters.ts';
import { printParameters } from '../plan/hyperparameters.ts';
import type { Needs } from '../plan/needs.ts';
import type { FilePlacement, Plan, StoreOptions } from '../plan/types.ts';
import type { JsonObject } from '../targets/_caps.ts';
import type { Target, Variable } from '../targets/_target.ts';
import { literalsOf, nativeSecrets } from './native.ts';
import type { Pointer } from './pointer.ts';
import { channelPointer, inlinePointer, objectPath, objectPointer } from './pointer.ts';
import type { Frame, Split, Wishes } from './split.ts';
import { breachesIn, split } from './split.ts';

/** The place for what the request has no room for. */
export interface SpillPlace {
  /** The store's name in bellhop.yaml. */
  readonly store: string;
  /** A folder in it, without a slash at the end. */
  readonly path: string;
  /** The store and those that it needs for its credentials. */
  readonly stores: Readonly<Record<string, StoreOptions>>;
  /** A path as platforms call it that download it themselves; undefined where they cannot. */
  addressOf(path: string): string | undefined;
}

/** Hyperparameters of the job, and where the program reads them beside the platform's own file. */
export interface JobParameters {
  readonly parameters: readonly Parameter[];
  readonly file?: { readonly path: string; readonly content: Uint8Array };
}

/** Everything that a submission is made from. The same input gives the same submission. */
export interface SubmitInput {
  readonly target: Target;
  readonly plan: Plan;
  /** ConfigMaps of the input that the plan refers to. */
  readonly objects: readonly BundledObject[];
  readonly parameters?: JobParameters;
  readonly needs: Needs;
  readonly image: string;
  /** Instead of a name made from the workload's. */
  readonly name?: string;
  /** The executable in the image. */
  readonly bellhop: string;
  /** The image's ENTRYPOINT is bellhop already. */
  readonly isStartedByImage: boolean;
  readonly spill?: SpillPlace;
  readonly given: (operation: string) => JsonObject;
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
}

/** What goes to the other place before the request is sent. */
export interface Spilled {
  readonly store: string;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What is to be done, and where everything went. */
export interface Submission {
  readonly split: Split;
  /** The plan as the container will carry it out. */
  readonly bundle: Bundle;
  readonly digest: string;
  readonly spilled?: Spilled;
  /** Why the plan could not stand in the request. */
  readonly whySpilled?: string;
  /** True where the request has no room for the plan, and there is no other place. */
  readonly isHomeless: boolean;
  readonly isIsolated: boolean;
}

/** Makes the requests of a job, and what is spilled beside them. Pure. */
export function prepare(input: SubmitInput): Submission {
  const { target, plan, given } = input;
  const natively = nativeSecrets(plan, target, given);
  const frame = frameOf(input);
  const isIsolated = target.isIsolated?.({ given }) ?? false;
  const base: Omit<Wishes, 'pointer' | 'hyperparameters'> = {
    secrets: natively.secrets,
    variables: literalsOf(plan),
  };
  const parameters = input.parameters?.parameters ?? [];
  const areNative = fitsNatively(input, frame, parameters);
  const spillsParameters = parameters.length > 0 && !areNative;
  const bundle = bundleOf(input, natively.plan, spillsParameters);
  const bytes = printBundle(bundle);
  const hyperparameters = areNative ? parameters : [];
  const tries = pointers(input, bytes, { isIsolated, spillsParameters });
  const results = tries.map((pointer) => [pointer, { ...base, hyperparameters, pointer }] as const);
  const bare = ({ variables: _, secrets: __, ...wishes }: Wishes): Wishes => {
    return { ...wishes, variables: [], secrets: [] };
  };
  const chosen =
    results.find(([, wishes]) => split(target, frame, bare(wishes)).breaches.length === 0) ??
    results.at(-1);
  const pointer = chosen?.[0];
  const wishes = chosen?.[1] ?? { ...base, hyperparameters, pointer: NO_POINTER };
  const isSpilled = pointer !== undefined && pointer.kind !== 'inline';
  return {
    split: split(target, frame, wishes),
    bundle,
    digest: bundleDigest(bytes),
    ...(isSpilled && input.spill !== undefined
      ? { spilled: spilledTo(input.spill, bytes), ...whyOf(pointer, spillsParameters) }
      : {}),
    isHomeless: pointer === undefined,
    isIsolated,
  };
}

const NO_POINTER: Pointer = { kind: 'inline', variables: [] };

function whyOf(pointer: Pointer, spillsParameters: boolean): { whySpilled: string } {
  if (pointer.kind === 'object') return { whySpilled: 'the request has no room for the plan' };
  return {
    whySpilled: spillsParameters
      ? 'the hyperparameters are over the caps of the request'
      : 'the container will have no network',
  };
}

function spilledTo(spill: SpillPlace, bytes: Uint8Array): Spilled {
  return { store: spill.store, path: objectPath(spill.path, bundleDigest(bytes)), bytes };
}

/** The name and the digest are of everything that was given, however it is split. */
function frameOf(input: SubmitInput): Frame {
  const { target, plan, needs, image, objects } = input;
  const operations = Object.keys(target.wants).concat(target.variablesAt.operation);
  const digest = digestOf(
    canonicalJson({
      target: target.name,
      plan,
      needs,
      image,
      given: operations.map((one): Json => input.given(one)),
      start: [input.bellhop, input.isStartedByImage],
      spill: input.spill === undefined ? null : [input.spill.stores, input.spill.path],
      parameters: input.parameters?.parameters ?? [],
      file: input.parameters?.file?.path ?? '',
      objects: objects.map((one) => [
        one.namespace,
        one.name,
        one.values.map(({ key, bytes, isBinary }) => [key, bundleDigest(bytes), isBinary]),
      ]),
    }),
  ).slice('sha256:'.length);
  const isStarted = input.isStartedByImage || target.start === 'image';
  return {
    name: input.name ?? target.nameOf(plan.origin.name, digest),
    digest,
    image,
    start: isStarted ? [] : [input.bellhop, 'run'],
    needs,
    given: input.given,
  };
}

/** Whether the platform's own field takes all of the hyperparameters. */
function fitsNatively(
  { target }: SubmitInput,
  frame: Frame,
  hyperparameters: readonly Parameter[],
): boolean {
  if (target.hyperparameters === undefined || hyperparameters.length === 0) return false;
  const job = { ...frame, variables: [], secrets: [] };
  const without = breachesIn(target, { ...job, hyperparameters: [] }).length;
  return breachesIn(target, { ...job, hyperparameters }).length === without;
}

/** No Kubernetes object can have this name. */
const PARAMETERS = 'bellhop..hyperparameters';
const FLAT = 'hyperparameters.json';
const WRITTEN = 'written.json';

/** The plan with what only this target needs of it, and the objects that it refers to. */
function bundleOf(input: SubmitInput, plan: Plan, spillsParameters: boolean): Bundle {
  const { parameters: { parameters = [], file } = {}, target, objects } = input;
  const { namespace } = plan.origin;
  const called = 'submit.hyperparameters';
  const path = `configmap/${namespace}/${PARAMETERS}`;
  const bound = (member: string) => {
    return { reference: { store: EMBEDDED, path }, member, called } as const;
  };
  const common = {
    kind: 'file',
    mode: 0o644,
    medium: 'disk',
    rule: `bellhop.yaml ${called}`,
  } as const;
  const placements: FilePlacement[] = [];
  const values: { key: string; bytes: Uint8Array; isBinary: boolean }[] = [];
  if (spillsParameters && target.hyperparameters !== undefined) {
    const source = { kind: 'hyperparameters', bound: bound(FLAT) } as const;
    placements.push({ ...common, path: target.hyperparameters.path, source });
    values.push({ key: FLAT, bytes: printParameters(parameters), isBinary: false });
  }
  if (file !== undefined) {
    const source = { kind: 'value', bound: bound(WRITTEN) } as const;
    placements.push({ ...common, path: file.path, source });
    values.push({ key: WRITTEN, bytes: file.content, isBinary: false });
  }
  if (placements.length === 0) return { plan, objects };
  const needsReader = placements.some((one) => one.source.kind === 'hyperparameters');
  return {
    plan: {
      ...plan,
      requires: needsReader ? [...plan.requires, 'hyperparameters'] : plan.requires,
      stores: { ...plan.stores, [EMBEDDED]: { kind: EMBEDDED } },
      placements: [...plan.placements, ...placements],
    },
    objects: [...objects, { name: PARAMETERS, namespace, values }],
  };
}

/** What decides between ways to the plan. */
interface Way {
  readonly isIsolated: boolean;
  readonly spillsParameters: boolean;
}

/** Ways to the plan, the best first; what is tried last is what a breach is told of. */
function pointers(input: SubmitInput, bytes: Uint8Array, way: Way): Pointer[] {
  const { target, spill } = input;
  const digest = bundleDigest(bytes);
  const inline = inlinePointer(target, bytes, input.deflate(bytes));
  const channel = spill === undefined ? undefined : broughtBy(target, spill, digest);
  const isObject = spill !== undefined && !way.isIsolated;
  const object = isObject ? fetched(input, objectPointer(spill, digest)) : undefined;
  const ways = way.isIsolated ? [inline, channel] : [inline, object];
  const ordered = way.spillsParameters && channel !== undefined ? [channel] : ways;
  const command = hasCommand(input) && isCommandOurs(input) ? COMMAND : [];
  return ordered
    .filter((one) => one !== undefined)
    .map((one) => ({ ...one, variables: [...one.variables, ...command] }));
}

/** An object that the platform itself downloads, where it can have the place's. */
function broughtBy({ channel }: Target, spill: SpillPlace, digest: string): Pointer | undefined {
  const address = spill.addressOf(objectPath(spill.path, digest));
  if (channel === undefined || address?.startsWith(channel.scheme) !== true) return undefined;
  return channelPointer(channel.folder, address, digest);
}

const JITTER_MS_PER_NODE = 5;
const JITTER_MS_MAX = 2000;

/** What fetching it must know before there is a plan: its time, and how many start with it. */
function fetched({ target, plan, given }: SubmitInput, pointer: Pointer): Pointer {
  const nodes = target.nodes?.({ given }) ?? 1;
  const jitterMs = Math.min(JITTER_MS_MAX, JITTER_MS_PER_NODE * nodes);
  const { startMsMax } = plan.policy;
  const more: Variable[] = [
    ...(nodes > 1 ? [['BELLHOP_JITTER_MS', String(jitterMs)] as const] : []),
    ...(startMsMax === undefined ? [] : [['BELLHOP_START_MS_MAX', String(startMsMax)] as const]),
  ];
  return { ...pointer, variables: [...pointer.variables, ...more] };
}

/** The pod's command counts, whatever the platform adds to the image's ENTRYPOINT. */
const COMMAND: readonly Variable[] = [['BELLHOP_COMMAND', 'plan']];

function isCommandOurs(input: SubmitInput): boolean {
  return input.isStartedByImage || input.target.start === 'image';
}

/** True where the plan says by itself what is started. */
export function hasCommand({ plan }: Pick<SubmitInput, 'plan'>): boolean {
  const argv = plan.placements.find((one) => one.kind === 'argv');
  if ((argv?.command ?? []).length > 0) return true;
  return plan.image.entrypoint !== undefined && plan.image.entrypoint.length > 0;
}

/** Stores that the plan asks over the network, with what is asked of them; none can be isolated. */
export function askedOf(plan: Plan): readonly { readonly called: string; readonly kind: string }[] {
  return boundsOf(plan.placements).flatMap(({ bound }) => {
    const kind = plan.stores[bound.reference.store]?.kind ?? '';
    return NEARBY.has(kind) ? [] : [{ called: bound.called, kind }];
  });
}

/** Kinds that need no network. */
const NEARBY: ReadonlySet<string> = new Set([EMBEDDED, 'env', 'file']);
