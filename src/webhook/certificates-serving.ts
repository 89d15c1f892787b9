// What this replica serves: a good pair stays in use until a better one is there and trusted.
import type { CertificateSource, ServerCertificate } from './certificate-source.ts';
import type { CertificateState } from './certificates-state.ts';
import { bundleOf } from './certificates-state.ts';
import type { Trusted } from './certificates-steps.ts';
import type { Pair } from './certificates-x509.ts';
import { issuerOf, readCertificates } from './certificates-x509.ts';
import type { Telling } from './telling.ts';

/** What a pair is offered with. */
export interface Offer {
  readonly state: CertificateState;
  readonly trusted: Trusted;
  readonly nowMs: number;
}

export interface Serving {
  /** Resolves with the first pair. */
  readonly ready: Promise<CertificateSource>;
  readonly inUse: () => ServerCertificate | undefined;
  /** True where the registration trusted what we serve when it was read last. */
  isTrusted(): boolean | undefined;
  /** Takes the pair into use if API servers trust it; undefined: there is none. */
  offer(pair: Pair | undefined, offer: Offer): void;
}

export function openServing(telling: Telling): Serving {
  const { use, inUse, ready } = openSource();
  let isTrusted: boolean | undefined;
  return {
    ready,
    inUse,
    isTrusted: () => isTrusted,
    offer: (pair, { state, trusted, nowMs }) => {
      const isNew = pair !== undefined && pair.certPem !== inUse()?.certPem;
      if (isNew && mayServe(pair, { state, trusted, nowMs })) take(pair);
      isTrusted = trustOf({ state, trusted, nowMs });
      // Where nobody is trusted yet, or the caBundle was emptied, the next write says so.
      const isMissed = isTrusted === false && trusted?.length !== 0;
      tellHowItIs(telling, inUse(), { isMissed, nowMs });
    },
  };

  function take(pair: Pair): void {
    const [leaf] = readCertificates(pair.certPem) ?? [];
    use({ ...pair, notAfterMs: leaf?.notAfterMs ?? 0 });
    const facts = { fingerprint: leaf?.fingerprint ?? '', notAfterMs: leaf?.notAfterMs ?? 0 };
    telling.happened('a new certificate is served', facts);
  }

  function trustOf({ state, trusted, nowMs }: Offer): boolean | undefined {
    const now = inUse();
    if (now === undefined || trusted === undefined) return undefined;
    const known = `${bundleOf(state)}${trusted.map(({ pem }) => pem).join('')}`;
    const issuer = issuerOf(now.certPem, known, nowMs)?.fingerprint;
    return trusted.some(({ fingerprint }) => fingerprint === issuer);
  }
}

/** Where nobody is registered nobody asks; where it cannot be read the holder has waited. */
function mayServe(pair: Pair, { state, trusted, nowMs }: Offer): boolean {
  if (trusted === undefined || trusted.length === 0) return true;
  const issuer = issuerOf(pair.certPem, bundleOf(state), nowMs)?.fingerprint;
  return trusted.some(({ fingerprint }) => fingerprint === issuer);
}

function tellHowItIs(
  telling: Telling,
  inUse: ServerCertificate | undefined,
  { isMissed, nowMs }: { readonly isMissed: boolean; readonly nowMs: number },
): void {
  if (inUse === undefined) telling.wrong('nothing', 'there is no certificate to serve yet', 'warn');
  else telling.right('nothing');
  const hasEnded = inUse !== undefined && inUse.notAfterMs <= nowMs;
  if (hasEnded) telling.wrong('ended', 'the certificate that is served has ended');
  else telling.right('ended');
  if (isMissed) telling.wrong('untrusted', 'the caBundle lacks the authority of what is served');
  else telling.right('untrusted');
}

/** A source that has a certificate from its first use on. */
export interface OwnSource {
  readonly source: CertificateSource;
  readonly ready: Promise<CertificateSource>;
  readonly inUse: () => ServerCertificate | undefined;
  readonly use: (certificate: ServerCertificate) => void;
}

export function openSource(): OwnSource {
  const listeners = new Set<() => void>();
  let now: ServerCertificate | undefined;
  const first = Promise.withResolvers<CertificateSource>();
  const source: CertificateSource = {
    current: () => {
      if (now === undefined) throw new TypeError('a source is given out with its first pair');
      return now;
    },
    onChange: (listener) => {
      const own = (): void => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
  return {
    source,
    ready: first.promise,
    inUse: () => now,
    use: (certificate) => {
      now = certificate;
      first.resolve(source);
      for (const listener of listeners) listener();
    },
  };
}
