// Recorded answers of Flyte's own webhook, and how pods are compared: test/golden/flyte/README.md.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

export type Json = Readonly<Record<string, unknown>>;

/** What is right where Flyte is wrong; all that is there must hold. */
export interface Better {
  readonly pod?: Json;
  readonly allowed?: false;
  readonly code?: number;
  readonly messagePrefix?: string;
  readonly orDeny?: true;
  readonly volumeNameFree?: readonly string[];
  readonly maskInitContainer?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly maskEnv?: readonly string[];
  readonly envPaths?: Readonly<Record<string, string>>;
  readonly envValues?: Readonly<Record<string, string>>;
  readonly maxFetchCalls?: number;
}

export interface StoredValue {
  readonly string?: string;
  readonly base64?: string;
  readonly error?: string;
}

export interface MutateVector {
  readonly id: string;
  readonly stand: 'compatible' | 'better' | 'option';
  readonly right?: string;
  readonly better?: Better | null;
  readonly config: Json;
  readonly expand?: Readonly<Record<string, { readonly repeat: string; readonly count: number }>>;
  readonly globalEnv?: Readonly<Record<string, string>>;
  readonly globalFiles?: Readonly<Record<string, string>>;
  readonly embeddedStore?: Readonly<Record<string, StoredValue>>;
  readonly clusterSecrets?: readonly Json[];
  readonly pod: Json;
  readonly expected: {
    readonly allowed: boolean;
    readonly code?: number;
    readonly message?: string;
    readonly pod?: Json;
    readonly fetchCalls?: readonly string[];
    readonly clusterSecretsAfter?: readonly Json[];
    readonly mutatorError?: string;
    readonly panic?: string;
  };
  readonly messageMatch?: 'free';
  readonly injectedBy?: readonly string[];
}

const FOLDER = process.env['BELLHOP_VECTORS'] ?? path.join(import.meta.dir, '../golden/flyte');

export function vectorsOf<T = MutateVector>(file: string): readonly T[] {
  const text = readFileSync(path.join(FOLDER, file), 'utf8');
  const { vectors } = JSON.parse(text) as { readonly vectors: readonly T[] };
  return vectors.map((one) => expanded(one));
}

/** Files of mutate vectors. */
export function mutateFiles(): readonly string[] {
  return readdirSync(FOLDER).filter((name) => name.startsWith('mutate-'));
}

function expanded<T>(vector: T): T {
  const { expand } = vector as { readonly expand?: MutateVector['expand'] };
  if (expand === undefined || expand === null) return vector;
  let text = JSON.stringify(vector);
  for (const [name, { repeat, count }] of Object.entries(expand)) {
    text = text.replaceAll(name, repeat.repeat(count));
  }
  return JSON.parse(text) as T;
}

const MAPS = new Set([
  'annotations',
  'labels',
  'nodeSelector',
  'matchLabels',
  'data',
  'limits',
  'requests',
]);
const GONE = new Set(['resources', 'status', 'annotations', 'labels', 'limits', 'requests']);

/** Without what Flyte's decoding and encoding alone changes. */
function normalise(value: unknown, key?: string): unknown {
  if (Array.isArray(value)) return value.map((one) => normalise(one));
  if (value === null || typeof value !== 'object') return value;
  const isMap = MAPS.has(key ?? '');
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => [name, normalise(one, isMap ? undefined : name)] as const)
    .filter(([name, one]) => one !== null && one !== undefined && (isMap || !isNothing(name, one)));
  return Object.fromEntries(members);
}

function isNothing(name: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (name === 'value') return value === '';
  return GONE.has(name) && typeof value === 'object' && Object.keys(value ?? {}).length === 0;
}

const VAULT_ID = /^(vault\.hashicorp\.com\/agent-inject-(?:secret|file|template)-)(.+)$/;

/** Vault's ids are random: they are replaced by the rank of what they stand for. */
function withoutVaultIds(pod: Json): Json {
  const metadata = (pod['metadata'] ?? {}) as Json;
  const annotations = (metadata['annotations'] ?? {}) as Readonly<Record<string, string>>;
  const ids = new Map<string, Map<string, string>>();
  for (const [name, value] of Object.entries(annotations)) {
    const [, kind = '', id = ''] = VAULT_ID.exec(name) ?? [];
    if (id !== '') ids.set(id, (ids.get(id) ?? new Map<string, string>()).set(kind, value));
  }
  const textOf = (id: string): string =>
    JSON.stringify([...(ids.get(id) ?? [])].map(String).toSorted(byText));
  const ranked = [...ids.keys()].toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  const renamed = Object.entries(annotations).map(([name, value]) => {
    const [, kind = '', id = ''] = VAULT_ID.exec(name) ?? [];
    return [id === '' ? name : `${kind}#${ranked.indexOf(id)}`, value];
  });
  if (renamed.length === 0) return pod;
  return { ...pod, metadata: { ...metadata, annotations: Object.fromEntries(renamed) as Json } };
}

/** A pod as it is compared. */
export function comparable(pod: Json): unknown {
  return normalise(withoutVaultIds(pod));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

export function oneBlank(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
