import { canonicalJson } from '../core/canonical.ts';
import { formatReference } from '../plan/reference.ts';
import type { StoreOptions } from '../plan/types.ts';
import type { Target, Variable } from '../targets/_target.ts';

// How a container finds its plan: src/entrypoint/plan-source.ts reads what stands here.

/** How the container finds its plan, and what says so. */
export interface Pointer {
  readonly kind: 'inline' | 'object' | 'channel';
  readonly variables: readonly Variable[];
  /** The folder that the platform is to bring, for `channel`. */
  readonly channel?: string;
}

/** What a larger plan would cost the request is better left to variables that people read. */
const INLINE_BYTES_MAX = 24 * 1024;
/** More than that is not packed just to see: it takes seconds for megabytes. */
const PACKED_FROM_BYTES_MAX = 1024 * 1024;
/** One variable with its NUL may have 131,072 bytes: MAX_ARG_STRLEN. */
const CHUNK_BYTES_MAX = 64 * 1024;
const FILE = 'bellhop.bundle';

const STORES_VARIABLE = 'BELLHOP_PLAN_STORES';
const PLAN = 'BELLHOP_PLAN';
const OVERRIDES = 'BELLHOP_OVERRIDES';

/** Settings of the store that an object is in: JSON, or its Base64. */
export const STORES_VARIABLES: readonly string[] = [
  STORES_VARIABLE,
  STORES_VARIABLE.replace(PLAN, OVERRIDES),
];

/** The same for a plan that is carried out over the one that the container has already. */
export function overriding(pointer: Pointer): Pointer {
  const variables = pointer.variables.map(([name, value]): Variable => {
    return [name.replace(PLAN, OVERRIDES), value];
  });
  return { ...pointer, variables };
}

/** The path of an object of this digest below a folder; it has a folder of its own. */
export function objectPath(folder: string, digest: string): string {
  return `${folder}/${digest.slice('sha256:'.length)}/${FILE}`;
}

/** The plan itself, compressed, in as many variables as it takes; undefined where it is large. */
export function inlinePointer(
  target: Target,
  { bytes, digest }: { readonly bytes: Uint8Array; readonly digest: string },
  deflate: (bytes: Uint8Array) => Uint8Array,
): Pointer | undefined {
  if (bytes.byteLength > PACKED_FROM_BYTES_MAX) return undefined;
  const text = Buffer.from(deflate(bytes)).toString('base64');
  if (text.length > INLINE_BYTES_MAX) return undefined;
  const chunk = chunkMax(target);
  const count = Math.ceil(text.length / chunk);
  const chunks = Array.from({ length: count }, (_, index): Variable => {
    return [`BELLHOP_PLAN_${index + 1}`, text.slice(index * chunk, (index + 1) * chunk)];
  });
  const head: Variable = ['BELLHOP_PLAN', `inline:${count}`];
  return { kind: 'inline', variables: [head, ['BELLHOP_PLAN_DIGEST', digest], ...chunks] };
}

/** The longest value that the target's field takes. */
function chunkMax({ caps, variablesAt }: Target): number {
  const limits = caps.flatMap((cap) => {
    const isOurs = cap.operation === variablesAt.operation && cap.at === variablesAt.at;
    return isOurs && cap.kind === 'limit' && cap.counts === 'value' ? [cap.max] : [];
  });
  return Math.min(CHUNK_BYTES_MAX, ...limits);
}

/** A file that the platform downloads before the container starts. */
export function channelPointer(folder: string, address: string, digest: string): Pointer {
  return {
    kind: 'channel',
    variables: [
      ['BELLHOP_PLAN', `${folder}/${FILE}`],
      ['BELLHOP_PLAN_DIGEST', digest],
    ],
    channel: address.slice(0, -FILE.length),
  };
}

/** An object that the container fetches itself; its store goes along where it has any settings. */
export function objectPointer(
  place: {
    readonly store: string;
    readonly path: string;
    readonly stores: Readonly<Record<string, StoreOptions>>;
  },
  digest: string,
): Pointer {
  const { store, stores } = place;
  const kind = stores[store]?.kind ?? '';
  const isBare = Object.keys(stores).length === 1 && Object.keys(stores[store] ?? {}).length === 1;
  const name = isBare ? kind : store;
  const reference = formatReference({ store: name, path: objectPath(place.path, digest) });
  const variables: Variable[] = [
    ['BELLHOP_PLAN', reference],
    ['BELLHOP_PLAN_DIGEST', digest],
    ...(isBare ? [] : [[STORES_VARIABLE, canonicalJson(stores)] as const]),
  ];
  return { kind: 'object', variables };
}
