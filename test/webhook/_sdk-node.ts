// What a node makes of a pod, as far as the webhook's pods need it: volumes in memory, init
// containers one after another, then the first container. Written apart from src.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { built } from '../support/built.ts';
import type { Json } from './_vectors.ts';

const CONTAINER = path.join(import.meta.dir, '_sdk-container.py');
const CONTAINER_MS_MAX = 60_000;
/** Where containers have what was built, whoever they run as. */
export const BELLHOP_AT = '/bellhop-dist';

/** What the node has around a pod. */
export interface Node {
  readonly python: string;
  /** A Secret's values by their keys. */
  readonly secret: (name: string) => Readonly<Record<string, Buffer>> | undefined;
  /** What an image says where the pod does not. */
  readonly image: (name: string) => {
    readonly command: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /** Of the first container. */
  readonly stdin: string;
  /** Files that something else than a container writes: Vault's agent. Folders by mount path. */
  readonly agent?: (pod: Json, folder: string) => void;
}

/** How the first container, or an init container that failed, ended. */
export interface Ended {
  readonly container: string;
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: KeyOf };
}
interface KeyOf {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}
interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly volumeMounts?: readonly Mount[];
  readonly securityContext?: { readonly runAsUser?: number };
}
interface Volume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly secret?: {
    readonly secretName: string;
    readonly items?: readonly { readonly key: string; readonly path: string }[];
    readonly optional?: boolean;
  };
  readonly downwardAPI?: {
    readonly items: readonly { readonly path: string; readonly fieldRef: { fieldPath: string } }[];
  };
}

/** The pod waits: a Secret, or a key of it, is not there. */
export class Held extends Error {}

const isRoot = process.getuid?.() === 0;
/** A mount namespace, and the right to mount in it. */
const OWN = ['unshare', ...(isRoot ? [] : ['--map-root-user']), '--mount', '--propagation'];

/** Why there can be no containers here. */
export function noNode(): string | undefined {
  const tried = Bun.spawnSync([...OWN, 'private', 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  return tried.exitCode === 0 ? undefined : 'there is no right to mount, nor user namespaces';
}

/** Runs the pod; throws Held. */
export async function runPod(pod: Json, node: Node): Promise<Ended> {
  const folder = mkdtempSync('/dev/shm/bellhop-sdk-');
  try {
    return await runIn(pod, node, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runIn(pod: Json, node: Node, folder: string): Promise<Ended> {
  const spec = pod['spec'] as {
    readonly volumes?: readonly Volume[];
    readonly initContainers?: readonly Container[];
    readonly containers: readonly [Container];
  };
  for (const volume of spec.volumes ?? []) layOut(volume, pod, { node, folder });
  const agent = path.join(folder, 'agent');
  mkdirSync(agent);
  node.agent?.(pod, agent);
  for (const [n, container] of (spec.initContainers ?? []).entries()) {
    const ended = await start(container, { node, folder, number: n, agent, stdin: '' });
    if (ended.code !== 0) return ended;
  }
  const [main] = spec.containers;
  return start(main, { node, folder, number: -1, agent, stdin: node.stdin });
}

const volumeAt = (folder: string, name: string): string => path.join(folder, `volume-${name}`);

function layOut(volume: Volume, pod: Json, made: Making): void {
  const at = volumeAt(made.folder, volume.name);
  mkdirSync(at);
  if (volume.emptyDir !== undefined) chmodSync(at, 0o777);
  if (volume.secret !== undefined) layOutSecret(volume.secret, at, made.node);
  else if (volume.downwardAPI !== undefined) layOutFields(volume.downwardAPI, at, pod);
  else if (volume.emptyDir === undefined) {
    throw new Error(`volume ${volume.name} is of no kind known here`);
  }
}

interface Making {
  readonly node: Node;
  readonly folder: string;
}

function layOutSecret(secret: NonNullable<Volume['secret']>, at: string, node: Node): void {
  const { secretName, items, optional = false } = secret;
  const data = node.secret(secretName);
  if (data === undefined && !optional) throw new Held(`no ${secretName}`);
  const every = Object.keys(data ?? {}).map((key) => ({ key, path: key }));
  for (const { key, path: to } of items ?? every) {
    const value = data?.[key];
    if (value !== undefined) writeFileSync(path.join(at, to), value, { mode: 0o444 });
    else if (!optional) throw new Held(`no ${key} in ${secretName}`);
  }
}

function layOutFields(
  { items }: NonNullable<Volume['downwardAPI']>,
  at: string,
  { metadata }: Json,
): void {
  const { annotations } = metadata as { readonly annotations: Readonly<Record<string, string>> };
  for (const { path: to, fieldRef } of items) {
    const [, key = ''] = /^metadata\.annotations\['(.*)'\]$/.exec(fieldRef.fieldPath) ?? [];
    writeFileSync(path.join(at, to), annotations[key] ?? '');
  }
}

interface Starting {
  readonly node: Node;
  readonly folder: string;
  readonly number: number;
  readonly agent: string;
  readonly stdin: string;
}

async function start(container: Container, starting: Starting): Promise<Ended> {
  const { node, folder, number, agent, stdin } = starting;
  const image = node.image(container.image);
  const env = new Map(Object.entries(image.env));
  for (const [name, value] of variablesOf(container, node)) env.set(name, value);
  const layer = path.join(folder, `layer${number}`);
  mkdirSync(layer);
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly = false }) => {
    return { from: volumeAt(folder, name), at: mountPath, readOnly };
  });
  const machine = ['/proc', '/dev'].map((at) => ({ from: at, at, readOnly: false }));
  const own = { from: path.dirname(built().bellhop), at: BELLHOP_AT, readOnly: true };
  const written = { from: agent, at: '/etc/flyte/secrets', readOnly: true };
  const binds = [...machine, own, ...(node.agent === undefined ? [] : [written]), ...mounts];
  const argv = [...(container.command ?? image.command), ...(container.args ?? [])];
  const file = path.join(folder, `container${number}.json`);
  // Without root there are no other users.
  const user = isRoot ? (container.securityContext?.runAsUser ?? 0) : 0;
  const given = { layer, binds, env: [...env], argv, user };
  writeFileSync(file, JSON.stringify(given), { mode: 0o600 });
  const child = Bun.spawn([...OWN, 'private', node.python, CONTAINER, file], {
    stdin: Buffer.from(stdin),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: CONTAINER_MS_MAX,
  });
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { container: container.name, code, out, err };
}

/** As the kubelet makes them: the last of a name wins, `$(NAME)` is one that came before. */
function variablesOf({ env = [] }: Container, node: Node): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  for (const { name, value = '', valueFrom } of env) {
    if (valueFrom === undefined) made.set(name, expanded(value, made));
    else {
      const found = valueOf(valueFrom.secretKeyRef, node);
      if (found !== undefined) made.set(name, found);
    }
  }
  return made;
}

function valueOf(reference: KeyOf | undefined, node: Node): string | undefined {
  if (reference === undefined) throw new Error('a variable from something that is not known here');
  const { name, key, optional = false } = reference;
  const value = node.secret(name)?.[key];
  if (value === undefined && !optional) throw new Held(`no ${key} in ${name}`);
  return value?.toString();
}

function expanded(value: string, made: ReadonlyMap<string, string>): string {
  return value.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    return name === undefined ? '$' : (made.get(name) ?? whole);
  });
}
