import { Sealed } from '../core/sealed.ts';
import { secretCalled } from '../wire/flyte-secret.ts';
import { isUtf8 } from '../wire/go-text.ts';
import { itemPathProblem } from '../wire/names.ts';
import type { KeptEdit } from './_edit.ts';
import type { Asked, InjectorContext } from './_injector.ts';
import { Refusal } from './_injector.ts';

/** All values of a Secret together: k8s.io/api v0.33 core/v1, MaxSecretSize. */
export const SECRET_BYTES_MAX = 1_048_576;

/** Refuses where values may not become Secrets in the pod's namespace. */
export function mustKeep(
  { namespace }: Pick<Asked, 'namespace'>,
  { keepsIn }: Pick<InjectorContext, 'keepsIn'>,
): void {
  if (keepsIn?.(namespace) !== false) return;
  throw new Refusal(
    `namespace ${namespace} is not one of webhook.valueSecrets.namespaces, where values become Secrets`,
  );
}

/** What a variable cannot hold is refused: the pod would be there, and never start. */
export function textForVariable(value: string): string {
  if (!value.includes('\0')) return value;
  throw new Refusal('its value has a NUL, which no variable can hold; ask for a file');
}

/** The same of bytes, which no variable holds where they are no text. */
export function bytesForVariable(bytes: Uint8Array): Uint8Array {
  if (!isUtf8(bytes)) {
    throw new Refusal('its value is not UTF-8, which no variable can hold; ask for a file');
  }
  textForVariable(Buffer.from(bytes).toString());
  return bytes;
}

/** A value for a Secret beside the pod. */
export function kept(
  { secret }: Pick<Asked, 'secret'>,
  bytes: Uint8Array,
  as: Pick<KeptEdit, 'id' | 'variable' | 'files'>,
): KeptEdit {
  if (bytes.byteLength > SECRET_BYTES_MAX) {
    throw new Refusal(
      `its value has ${bytes.byteLength} bytes, at most ${SECRET_BYTES_MAX} fit into a Secret`,
    );
  }
  for (const name of as.files ?? []) {
    const problem = itemPathProblem(name);
    if (problem !== undefined) throw new Refusal(`its key as the name of a file ${problem}`);
  }
  const { key } = secret;
  return { kind: 'kept', key, value: new Sealed(bytes), called: secretCalled(secret), ...as };
}
