// Certificates of our own: all replicas read them from one Secret, the holder of the Lease changes
// it step by step, and keeps the registration. Nothing here happens while a request is answered.
import type { Clock } from '../core/io/types.ts';
import type { CertificateSource } from './certificate-source.ts';
import type { Authority, CertificateState, ReadState } from './certificates-state.ts';
import { bundleOf, LABEL, NO_STATE, readFlyte, readState, secretOf } from './certificates-state.ts';
import { recordIn } from '../stores/_rest.ts';
import type { CertificateLives, Trusted, View } from './certificates-steps.ts';
import { isServable, nextChange } from './certificates-steps.ts';
import type { Serving } from './certificates-serving.ts';
import { openServing } from './certificates-serving.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';
import type { Lease } from './lease.ts';
import { openLease } from './lease.ts';
import { openLoop } from './loop.ts';
import type { Registrar } from './registrar.ts';
import { openRegistrar } from './registrar.ts';
import type { RegistrationWish } from './registration.ts';
import { trustedIn } from './registration.ts';
import type { Tell, Telling } from './telling.ts';
import { guarded, openTelling } from './telling.ts';

/** What the manager is given. */
export interface ManagerParts {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** `count` random bytes. */
  readonly random: (count: number) => Uint8Array;
  readonly tell: Tell;
  /** Ours, in the namespace that we run in. Flyte's own is never written: see `flyteSecretName`. */
  readonly secretName: string;
  /** Flyte's: what it serves is served on until our own authority is trusted. */
  readonly flyteSecretName: string | undefined;
  /** Names of the leaf; the first is the one that API servers ask for. */
  readonly dnsNames: readonly string[];
  readonly lives: CertificateLives;
  readonly registration: RegistrationWish;
  readonly leaseName: string;
  readonly leaseMs: number;
  /** Ours alone: the pod's name and something random. */
  readonly identity: string;
  /** How often all is looked at, while nothing is to be done. */
  readonly pollMs: number;
}

/** Certificates of our own, at work from `start` to `stop`. */
export interface CertificateManager {
  /** Begins; resolves with the source once there is something to serve. */
  start(): Promise<CertificateSource>;
  status(): ManagerStatus;
  /** Ends, and gives the Lease back. What is served stays. */
  stop(): Promise<void>;
}

/** For metrics, readiness and logs. */
export interface ManagerStatus {
  readonly isHolder: boolean;
  /** Undefined as long as nothing can be served. */
  readonly leafNotAfterMs: number | undefined;
  /** Of the authority that signs. */
  readonly authorityNotAfterMs: number | undefined;
  /** True where the registration trusts what we serve; undefined where it cannot be read. */
  readonly isTrusted: boolean | undefined;
  /** All that is wrong now, as sentences. */
  readonly faults: readonly string[];
  /** When something was wrong last; undefined where nothing ever was. */
  readonly lastFaultMs: number | undefined;
}

/** Times that fit a cluster: a holder that is gone is noticed after 15 s, a change after 3 s. */
export const MANAGER_TIMES = { leaseMs: 15_000, pollMs: 3000 } as const;

const SOON_MS = 50;
const NOT_READY_MS = 500;
/** More steps than a state can need in a row are a mistake: then it is done slowly. */
const STEPS_MAX = 8;

interface Manager {
  readonly parts: ManagerParts;
  readonly telling: Telling;
  readonly lease: Lease;
  readonly registrar: Registrar;
  readonly serving: Serving;
  /** Since when the registration was seen to trust whom, by the monotonic clock. */
  readonly trustedSinceMs: Map<string, number>;
  /** What was read last, by its text: reading certificates costs milliseconds. */
  lastSecret: { readonly text: string; readonly read: ReadState } | undefined;
  lastTrusted: { readonly text: string; readonly trusted: Trusted } | undefined;
  remembered: readonly Authority[];
  issuerNotAfterMs: number | undefined;
  lastFaultMs: number | undefined;
}

