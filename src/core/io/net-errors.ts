/**
 * What Bun's fetch and sockets say when they fail, as reasons. The codes are those that Bun 1.4.5
 * was seen to give against real sockets (test/core); its messages hold URLs and are never kept.
 */
import type { NetReason } from './net-types.ts';
import { NetError } from './net-types.ts';

/** How far an exchange had come: after the headers, an end of the connection cuts the body off. */
export type Phase = 'before answer' | 'in body';

const REASONS: Readonly<Record<string, NetReason>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  ECONNCLOSED: 'reset',
  EPIPE: 'reset',
  HTTP2StreamReset: 'reset',
  HTTP2RefusedStream: 'reset',
  HTTP2GoAway: 'reset',
  HTTP2ContentLengthMismatch: 'cut off',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EMFILE: 'unreachable',
  ENFILE: 'unreachable',
  // A local firewall says these.
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  FailedToOpenSocket: 'unreachable',
  ETIMEDOUT: 'timeout',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  TimeoutError: 'timeout',
  ENOTFOUND: 'name not found',
  ENODATA: 'name not found',
  EAI_NONAME: 'name not found',
  EAI_NODATA: 'name not found',
  // Also where the server speaks no TLS: Bun tells nothing of the alert.
  EPROTO: 'handshake',
  ERR_PROXY_TUNNEL: 'proxy',
  UnsupportedProxyProtocol: 'proxy',
  ProxyConnectFailed: 'proxy',
};

/** The fault of a certificate as people say it; the first two mean: no authority that we trust. */
const UNKNOWN_AUTHORITY = 'unknown authority';
const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong host name',
  HOSTNAME_MISMATCH: 'wrong host name',
  CERT_REVOKED: 'revoked',
};
const CERTIFICATE_CODE = /^(CERT_|UNABLE_TO_|ERROR_IN_CERT_|CRL_|INVALID_CA|INVALID_PURPOSE)/;

/** HTTP/2 as the server speaks it cannot be followed; HTTP/1.1 may still work. */
const BROKEN_H2 = /^HTTP2(Protocol|FrameSize|Compression|FlowControl|HeaderListTooLarge)/;

/** The error's code where it has a textual one, else its name; never its message. */
export function codeOfError(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : 'Error';
}

/** The failure as the contract has it. */
export function netErrorOf(error: unknown, phase: Phase): NetError {
  if (error instanceof NetError) return error;
  const code = codeOfError(error);
  const fault = certificateFault(code);
  if (fault !== undefined) return new NetError('certificate', fault);
  const reason = reasonOf(code);
  if (reason === 'handshake') return new NetError(reason, HANDSHAKE_CAUSES);
  if (isLoginWanted(error, code)) return proxyWantsLogin();
  return new NetError(reason === 'reset' && phase === 'in body' ? 'cut off' : reason, code);
}

/** TLS 1.2 and 1.3 alike (Bun 1.4.5, seen): the alert of the server cannot be had. */
const HANDSHAKE_CAUSES =
  'the server wants a client certificate, does not take ours, or speaks no TLS';

/** The status that the proxy gave to CONNECT is a member of Bun's error. */
function isLoginWanted(error: unknown, code: string): boolean {
  return code === 'ERR_PROXY_TUNNEL' && (error as { status?: unknown }).status === 407;
}

/** A proxy without, or with other, credentials than it wants. */
export function proxyWantsLogin(): NetError {
  return new NetError('proxy', 'the proxy wants credentials (407)', 'credentials');
}

function reasonOf(code: string): NetReason {
  const known = REASONS[code];
  if (known !== undefined) return known;
  // The retry goes by HTTP/1.1, so that it may well succeed.
  if (isBrokenH2(code)) return 'reset';
  return code.startsWith('EAI_') || /^DNS_|^ESERVFAIL$|^ETIMEOUT$/.test(code)
    ? 'name not resolved'
    : 'protocol';
}

function certificateFault(code: string): string | undefined {
  return CERTIFICATE_FAULTS[code] ?? (CERTIFICATE_CODE.test(code) ? code : undefined);
}

export function isUnknownAuthority(error: unknown): boolean {
  return CERTIFICATE_FAULTS[codeOfError(error)] === UNKNOWN_AUTHORITY;
}

export function isBrokenH2(code: string): boolean {
  return BROKEN_H2.test(code);
}
