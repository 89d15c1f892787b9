import { ENV_VAR, secretCalled } from '../wire/flyte-secret.ts';
import { goLower } from '../wire/go-case.ts';
import { joinPath } from '../wire/go-path.ts';
import type { InjectorKind } from './_injector.ts';
import { Refusal, SECRETS_DIR, fileVariables } from './_injector.ts';
import { pulled } from './_pull.ts';

/** AWS Secrets Manager, by a container for each secret: aws-secrets-manager-secret-sidecar. */
const aws: InjectorKind = {
  type: 'AWS',
  summary: 'AWS Secrets Manager; the secret is GROUP:KEY',
  storeKind: 'aws-secrets-manager',
  open(context) {
    const { aws: sidecar, compat } = context;
    return ({ secret }) => {
      const { group, key, mountRequirement, envVar } = secret;
      if (group === '' || key === '') {
        throw new Refusal(
          `AWS Secrets Webhook require both key and group to be set. Secret: [${secretCalled(secret)}]`,
        );
      }
      const arn = `${group.replace(/:+$/, '')}:${key.replace(/^:+/, '')}`;
      const file = joinPath('/', goLower(group), goLower(key));
      if (context.isPulling) {
        const at = joinPath(SECRETS_DIR, file);
        const place = { path: arn, file: at, askedBy: [group, key] };
        const edits = pulled('AWS', secret, { place, context });
        const isPath = compat === 'v1' && mountRequirement !== ENV_VAR && envVar !== '';
        return isPath ? [...edits, { kind: 'env', name: envVar, value: at }] : edits;
      }
      if (mountRequirement === ENV_VAR) throw new Refusal('it gives files only');
      const env = [
        { name: 'SECRET_ARN', value: arn },
        { name: 'SECRET_FILENAME', value: file },
      ];
      return [
        { kind: 'memory', volume: 'aws-secret-vol', mountPath: SECRETS_DIR },
        {
          kind: 'writer',
          name: 'aws-pull-secret-#',
          container: { image: sidecar.image, resources: sidecar.resources },
          env,
          writesAt: '/tmp',
        },
        ...fileVariables(
          compat === 'v1' ? { name: envVar, file: joinPath(SECRETS_DIR, file) } : undefined,
        ),
      ];
    };
  },
};

export default aws;
