// Which registries may be asked what an image starts.
import * as v from 'valibot';
import { patternProblem } from './registry-places.ts';
import type { SettingsIssue } from '../plan/settings-problems.ts';

/** `webhook.registry`; nobody is asked unless `allow` says so. */
export const REGISTRY = v.strictObject({
  allow: v.array(v.string()),
  hosts: v.record(
    v.string(),
    v.strictObject({
      ca: v.optional(v.string()),
      plainHttp: v.optional(v.boolean()),
      tokenHosts: v.optional(v.array(v.string())),
    }),
  ),
  dockerConfig: v.string(),
  pullSecrets: v.boolean(),
  tagMs: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

export type RegistrySettings = v.InferOutput<typeof REGISTRY>;

export const REGISTRY_DEFAULTS: RegistrySettings = {
  allow: [],
  hosts: {},
  dockerConfig: '',
  pullSecrets: false,
  tagMs: 600_000,
};

const HOST = /^[a-z0-9.-]+(?::[0-9]+)?$|^\[[0-9a-f:]+\](?::[0-9]+)?$/;

/** What names no registry, or does not go together. */
export function registryProblems({ allow, hosts }: RegistrySettings): SettingsIssue[] {
  const patterns = allow.flatMap((pattern, index): SettingsIssue[] => {
    const what = patternProblem(pattern);
    return what === undefined ? [] : [{ path: ['registry', 'allow', index], what }];
  });
  const odd = Object.entries(hosts).flatMap(([name, { ca, plainHttp, tokenHosts = [] }]) => {
    const path = ['registry', 'hosts', name];
    const what =
      'must be a registry as names of images have it, in small letters: registry.example:5000';
    const wrong = HOST.test(name) ? [] : [{ path, what }];
    const both = { path: [...path, 'ca'], what: 'has no meaning with plainHttp' };
    const others = tokenHosts.flatMap((one, n): SettingsIssue[] => {
      const host = 'must be a host, with its port where it has one: auth.example.com';
      return HOST.test(one) ? [] : [{ path: [...path, 'tokenHosts', n], what: host }];
    });
    return [...wrong, ...(plainHttp === true && ca !== undefined ? [both] : []), ...others];
  });
  return [...patterns, ...odd];
}
