// Values that a Secret beside the pod holds, and the pod's references to them.
import type { KeptEdit } from '../injectors/_edit.ts';
import { SECRETS_DIR } from '../injectors/_injector.ts';
import type { StoreOptions } from '../plan/types.ts';
import { isRecord } from '../wire/read.ts';
import type { Item, Json, KeptValue, PodState } from './pod-state.ts';
import { sameJson } from './pod-state.ts';
import { EditProblem, eachContainer, mounted } from './pod-volumes.ts';
import { mustBeFree } from './pulled-files.ts';

/** Names of the Secrets begin so; what follows is a digest, in hexadecimal. */
export const SECRET_NAME = { start: 'bellhop-', digits: 32 } as const;

export const VOLUME = 'bellhop-values';
/** Where the container that fetches for all has it, when there is one. */
const PULL_DIR = '/bellhop-values';
/** How that container's plan calls it. */
const STORE = { type: 'bellhop-values', options: { kind: 'file', folder: PULL_DIR } } as const;
const KEY_CHARACTERS_MAX = 200;

/** The pod with one more value; where it is known already, with its files. */
export function withValue(state: PodState, edit: KeptEdit): PodState {
  const { id, value, called, files = [] } = edit;
  const known = state.kept.find((one) => one.id === id);
  for (const file of files) mustBeOne(state, { id, file, called });
  const key = known?.key ?? `${state.kept.length}-${plain(edit.key)}`;
  const all = [...new Set([...(known?.files ?? []), ...files])];
  const now: KeptValue = { id, key, value, called, files: all };
  const others = state.kept;
  return {
    ...state,
    kept: known === undefined ? [...others, now] : others.map((one) => (one === known ? now : one)),
  };
}

/** What Kubernetes takes in the key of a Secret. */
function plain(key: string): string {
  return key.replaceAll(/[^-._a-zA-Z0-9]/g, '_').slice(0, KEY_CHARACTERS_MAX);
}

function mustBeOne(
  { kept }: PodState,
  { id, file, called }: { readonly id: string; readonly file: string; readonly called: string },
): void {
  const other = kept.find((one) => one.id !== id && one.files.includes(file));
  if (other === undefined) return;
  throw new EditProblem(
    `[${other.called}] and [${called}] are the same file, ${SECRETS_DIR}/${file}`,
  );
}

/**
 * The pod with references to the Secret of this name. Where one container fetches for all, it
 * brings the files too, since two volumes cannot be at one path. Throws EditProblem.
 */
export function withSecretNamed(state: PodState, secretName: string): PodState {
  const keys = new Map(state.kept.map(({ id, key }) => [id, key]));
  const now = eachContainer(state, (one) => ({
    ...one,
    env: one.env.map((item) => referring(item, keys, secretName)),
  }));
  const files = state.kept.flatMap(({ key, files: names, called }) => {
    return names.map((name): File => ({ key, name, called }));
  });
  if (files.length === 0) return now;
  for (const { name } of files) mustBeNoFolder(state, name);
  return state.pulls.length > 0 ? pulled(now, files, secretName) : direct(now, files, secretName);
}

interface File {
  /** In the Secret. */
  readonly key: string;
  readonly name: string;
  readonly called: string;
}

function referring(item: Item, keys: ReadonlyMap<string, string>, secretName: string): Item {
  if (item.kept === undefined) return item;
  const secretKeyRef = { name: secretName, key: keys.get(item.kept) ?? '' };
  return { value: { ...item.value, valueFrom: { secretKeyRef } } };
}

/** Another Secret may be mounted below the folder. */
function mustBeNoFolder({ containers }: PodState, name: string): void {
  const file = `${SECRETS_DIR}/${name}`;
  for (const { mounts, name: container } of containers) {
    for (const { value, at: path = '' } of mounts) {
      if (path !== file && !path.startsWith(`${file}/`)) continue;
      const volume = String(value['name']);
      throw new EditProblem(`container ${container} has volume ${volume} at ${path}`);
    }
  }
}

function direct(state: PodState, files: readonly File[], secretName: string): PodState {
  const items = files.map(({ key, name }) => ({ key, path: name }));
  const now = withVolume(state, { secretName, items });
  return mounted(now, { name: VOLUME, at: SECRETS_DIR, secretName });
}

/** By their number: an ending would tell the store how to read a file. */
function pulled(state: PodState, files: readonly File[], secretName: string): PodState {
  const keys = [...new Set(files.map(({ key }) => key))];
  const items = keys.map((key, n) => ({ key, path: `${n}` }));
  const pulls = files.map(({ key, name, called }) => {
    const path = `${keys.indexOf(key)}`;
    const file = `${SECRETS_DIR}/${name}`;
    return { kind: 'pull' as const, type: STORE.type, path, file, called };
  });
  for (const one of pulls) mustBeFree(state.pulls, one);
  return { ...withVolume(state, { secretName, items }), pulls: [...state.pulls, ...pulls] };
}

/** The store of what `withSecretNamed` leaves to the container that fetches for all. */
export function valuesStoreOf(
  type: string,
): { readonly name: string; readonly options: StoreOptions } | undefined {
  // What looks as if sops had sealed it is a value as any other.
  return type === STORE.type
    ? { name: STORE.type, options: { ...STORE.options, sops: 'leave' } }
    : undefined;
}

/** What the container that fetches for all needs to read the files; nothing where none are. */
export function valuesMounts({ pulls }: PodState): readonly Json[] {
  const isWanted = pulls.some(({ type }) => type === STORE.type);
  return isWanted ? [{ name: VOLUME, mountPath: PULL_DIR, readOnly: true }] : [];
}

/** One of an earlier call for this pod may refer to what was the value then. */
function withVolume(state: PodState, secret: Json & { readonly secretName: string }): PodState {
  const wanted = { name: VOLUME, secret };
  const there = state.volumes.find(({ value }) => value['name'] === VOLUME);
  if (there === undefined) return { ...state, volumes: [...state.volumes, { value: wanted }] };
  const old = isRecord(there.value['secret']) ? there.value['secret'] : {};
  const isSame = old['secretName'] === secret.secretName && sameJson(old['items'], secret['items']);
  if (isSame) return state;
  if (!String(old['secretName']).startsWith(SECRET_NAME.start)) {
    throw new EditProblem(`the pod has a volume ${VOLUME} of its own`);
  }
  const volumes = state.volumes.map((one): Item => {
    return one === there ? { ...one, value: wanted, isNew: true } : one;
  });
  return { ...state, volumes };
}
