// What is known of the certificates beside their end, as figures.
import type { ManagerStatus } from './certificates-manager.ts';
import type { Metrics } from './metrics.ts';

/** Of certificates that somebody else makes less is known. */
export type CertificateStatus = Partial<ManagerStatus>;

/** Adds them; what is not known is left out. */
export function addCertificateFigures(metrics: Metrics, status: () => CertificateStatus): void {
  const seconds = (ms: number | undefined): number | undefined => {
    return ms === undefined ? undefined : Math.floor(ms / 1000);
  };
  const flag = (is: boolean | undefined): number | undefined => {
    return is === undefined ? undefined : Number(is);
  };
  const ends = 'When the authority that signs ends, in seconds since the epoch.';
  metrics.gauge({ name: 'certificate_authority_not_after_seconds', help: ends }, () =>
    seconds(status().authorityNotAfterMs),
  );
  const renews = '1 in the replica that renews certificates, 0 in the others.';
  metrics.gauge({ name: 'certificate_renewer', help: renews }, () => flag(status().isHolder));
  const trusted = '1 where the registration trusts what is served, 0 where it does not.';
  metrics.gauge({ name: 'certificate_trusted', help: trusted }, () => flag(status().isTrusted));
  const faults = 'What is wrong with certificates and registration now; the log says what.';
  metrics.gauge({ name: 'certificate_faults', help: faults }, () => status().faults?.length);
  const last = 'When something was wrong with them last, in seconds since the epoch.';
  metrics.gauge({ name: 'certificate_last_fault_seconds', help: last }, () =>
    seconds(status().lastFaultMs),
  );
}
