// Certificates made and judged by the platform's own cryptography (node:crypto; BoringSSL in Bun).
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { pemOf, signed, toBeSigned } from './certificates-der.ts';

/** A certificate and its private key, both PEM. The key never stands in a message. */
export interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** How long a certificate is to live. */
export interface Life {
  readonly nowMs: number;
  readonly lifeMs: number;
}

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** SHA-256 over the certificate, 64 digits in lower case: its name in states and logs. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly pem: string;
}

/** Clocks of API servers may be behind ours: what is made now is valid a little earlier. */
export const BACKDATE_MS = 5 * 60_000;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\w\s+/=]+-----END CERTIFICATE-----/g;
const CERTIFICATES_MAX = 64;

interface Keys {
  readonly keyPem: string;
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
  readonly id: Uint8Array;
}

function newKeys(): Keys {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { keyPem, privateKey, publicKey: spki, id: keyId(spki) };
}

/** RFC 7093 method 1: the first 160 bits of SHA-256. */
function keyId(spki: Uint8Array): Uint8Array {
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

/** A number of 127 random bits is unique without asking anybody (CA/Browser Forum wants 64). */
function serialOf(random: Uint8Array): Uint8Array {
  const serial = Uint8Array.from(random.subarray(0, 16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** A new authority, signed by itself; `random` has 16 bytes. Its name has its serial number. */
export function makeAuthority(random: Uint8Array, { nowMs, lifeMs }: Life): Pair {
  const keys = newKeys();
  const serial = serialOf(random);
  // Two authorities of one name would be mixed up by those who look for an issuer by its name.
  const name = `bellhop webhook ${Buffer.from(serial.subarray(0, 8)).toString('hex')}`;
  const body = toBeSigned({
    kind: 'authority',
    serial,
    issuer: name,
    subject: name,
    notBeforeMs: seconds(nowMs - BACKDATE_MS),
    notAfterMs: seconds(nowMs + lifeMs),
    publicKey: keys.publicKey,
    subjectKeyId: keys.id,
    authorityKeyId: keys.id,
  });
  return { certPem: certificateOf(body, keys.privateKey), keyPem: keys.keyPem };
}

/** What a leaf is made of. */
export interface LeafWish extends Life {
  readonly authority: Pair;
  readonly dnsNames: readonly string[];
  /** 16 bytes. */
  readonly random: Uint8Array;
}

/** A new leaf of a server for these names; it never outlives its authority. */
export function makeLeaf({ authority, dnsNames, random, nowMs, lifeMs }: LeafWish): Pair {
  const keys = newKeys();
  const signer = createPrivateKey(authority.keyPem);
  const issuer = new X509Certificate(authority.certPem);
  const body = toBeSigned({
    kind: 'leaf',
    serial: serialOf(random),
    issuer: issuer.subject.replace(/^CN=/, ''),
    subject: 'bellhop webhook',
    dnsNames,
    notBeforeMs: seconds(nowMs - BACKDATE_MS),
    notAfterMs: Math.min(seconds(nowMs + lifeMs), Date.parse(issuer.validTo)),
    publicKey: keys.publicKey,
    subjectKeyId: keys.id,
    authorityKeyId: keyId(issuer.publicKey.export({ type: 'spki', format: 'der' })),
  });
  return { certPem: certificateOf(body, signer), keyPem: keys.keyPem };
}

function certificateOf(body: Uint8Array, signer: KeyObject): string {
  return pemOf('CERTIFICATE', signed(body, sign('sha256', body, signer)));
}

/** The certificates of a PEM text in their order; undefined where one of them is none. */
export function readCertificates(pem: string): readonly CertificateFacts[] | undefined {
  const texts = pem.match(CERTIFICATE) ?? [];
  if (texts.length > CERTIFICATES_MAX) return undefined;
  const all = texts.map(factsOf);
  return all.every((one) => one !== undefined) ? all : undefined;
}

function factsOf(text: string): CertificateFacts | undefined {
  const certificate = opened(() => new X509Certificate(text));
  if (certificate === undefined) return undefined;
  return {
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    pem: pemOf('CERTIFICATE', certificate.raw),
  };
}

/** What a pair is wanted for. */
export interface PairWish {
  readonly nowMs: number;
  /** Names that clients will ask for; each must be in the leaf. */
  readonly dnsNames: readonly string[];
  /** PEM of those who may have signed it; undefined does not look. */
  readonly authorities: string | undefined;
}

/**
 * What keeps a server from using this pair, as the end of a sentence; undefined where nothing
 * does. Says nothing of what the pair holds.
 */
export function pairProblem(pair: Pair, { nowMs, dnsNames, authorities }: PairWish) {
  const leaf = opened(() => new X509Certificate(pair.certPem));
  if (leaf === undefined || readCertificates(pair.certPem) === undefined) {
    return 'its certificate is no PEM certificate';
  }
  const key = opened(() => createPrivateKey(pair.keyPem));
  if (key === undefined) return 'its key is no PEM private key';
  if (!leaf.checkPrivateKey(key)) return 'its key is not that of the certificate';
  if (Date.parse(leaf.validTo) <= nowMs) return `its certificate ended at ${timeOf(leaf.validTo)}`;
  if (Date.parse(leaf.validFrom) > nowMs) {
    return `its certificate is not valid before ${timeOf(leaf.validFrom)}`;
  }
  const missing = dnsNames.find((name) => leaf.checkHost(name) === undefined);
  if (missing !== undefined) return `its certificate is not for ${missing}`;
  if (authorities === undefined) return undefined;
  const known = issuerOf(pair.certPem, authorities, nowMs) !== undefined;
  return known ? undefined : 'its certificate is of none of the authorities beside it';
}

function timeOf(validity: string): string {
  return new Date(Date.parse(validity)).toISOString();
}

/** Which authority of the PEM text has signed the leaf and is valid; undefined where none. */
export function issuerOf(
  leafPem: string,
  authorities: string,
  nowMs: number,
): CertificateFacts | undefined {
  const leaf = opened(() => new X509Certificate(leafPem));
  const all = leaf === undefined ? [] : (readCertificates(authorities) ?? []);
  return all.find(({ pem, notBeforeMs, notAfterMs }) => {
    const authority = new X509Certificate(pem);
    if (notBeforeMs > nowMs || notAfterMs <= nowMs) return false;
    return opened(() => leaf?.verify(authority.publicKey)) === true;
  });
}

/** True where the key is that of the certificate. */
export function isPair({ certPem, keyPem }: Pair): boolean {
  return (
    opened(() => new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem))) === true
  );
}

/** What throws for foreign text gives undefined; the reason may hold the text and is not kept. */
function opened<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
