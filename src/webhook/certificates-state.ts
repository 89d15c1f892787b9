// What replicas share: authorities and the leaf in use, in ONE Secret, so that one write changes
// all of it or nothing. Its keys ca.crt, tls.crt and tls.key are those of Flyte's Secret.
import type { JsonRecord } from '../stores/_rest.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import { fromBase64 } from '../wire/base64.ts';
import { isRecord } from '../wire/read.ts';
import type { CertificateFacts, Pair } from './certificates-x509.ts';
import { isPair, readCertificates } from './certificates-x509.ts';

/** An authority that API servers are to trust. */
export interface Authority extends CertificateFacts {
  /** Only of the one that signs and of the one that will: the keys of earlier ones are gone. */
  readonly keyPem?: string;
  /** No leaf of it is valid after that, in milliseconds since the epoch. */
  readonly usedUntilMs: number;
}

/** All that replicas share. */
export interface CertificateState {
  readonly authorities: readonly Authority[];
  /** The fingerprint of the authority that signs leaves. */
  readonly issuer?: string;
  /** The one that will, once all API servers know it. */
  readonly next?: string;
  /** What is to be served. */
  readonly current?: Pair;
}

/** What a Secret held. */
export interface ReadState {
  readonly state: CertificateState;
  /** What in it cannot be used, as ends of sentences; never what stands there. */
  readonly faults: readonly string[];
}

export const NO_STATE: CertificateState = { authorities: [] };

const VERSION = 1;

/** The PEM texts of all authorities: the one that signs comes first. */
export function bundleOf({ authorities, issuer, next }: CertificateState): string {
  const rank = ({ fingerprint }: Authority): number =>
    fingerprint === issuer ? 0 : fingerprint === next ? 1 : 2;
  const sorted = authorities.toSorted((a, b) => rank(a) - rank(b));
  return sorted.map(({ pem }) => pem).join('');
}

/** The authority of this fingerprint, if it is there and its key is. */
export function withKey(
  { authorities }: CertificateState,
  fingerprint: string | undefined,
): (Authority & { readonly keyPem: string }) | undefined {
  const found = authorities.find((one) => one.fingerprint === fingerprint);
  return found?.keyPem === undefined ? undefined : { ...found, keyPem: found.keyPem };
}

/** The Secret that holds the state; of `old` the metadata stay, and so does its version. */
export function secretOf(
  state: CertificateState,
  place: { readonly name: string; readonly namespace: string; readonly old?: JsonRecord },
): JsonRecord {
  const { issuer, next, current, authorities } = state;
  const usedUntilMs = authorities.map((one) => [one.fingerprint, one.usedUntilMs]);
  const facts = { version: VERSION, issuer, next, usedUntilMs: Object.fromEntries(usedUntilMs) };
  const texts: Readonly<Record<string, string | undefined>> = {
    'ca.crt': bundleOf(state),
    'tls.crt': current?.certPem,
    'tls.key': current?.keyPem,
    'ca.key': withKey(state, issuer)?.keyPem,
    'next-ca.key': withKey(state, next)?.keyPem,
    'state.json': JSON.stringify(facts),
  };
  const data = Object.entries(texts).flatMap(([key, text]) =>
    text === undefined ? [] : [[key, Buffer.from(text).toString('base64')]],
  );
  const { name, namespace, old } = place;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: textIn(old ?? {}, 'type') ?? 'Opaque',
    metadata: old === undefined ? { name, namespace, labels: LABELS } : recordIn(old, 'metadata'),
    data: Object.fromEntries(data),
  };
}

/** What says that an object is ours. */
export const LABEL = { name: 'app.kubernetes.io/managed-by', value: 'bellhop' } as const;
const LABELS = { [LABEL.name]: LABEL.value };

