import { BellhopError } from '../core/errors.ts';
import { subscriptOf } from '../wire/pod-fields.ts';
import type { Container, Pod, ResourceField } from '../wire/pod-types.ts';
import { hasOpenIndex, isOpenIndex } from './completion-index.ts';
import { goQuote } from '../wire/go-text.ts';
import { parseQuantity, quantityIn } from '../wire/quantity.ts';
import type { Source } from './types.ts';

/** What fields are resolved from: the pod, then what was given from outside. */
export interface FieldContext {
  readonly pod: Pod;
  readonly namespace: string;
  readonly container: Container;
  /** `--field PATH=VALUE` and `fields:`; they win over the manifest. */
  readonly fields: ReadonlyMap<string, string>;
  /** Allocatable resources of the node, e.g. cpu → 4, memory → 8Gi. */
  readonly node: ReadonlyMap<string, string>;
}

/** A field's text, or the problem that only the cluster or a flag can tell it. */
export function fieldText(context: FieldContext, path: string): string | BellhopError {
  const given = context.fields.get(path);
  if (given !== undefined) return given;
  const subscript = subscriptOf(path);
  if (subscript !== undefined) {
    const map = subscript.map === 'metadata.labels' ? context.pod.labels : context.pod.annotations;
    return map.get(subscript.key) ?? '';
  }
  const known = manifestField(context, path);
  if (known !== '') return known;
  // A lone address is the first and only one of the list.
  const plural = context.fields.get(path.replace(/IP$/, 'IPs'))?.split(',')[0];
  const single = context.fields.get(path.replace(/IPs$/, 'IP'));
  return plural ?? single ?? unknownField(path);
}

function unknownField(path: string): BellhopError {
  const what = 'only the cluster knows it, and nothing was given for it';
  return new BellhopError('BH_ERR_FIELD', {
    where: [path],
    what,
    help: `give it with \`--field ${path}=VALUE\`, or \`fields:\` in bellhop.yaml`,
  });
}

function manifestField(context: FieldContext, path: string): string {
  const { pod, namespace } = context;
  switch (path) {
    case 'metadata.name':
      return pod.name;
    case 'metadata.namespace':
      return namespace;
    case 'metadata.uid':
      return pod.uid;
    case 'spec.nodeName':
      return pod.nodeName;
    case 'spec.serviceAccountName':
      return pod.serviceAccountName || 'default';
    default:
      return '';
  }
}

/** One field as a source: its text, or that it is read at the start. */
export function fieldValue(context: FieldContext, path: string): Source | BellhopError {
  if (isOpenIndex(context, path)) return { kind: 'index', of: path };
  const text = fieldText(context, path);
  return text instanceof BellhopError ? text : { kind: 'text', text, of: path };
}

/** A field as a source: labels and annotations as whole files are allowed in volumes. */
export function fieldSource(context: FieldContext, path: string): Source | BellhopError {
  const { labels, annotations } = context.pod;
  switch (path) {
    case 'metadata.labels':
      return hasOpenIndex(context)
        ? { kind: 'labels', entries: Object.fromEntries(labels) }
        : { kind: 'text', text: mapText(labels), of: path };
    case 'metadata.annotations':
      return { kind: 'annotations', entries: Object.fromEntries(annotations) };
    default:
      return fieldValue(context, path);
  }
}

/** `key="value"` a line, sorted, quoted as Go quotes: k8s.io/kubernetes v1.33.13 pkg/fieldpath. */
export function mapText(entries: ReadonlyMap<string, string>): string {
  const keys = [...entries.keys()].toSorted();
  return keys.map((key) => `${key}=${goQuote(entries.get(key) ?? '')}`).join('\n');
}

/** A resourceFieldRef as the kubelet prints it: whole divisors, rounded up. */
export function resourceText(context: FieldContext, field: ResourceField): string | BellhopError {
  const { pod } = context;
  const all = [...pod.containers, ...pod.initContainers];
  const container =
    field.container === '' ? context.container : all.find((one) => one.name === field.container);
  if (container === undefined) {
    const what = `there is no container ${field.container}`;
    return new BellhopError('BH_ERR_POD_INVALID', { where: [`resource ${field.resource}`], what });
  }
  const dot = field.resource.indexOf('.');
  const kind = field.resource.slice(0, dot);
  const name = field.resource.slice(dot + 1);
  const amount = amountOf({ context, container, kind, name });
  if (amount instanceof BellhopError) return amount;
  const quantity = parseQuantity(amount);
  if (quantity === undefined) {
    const what = 'not a quantity that Kubernetes takes';
    return new BellhopError('BH_ERR_POD_INVALID', { where: [`resources.${field.resource}`], what });
  }
  return quantityIn(quantity, parseQuantity(field.divisor) ?? { nano: 0n });
}

interface AmountQuery {
  readonly context: FieldContext;
  readonly container: Container;
  readonly kind: string;
  readonly name: string;
}

/**
 * Requests follow limits where only limits are given. A limit that is absent or 0 is the node's
 * allocatable (k8s.io/kubernetes v1.33.13 pkg/api/v1/resource MergeContainerResourceLimits).
 */
function amountOf(query: AmountQuery): string | BellhopError {
  const { context, container, kind, name } = query;
  const limit = container.resources.limits.get(name);
  if (kind === 'requests') return container.resources.requests.get(name) ?? limit ?? '0';
  const isSet = limit !== undefined && parseQuantity(limit)?.nano !== 0n;
  if (isSet || name.startsWith('hugepages-')) return limit ?? '0';
  const node = context.node.get(name);
  if (node !== undefined) return node;
  return new BellhopError('BH_ERR_FIELD', {
    where: [`limits.${name}`],
    what: "without a limit it is the node's allocatable, which is not known here",
    help: `give it with \`--node ${name}=AMOUNT\`, or \`node:\` in bellhop.yaml`,
  });
}
