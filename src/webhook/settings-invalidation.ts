// Who may have values forgotten; Flyte lets everybody.
import * as v from 'valibot';
import type { SettingsIssue } from '../plan/settings-problems.ts';

/** `webhook.cacheInvalidation`; without it the port is closed. */
export const CACHE_INVALIDATION = v.strictObject({
  authentication: v.picklist(['none', 'token', 'kubernetes']),
  tokenFile: v.optional(v.string()),
  users: v.optional(v.array(v.string())),
});

export type CacheInvalidation = v.InferOutput<typeof CACHE_INVALIDATION>;

const NEEDS = { none: undefined, token: 'tokenFile', kubernetes: 'users' } as const;

/** What is needed and not there, or there and of no use. */
export function invalidationProblems(given: CacheInvalidation | undefined): SettingsIssue[] {
  if (given === undefined) return [];
  const needed = NEEDS[given.authentication];
  return (['tokenFile', 'users'] as const).flatMap((name): SettingsIssue[] => {
    const isThere = (given[name]?.length ?? 0) > 0;
    if (isThere === (name === needed)) return [];
    const way = `authentication: ${given.authentication}`;
    const what = isThere ? `has no meaning with ${way}` : `is needed with ${way}`;
    return [{ path: ['cacheInvalidation', name], what }];
  });
}

/** What a Flyte's configuration says, and does not happen. */
export function invalidationWarnings(own: Readonly<Record<string, unknown>>): readonly string[] {
  const isAsked = Object.hasOwn(own, 'cacheInvalidationPort');
  if (!isAsked || Object.hasOwn(own, 'cacheInvalidation')) return [];
  return [
    'webhook.cacheInvalidationPort has no effect without webhook.cacheInvalidation, which says ' +
      'who may have values forgotten',
  ];
}
