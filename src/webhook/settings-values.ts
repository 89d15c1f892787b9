// Where values may become Secrets.
import { dnsLabelProblem } from '../wire/names.ts';
import type { SettingsProblem } from './settings-problems.ts';

/**
 * What of `webhook.valueSecrets` names no namespace. There are no patterns, unlike in `allow`:
 * rights and lists of Kubernetes are of one namespace, or of all.
 */
export function valueSecretsProblems({
  namespaces,
}: {
  readonly namespaces: readonly string[];
}): SettingsProblem[] {
  return namespaces.flatMap((name, index): SettingsProblem[] => {
    if (name === '*' || dnsLabelProblem(name) === undefined) return [];
    const what =
      "must be the name of a namespace, or '*' alone for all: there are no patterns here";
    return [{ path: ['valueSecrets', 'namespaces', index], what }];
  });
}
