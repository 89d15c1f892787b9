// Our MutatingWebhookConfiguration: what it should be, and what to write where it is not. Pure.
import { canonicalJson } from '../core/canonical.ts';
import type { JsonRecord } from '../stores/_rest.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import { fromBase64 } from '../wire/base64.ts';
import { isRecord } from '../wire/read.ts';
import type { CertificateFacts } from './certificates-x509.ts';
import { readCertificates } from './certificates-x509.ts';

/** Where API servers send their reviews. */
export type ReviewTarget =
  | {
      readonly kind: 'service';
      readonly name: string;
      readonly namespace: string;
      readonly path: string;
      readonly port: number;
    }
  /** Outside of the cluster, and for tests; https only. */
  | { readonly kind: 'url'; readonly url: string };

/** What we register. */
export interface RegistrationWish {
  /**
   * `own`: all of it, made where it is missing. `caBundle`: only that, of those entries of an
   * existing configuration that lead to us. `none`: nothing is written.
   */
  readonly keep: 'own' | 'caBundle' | 'none';
  /** Of the MutatingWebhookConfiguration. */
  readonly name: string;
  /** Of our entry in it: a domain name. */
  readonly entryName: string;
  readonly target: ReviewTarget;
  readonly failurePolicy: 'Fail' | 'Ignore';
  /** 1 to 30. */
  readonly timeoutSeconds: number;
  /** The configured one; what we must not see is left out of it as well. */
  readonly namespaceSelector: JsonRecord | undefined;
  /** kube-system, and where we run ourselves. */
  readonly namespacesExcluded: readonly string[];
  /** CEL; none where the list is empty. */
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[];
  /** For a configuration that we make. */
  readonly ownerReferences: readonly unknown[];
}

/** Pods without an annotation of Flyte's ask for nothing: no call is made for them. */
export const ONLY_WITH_SECRETS = {
  name: 'asks-for-secrets',
  expression:
    "has(object.metadata.annotations) && object.metadata.annotations.exists(k, k.startsWith('flyte.secrets/s'))",
} as const;

/** What is to be written, and which fields were not as they should be. */
export interface Correction {
  readonly object: JsonRecord;
  /** True where there was none. */
  readonly isNew: boolean;
  readonly fields: readonly string[];
}

/** What is known beside the wish. */
export interface Present {
  /** The configuration as it is; undefined where there is none. */
  readonly existing: JsonRecord | undefined;
  /** PEM of all whom API servers are to trust; undefined leaves the caBundle alone. */
  readonly bundle: string | undefined;
  /** Fields that are left as they are: unknown to the server, or somebody fights for them. */
  readonly left: ReadonlySet<string>;
}

/** The configuration as it should be; undefined where it is, or where it is not ours to write. */
export function correct(wish: RegistrationWish, present: Present): Correction | undefined {
  const { existing } = present;
  if (wish.keep === 'none') return undefined;
  if (existing === undefined) return wish.keep === 'own' ? create(wish, present) : undefined;
  const entries = entriesOf(existing);
  const fields = new Set<string>();
  const corrected = entries.map((entry) => correctEntry(entry, { wish, present, fields }));
  const isThere = entries.some((entry) => entry['name'] === wish.entryName);
  if (wish.keep === 'own' && !isThere) {
    fields.add('webhooks');
    corrected.push(desiredEntry(wish, present.bundle));
  }
  if (fields.size === 0) return undefined;
  return { isNew: false, fields: [...fields], object: { ...existing, webhooks: corrected } };
}

/** Whom API servers trust for us: those who stand in the caBundle of every entry that is ours. */
export function trustedIn(
  existing: JsonRecord | undefined,
  wish: RegistrationWish,
): readonly CertificateFacts[] {
  const ours = entriesOf(existing).filter((entry) => leadsToUs(entry, wish));
  const [first = [], ...others] = ours.map(certificatesOf);
  return first.filter(({ fingerprint }) =>
    others.every((list) => list.some((one) => one.fingerprint === fingerprint)),
  );
}

/** Fields of our entry that came back other than we sent them: this server does not know them. */
export function unknownFields(sent: JsonRecord, answer: JsonRecord, entryName: string): string[] {
  const find = (object: JsonRecord): JsonRecord | undefined =>
    entriesOf(object).find((entry) => entry['name'] === entryName);
  const [ours, theirs] = [find(sent), find(answer)];
  if (ours === undefined || theirs === undefined) return [];
  return Object.keys(ours).filter((field) => theirs[field] === undefined);
}

function entriesOf(existing: JsonRecord | undefined): readonly JsonRecord[] {
  const entries = existing?.['webhooks'];
  return Array.isArray(entries) ? entries.filter(isRecord) : [];
}

function certificatesOf(entry: JsonRecord): readonly CertificateFacts[] {
  const bytes = fromBase64(textIn(recordIn(entry, 'clientConfig'), 'caBundle') ?? '');
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  return readCertificates(text) ?? [];
}

/** True for an entry whose reviews come to us, whatever its name. */
function leadsToUs(entry: JsonRecord, { target, entryName, keep }: RegistrationWish): boolean {
  if (keep === 'own' && entry['name'] === entryName) return true;
  const config = recordIn(entry, 'clientConfig');
  if (target.kind === 'url') return config['url'] === target.url;
  const service = recordIn(config, 'service');
  return service['name'] === target.name && service['namespace'] === target.namespace;
}

