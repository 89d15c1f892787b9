import { dnsSubdomainProblem, keyProblem } from './names.ts';
import type { Quantity } from './quantity.ts';
import { parseQuantity } from './quantity.ts';
import type { At } from './read.ts';
import { annotationOf, complain, integer, isRecord, member, members, text } from './read.ts';

// What the API server refuses though nothing of it is delivered: k8s.io/kubernetes v1.33.13
// pkg/apis/core/validation. A pod that no cluster takes must not start elsewhere. What is delivered
// too is of the right type or was told where it is read: it is only looked at here.

/** Name and labels of a pod. */
export function checkMetadata(metadata: At | undefined): void {
  if (metadata === undefined) return;
  checkText(member(metadata, 'name'), dnsSubdomainProblem);
  for (const [, one] of entries(member(metadata, 'labels'))) {
    const value = typeof one.value === 'string' ? one.value : '';
    const isGood =
      value.length <= 63 && /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value);
    if (!isGood) complain(one, LABEL);
  }
}

/** The members of what is an object; what is none is told where it is read. */
function entries(at: At | undefined): [string, At][] {
  return isRecord(at?.value) ? members(at) : [];
}

/** A text that is not empty. */
function checkText(at: At | undefined, problemOf: (text: string) => string | undefined): void {
  if (typeof at?.value !== 'string' || at.value === '') return;
  const problem = problemOf(at.value);
  if (problem !== undefined) complain(at, problem);
}

const LABEL =
  "a label's value must be at most 63 letters, digits, '-', '_' and '.', and begin and end with " +
  'a letter or digit';

/**
 * ValidateSecretName and IsConfigMapKey, also where the reference is optional. What an annotation
 * asks for may stand in the pod by the annotation's name, which no Secret can have, until it is
 * bound.
 */
export function checkReference(at: At): void {
  const name = member(at, 'name');
  if (name !== undefined && name.value === annotationOf(at)) return;
  checkText(name, dnsSubdomainProblem);
  checkText(member(at, 'key'), keyProblem);
}

const POLICIES = ['Merge', 'Strict'];

/** The pod's securityContext. */
export function checkPodSecurity(at: At): void {
  const policy = member(at, 'supplementalGroupsPolicy');
  if (oneOf(policy, POLICIES) === 'Strict' && policy !== undefined) {
    const what = 'Strict is refused by every node whose runtime does not know it';
    complain(policy, what, 'BH_ERR_POD_UNSUPPORTED');
  }
  oneOf(member(at, 'fsGroupChangePolicy'), ['OnRootMismatch', 'Always']);
}

function oneOf(at: At | undefined, known: readonly string[]): string | undefined {
  const given = text(at);
  if (at === undefined || given === undefined || known.includes(given)) return given;
  complain(at, `must be one of ${known.join(', ')}`);
  return undefined;
}

/** Parts of a container that were read as objects. */
export interface ContainerParts {
  readonly mounts: readonly At[];
  readonly security: At | undefined;
  readonly resources: At | undefined;
}

/** What the container's fields forbid each other. */
export function checkContainer({ mounts, security, resources }: ContainerParts): void {
  const isPrivileged = security !== undefined && isSet(security, 'privileged');
  if (security !== undefined) checkEscalation(security, isPrivileged);
  for (const mount of mounts) checkMount(mount, isPrivileged);
  if (resources !== undefined) checkResources(resources);
}

function isSet(at: At, name: string): boolean {
  return member(at, name)?.value === true;
}

function checkEscalation(at: At, isPrivileged: boolean): void {
  const escalation = member(at, 'allowPrivilegeEscalation');
  if (escalation?.value !== false) return;
  if (isPrivileged) complain(escalation, 'cannot be false where `privileged` is true');
  const capabilities = member(at, 'capabilities');
  const added = capabilities === undefined ? undefined : member(capabilities, 'add')?.value;
  if (Array.isArray(added) && added.includes('CAP_SYS_ADMIN')) {
    complain(escalation, 'cannot be false where CAP_SYS_ADMIN is added');
  }
}

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE = ['Disabled', 'Enabled', 'IfPossible'];

function checkMount(at: At, isPrivileged: boolean): void {
  const place = member(at, 'mountPropagation');
  const propagation = oneOf(place, PROPAGATIONS);
  if (place !== undefined && propagation === 'Bidirectional' && !isPrivileged) {
    complain(place, 'Bidirectional is only for privileged containers');
  }
  const recursive = member(at, 'recursiveReadOnly');
  const how = oneOf(recursive, RECURSIVE);
  if (recursive === undefined || how === undefined || how === 'Disabled') return;
  if (!isSet(at, 'readOnly')) complain(recursive, 'needs readOnly: true');
  if (!['None', undefined].includes(propagation)) {
    complain(recursive, 'excludes any mountPropagation but None');
  }
}

const STANDARD = new Set(['cpu', 'memory', 'ephemeral-storage']);
const isHuge = (name: string): boolean => name.startsWith('hugepages-');
/** IsNativeResource: Kubernetes' own, of which more may be promised than there is. */
const isOwn = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

function checkResources(at: At): void {
  const limits = amounts(member(at, 'limits'));
  const requests = amounts(member(at, 'requests'));
  for (const [name, { place }] of [...limits, ...requests]) {
    if (!name.includes('/') && !STANDARD.has(name) && !isHuge(name)) {
      complain(place, 'must be a standard resource for containers');
    }
  }
  for (const [name, { place, amount }] of requests) {
    const problem = requestProblem(name, amount, limits.get(name)?.amount);
    if (problem !== undefined) complain(place, problem);
  }
  const names = [...limits.keys(), ...requests.keys()];
  const hasBase = names.some((name) => name === 'cpu' || name === 'memory');
  if (names.some(isHuge) && !hasBase) complain(at, 'hugepages need cpu or memory');
}

function requestProblem(
  name: string,
  { nano }: Quantity,
  limit: Quantity | undefined,
): string | undefined {
  const isExact = isHuge(name) || !isOwn(name);
  if (limit === undefined) return isExact ? `needs a limit of ${name}` : undefined;
  if (isExact && nano !== limit.nano) return `must equal the limit of ${name}`;
  return nano > limit.nano ? `must not exceed the limit of ${name}` : undefined;
}

type Amounts = ReadonlyMap<string, { readonly place: At; readonly amount: Quantity }>;

/** What is no quantity is told where it is read. */
function amounts(at: At | undefined): Amounts {
  const found = new Map<string, { place: At; amount: Quantity }>();
  for (const [name, place] of entries(at)) {
    const written = place.value;
    const isText = typeof written === 'string' || typeof written === 'number';
    const amount = isText ? parseQuantity(String(written).trim()) : { nano: 0n };
    if (amount !== undefined) found.set(name, { place, amount });
  }
  return found;
}

const TOKEN_SECONDS = { min: 600, max: 2 ** 32, said: '600 and 4294967296' };

/** How long a service account token is asked for. */
export function checkToken(at: At): void {
  integer(member(at, 'expirationSeconds'), TOKEN_SECONDS);
}
