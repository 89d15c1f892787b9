import { formatReference } from '../plan/reference.ts';
import type { Plan, Reference, StoreOptions } from '../plan/types.ts';
import { ALL_STORES } from '../stores/_all.gen.ts';
import type { Right, StoreKind } from '../stores/_store.ts';
import { pathKey } from './answers.ts';
import type { Asked } from './references.ts';
import { referencesOf } from './references.ts';

/** The least rights that a plan needs in one store. */
export interface StoreRights {
  readonly store: string;
  readonly kind: string;
  readonly rights: readonly Right[];
}

/** The rights of every store of the plan, in its order; nothing is asked of any of them. */
export async function rightsOf(plan: Plan): Promise<StoreRights[]> {
  const asked = referencesOf(plan);
  const stores = await Promise.all(
    Object.entries(plan.stores).map(async ([store, options]) => {
      const read = await readRights(options, { store, asked });
      const kept = await copyRights(plan, store, options);
      return { store, kind: options.kind, rights: [...read, ...kept] };
    }),
  );
  return stores.filter(({ rights }) => rights.length > 0);
}

/** What the last good copy needs of this store: a place, a key, or nothing. */
async function copyRights(
  { policy: { lastGood } }: Plan,
  store: string,
  options: StoreOptions,
): Promise<readonly Right[]> {
  if (lastGood === undefined) return [];
  const { to, key } = lastGood;
  const keys = 'kms' in key && key.store === store ? [keyRight(key.kms)] : [];
  if (to.store !== store) return keys;
  const read = await rightsFor(options, [to]);
  return [...read, ...writesLike(read, to), ...keys];
}

async function readRights(
  options: StoreOptions,
  { store, asked }: { readonly store: string; readonly asked: readonly Asked[] },
): Promise<readonly Right[]> {
  const own = asked.filter(
    ({ reference, why }) => reference.store === store && why !== 'last good',
  );
  const wanted = new Map(own.map(({ reference }) => [pathKey(reference), reference]));
  return wanted.size === 0 ? [] : rightsFor(options, [...wanted.values()]);
}

async function rightsFor(
  { kind, ...options }: StoreOptions,
  references: readonly Reference[],
): Promise<readonly Right[]> {
  const storeKind = await kindOf(kind);
  if (storeKind?.rights === undefined) return [];
  const wanted = references.map(({ path, version }) => {
    return version === undefined ? { path } : { path, version };
  });
  return storeKind.rights(options, wanted);
}

async function kindOf(kind: string): Promise<StoreKind | undefined> {
  const load = Object.hasOwn(ALL_STORES, kind) ? ALL_STORES[kind] : undefined;
  return load === undefined ? undefined : (await load()).default;
}

/** IAM's action for writing what another one reads (Service Authorization Reference, 2026). */
const AWS_WRITES: Readonly<Record<string, string>> = {
  's3:GetObject': 's3:PutObject',
  'secretsmanager:GetSecretValue': 'secretsmanager:PutSecretValue',
  'ssm:GetParameters': 'ssm:PutParameter',
};

/** The last good copy is written where it is read. */
function writesLike(read: readonly Right[], copy: Reference): Right[] {
  const text = `write to ${formatReference(copy)} (the last good copy)`;
  const written = read.flatMap((right): Right[] => {
    if (right.system === 'vault') return [{ ...right, capabilities: ['create', 'update'] }];
    if (right.system !== 'aws') return [{ system: 'other', text }];
    const actions = right.actions.flatMap((action) => AWS_WRITES[action] ?? []);
    return actions.length === 0 ? [] : [{ ...right, actions }];
  });
  return written.length === 0 ? [{ system: 'other', text }] : written;
}

/** A policy names keys, not aliases: behind an alias may be any of the account's keys. */
function keyRight(kms: string): Right {
  const isId = /^[0-9a-f-]{36}$|^mrk-[0-9a-f]{32}$/.test(kms);
  const isKeyArn = /^arn:[^:]+:kms:[^:]*:[^:]*:key\//.test(kms);
  const resource = isKeyArn ? kms : `arn:aws:kms:*:*:key/${isId ? kms : '*'}`;
  return { system: 'aws', actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resource };
}
