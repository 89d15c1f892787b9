import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { ENV_VAR, secretCalled } from '../wire/flyte-secret.ts';
import { joinPath } from '../wire/go-path.ts';
import { goQuote } from '../wire/go-text.ts';
import type { Edit } from './_edit.ts';
import type { InjectorContext, InjectorKind } from './_injector.ts';
import { Refusal, SECRETS_DIR, fileVariables } from './_injector.ts';
import { pulled } from './_pull.ts';

const OF_VAULT = 'vault.hashicorp.com';

/** Vault, by annotations for HashiCorp's own injector, which must come after us. */
const vault: InjectorKind = {
  type: 'Vault',
  summary:
    "Vault, by annotations for HashiCorp's injector; the group is the path, the key the field",
  storeKind: 'vault',
  open(context) {
    return ({ secret, repeat }) => {
      const { group, key, mountRequirement } = secret;
      if (group === '' || key === '') {
        throw new Refusal(
          `Vault Secrets Webhook requires both key and group to be set. Secret: [${secretCalled(secret)}]`,
        );
      }
      if (context.isPulling) {
        const file = joinPath(SECRETS_DIR, group, key);
        const place = { path: group, key, file, askedBy: [group, key] };
        return pulled('Vault', secret, { place, context });
      }
      if (mountRequirement === ENV_VAR) {
        throw new Refusal('Env_Var is not a supported mount requirement for Vault Secret Manager');
      }
      const annotations = {
        ...ofSecret(secret, context, idOf(secret, repeat, context)),
        ...ofPod(context),
        ...context.vault.annotations,
      };
      const edits = Object.entries(annotations).map(([name, value]): Edit => {
        return { kind: 'annotation', name, value };
      });
      return [...edits, ...fileVariables()];
    };
  },
};

export default vault;

/** The same for the same secret, so that handling a pod twice changes nothing. */
function idOf(secret: FlyteSecret, repeat: number, { digest }: InjectorContext): string {
  const text = digest.sha256(
    JSON.stringify([secret.group, secret.groupVersion, secret.key, repeat]),
  );
  const part = (from: number, to: number): string => text.slice(from, to);
  return `${part(0, 8)}-${part(8, 12)}-4${part(13, 16)}-8${part(17, 20)}-${part(20, 32)}`;
}

function ofSecret(
  { group, groupVersion, key }: FlyteSecret,
  { vault: { kvVersion } }: InjectorContext,
  id: string,
): Readonly<Record<string, string>> {
  const data = dataOf(groupVersion, kvVersion);
  const template = data === undefined ? undefined : templateOf({ group, key, data });
  return {
    [`${OF_VAULT}/agent-inject-secret-${id}`]: group,
    [`${OF_VAULT}/agent-inject-file-${id}`]: `${group}/${key}`,
    ...(template === undefined ? {} : { [`${OF_VAULT}/agent-inject-template-${id}`]: template }),
  };
}

function ofPod({ vault: { role } }: InjectorContext): Readonly<Record<string, string>> {
  return {
    [`${OF_VAULT}/agent-inject`]: 'true',
    [`${OF_VAULT}/secret-volume-path`]: SECRETS_DIR,
    [`${OF_VAULT}/role`]: role,
    [`${OF_VAULT}/agent-pre-populate-only`]: 'true',
  };
}

/** Where an answer of Vault has the fields; undefined for engines whose answer is given whole. */
function dataOf(groupVersion: string, kvVersion: string): string | undefined {
  switch (groupVersion) {
    case 'kv1':
      return '.Data';
    case 'kv2':
      return '.Data.data';
    case 'db':
      return undefined;
    default:
      return kvVersion === '1' ? '.Data' : '.Data.data';
  }
}

const IDENTIFIER = /^[\p{L}_][\p{L}\p{Nd}_]*$/u;

/** A template of consul-template; a key that is no name of a field is looked up by its text. */
function templateOf({ group, key, data }: { group: string; key: string; data: string }): string {
  const field = IDENTIFIER.test(key) ? `${data}.${key}` : `index ${data} ${goQuote(key)}`;
  return `{{- with secret ${goQuote(group)} -}}{{ ${field} }}{{- end -}}`;
}
