// JSON Web Tokens (RFC 7519), as far as a client needs them: the text to be signed, and the claims
// of a token that somebody else will verify.
import { fromBase64Url, toBase64Url } from './base64.ts';

/** Header and claims as they are signed: `base64url.base64url`. */
export function unsignedJwt(header: object, claims: object): string {
  return `${toBase64Url(JSON.stringify(header))}.${toBase64Url(JSON.stringify(claims))}`;
}

/** The token of an unsigned text and its signature. */
export function signedJwt(unsigned: string, signature: Uint8Array): string {
  return `${unsigned}.${toBase64Url(signature)}`;
}

/** What a Google service account says of itself when it asks for an access token. */
export interface ServiceAccountFacts {
  /** `private_key_id` of the key file. */
  readonly keyId: string;
  /** `client_email`. */
  readonly email: string;
  /** `token_uri`. */
  readonly audience: string;
  readonly scope: string;
  readonly nowMs: number;
}

/** Google takes at most an hour: "Using OAuth 2.0 for Server to Server Applications". */
const ASSERTION_SECONDS = 3600;

/** The assertion to be signed with RS256, good for one hour. */
export function serviceAccountAssertion(facts: ServiceAccountFacts): string {
  const iat = Math.floor(facts.nowMs / 1000);
  return unsignedJwt(
    { typ: 'JWT', alg: 'RS256', kid: facts.keyId },
    {
      iss: facts.email,
      aud: facts.audience,
      scope: facts.scope,
      iat,
      exp: iat + ASSERTION_SECONDS,
    },
  );
}

/** The claims of a token, not verified; undefined where the text is no JWT. */
export function jwtClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, header, claims, ...rest] = /^([^.]+)\.([^.]*)\.([^.]*)$/.exec(token) ?? [];
  const bytes = header === undefined || rest.length !== 1 ? undefined : fromBase64Url(claims ?? '');
  if (bytes === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

/** When a token ends, in milliseconds since 1970; undefined where it does not say. */
export function jwtExpiresMs(token: string): number | undefined {
  const exp = jwtClaims(token)?.['exp'];
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined;
}
