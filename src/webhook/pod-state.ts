// A pod as it came, and what has been added to it so far. Only what is added is ever written anew,
// so that members of newer versions of Kubernetes stay as they are.
import type { KeptEdit, PullEdit } from '../injectors/_edit.ts';
import { cleanPath } from '../wire/go-path.ts';
import { isRecord } from '../wire/read.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A member of a list; those of the pod know where they stood. */
export interface Item {
  readonly value: Json;
  readonly from?: number;
  /** True where it stands in the place of the one that came. */
  readonly isNew?: true;
  /** The id of a value: a reference to it, once its Secret has a name. */
  readonly kept?: string;
}

/** A value for the Secret beside the pod. */
export interface KeptValue extends Pick<KeptEdit, 'id' | 'value' | 'called'> {
  /** Its key in the Secret. */
  readonly key: string;
  readonly files: readonly string[];
}

/** A mount, and its path as it is compared: clean; none where it has none. */
export interface Mount extends Item {
  readonly at: string | undefined;
}

export type ContainerList = 'containers' | 'initContainers';

export interface ContainerState {
  readonly list: ContainerList;
  readonly name: string;
  /** As it came, or all that it has but variables and mounts. */
  readonly value: Json;
  /** Its place in the list; absent for one that we add. */
  readonly from?: number;
  /** Where in the list one that we add goes; the end where absent. */
  readonly at?: number;
  /** What it starts now, where that is not as it came. */
  readonly started?: { readonly command: readonly string[]; readonly args: readonly string[] };
  readonly env: readonly Item[];
  readonly mounts: readonly Mount[];
}

export interface PodState {
  /** Containers, then init containers. */
  readonly containers: readonly ContainerState[];
  readonly volumes: readonly Item[];
  /** Volumes in memory that this call has seen to. */
  readonly memory: ReadonlySet<string>;
  /** Places of init containers that an earlier call has added: they stay as they are. */
  readonly ours: ReadonlySet<number>;
  /** Items that go into Secret volumes of the pod, by the place of the volume. */
  readonly items: ReadonlyMap<number, readonly Json[]>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly added: Readonly<Record<string, string>>;
  readonly pullSecrets: readonly Item[];
  /** What one container fetches for all. */
  readonly pulls: readonly PullEdit[];
  /** What a Secret beside the pod holds. */
  readonly kept: readonly KeptValue[];
  /** For whoever creates the pod, each once. */
  readonly warnings: readonly string[];
}

/** A pod that is none: where, and what is wrong. */
export class PodProblem extends Error {}

/** Reads what we may change. Throws PodProblem. */
export function readPodState(pod: Json): PodState {
  const metadata = record(pod['metadata'], 'metadata');
  const spec = record(pod['spec'], 'spec');
  return {
    containers: [...containersOf(spec, 'containers'), ...containersOf(spec, 'initContainers')],
    volumes: items(spec['volumes'], 'spec.volumes'),
    memory: new Set(),
    ours: new Set(),
    items: new Map(),
    annotations: texts(metadata['annotations'], 'metadata.annotations'),
    added: {},
    pullSecrets: items(spec['imagePullSecrets'], 'spec.imagePullSecrets'),
    pulls: [],
    kept: [],
    warnings: [],
  };
}

/** The pod's labels. Throws PodProblem. */
export function labelsOf(pod: Json): Readonly<Record<string, string>> {
  return texts(record(pod['metadata'], 'metadata')['labels'], 'metadata.labels');
}

/** What the pod is called, else what its name begins with. */
export function nameOf(pod: Json): string {
  const { name, generateName } = record(pod['metadata'], 'metadata');
  const [first = ''] = [name, generateName].filter((one) => typeof one === 'string' && one !== '');
  return String(first);
}

function containersOf(spec: Json, list: ContainerList): ContainerState[] {
  return items(spec[list], `spec.${list}`).map(({ value, from = 0 }) => {
    const at = `spec.${list}[${from}]`;
    const { name } = value;
    return {
      list,
      name: typeof name === 'string' ? name : '',
      value,
      from,
      ...listsOf(value, at),
    };
  });
}

/** Variables and mounts as a container came with them; `at` is its path. Throws PodProblem. */
export function listsOf(value: Json, at: string): Pick<ContainerState, 'env' | 'mounts'> {
  return {
    env: items(value['env'], `${at}.env`),
    mounts: items(value['volumeMounts'], `${at}.volumeMounts`).map(mountOf),
  };
}

export function mountOf(item: Item): Mount {
  const { mountPath } = item.value;
  return { ...item, at: typeof mountPath === 'string' ? cleanPath(mountPath) : undefined };
}

/** What is not there, or null, is empty, as for Go. */
function items(value: unknown, at: string): Item[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new PodProblem(`${at} is no list`);
  return value.map((one: unknown, from) => {
    return { value: isRecord(one) ? one : record(one, `${at}[${from}]`), from };
  });
}

function record(value: unknown, at: string): Json {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw new PodProblem(`${at} is no object`);
  return value;
}

function texts(value: unknown, at: string): Readonly<Record<string, string>> {
  const found = record(value, at);
  for (const [name, one] of Object.entries(found)) {
    if (typeof one !== 'string') throw new PodProblem(`${at}: ${name} is no string`);
  }
  return found as Readonly<Record<string, string>>;
}

/** Equal as JSON, whatever the order of members. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, n) => sameJson(one, b[n]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}
