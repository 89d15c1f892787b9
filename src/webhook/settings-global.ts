// Flyte's section `secrets`, `flyteSecrets` of bellhop.yaml: where the manager Global looks.
import * as v from 'valibot';
import type { GlobalSettings } from './global-values.ts';
import { GLOBAL_DEFAULTS } from './global-values.ts';
import { schemaIssues } from '../plan/schema-issues.ts';
import type { SettingsIssue } from '../plan/settings-problems.ts';

const text = v.string();
const GLOBAL_SHAPE = v.strictObject({
  type: v.optional(v.picklist(['local']), GLOBAL_DEFAULTS.type),
  'secrets-prefix': v.optional(text, GLOBAL_DEFAULTS['secrets-prefix']),
  'env-prefix': v.optional(text, GLOBAL_DEFAULTS['env-prefix']),
});

/** Reads the section `flyteSecrets`. */
export function readGlobalSettings(given: unknown): {
  readonly settings: GlobalSettings;
  readonly problems: readonly SettingsIssue[];
} {
  const result = v.safeParse(GLOBAL_SHAPE, given ?? {});
  const problems = schemaIssues(result.issues ?? [], GLOBAL_SHAPE);
  return { settings: result.success ? result.output : GLOBAL_DEFAULTS, problems };
}
