// The section `flyte` of bellhop.yaml as a manager that is asked before the others: where a secret
// is. What it becomes, the manager says that would have delivered it.
import type { Edit, Pulled } from '../injectors/_edit.ts';
import type { Inject } from '../injectors/_injector.ts';
import { Refusal, SECRETS_DIR, fileVariables, prefixVariable } from '../injectors/_injector.ts';
import { inSecretsDir } from '../injectors/_pull.ts';
import { flyteBindingName } from '../plan/annotated.ts';
import type { FlyteName } from '../plan/annotated.ts';
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { ANY, ENV_VAR, FILE, mountName, secretCalled } from '../wire/flyte-secret.ts';
import { goLower, goUpper } from '../wire/go-case.ts';
import { joinPath } from '../wire/go-path.ts';
import type { Manager } from './asking.ts';
import { byFirst } from './asking.ts';

/** What it is called among the managers: the section's name. */
export const BOUND = 'flyte';

/** A secret as bindings look at it. */
export function nameOfSecret({ group, key, groupVersion: version }: FlyteSecret): FlyteName {
  return { group, key, version };
}

/** The manager of what is bound. */
export function boundManager(of: {
  /** True where bellhop.yaml says where the secret is. */
  readonly isBound: (secret: FlyteName) => boolean;
  readonly envPrefix: string;
  /** Those that bellhop.yaml enables, in their order. */
  readonly managers: readonly Manager[];
}): Manager {
  const inject: Inject = async (asked) => {
    const { secret } = asked;
    const name = flyteBindingName(secret);
    if (!of.isBound(nameOfSecret(secret))) throw new Refusal(`it binds neither ${name} nor *`);
    const { done } = await byFirst(of.managers, asked, () => undefined);
    const edits = done?.edits ?? ownShape(secret, of.envPrefix);
    return edits.flatMap((edit) => boundEdit(edit, secret));
  };
  return { type: BOUND, inject, isFinal: true };
}

function pullOf(secret: FlyteSecret): Pulled {
  const { groupVersion: version } = secret;
  const path = flyteBindingName(secret);
  const called = secretCalled(secret);
  return { kind: 'pull', type: BOUND, path, ...(version === '' ? {} : { version }), called };
}

/** The value alone comes from elsewhere. */
function boundEdit(edit: Edit, secret: FlyteSecret): Edit[] {
  switch (edit.kind) {
    case 'env':
      if (edit.valueFrom === undefined) return [edit];
      return [{ ...pullOf(secret), variable: edit.name }];
    case 'secretFile':
      return [{ ...pullOf(secret), file: inSecretsDir(joinPath(edit.mountPath, edit.item.path)) }];
    case 'pull':
      if ('file' in edit) return [{ ...pullOf(secret), file: edit.file }];
      return [{ ...pullOf(secret), variable: edit.variable }];
    // What is said of a Secret is not true of this one.
    case 'warning':
    case 'kept':
    case 'memory':
    case 'writer':
    case 'annotation':
    case 'imagePullSecret':
      return [];
  }
}

/** As the SDK looks for it, whoever delivers it. */
function ownShape(secret: FlyteSecret, envPrefix: string): Edit[] {
  const { group, groupVersion, key, envVar, mountRequirement } = secret;
  const parts = [group, key === '' ? groupVersion : key].filter((part) => part !== '');
  if (parts.length === 0) throw new Refusal('it needs a group or a key');
  const pull = pullOf(secret);
  switch (mountRequirement) {
    case ENV_VAR:
      return [
        { ...pull, variable: goUpper(`${envPrefix}${parts.join('_')}`) },
        ...(envVar === '' ? [] : [{ ...pull, variable: envVar }]),
        prefixVariable({ envPrefix }),
      ];
    case FILE:
    case ANY: {
      const file = inSecretsDir(joinPath(SECRETS_DIR, ...parts.map((part) => goLower(part))));
      return [{ ...pull, file }, ...fileVariables({ name: envVar, file })];
    }
    default:
      throw new Refusal(`unrecognized mount requirement [${mountName(mountRequirement)}]`);
  }
}
