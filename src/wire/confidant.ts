// The services of Lyft's Confidant 7.0.0 as its API gives them (schema/services.py), and the plain
// text of its tokens (kmsauth 0.6.3).
import { unescapeMarkup } from './html-escape.ts';

/** A JSON value whose numbers keep their digits. */
export type Json = string | boolean | null | JsonNumber | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}
export interface JsonNumber {
  readonly [DIGITS]: string;
}

const DIGITS = Symbol('digits');

/** Keys and values of one credential: text, numbers and booleans. */
export type Pairs = ReadonlyMap<string, Json>;

/** What ordinary and blind credentials have in common. */
export interface CredentialFacts {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly revision: Json;
  readonly metadata: JsonObject;
}

export interface Credential extends CredentialFacts {
  readonly pairs: Pairs;
}

/** A credential that only its client can open. Each record is by region. */
export interface BlindCredential extends CredentialFacts {
  readonly cipher: string;
  /** Sealed by KMS, in Base64. */
  readonly dataKeys: JsonObject;
  /** Fernet tokens. */
  readonly sealedPairs: JsonObject;
  /** What KMS has bound the data keys to. */
  readonly contexts: JsonObject;
}

export interface Service {
  readonly revision: Json;
  readonly credentials: readonly Credential[];
  readonly blind: readonly BlindCredential[];
}

/** The digits of a number, or undefined. */
export function digitsOf(value: Json): string | undefined {
  return typeof value === 'object' && value !== null && DIGITS in value
    ? (value as JsonNumber)[DIGITS]
    : undefined;
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(DIGITS in value);
}

/** Undefined where the text is no JSON. */
export function readJsonText(text: string): Json | undefined {
  try {
    return JSON.parse(text, keepDigits) as Json;
  } catch {
    return undefined;
  }
}

/** The reviver's third argument is newer than the types of the library. */
function keepDigits(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? { [DIGITS]: context?.source ?? String(value) } : value;
}

/** How values are read. */
export interface ReadOptions {
  /** The server escapes them as HTML: 6.6.0 and 6.6.1 do. */
  readonly htmlEscape6x: boolean;
}

/** A service, or undefined where the text is no service of Confidant. */
export function readService(text: string, { htmlEscape6x }: ReadOptions): Service | undefined {
  const document = readJsonText(text);
  if (!isJsonObject(document)) return undefined;
  const { credentials, blind_credentials: blind = [], revision = null } = document;
  if (!Array.isArray(credentials) || !Array.isArray(blind)) return undefined;
  const found = credentials.map((one: Json) => credentialOf(one, htmlEscape6x));
  const foundBlind = blind.map(blindOf);
  if (found.includes(undefined) || foundBlind.includes(undefined)) return undefined;
  return {
    revision,
    credentials: found.filter((one) => one !== undefined),
    blind: foundBlind.filter((one) => one !== undefined),
  };
}

function factsOf(value: Json): (CredentialFacts & { readonly members: JsonObject }) | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, name, enabled, revision = null, metadata } = value;
  if (typeof id !== 'string' || typeof name !== 'string') return undefined;
  const known = isJsonObject(metadata) ? metadata : {};
  return { id, name, enabled: enabled !== false, revision, metadata: known, members: value };
}

function credentialOf(value: Json, isEscaped: boolean): Credential | undefined {
  const facts = factsOf(value);
  const pairs = facts === undefined ? undefined : pairsOf(facts.members['credential_pairs']);
  if (facts === undefined || pairs === undefined) return undefined;
  const { members: _, ...kept } = facts;
  const unescaped = [...pairs].map(([key, one]): [string, Json] => {
    return [key, typeof one === 'string' && isEscaped ? unescapeMarkup(one) : one];
  });
  return { ...kept, pairs: new Map(unescaped) };
}

/** Keys with text, numbers and booleans; undefined where there is anything else. */
export function pairsOf(value: Json | undefined): Pairs | undefined {
  if (!isJsonObject(value)) return undefined;
  const entries = Object.entries(value);
  const isFlat = entries.every(([, one]) => !Array.isArray(one) && !isJsonObject(one));
  return isFlat ? new Map(entries) : undefined;
}

function blindOf(value: Json): BlindCredential | undefined {
  const facts = factsOf(value);
  if (facts === undefined) return undefined;
  const { members, ...kept } = facts;
  const { cipher_type: type, cipher_version: version } = members;
  const { data_key: keys, credential_pairs: pairs } = members;
  if (!isJsonObject(keys) || !isJsonObject(pairs) || version === undefined) return undefined;
  const { context } = kept.metadata;
  return {
    ...kept,
    cipher: `${typeof type === 'string' ? type : '?'} ${digitsOf(version) ?? '?'}`,
    dataKeys: keys,
    sealedPairs: pairs,
    contexts: isJsonObject(context) ? context : {},
  };
}

/** A value as bytes: text without quotes, anything else as its JSON. */
export function pairBytes(value: Json): Uint8Array {
  return Buffer.from(
    typeof value === 'string' ? value : (digitsOf(value) ?? JSON.stringify(value)),
  );
}

/** When a token is good, in milliseconds since 1970. */
export interface TokenTimes {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const SKEW_MS = 180_000;

/** From 3 minutes ago, so that the clocks may differ; these are part of the lifetime. */
export function tokenTimes(nowMs: number, lifetimeMinutes: number): TokenTimes {
  const notBeforeMs = nowMs - SKEW_MS;
  return { notBeforeMs, notAfterMs: notBeforeMs + lifetimeMinutes * 60_000 };
}

/** What is encrypted under the authentication key; its ciphertext in Base64 is the token. */
export function tokenText({ notBeforeMs, notAfterMs }: TokenTimes): string {
  return JSON.stringify({ not_before: timeText(notBeforeMs), not_after: timeText(notAfterMs) });
}

/** `20260101T120000Z`. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