/** Reads a Secret; what is broken in it is left out and told. Never throws. */
export function readState(secret: JsonRecord): ReadState {
  const faults: string[] = [];
  const text = (key: string): string | undefined => textOf(secret, key);
  const certificates = readCertificates(text('ca.crt') ?? '');
  if (certificates === undefined) faults.push('ca.crt is no PEM certificates');
  const facts = readFacts(text('state.json'));
  if (facts === undefined) faults.push('state.json is not as bellhop writes it');
  const { issuer, next } = facts ?? {};
  const reading = { facts, text, faults };
  const authorities = (certificates ?? []).map((one) => authorityOf(one, reading));
  if (facts !== undefined && !namesThem(facts, authorities)) {
    faults.push('state.json names no authority of ca.crt');
  }
  const current = pairIn(text('tls.crt'), text('tls.key'));
  if (current === 'broken') faults.push('tls.crt and tls.key do not fit together');
  const usable = current === 'broken' ? undefined : current;
  return { faults, state: { authorities, ...present({ issuer, next, current: usable }) } };
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are undefined. */
function present<T extends object>(members: T): Present<T> {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as Present<T>;
}

interface Reading {
  readonly facts: Facts | undefined;
  readonly text: (key: string) => string | undefined;
  readonly faults: string[];
}

function authorityOf(one: CertificateFacts, { facts, text, faults }: Reading): Authority {
  const isIssuer = one.fingerprint === facts?.issuer;
  const key = isIssuer ? 'ca.key' : 'next-ca.key';
  const hasKey = isIssuer || one.fingerprint === facts?.next;
  const keyPem = hasKey ? keyFor(one, text(key)) : undefined;
  if (hasKey && keyPem === undefined) faults.push(`${key} is not the key of its authority`);
  const until = facts?.used[one.fingerprint];
  const usedUntilMs = typeof until === 'number' ? until : one.notAfterMs;
  return { ...one, usedUntilMs, ...(keyPem === undefined ? {} : { keyPem }) };
}

/** True where all who are to sign are there, and there is one. */
function namesThem({ issuer, next }: Facts, authorities: readonly Authority[]): boolean {
  const known = new Set(authorities.map(({ fingerprint }) => fingerprint));
  const named = [issuer, next].filter((one) => one !== undefined);
  return named.length > 0 && named.every((one) => known.has(one));
}

/** Flyte's Secret, or any other with its three keys. */
export function readFlyte(secret: JsonRecord): { readonly pair?: Pair; readonly caPem: string } {
  const pair = pairIn(textOf(secret, 'tls.crt'), textOf(secret, 'tls.key'));
  const caPem = textOf(secret, 'ca.crt') ?? '';
  return pair === undefined || pair === 'broken' ? { caPem } : { caPem, pair };
}

function textOf(secret: JsonRecord, key: string): string | undefined {
  const written = textIn(recordIn(secret, 'data'), key);
  const bytes = written === undefined ? undefined : fromBase64(written);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

interface Facts {
  readonly issuer?: string;
  readonly next?: string;
  readonly used: JsonRecord;
}

function readFacts(text: string | undefined): Facts | undefined {
  try {
    const parsed: unknown = JSON.parse(text ?? '');
    if (!isRecord(parsed) || parsed['version'] !== VERSION) return undefined;
    const issuer = textIn(parsed, 'issuer');
    const next = textIn(parsed, 'next');
    return { used: recordIn(parsed, 'usedUntilMs'), ...present({ issuer, next }) };
  } catch {
    return undefined;
  }
}

function keyFor({ pem }: CertificateFacts, keyPem: string | undefined): string | undefined {
  return keyPem !== undefined && isPair({ certPem: pem, keyPem }) ? keyPem : undefined;
}

function pairIn(
  certPem: string | undefined,
  keyPem: string | undefined,
): Pair | 'broken' | undefined {
  if (certPem === undefined && keyPem === undefined) return undefined;
  const pair = { certPem: certPem ?? '', keyPem: keyPem ?? '' };
  return isPair(pair) ? pair : 'broken';
}
