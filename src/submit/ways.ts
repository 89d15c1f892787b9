import type { Needs } from '../plan/needs.ts';
import type { Plan, StoreOptions } from '../plan/types.ts';
import type { JsonObject } from '../targets/_caps.ts';
import type { Target, Variable } from '../targets/_target.ts';
import type { Pointer } from './pointer.ts';
import { written } from './split.ts';
import {
  STORES_VARIABLES,
  channelPointer,
  inlinePointer,
  objectPath,
  objectPointer,
  overriding,
} from './pointer.ts';

// The ways in which a container may come to its plan, the best first.

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
  /** The largest object that it takes; as large as a bundle may be where absent. */
  readonly bytesMax?: number;
}

/** What of a submission decides the way to its plan. */
export interface WaysInput {
  readonly target: Target;
  readonly plan: Plan;
  readonly spill?: SpillPlace;
  /** The image's ENTRYPOINT is bellhop already. */
  readonly isStartedByImage: boolean;
  /** The plan is carried out over another one, whose own variables stay as they are. */
  readonly isOver?: boolean;
  /** Words behind what the request starts are the program's arguments, instead of the plan's. */
  readonly hasArguments?: boolean;
  readonly given: (operation: string) => JsonObject;
  readonly needs: Needs;
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
}

/** A bundle as it is printed, not yet compressed. */
export interface PrintedBundle {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** What decides between ways to the plan. */
export interface WayFacts {
  readonly isIsolated: boolean;
  readonly spillsParameters: boolean;
}

/** Ways to the plan, the best first; what is tried last is what a breach is told of. */
export function pointers(input: WaysInput, bundle: PrintedBundle, way: WayFacts): Pointer[] {
  const { target, spill } = input;
  const { digest } = bundle;
  const inline = inlinePointer(target, bundle, input.deflate);
  const channel = spill === undefined ? undefined : broughtBy(target, spill, digest);
  const isObject = spill !== undefined && !way.isIsolated;
  const object = isObject ? objectPointer(spill, digest) : undefined;
  const ways = way.isIsolated ? [inline, channel] : [inline, object, channel];
  const ordered = way.spillsParameters && channel !== undefined ? [channel] : ways;
  const more = [...commandOf(input), ...startOf(input)];
  return ordered
    .filter((one) => one !== undefined)
    .map((one) => (input.isOver === true ? overriding(one) : one))
    .map((one) => ({ ...one, variables: [...one.variables, ...more] }))
    .flatMap((one) => unchanged(target, one));
}

/** The pointer as the platform must be sent it; none where the platform would change it. */
function unchanged(target: Target, pointer: Pointer): Pointer[] {
  const variables = pointer.variables.map((one) => written(target, one) ?? inBase64(target, one));
  const isWhole = variables.every((one) => one !== undefined);
  return isWhole ? [{ ...pointer, variables }] : [];
}

/** Settings of stores are JSON, which shells change: in Base64 they are not. */
function inBase64(target: Target, [name, value]: Variable): Variable | undefined {
  if (!STORES_VARIABLES.includes(name)) return undefined;
  return written(target, [name, Buffer.from(value).toString('base64')]);
}

/** An object that the platform itself downloads, where it can have the place's. */
function broughtBy({ channel }: Target, spill: SpillPlace, digest: string): Pointer | undefined {
  const address = spill.addressOf(objectPath(spill.path, digest));
  if (channel === undefined || address?.startsWith(channel.scheme) !== true) return undefined;
  return channelPointer(channel.folder, address, digest);
}

const JITTER_MS_PER_NODE = 5;
const JITTER_MS_MAX = 2000;

/** What a start must know before there is a plan: its time, and how many start with it. */
function startOf({ target, plan, given, needs }: WaysInput): Variable[] {
  const { tasks = 1, parallel = tasks } = needs;
  const nodes = (target.nodes?.({ given }) ?? 1) * Math.min(tasks, parallel);
  const jitterMs = Math.min(JITTER_MS_MAX, JITTER_MS_PER_NODE * nodes);
  const { startMsMax } = plan.policy;
  return [
    ...(nodes > 1 ? [['BELLHOP_JITTER_MS', String(jitterMs)] as const] : []),
    ...(startMsMax === undefined ? [] : [['BELLHOP_START_MS_MAX', String(startMsMax)] as const]),
  ];
}

/**
 * plan: the pod's command counts, whatever the platform adds to the image's ENTRYPOINT. args: what
 * it adds to ours are arguments instead of the plan's.
 */
function commandOf(input: WaysInput): readonly Variable[] {
  if (input.hasArguments === true) return [['BELLHOP_COMMAND', 'args']];
  const isOurs = input.isOver !== true && hasCommand(input) && isCommandOurs(input);
  return isOurs ? [['BELLHOP_COMMAND', 'plan']] : [];
}

function isCommandOurs(input: WaysInput): boolean {
  return input.isStartedByImage || input.target.start === 'image';
}

/** True where the plan says by itself what is started. */
export function hasCommand({ plan }: Pick<WaysInput, 'plan'>): boolean {
  const argv = plan.placements.find((one) => one.kind === 'argv');
  const { entrypoint = [], cmd = [] } = plan.image;
  if ((argv?.command ?? []).length > 0 || entrypoint.length > 0) return true;
  // On Kubernetes args or CMD are then all of it.
  return isStartTold(plan) && [...(argv?.args ?? []), ...cmd].length > 0;
}

/** True where it is told what the image starts: who tells of one of the two tells of both. */
export function isStartTold({ image }: Pick<Plan, 'image'>): boolean {
  return image.entrypoint !== undefined || image.cmd !== undefined;
}
