import { dnsSubdomainProblem } from './names.ts';
import { parseQuantity } from './quantity.ts';
import type { ResourceField } from './pod-types.ts';
import type { At } from './read.ts';
import { complain, member, needText, text } from './read.ts';

// fieldRef and resourceFieldRef: k8s.io/kubernetes v1.33.13 pkg/apis/core/validation
// (validEnvDownwardAPIFieldPathExpressions and following), pkg/fieldpath.

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const VOLUME_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'metadata.labels',
  'metadata.annotations',
];
const RESOURCES = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/;

/** `metadata.labels['app']` in its two parts; undefined for a path without subscript. */
export function subscriptOf(path: string): { map: string; key: string } | undefined {
  const match = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/s.exec(path);
  return match === null ? undefined : { map: match[1] ?? '', key: match[2] ?? '' };
}

/** The version of the fields that a fieldRef means: there is one. */
export function checkVersion(fieldRef: At): void {
  const version = member(fieldRef, 'apiVersion');
  const isKnown = ['v1', '', undefined].includes(text(version));
  if (version !== undefined && !isKnown) complain(version, 'there are no fields but those of v1');
}

/** What is wrong with a fieldPath in env. */
export function envFieldProblem(path: string): string | undefined {
  return fieldProblem(path, ENV_FIELDS);
}

/** What is wrong with a fieldPath in a downward API volume. */
export function volumeFieldProblem(path: string): string | undefined {
  return fieldProblem(path, VOLUME_FIELDS);
}

function fieldProblem(path: string, supported: readonly string[]): string | undefined {
  if (supported.includes(path)) return undefined;
  const subscript = subscriptOf(path);
  if (subscript === undefined)
    return `unsupported field ${path}; supported: ${supported.join(', ')}`;
  // Prefixes of annotation keys may be upper case: they are judged in lower case.
  const { map, key } = subscript;
  return qualifiedNameProblem(map === 'metadata.labels' ? key : key.toLowerCase());
}

/** Label and annotation keys: an optional DNS prefix, a slash, a name of at most 63 characters. */
function qualifiedNameProblem(key: string): string | undefined {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  const nameGood = name.length <= 63 && /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name);
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const prefixGood = prefix === undefined || dnsSubdomainProblem(prefix) === undefined;
  if (parts.length <= 2 && nameGood && prefixGood) return undefined;
  return 'the subscript is not a label or annotation key';
}

/** Reads resourceFieldRef, of env or of a volume. */
export function readResource(at: At): ResourceField {
  const resource = needText(at, 'resource');
  if (resource !== '' && !RESOURCES.test(resource)) {
    complain(member(at, 'resource') ?? at, `unsupported resource ${resource}`);
  }
  const place = member(at, 'divisor');
  const divisor = quantityText(place) ?? '';
  if (place !== undefined && !divisorAllowed(resource, divisor)) {
    complain(place, `not a divisor that Kubernetes takes for ${resource}`);
  }
  return { container: text(member(at, 'containerName')) ?? '', resource, divisor };
}

/** A quantity as text: it may be written as a number, and may have blanks around it. */
export function quantityText(at: At | undefined): string | undefined {
  if (at === undefined) return undefined;
  const written = typeof at.value === 'number' ? String(at.value) : text(at)?.trim();
  if (written === undefined) return undefined;
  const quantity = parseQuantity(written);
  if (quantity !== undefined && quantity.nano >= 0n) return written;
  const what = 'not a quantity that Kubernetes takes, such as 500m, 1.5 or 2Gi';
  complain(at, quantity === undefined ? what : 'must not be negative');
  return '0';
}

const MEMORY_DIVISORS = [
  '1',
  '1k',
  '1M',
  '1G',
  '1T',
  '1P',
  '1E',
  '1Ki',
  '1Mi',
  '1Gi',
  '1Ti',
  '1Pi',
  '1Ei',
];

function divisorAllowed(resource: string, divisor: string): boolean {
  const quantity = parseQuantity(divisor);
  if (quantity === undefined) return false;
  if (quantity.nano === 0n) return true;
  const allowed = resource.endsWith('.cpu') ? ['1', '1m'] : MEMORY_DIVISORS;
  // Kubernetes compares the canonical text: 1000 is 1k there, but 1024 is not 1Ki.
  const isBinary = divisor.endsWith('i');
  const same = allowed.filter((one) => one.endsWith('i') === isBinary);
  return same.some((one) => parseQuantity(one)?.nano === quantity.nano);
}
