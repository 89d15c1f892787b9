/** What the server proves itself with; the key never appears in a message. */
export interface ServerCertificate {
  /** The leaf, then what stands between it and an authority; PEM text. */
  readonly certPem: string;
  /** Its private key; PEM text. */
  readonly keyPem: string;
  /** When the leaf ends, in milliseconds since the epoch. */
  readonly notAfterMs: number;
}

/** Where the server has its certificate from; what it gives may change at any time. */
export interface CertificateSource {
  /** The newest pair that fits together. Never rejects, never waits. */
  current(): ServerCertificate;
  /**
   * Calls `listener` after each change; new connections are to have the new pair from then on,
   * those that are open keep theirs. The function that comes back ends it.
   */
  onChange(listener: () => void): () => void;
}
