import { secretCalled } from '../wire/flyte-secret.ts';
import { goLower } from '../wire/go-case.ts';
import { joinPath } from '../wire/go-path.ts';
import type { InjectorKind } from './_injector.ts';
import { Refusal, SECRETS_DIR } from './_injector.ts';
import { pulled } from './_pull.ts';

/** Lyft's Confidant; bellhop's own, Flyte has no such type. */
const confidant: InjectorKind = {
  type: 'Confidant',
  summary: 'Confidant; the group is the service, the key a key of its credentials',
  storeKind: 'confidant',
  open(context) {
    return ({ secret }) => {
      const { group, key } = secret;
      if (!context.isPulling) throw new Refusal('only `profile: native` has this type');
      if (group === '' || key === '') {
        throw new Refusal(`it needs a group and a key: [${secretCalled(secret)}]`);
      }
      const file = joinPath(SECRETS_DIR, goLower(group), goLower(key));
      const place = { path: group, key, file, askedBy: [group, key] };
      return pulled('Confidant', secret, { place, context });
    };
  },
};

export default confidant;
