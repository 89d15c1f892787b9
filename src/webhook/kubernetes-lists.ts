// Collections of the Kubernetes API, page by page: all of one, or a failure.
import type { Clock } from '../core/io/types.ts';
import type { JsonRecord } from '../stores/_rest.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import { isRecord } from '../wire/read.ts';
import type { Asked, KubeObject, Outcome } from './kubernetes-answers.ts';
import { problem } from './kubernetes-answers.ts';

/** Which objects of a collection, and what of them. */
export interface ListWish {
  readonly labels?: string;
  readonly fields?: string;
  /** Their metadata alone: no value of a Secret comes here. */
  readonly isMetadata?: true;
}

/** What is listed, and who sees it. */
export interface Listing {
  readonly path: string;
  readonly wish: ListWish;
  readonly see: (object: KubeObject) => void;
}

export interface ListParts {
  readonly ask: (page: Asked) => Promise<Outcome>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly pagesMax: number | undefined;
}

/** Objects in a page: some pods have 100 KB. */
const PAGE_MAX = 50;
/** Half a million objects; a cluster has 150,000 pods at most (kubernetes.io, large clusters). */
const PAGES_MAX = 10_000;
/** etcd is compacted that often by default: no list of one moment goes on for much longer. */
const LIST_MS_MAX = 300_000;
const JSON_TYPE = 'application/json';
const METADATA_TYPE = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** As KubernetesApi.list says. */
export async function listAll(parts: ListParts, { path, wish, see }: Listing): Promise<void> {
  const { ask, clock, pagesMax = PAGES_MAX } = parts;
  const endMs = clock.monotonicMs() + LIST_MS_MAX;
  const accept = wish.isMetadata === true ? METADATA_TYPE : JSON_TYPE;
  let next = '';
  for (let count = 0; count < pagesMax && clock.monotonicMs() < endMs; count++) {
    const page = await ask({ method: 'GET', path, query: queryOf(wish, next), accept });
    if (page === 'absent' || page === 'conflict')
      throw broken(path, `a page of the list is ${page}`);
    for (const one of itemsOf(page, path)) if (isRecord(one)) see(one);
    next = textIn(recordIn(page, 'metadata'), 'continue') ?? '';
    if (next === '') return;
  }
  throw broken(path, 'the list does not end');
}

/** Go writes an empty list as null too. */
function itemsOf({ items }: JsonRecord, path: string): readonly unknown[] {
  if (items === null) return [];
  if (Array.isArray(items)) return items;
  throw broken(path, 'a page of the list has no items');
}

function broken(path: string, what: string): Error {
  return problem({ method: 'GET', path }, 'BH_ERR_STORE_ANSWER', { what });
}

function queryOf({ labels, fields }: ListWish, next: string): string {
  const all = {
    limit: `${PAGE_MAX}`,
    labelSelector: labels,
    fieldSelector: fields,
    continue: next,
  };
  const parts = Object.entries(all).filter(([, value]) => value !== undefined && value !== '');
  return `?${parts.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&')}`;
}
