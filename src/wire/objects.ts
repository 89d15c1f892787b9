import { Sealed } from '../core/sealed.ts';
import { dnsSubdomainProblem, keyProblem } from './names.ts';
import type { At } from './read.ts';
import { complain, integer, list, member, members, record, text } from './read.ts';

// Secrets, ConfigMaps and Services as the API server takes them: k8s.io/kubernetes v1.33.13
// pkg/apis/core/validation; stringData over data as pkg/registry/core/secret does it.

/** Values of a Secret, or data and binaryData of a ConfigMap, together: 1 MiB without keys. */
export const OBJECT_BYTES_MAX = 1_048_576;

/** A Secret or ConfigMap of the input: its keys with sealed values, sorted as Kubernetes does. */
export interface DataObject {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  /** Undefined where the document names none: then it is the pod's. */
  readonly namespace: string | undefined;
  readonly entries: ReadonlyMap<string, Sealed>;
}

/** `secret/NAMESPACE/NAME`: what an object of the input is called in references. */
export function objectPath(
  object: Pick<DataObject, 'kind' | 'name' | 'namespace'>,
  namespace: string,
): string {
  return `${object.kind.toLowerCase()}/${object.namespace ?? namespace}/${object.name}`;
}

/** A Service of the input, as far as it gives variables. */
export interface Service {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly clusterIP: string;
  readonly ports: readonly ServicePort[];
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

const encoder = new TextEncoder();

/** Reads a Secret: `data` is base64, `stringData` wins over it. */
export function readSecret(at: At): DataObject {
  const entries = new Map<string, Sealed>();
  for (const [key, one] of members(member(at, 'data'))) {
    entries.set(checkedKey(one, key), new Sealed(base64Bytes(one)));
  }
  for (const [key, one] of members(member(at, 'stringData'))) {
    entries.set(checkedKey(one, key), new Sealed(encoder.encode(textOrNull(one))));
  }
  checkType(at, entries);
  return finish(at, 'Secret', entries);
}

/** Keys that a type asks for: all of them, but of basic-auth's one (ValidateSecret). */
const KEYS_OF: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/basic-auth': ['username', 'password'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

function checkType(at: At, entries: ReadonlyMap<string, Sealed>): void {
  const place = member(at, 'type');
  const type = text(place) ?? '';
  if (place === undefined || !Object.hasOwn(KEYS_OF, type)) return;
  const keys = KEYS_OF[type] ?? [];
  const lacking = keys.filter((key) => !entries.has(key));
  const isEnough = type.endsWith('/basic-auth')
    ? lacking.length < keys.length
    : lacking.length === 0;
  if (!isEnough) complain(place, `a Secret of this type has ${lacking.join(' and ')}`);
  if (type.endsWith('/ssh-auth') && entries.get('ssh-privatekey')?.bytes === 0) {
    complain(place, 'ssh-privatekey must not be empty');
  }
}

/** Reads a ConfigMap: `data` is text, `binaryData` is base64 and never becomes a variable. */
export function readConfigMap(at: At): DataObject {
  const entries = new Map<string, Sealed>();
  for (const [key, one] of members(member(at, 'data'))) {
    entries.set(checkedKey(one, key), new Sealed(encoder.encode(textOrNull(one))));
  }
  for (const [key, one] of members(member(at, 'binaryData'))) {
    if (entries.has(key)) complain(one, 'the key is in data as well');
    entries.set(checkedKey(one, key), new Sealed(base64Bytes(one), { binary: true }));
  }
  return finish(at, 'ConfigMap', entries);
}

function finish(at: At, kind: DataObject['kind'], entries: Map<string, Sealed>): DataObject {
  let bytes = 0;
  for (const value of entries.values()) bytes += value.bytes;
  if (bytes > OBJECT_BYTES_MAX) {
    complain(at, `its values have ${bytes} bytes, may have ${OBJECT_BYTES_MAX} together`);
  }
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { kind, ...nameOf(at), entries: new Map(sorted) };
}

function nameOf(at: At): { name: string; namespace: string | undefined } {
  const metadata = record(member(at, 'metadata'));
  const name = metadata === undefined ? undefined : text(member(metadata, 'name'));
  if (name === undefined || name === '') complain(metadata ?? at, 'metadata.name is required');
  else checkName(metadata ?? at, name);
  const namespace = metadata === undefined ? undefined : text(member(metadata, 'namespace'));
  return { name: name ?? '', namespace: namespace === '' ? undefined : namespace };
}

function checkName(metadata: At, name: string): void {
  const problem = dnsSubdomainProblem(name);
  if (problem !== undefined) complain(member(metadata, 'name') ?? metadata, problem);
}

function checkedKey(at: At, key: string): string {
  const problem = keyProblem(key);
  if (problem !== undefined) complain(at, problem);
  return key;
}

function textOrNull(at: At): string {
  return at.value === null ? '' : (text(at) ?? '');
}

/** Go's encoding/base64 StdEncoding: line breaks are skipped, padding is required. */
function base64Bytes(at: At): Uint8Array {
  const encoded = textOrNull(at).replace(/[\r\n]/g, '');
  const wellFormed = encoded.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(encoded);
  if (!wellFormed) complain(at, 'must be base64 with padding');
  return wellFormed ? Uint8Array.from(Buffer.from(encoded, 'base64')) : new Uint8Array();
}

/** Reads a Service; headless and external ones have the clusterIP '' (they give no variables). */
export function readService(at: At): Service {
  const spec = record(member(at, 'spec'));
  const ip = spec === undefined ? '' : (text(member(spec, 'clusterIP')) ?? '');
  const external = spec !== undefined && text(member(spec, 'type')) === 'ExternalName';
  const ports = list(spec === undefined ? undefined : member(spec, 'ports')).map(readPort);
  return { ...nameOf(at), clusterIP: external || ip === 'None' ? '' : ip, ports };
}

function readPort(at: At): ServicePort {
  return {
    name: text(member(at, 'name')) ?? '',
    port: integer(member(at, 'port'), { min: 1, max: 65_535 }) ?? 0,
    protocol: text(member(at, 'protocol')) || 'TCP',
  };
}
