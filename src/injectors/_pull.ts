import { secretCalled } from '../wire/flyte-secret.ts';
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import type { Edit, PullEdit } from './_edit.ts';
import { fileVariables } from './_injector.ts';

/** One value of another store as a file, fetched by the container that fetches all. */
export function pulledFile(
  type: string,
  secret: FlyteSecret,
  what: Pick<PullEdit, 'path' | 'key' | 'version' | 'file'>,
): Edit[] {
  return [{ kind: 'pull', type, ...what, called: secretCalled(secret) }, ...fileVariables()];
}
