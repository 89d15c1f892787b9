// What becomes of the shared certificates next: pure, one change at a time, each of them safe to be
// the last one for a long while. docs/webhook-certificates.md draws it.
import type { Authority, CertificateState } from './certificates-state.ts';
import { bundleOf, withKey } from './certificates-state.ts';
import type { CertificateFacts, Pair } from './certificates-x509.ts';
import {
  BACKDATE_MS,
  issuerOf,
  makeAuthority,
  makeLeaf,
  pairProblem,
  readCertificates,
} from './certificates-x509.ts';

/** How long certificates live. */
export interface CertificateLives {
  readonly leafLifeMs: number;
  /** At least three times the leaf's. */
  readonly authorityLifeMs: number;
  /** The share of its life after which each is renewed. */
  readonly renewAtShare: number;
  /** How long a new authority is in the caBundle before a leaf of it is served. */
  readonly settleMs: number;
  /** The same where no leaf can be served until then. */
  readonly coldSettleMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** API servers were measured to need 1.5 s until they trust a changed caBundle. */
export const DEFAULT_LIVES: CertificateLives = {
  leafLifeMs: 30 * DAY_MS,
  authorityLifeMs: 365 * DAY_MS,
  renewAtShare: 2 / 3,
  settleMs: 60_000,
  coldSettleMs: 6_000,
};

/** Whom API servers trust as our registration says; undefined where it cannot be read. */
export type Trusted = readonly CertificateFacts[] | undefined;

/** All that a change depends on. */
export interface View {
  readonly nowMs: number;
  readonly state: CertificateState;
  readonly lives: CertificateLives;
  /** All names of the leaf; the first is the one that API servers ask for. */
  readonly dnsNames: readonly string[];
  /** Empty where nothing is registered. */
  readonly trusted: Trusted;
  /** For how long the registration was seen to trust it, without a break; 0 where it does not. */
  trustedForMs(fingerprint: string): number;
  /** What this replica serves. */
  readonly inUse: Pair | undefined;
  /** The authorities that this replica knew last; without keys. */
  readonly remembered: readonly Authority[];
  /** What is in Flyte's Secret, where somebody looked. */
  readonly flyte: { readonly pair?: Pair; readonly caPem: string } | undefined;
  /** 16 new random bytes. */
  readonly random: () => Uint8Array;
}

/** The state to write, and why, for the log. */
export interface Change {
  readonly state: CertificateState;
  readonly why: string;
}

const AUTHORITIES_MAX = 32;
/** Certificates have whole seconds. */
const WHOLE_SECONDS_MS = 1000;

/** The next change; undefined where all is as it should be, or something has to be waited for. */
export function nextChange(view: View): Change | undefined {
  return (
    begin(view) ?? keepFlytes(view) ?? promote(view) ?? renew(view) ?? roll(view) ?? drop(view)
  );
}

/** True where a server can use this pair now: it fits, and an authority of the state signed it. */
export function isServable(pair: Pair, state: CertificateState, view: Serving): boolean {
  const wish = { nowMs: view.nowMs, dnsNames: view.dnsNames.slice(0, 1) };
  return pairProblem(pair, { ...wish, authorities: bundleOf(state) }) === undefined;
}

type Serving = Pick<View, 'nowMs' | 'dnsNames'>;

function isAlive({ notBeforeMs, notAfterMs }: CertificateFacts, nowMs: number): boolean {
  return notBeforeMs <= nowMs && nowMs < notAfterMs;
}

/** When a certificate of ours is to be renewed: at once where it lives longer than it may. */
function dueMs(one: CertificateFacts, lifeMsMax: number, renewAtShare: number): number {
  const { notBeforeMs, notAfterMs } = one;
  const lifeMs = Math.max(0, notAfterMs - notBeforeMs - BACKDATE_MS);
  if (lifeMs > lifeMsMax + WHOLE_SECONDS_MS) return notBeforeMs;
  return notAfterMs - lifeMs * (1 - renewAtShare);
}

/** The one that signs, where it can; of the state as it is. */
function usable(view: View, fingerprint: string | undefined) {
  const found = withKey(view.state, fingerprint);
  return found !== undefined && isAlive(found, view.nowMs) ? found : undefined;
}

/**
 * Nobody can sign: a new installation, or the Secret was deleted or spoilt, or all has ended. A new
 * authority is made, and all that may still be in use stays trusted beside it.
 */
function begin(view: View): Change | undefined {
  const { state } = view;
  if (usable(view, state.issuer) !== undefined) return undefined;
  if (usable(view, state.next) !== undefined) return undefined;
  const old = carried(view).map(({ keyPem: _gone, ...one }) => one);
  const candidates = [state.current, view.inUse, view.flyte?.pair];
  const trusting = { authorities: old };
  const current = candidates.find((one) => one !== undefined && isServable(one, trusting, view));
  const fresh = newAuthority(view);
  return {
    why: 'no authority can sign: a new one is made',
    state: {
      authorities: [...old, fresh],
      next: fresh.fingerprint,
      ...(current === undefined ? {} : { current }),
    },
  };
}

/** Authorities that leaves in use may be of, from wherever we know them. */
function carried(view: View): readonly Authority[] {
  const { state, remembered, trusted = [] } = view;
  const known = new Map([...remembered, ...state.authorities].map((one) => [one.fingerprint, one]));
  for (const one of trusted) {
    if (!known.has(one.fingerprint)) known.set(one.fingerprint, foreign(one, view));
  }
  const alive = [...known.values()].filter((one) => isAlive(one, view.nowMs));
  const latest = alive.toSorted((a, b) => b.usedUntilMs - a.usedUntilMs);
  const mostMs = view.nowMs + view.lives.leafLifeMs;
  return latest
    .slice(0, AUTHORITIES_MAX - 1)
    .map((one) => ({ ...one, usedUntilMs: Math.min(one.usedUntilMs, mostMs) }));
}

/** Of those whose leaves we do not know, we wait for as long as a leaf of ours would live. */
function foreign(one: CertificateFacts, { nowMs, lives }: View): Authority {
  return { ...one, usedUntilMs: Math.min(one.notAfterMs, nowMs + lives.leafLifeMs) };
}

function newAuthority({ random, nowMs, lives }: View): Authority {
  const pair = makeAuthority(random(), { nowMs, lifeMs: lives.authorityLifeMs });
  const [facts] = readCertificates(pair.certPem) ?? [];
  if (facts === undefined) throw new TypeError('a certificate that was just made cannot be read');
  return { ...facts, keyPem: pair.keyPem, usedUntilMs: 0 };
}

/** Flyte runs behind the same registration and has written its new authority there: it stays. */
function keepFlytes(view: View): Change | undefined {
  const { state, trusted = [], flyte } = view;
  if (flyte === undefined) return undefined;
  const theirs = new Set((readCertificates(flyte.caPem) ?? []).map((one) => one.fingerprint));
  const known = new Set(state.authorities.map((one) => one.fingerprint));
  const added = trusted.filter((one) => theirs.has(one.fingerprint) && !known.has(one.fingerprint));
  if (added.length === 0) return undefined;
  const theirsToo = added.map((one) => foreign(one, view)).slice(0, AUTHORITIES_MAX);
  const authorities = [...bounded(view, AUTHORITIES_MAX - theirsToo.length), ...theirsToo];
  return { why: "Flyte's authority is trusted beside ours", state: { ...state, authorities } };
}

/** The new authority signs from now on, once every API server can be presumed to know it. */
function promote(view: View): Change | undefined {
  const { state, lives, trusted } = view;
  const next = usable(view, state.next);
  if (next === undefined) return undefined;
  const canServe = state.current !== undefined && isServable(state.current, state, view);
  const isAsked = trusted === undefined ? canServe : trusted.length > 0;
  const waitMs = canServe ? lives.settleMs : lives.coldSettleMs;
  // Where nobody trusts anybody yet, or nobody can say it and nothing works, nothing can break.
  const mayNow = !canServe && !isAsked;
  if (!mayNow && !(view.trustedForMs(next.fingerprint) >= waitMs)) return undefined;
  const without = state.authorities.map(({ keyPem, ...one }) =>
    one.fingerprint === next.fingerprint && keyPem !== undefined ? { ...one, keyPem } : one,
  );
  const promoted = { authorities: without, issuer: next.fingerprint };
  return { why: 'the new authority signs from now on', state: withLeaf(promoted, next, view) };
}

/** The leaf is due, or is none that the issuer signed for our names. */
function renew(view: View): Change | undefined {
  const { state, nowMs, dnsNames, lives } = view;
  const issuer = usable(view, state.issuer);
  if (issuer === undefined) return undefined;
  const why = whyRenew();
  return why === undefined ? undefined : { why, state: withLeaf(state, issuer, view) };

  function whyRenew(): string | undefined {
    const { current } = state;
    if (current === undefined) return 'there is no leaf: one is made';
    const wish = { nowMs, dnsNames, authorities: issuer?.pem };
    const problem = pairProblem(current, wish);
    if (problem !== undefined) return `the leaf is made anew: ${problem}`;
    const [leaf] = readCertificates(current.certPem) ?? [];
    const isDue = leaf !== undefined && nowMs >= dueMs(leaf, lives.leafLifeMs, lives.renewAtShare);
    return isDue ? 'the leaf is renewed in time' : undefined;
  }
}

function withLeaf(
  state: CertificateState,
  issuer: Authority & { readonly keyPem: string },
  view: View,
): CertificateState {
  const { nowMs, lives, dnsNames } = view;
  const current = makeLeaf({
    authority: { certPem: issuer.pem, keyPem: issuer.keyPem },
    dnsNames,
    random: view.random(),
    nowMs,
    lifeMs: lives.leafLifeMs,
  });
  const [leaf] = readCertificates(current.certPem) ?? [];
  const authorities = state.authorities.map((one) => {
    if (one.fingerprint !== issuer.fingerprint) return one;
    return { ...one, usedUntilMs: Math.max(one.usedUntilMs, leaf?.notAfterMs ?? one.notAfterMs) };
  });
  return { ...state, authorities, current };
}

/** The authority is due: the next one is made, and is trusted before it signs anything. */
function roll(view: View): Change | undefined {
  const { state, nowMs, lives } = view;
  const issuer = usable(view, state.issuer);
  if (issuer === undefined || usable(view, state.next) !== undefined) return undefined;
  const isDue = nowMs >= dueMs(issuer, lives.authorityLifeMs, lives.renewAtShare);
  if (!isDue && issuer.notAfterMs - nowMs >= lives.leafLifeMs) return undefined;
  const fresh = newAuthority(view);
  const authorities = [...bounded(view, AUTHORITIES_MAX - 1), fresh];
  const why = 'the authority is due: the next one is made';
  return { why, state: { ...state, authorities, next: fresh.fingerprint } };
}

/** Authorities that have to stay: one signs, one will, and one has signed what is served. */
function needed({ state, nowMs }: View): ReadonlySet<string | undefined> {
  const inUse = state.current && issuerOf(state.current.certPem, bundleOf(state), nowMs);
  return new Set([state.issuer, state.next, inUse?.fingerprint]);
}

/** At most so many: a Flyte that starts again and again brings a new authority each time. */
function bounded(view: View, countMax: number): readonly Authority[] {
  const { authorities } = view.state;
  const named = needed(view);
  const others = authorities.filter(({ fingerprint }) => !named.has(fingerprint));
  const latest = others.toSorted((a, b) => b.usedUntilMs - a.usedUntilMs);
  const kept = latest.slice(0, Math.max(0, countMax - (authorities.length - others.length)));
  return authorities.filter((one) => named.has(one.fingerprint) || kept.includes(one));
}

/** Authorities whose leaves have all ended are trusted no more. */
function drop(view: View): Change | undefined {
  const { state, nowMs } = view;
  const named = needed(view);
  const kept = state.authorities.filter((one) => {
    return named.has(one.fingerprint) || (nowMs < one.usedUntilMs && nowMs < one.notAfterMs);
  });
  if (kept.length === state.authorities.length) return undefined;
  return { why: 'no leaf of an old authority is left', state: { ...state, authorities: kept } };
}
