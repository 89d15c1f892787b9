import { ENV_VAR, secretCalled } from '../wire/flyte-secret.ts';
import { goLower } from '../wire/go-case.ts';
import { baseName, joinPath } from '../wire/go-path.ts';
import type { InjectorKind } from './_injector.ts';
import { Refusal, SECRETS_DIR } from './_injector.ts';
import { pulled } from './_pull.ts';
import { writtenByScript } from './_script.ts';
import { insideQuotes, shellWord } from './_shell.ts';

/** Azure Key Vault, by a container with the Azure CLI for each secret. */
const azure: InjectorKind = {
  type: 'Azure',
  summary: "Azure Key Vault; the group is the secret's URI, the group version its version",
  storeKind: 'azure-key-vault',
  isByGroup: true,
  open(context) {
    const { azure: sidecar } = context;
    return ({ secret }) => {
      const { group, groupVersion, mountRequirement } = secret;
      if (group === '') {
        throw new Refusal(
          `Azure Secrets Webhook require both group and group version to be set. Secret: [${secretCalled(secret)}]`,
        );
      }
      if (context.isPulling) {
        const { uri, file } = placesOf(group, groupVersion);
        const version = groupVersion === '' ? {} : { version: groupVersion };
        const askedBy = [baseName(uri), ...(groupVersion === '' ? [] : [groupVersion])];
        const place = { path: uri, ...version, file, askedBy };
        return pulled('Azure', secret, { place, context });
      }
      if (mountRequirement === ENV_VAR) throw new Refusal('it gives files only');
      return writtenByScript(sidecar, {
        volume: 'azure-secret-vol',
        name: 'azure-pull-secret-#',
        script: script(group, groupVersion),
      });
    };
  },
};

export default azure;

const LOGIN =
  'az login --service-principal -u $AZURE_CLIENT_ID -t $AZURE_TENANT_ID ' +
  '--federated-token "$(cat $AZURE_FEDERATED_TOKEN_FILE)"';

function placesOf(group: string, version: string) {
  const uri = group.replace(/\/+$/, '');
  const folder = goLower(joinPath(SECRETS_DIR, baseName(uri)));
  const file = version === '' ? folder : goLower(joinPath(folder, version));
  return { uri, folder, file };
}

/** Flyte's own, but that no name can leave its word. */
function script(group: string, version: string): string {
  const { uri, folder, file } = placesOf(group, version);
  const make = version === '' ? [] : [`mkdir -p ${shellWord(folder)}`];
  const id = insideQuotes(`${uri}/${version}`);
  const show = `az keyvault secret show --id "${id}" --query "value" -o tsv > ${shellWord(file)}`;
  return [LOGIN, ...make, show].join('; ');
}
