// The network as it is passed in. Everything here is time-limited by the signal that it is given.

/** One HTTP request as it goes out. */
export interface HttpRequest {
  /** The answer to HEAD has no body, whatever it says of its length. */
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** http:// or https://. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly tls?: TlsFacts;
  /**
   * `environment` obeys http_proxy, https_proxy and no_proxy (also in capitals) of the variables on
   * arrival; `never` is for metadata addresses, which a proxy must not see.
   */
  readonly proxy: 'environment' | 'never';
  /**
   * `h2` where many requests go to one server at once: HTTP/2 is tried over TLS, and a server that
   * does not offer it is asked by HTTP/1.1 and remembered. `h1` never tries.
   */
  readonly protocol: 'h1' | 'h2';
  /** A longer body is the failure `too large`. */
  readonly bodyBytesMax: number;
  /**
   * On retries: take no connection that an exchange has failed on (nor one of a status of the
   * 500s), nor, by HTTP/1.1, one that was used before. By HTTP/2 they share the new one.
   */
  readonly fresh?: true;
}

/** How the server proves who it is, and we to it; all PEM text. Verification is never off. */
export interface TlsFacts {
  /**
   * Trusted authorities instead of the others: those of SSL_CERT_FILE and SSL_CERT_DIR on arrival,
   * else the built-in ones, and the machine's bundle for a server that these do not know.
   */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the certificate must have, where it is not the URL's host. */
  readonly serverName?: string;
}

/**
 * A whole answer; a body that was cut off is a failure, never an answer, and so is one of status
 * 2xx that only the connection's end would end (`protocol`). Redirects are answers.
 */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** What the server was asked by in the end. */
  readonly protocol: 'h1' | 'h2';
}

/**
 * Why there is no answer. All but the last six may be different the next time. `header`: no
 * request can have this one; the detail is its name. `handshake`: TLS did not come about, which
 * hardly ever passes.
 */
export type NetReason =
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'timeout'
  | 'cut off'
  | 'name not found'
  | 'name not resolved'
  | 'handshake'
  | 'proxy'
  | 'protocol'
  | 'certificate'
  | 'too large'
  | 'header'
  | 'aborted';

/** What we were given that is wrong: no attempt and no other store makes that good. */
export type OwnFault = 'settings' | 'credentials';

/** The network's failure; `detail` never holds a header, body or query. */
export class NetError extends Error {
  readonly reason: NetReason;
  readonly detail: string;
  /** Where it is our own; `detail` is then a sentence that stands alone. */
  readonly ownFault: OwnFault | undefined;
  constructor(reason: NetReason, detail: string, ownFault?: OwnFault) {
    super(detail === '' ? reason : `${reason} (${detail})`);
    this.reason = reason;
    this.detail = detail;
    this.ownFault = ownFault;
  }
}

/** A connection of bytes, for protocols that are not HTTP. */
export interface Connection {
  write(bytes: Uint8Array): void;
  /** The next bytes; undefined at the end. Rejects with NetError. */
  read(): Promise<Uint8Array | undefined>;
  close(): void;
}

export interface ConnectRequest {
  readonly host: string;
  readonly port: number;
  /** TLS where present. */
  readonly tls?: TlsFacts;
}

export interface Net {
  /** Rejects with NetError; `aborted` when the signal said so. */
  http(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /** Looks the name up for requests to come, in the background; never fails. */
  warm(request: Pick<HttpRequest, 'url' | 'tls' | 'proxy' | 'protocol'>): void;
  /** An address of the host, or undefined where it has none. Never rejects. */
  resolve(host: string): Promise<string | undefined>;
  /** Sends one UDP packet, and hears of nothing that becomes of it. Never rejects. */
  datagram(to: { readonly address: string; readonly port: number }, text: string): Promise<void>;
  /** Rejects with NetError. No proxy is used. */
  connect(request: ConnectRequest, signal: AbortSignal): Promise<Connection>;
}

/** What AES-GCM takes beside the data; the nonce has 12 bytes (32 in files of sops). */
export interface GcmKey {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

/** Cryptography of the platform. */
export interface Cryptography {
  sha256(data: Uint8Array | string): Uint8Array;
  /** For formats that have it: sops. */
  sha512(data: Uint8Array | string): Uint8Array;
  /** For names of cache files only, never for safety. */
  sha1(data: Uint8Array | string): Uint8Array;
  hmacSha256(key: Uint8Array | string, data: Uint8Array | string): Uint8Array;
  /** The tag of 16 bytes stands at the end of the sealed bytes. */
  sealAesGcm(key: GcmKey, plain: Uint8Array): Promise<Uint8Array>;
  /** Undefined where key, nonce or aad do not fit. */
  openAesGcm(key: GcmKey, sealed: Uint8Array): Promise<Uint8Array | undefined>;
  /** AES-128-CBC with PKCS#7 padding; undefined where the padding is wrong. */
  openAesCbc(
    key: { readonly key: Uint8Array; readonly iv: Uint8Array },
    sealed: Uint8Array,
  ): Promise<Uint8Array | undefined>;
  /** RSASSA-PKCS1-v1_5 with SHA-256 under a PKCS#8 PEM key; undefined where it is no such key. */
  signRs256(privateKeyPem: string, data: Uint8Array): Promise<Uint8Array | undefined>;
}
