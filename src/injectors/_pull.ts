import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { ENV_VAR, secretCalled } from '../wire/flyte-secret.ts';
import { goUpper } from '../wire/go-case.ts';
import { isBelow } from '../wire/go-path.ts';
import { variableNameProblem } from '../wire/names.ts';
import type { Edit, PullEdit } from './_edit.ts';
import type { InjectorContext } from './_injector.ts';
import { Refusal, SECRETS_DIR, fileVariables, prefixVariable } from './_injector.ts';

/** Where a value of another store is, and the file that Flyte's pod would have it in. */
export interface PulledPlace extends Pick<PullEdit, 'path' | 'key' | 'version'> {
  readonly file: string;
  /** What the SDK is asked by to read that file, e.g. group and key; its variable is called so. */
  readonly askedBy: readonly string[];
}

/**
 * One value of another store, fetched by the container that fetches all: a file, or for ENV_VAR the
 * variable that the same call of the SDK looks for first (flytekit 1.16.31, SecretsManager.get),
 * and under its own name, if the secret has one. Throws Refusal.
 */
export function pulled(
  type: string,
  secret: FlyteSecret,
  { place, context }: { readonly place: PulledPlace; readonly context: InjectorContext },
): Edit[] {
  const { file, askedBy, ...where } = place;
  const one = { kind: 'pull' as const, type, ...where, called: secretCalled(secret) };
  if (secret.mountRequirement !== ENV_VAR) {
    return [{ ...one, file: inSecretsDir(file) }, ...fileVariables()];
  }
  const names = [goUpper(`${context.envPrefix}${askedBy.join('_')}`), secret.envVar];
  const wanted = [...new Set(names.filter((name) => name !== ''))];
  return [
    ...wanted.map((variable) => ({ ...one, variable: named(variable) })),
    prefixVariable(context),
  ];
}

/** The path of a file that is below the folder of secrets. Throws Refusal for another one. */
export function inSecretsDir(file: string): string {
  if (isBelow(SECRETS_DIR, file)) return file;
  throw new Refusal(`its name leads out of ${SECRETS_DIR}, where files of secrets are`);
}

function named(variable: string): string {
  const problem = variableNameProblem(variable);
  if (problem === undefined) return variable;
  throw new Refusal(`it cannot be the variable ${JSON.stringify(variable)}: ${problem}`);
}
