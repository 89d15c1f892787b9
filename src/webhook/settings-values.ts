// Where values may become Secrets.
import { dnsLabelProblem } from '../wire/names.ts';
import type { SettingsIssue } from '../plan/settings-problems.ts';

/** What the section says of values that become Secrets. */
export interface ValueSettings {
  readonly profile: 'flyte' | 'native';
  readonly valueSecrets: { readonly namespaces: readonly string[] };
  readonly pull: { readonly variables: string };
}

/** True where the webhook itself fetches what becomes a variable. */
export function fetchesVariables({
  profile,
  pull,
}: Pick<ValueSettings, 'profile' | 'pull'>): boolean {
  return profile === 'native' && pull.variables === 'secret';
}

/**
 * What of `webhook.valueSecrets` names no namespace, and where there must be one. There are no
 * patterns, unlike in `allow`: rights and lists of Kubernetes are of one namespace, or of all.
 */
export function valueSecretsProblems(settings: ValueSettings): SettingsIssue[] {
  const { namespaces } = settings.valueSecrets;
  if (fetchesVariables(settings) && namespaces.length === 0) {
    const what =
      'is empty, and pull.variables is secret: name the namespaces in which values become Secrets';
    return [{ path: ['valueSecrets', 'namespaces'], what }];
  }
  return namespaces.flatMap((name, index): SettingsIssue[] => {
    if (name === '*' || dnsLabelProblem(name) === undefined) return [];
    const what =
      "must be the name of a namespace, or '*' alone for all: there are no patterns here";
    return [{ path: ['valueSecrets', 'namespaces', index], what }];
  });
}