interface Correcting {
  readonly wish: RegistrationWish;
  readonly present: Present;
  readonly fields: Set<string>;
}

function correctEntry(entry: JsonRecord, { wish, present, fields }: Correcting): JsonRecord {
  if (!leadsToUs(entry, wish)) return entry;
  const isWhole = wish.keep === 'own' && entry['name'] === wish.entryName;
  const desired = desiredEntry(wish, present.bundle);
  const wanted = isWhole ? desired : bundleOnly(entry, desired);
  const wrong = Object.entries(wanted).filter(([field, value]) => {
    return !present.left.has(field) && !isRight(field, entry[field], value);
  });
  for (const [field] of wrong) fields.add(field);
  const merged = wrong.map(([field, value]) => [field, mergedField(field, entry[field], value)]);
  return { ...entry, ...(Object.fromEntries(merged) as JsonRecord) };
}

/** The entry's own way to us, with our caBundle. */
function bundleOnly(entry: JsonRecord, desired: JsonRecord): JsonRecord {
  const { caBundle } = recordIn(desired, 'clientConfig');
  return caBundle === undefined
    ? {}
    : { clientConfig: { ...recordIn(entry, 'clientConfig'), caBundle } };
}

function isRight(field: string, is: unknown, wanted: unknown): boolean {
  if (field === 'clientConfig') {
    const now = isRecord(is) ? is : {};
    // A caBundle that is not ours to write is as it is.
    return same(now, { ...(isRecord(wanted) ? withBundleOf(now, wanted) : {}) });
  }
  if (field === 'namespaceSelector') return isNarrower(is, wanted);
  return same(is, wanted);
}

function withBundleOf(now: JsonRecord, wanted: JsonRecord): JsonRecord {
  const { caBundle } = now;
  return caBundle === undefined ? wanted : { caBundle, ...wanted };
}

function mergedField(field: string, is: unknown, wanted: unknown): unknown {
  if (field !== 'clientConfig' || !isRecord(wanted)) return wanted;
  return withBundleOf(isRecord(is) ? is : {}, wanted);
}

/**
 * True where the selector has all of our requirements. Others may add some: AKS does so to keep
 * every webhook away from its own namespaces, and whoever takes them out again fights for ever.
 */
function isNarrower(is: unknown, wanted: unknown): boolean {
  const [now, ours] = [isRecord(is) ? is : {}, isRecord(wanted) ? wanted : {}];
  const there = new Set(expressionsOf(now).map((one) => canonicalJson(one)));
  const labels = recordIn(now, 'matchLabels');
  return (
    expressionsOf(ours).every((one) => there.has(canonicalJson(one))) &&
    Object.entries(recordIn(ours, 'matchLabels')).every(([key, value]) => labels[key] === value)
  );
}

function expressionsOf(selector: JsonRecord): readonly unknown[] {
  const list = selector['matchExpressions'];
  return Array.isArray(list) ? list : [];
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a ?? null) === canonicalJson(b ?? null);
}

function create(wish: RegistrationWish, { bundle }: Present): Correction {
  const { name, ownerReferences } = wish;
  const object = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'bellhop' },
      ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
    },
    webhooks: [desiredEntry(wish, bundle)],
  };
  return { object, isNew: true, fields: ['webhooks'] };
}

/** Our entry; what the API server would fill in is written, so that it is no difference. */
function desiredEntry(wish: RegistrationWish, bundle: string | undefined): JsonRecord {
  const caBundle = bundle === undefined ? {} : { caBundle: Buffer.from(bundle).toString('base64') };
  const { target, matchConditions } = wish;
  const { kind, ...where } = target;
  return {
    name: wish.entryName,
    clientConfig: { ...(kind === 'url' ? where : { service: where }), ...caBundle },
    rules: [
      {
        operations: ['CREATE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['pods'],
        scope: 'Namespaced',
      },
    ],
    failurePolicy: wish.failurePolicy,
    matchPolicy: 'Equivalent',
    sideEffects: 'NoneOnDryRun',
    reinvocationPolicy: 'IfNeeded',
    admissionReviewVersions: ['v1', 'v1beta1'],
    timeoutSeconds: wish.timeoutSeconds,
    objectSelector: { matchLabels: { 'inject-flyte-secrets': 'true' } },
    namespaceSelector: namespaceSelector(wish),
    ...(matchConditions.length === 0 ? {} : { matchConditions }),
  };
}

function namespaceSelector(wish: RegistrationWish): JsonRecord {
  const { namespaceSelector: given = {}, namespacesExcluded } = wish;
  const expressions = expressionsOf(given);
  const excluded = {
    key: 'kubernetes.io/metadata.name',
    operator: 'NotIn',
    values: [...new Set(namespacesExcluded)],
  };
  const labels = recordIn(given, 'matchLabels');
  return {
    ...(Object.keys(labels).length === 0 ? {} : { matchLabels: labels }),
    matchExpressions: [...expressions, ...(excluded.values.length === 0 ? [] : [excluded])],
  };
}
