import { ENV_VAR, secretCalled } from '../wire/flyte-secret.ts';
import { goLower } from '../wire/go-case.ts';
import { joinPath } from '../wire/go-path.ts';
import type { InjectorKind } from './_injector.ts';
import { Refusal, SECRETS_DIR } from './_injector.ts';
import { pulled } from './_pull.ts';
import { writtenByScript } from './_script.ts';
import { shellWord } from './_shell.ts';

/** Google Secret Manager, by a container with gcloud for each secret. */
const gcp: InjectorKind = {
  type: 'GCP',
  summary: 'Google Secret Manager; the group is the secret, the group version its version',
  storeKind: 'gcp-secret-manager',
  isByGroup: true,
  open(context) {
    const { gcp: sidecar } = context;
    return ({ secret }) => {
      const { group, groupVersion, mountRequirement } = secret;
      if (group === '' || groupVersion === '') {
        throw new Refusal(
          `GCP Secrets Webhook require both group and group version to be set. Secret: [${secretCalled(secret)}]`,
        );
      }
      if (context.isPulling) {
        const { file } = placesOf(group, groupVersion);
        const askedBy = [group, groupVersion];
        const place = { path: group, version: groupVersion, file, askedBy };
        return pulled('GCP', secret, { place, context });
      }
      if (mountRequirement === ENV_VAR) throw new Refusal('it gives files only');
      return writtenByScript(sidecar, {
        volume: 'gcp-secret-vol',
        name: 'gcp-pull-secret-#',
        script: script(group, groupVersion),
      });
    };
  },
};

export default gcp;

function placesOf(group: string, version: string): { folder: string; file: string } {
  const folder = goLower(joinPath(SECRETS_DIR, group));
  return { folder, file: goLower(joinPath(folder, version)) };
}

/** Flyte's own, but that every name is one word. */
function script(group: string, version: string): string {
  const { folder, file } = placesOf(group, version);
  const [dir, out] = [shellWord(folder), shellWord(`--out-file=${file}`)];
  const get = 'gcloud secrets versions access';
  const byPath = `${get} ${shellWord(`${group}/versions/${version}`)} ${out}`;
  const byName = `${get} ${shellWord(version)} ${shellWord(`--secret=${group}`)} ${out}`;
  return `${byPath} || ${byName}; chmod +rX ${dir} ${shellWord(file)}`;
}