export function openManager(parts: ManagerParts): CertificateManager {
  const manager = managerOf(parts);
  const { serving } = manager;
  let steps = 0;
  const loop = openLoop(parts, async () => {
    steps = (await pass(manager)) ? steps + 1 : 0;
    if (manager.telling.faults().length > 0) manager.lastFaultMs = parts.api.nowMs();
    if (steps > 0 && steps % STEPS_MAX !== 0) return SOON_MS;
    return serving.inUse() === undefined ? Math.min(NOT_READY_MS, parts.pollMs) : parts.pollMs;
  });
  return {
    start: async () => {
      loop.start();
      return serving.ready;
    },
    status: () => statusOf(manager),
    stop: async () => {
      await loop.stop();
      await guarded(manager.telling, 'lease', async () => manager.lease.release());
    },
  };
}

function managerOf(parts: ManagerParts): Manager {
  const { api, clock, tell, registration, leaseName, leaseMs, identity } = parts;
  const telling = openTelling(tell, () => clock.monotonicMs());
  return {
    parts,
    telling,
    lease: openLease({ api, clock, name: leaseName, identity, durationMs: leaseMs }),
    registrar: openRegistrar({ api, clock, telling, wish: registration }),
    serving: openServing(telling),
    trustedSinceMs: new Map(),
    lastSecret: undefined,
    lastTrusted: undefined,
    remembered: [],
    issuerNotAfterMs: undefined,
    lastFaultMs: undefined,
  };
}

function statusOf({ lease, serving, telling, ...manager }: Manager): ManagerStatus {
  return {
    isHolder: lease.isHeld(),
    leafNotAfterMs: serving.inUse()?.notAfterMs,
    authorityNotAfterMs: manager.issuerNotAfterMs,
    isTrusted: serving.isTrusted(),
    faults: telling.faults(),
    lastFaultMs: manager.lastFaultMs,
  };
}

/** Reads, adopts, and as the holder takes the next step. True where the next one can follow. */
async function pass(manager: Manager): Promise<boolean> {
  const { lease, registrar, parts, telling } = manager;
  await guarded(telling, 'lease', async () => lease.attend());
  // The registration is read before the Secret: so no state that is older than what it answers to
  // is ever written there (a write refers to the version that was read).
  const registered = await guarded(telling, 'registration', async () => registrar.read());
  const trusted = noteTrusted(manager, registered);
  const secret = await guarded(telling, 'secret', async () => readSecret(manager));
  if (secret === undefined) return false;
  adopt(manager, secret.state, trusted);
  if (!lease.isHeld() || isForeign(manager, secret)) return false;
  const flyte = await flytesSecret(manager, secret.state, trusted);
  const change = nextChange(viewOf(manager, { state: secret.state, trusted, flyte }));
  if (change !== undefined) {
    const isWritten = await guarded(telling, 'secret write', async () => {
      return writeSecret(parts, change.state, secret.object);
    });
    if (isWritten !== true) return false;
    telling.happened(change.why);
    adopt(manager, change.state, trusted);
  }
  if (registered === undefined) return change !== undefined;
  const bundle = bundleOf(change?.state ?? secret.state);
  const mayCreate = manager.serving.inUse() !== undefined;
  const isWritten = await guarded(telling, 'registration write', async () => {
    return registrar.keep(registered, { bundle, mayCreate });
  });
  return change !== undefined || isWritten === true;
}

/** Whom API servers trust, and for how long we have seen it. */
function noteTrusted(manager: Manager, registered: KubeObject | 'absent' | undefined): Trusted {
  const { trustedSinceMs, parts } = manager;
  if (registered === undefined) {
    trustedSinceMs.clear();
    return undefined;
  }
  const text = JSON.stringify(registered);
  if (manager.lastTrusted?.text !== text) {
    const existing = registered === 'absent' ? undefined : registered;
    manager.lastTrusted = { text, trusted: trustedIn(existing, parts.registration) };
  }
  const { trusted = [] } = manager.lastTrusted;
  const now = new Set(trusted.map(({ fingerprint }) => fingerprint));
  for (const one of trustedSinceMs.keys()) if (!now.has(one)) trustedSinceMs.delete(one);
  const nowMs = parts.clock.monotonicMs();
  for (const one of now) if (!trustedSinceMs.has(one)) trustedSinceMs.set(one, nowMs);
  return trusted;
}

