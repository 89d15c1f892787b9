import { decodeFlyteBase32, encodeFlyteBase32 } from '../wire/flyte-base32.ts';
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { ANY, ENV_VAR, FILE, mountName, secretCalled } from '../wire/flyte-secret.ts';
import { goLower, goUpper } from '../wire/go-case.ts';
import { joinPath } from '../wire/go-path.ts';
import type { Edit } from './_edit.ts';
import type { Asked, InjectorContext, InjectorKind, LookUp } from './_injector.ts';
import { Refusal, SECRETS_DIR, fileVariables, prefixVariable } from './_injector.ts';

/** Kubernetes' own Secrets, by reference: the group is a Secret's name, the key one of its keys. */
const k8s: InjectorKind = {
  type: 'K8s',
  summary: 'Secrets of the cluster, by reference; the group is the name, the key the key',
  open(context) {
    const made = new WeakMap<FlyteSecret, Made>();
    return (asked) => {
      const { secret } = asked;
      const { group, edits } = made.get(secret) ?? makeOf(secret, context);
      made.set(secret, { group, edits });
      if (context.lookUp === undefined) return edits;
      return whereThere(edits, group, { asked, lookUp: context.lookUp });
    };
  },
};

/** What becomes of a secret, whichever pod asks. */
interface Made {
  readonly group: string;
  readonly edits: readonly Edit[];
}

function makeOf(secret: FlyteSecret, context: InjectorContext): Made {
  if (secret.key === '') throw new Refusal('a key is needed');
  if (secret.group === '' && context.compat === 'v1') throw new Refusal('a group is needed');
  const group = secret.group === '' ? context.digest.md5(secret.key) : secret.group;
  const edits = editsOf({ ...secret, group }, context);
  return { group, edits: [...edits, ...groupless(secret, group)] };
}

export default k8s;

function editsOf(named: FlyteSecret, context: InjectorContext): Edit[] {
  switch (named.mountRequirement) {
    case ENV_VAR:
      return asVariable(named, context);
    case FILE:
    case ANY:
      return asFile(named, context);
    default:
      throw new Refusal(
        `unrecognized mount requirement [${mountName(named.mountRequirement)}] for secret [${named.key}]`,
      );
  }
}

async function whereThere(
  edits: readonly Edit[],
  name: string,
  { asked, lookUp }: { readonly asked: Asked; readonly lookUp: LookUp },
): Promise<readonly Edit[]> {
  const { namespace, signal } = asked;
  const { key } = asked.secret;
  const found = await lookUp({ namespace, name, key }, signal);
  if (found === 'no Secret') {
    throw new Refusal(`there is no Secret ${name} in the namespace ${namespace}`);
  }
  if (found === 'no key') {
    throw new Refusal(`Secret ${name} in the namespace ${namespace} has no key ${key}`);
  }
  return edits;
}

/** Flyte's rule, and yet no Secret that Flyte writes is called so. */
function groupless(secret: FlyteSecret, group: string): Edit[] {
  if (secret.group !== '') return [];
  const text = `secret [${secretCalled(secret)}] has no group: it is looked for in Secret ${group}`;
  return [{ kind: 'warning', text }];
}

function asVariable({ group, key, envVar }: FlyteSecret, context: InjectorContext): Edit[] {
  const { envPrefix, isOptional } = context;
  const secretKeyRef = { name: group, key, ...(isOptional ? { optional: true } : {}) };
  const called = (name: string): Edit => ({ kind: 'env', name, valueFrom: { secretKeyRef } });
  return [
    called(goUpper(`${envPrefix}${group}_${key}`)),
    ...(envVar === '' ? [] : [called(envVar)]),
    prefixVariable(context),
  ];
}

function asFile(secret: FlyteSecret, context: InjectorContext): Edit[] {
  const { group, groupVersion, key, envVar } = secret;
  const mountPath = joinPath(SECRETS_DIR, goLower(group));
  return [
    {
      kind: 'secretFile',
      secretName: group,
      volume: volumeName(group, groupVersion, context),
      isOurs: (volume) => isVolumeOf(volume, group, context),
      item: { key, path: goLower(key) },
      mountPath,
      optional: context.isOptional,
    },
    ...fileVariables({ name: envVar, file: joinPath(mountPath, goLower(key)) }),
  ];
}

/** What Kubernetes takes as the name of a volume. */
const NAME_CHARACTERS_MAX = 63;
const HASH_DIGITS = 40;

/** Flyte's name, where it is short enough: a longer one makes the API server refuse the pod. */
function volumeName(group: string, version: string, context: InjectorContext): string {
  const name = encodeFlyteBase32(Buffer.from(`${group}_${version}`));
  return name.length <= NAME_CHARACTERS_MAX ? name : shortName(group, context);
}

function shortName(group: string, { digest }: InjectorContext): string {
  return `flyte-${digest.sha256(group).slice(0, HASH_DIGITS)}`;
}

/** Kubernetes' Secrets have no versions: a volume of another version of the group will do. */
function isVolumeOf(volume: string, group: string, context: InjectorContext): boolean {
  // Where the name was taken, a number has made it free.
  const name = volume.replace(/-\d{1,4}$/, '');
  if (name.startsWith('flyte-') && name === shortName(group, context)) return true;
  try {
    return Buffer.from(decodeFlyteBase32(name)).toString().startsWith(`${group}_`);
  } catch {
    return false;
  }
}
