// How long certificates of our own live.
import * as v from 'valibot';
import type { CertificateLives } from './certificates-steps.ts';
import type { SettingsIssue } from '../plan/settings-problems.ts';

const days = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3650));

/** `webhook.ownCertificates`. */
export const OWN_CERTIFICATES = v.strictObject({
  leafDays: days,
  authorityDays: days,
  renewAtShare: v.number(),
});

export type OwnCertificates = v.InferOutput<typeof OWN_CERTIFICATES>;

export const OWN_CERTIFICATES_DEFAULTS: OwnCertificates = {
  leafDays: 30,
  authorityDays: 365,
  renewAtShare: 2 / 3,
};

/** Earlier would be always, later would leave no time to mend what keeps it from being renewed. */
const SHARE_MIN = 0.2;
const SHARE_MAX = 0.9;
/** An authority is trusted until its last leaf has ended, beside the next one. */
const LEAVES_MIN = 3;

/** What cannot work, though each number is one. */
export function ownCertificatesProblems(own: OwnCertificates): SettingsIssue[] {
  const { leafDays, authorityDays, renewAtShare } = own;
  const problem = (name: keyof OwnCertificates, what: string): SettingsIssue => {
    return { path: ['ownCertificates', name], what };
  };
  const isShare = renewAtShare >= SHARE_MIN && renewAtShare <= SHARE_MAX;
  const isLong = authorityDays >= LEAVES_MIN * leafDays;
  return [
    ...(isShare ? [] : [problem('renewAtShare', `must be from ${SHARE_MIN} to ${SHARE_MAX}`)]),
    ...(isLong
      ? []
      : [problem('authorityDays', `must be at least ${LEAVES_MIN} times leafDays (${leafDays})`)]),
  ];
}

const DAY_MS = 86_400_000;

export function livesOf(own: OwnCertificates): Omit<CertificateLives, 'settleMs' | 'coldSettleMs'> {
  const { leafDays, authorityDays, renewAtShare } = own;
  const lives = { leafLifeMs: leafDays * DAY_MS, authorityLifeMs: authorityDays * DAY_MS };
  return { ...lives, renewAtShare };
}