interface ReadSecret {
  readonly state: CertificateState;
  readonly object: KubeObject | undefined;
}

async function readSecret(manager: Manager): Promise<ReadSecret> {
  const { parts, telling } = manager;
  const { path } = secretPlace(parts.api.namespace, parts.secretName);
  const found = await parts.api.get(path);
  if (found.kind === 'absent') return { state: NO_STATE, object: undefined };
  const text = JSON.stringify(found.object);
  if (manager.lastSecret?.text !== text) {
    manager.lastSecret = { text, read: readState(found.object) };
  }
  const { state, faults } = manager.lastSecret.read;
  if (faults.length === 0) telling.right('secret content');
  else telling.wrong('secret content', `Secret ${parts.secretName}: ${faults.join('; ')}`);
  return { state, object: found.object };
}

/**
 * True for a good pair of somebody else under our name, as Flyte's: it is served, and never
 * written. Rubbish is ours to mend.
 */
function isForeign({ parts, telling }: Manager, { state, object = {} }: ReadSecret): boolean {
  const labels = recordIn(recordIn(object, 'metadata'), 'labels');
  const isOurs = labels[LABEL.name] === LABEL.value || state.issuer !== undefined;
  const isTheirs = !isOurs && state.next === undefined && state.current !== undefined;
  if (!isTheirs) telling.right('foreign');
  else {
    const what = `Secret ${parts.secretName} is somebody else's and is not written`;
    telling.wrong('foreign', `${what}: give bellhop a Secret of its own`);
  }
  return isTheirs;
}

/** False where somebody else was first. */
async function writeSecret(
  { api, secretName }: ManagerParts,
  state: CertificateState,
  old: KubeObject | undefined,
): Promise<boolean> {
  const { namespace } = api;
  const place = secretPlace(namespace, secretName);
  const object = secretOf(state, { name: secretName, namespace, ...(old && { old }) });
  const written =
    old === undefined
      ? await api.create(place.collection, object)
      : await api.update(place.path, object);
  return written.kind === 'written';
}

/** Serves what the state says, if it can be served and API servers trust it. */
function adopt(manager: Manager, state: CertificateState, trusted: Trusted): void {
  const { parts, serving } = manager;
  const { current, authorities, issuer } = state;
  const known = authorities.find(({ fingerprint }) => fingerprint === issuer);
  manager.issuerNotAfterMs = known?.notAfterMs ?? manager.issuerNotAfterMs;
  const nowMs = parts.api.nowMs();
  const canServe = current && isServable(current, state, { nowMs, dnsNames: parts.dnsNames });
  if (canServe === true) manager.remembered = authorities.map(({ keyPem: _own, ...one }) => one);
  serving.offer(canServe === true ? current : undefined, { state, trusted, nowMs });
}

/** Looked at only where it may matter: at the beginning, and where somebody unknown is trusted. */
async function flytesSecret(
  manager: Manager,
  state: CertificateState,
  trusted: Trusted = [],
): Promise<View['flyte']> {
  const { telling, parts } = manager;
  const { api, flyteSecretName, secretName } = parts;
  const known = new Set(state.authorities.map(({ fingerprint }) => fingerprint));
  const isNeeded = trusted.some(({ fingerprint }) => !known.has(fingerprint));
  if (flyteSecretName === undefined || flyteSecretName === secretName || !isNeeded)
    return undefined;
  const { path } = secretPlace(api.namespace, flyteSecretName);
  const found = await guarded(telling, "Flyte's secret", async () => api.get(path));
  return found?.kind === 'found' ? readFlyte(found.object) : undefined;
}

function viewOf(
  { parts, serving, remembered, trustedSinceMs }: Manager,
  read: Pick<View, 'state' | 'trusted' | 'flyte'>,
): View {
  const { api, clock, lives, dnsNames, random } = parts;
  return {
    ...read,
    nowMs: api.nowMs(),
    lives,
    dnsNames,
    remembered,
    inUse: serving.inUse(),
    random: () => random(16),
    trustedForMs: (fingerprint) => {
      return clock.monotonicMs() - (trustedSinceMs.get(fingerprint) ?? Infinity);
    },
  };
}
