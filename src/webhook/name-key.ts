// The key that names of Secrets are made with: random, in a Secret beside the webhook, the same for
// all replicas. Who has it can only try values against names.
import { BellhopError } from '../core/errors.ts';
import { recordIn, textIn } from '../stores/_rest.ts';
import { fromBase64 } from '../wire/base64.ts';
import { LABEL } from './certificates-state.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';

const KEY_BYTES = 32;
const CREATES_MAX = 3;

export interface NameKey {
  /**
   * The key, read once; made where there is none and it may be. Undefined where there is none and
   * it may not. Rejects as the API does, and with BH_ERR_STORE_ANSWER where it is no key.
   */
  get(how: { readonly mayCreate: boolean }): Promise<Uint8Array | undefined>;
}

export interface NameKeyParts {
  readonly api: KubernetesApi;
  /** Of the Secret, in the namespace that we run in. */
  readonly name: string;
  /** `count` random bytes. */
  readonly random: (count: number) => Uint8Array;
}

export function openNameKey(parts: NameKeyParts): NameKey {
  let known: Uint8Array | undefined;
  let under: Promise<Uint8Array | undefined> | undefined;
  const forget = (): void => {
    under = undefined;
  };
  return {
    get: async ({ mayCreate }) => {
      if (known !== undefined) return known;
      if (!mayCreate) return (known ??= await read(parts));
      under ??= readOrMake(parts).finally(forget);
      return (known ??= await under);
    },
  };
}

async function read({ api, name }: NameKeyParts): Promise<Uint8Array | undefined> {
  const found = await api.get(secretPlace(api.namespace, name).path);
  return found.kind === 'absent' ? undefined : keyIn(found.object, name);
}

function keyIn(object: KubeObject, name: string): Uint8Array {
  const bytes = fromBase64(textIn(recordIn(object, 'data'), 'key') ?? '');
  if (bytes?.byteLength === KEY_BYTES) return bytes;
  const what = `its \`key\` is not ${KEY_BYTES} bytes`;
  const help = 'delete this Secret: a new one is made';
  throw new BellhopError('BH_ERR_STORE_ANSWER', { where: [`Secret ${name}`], what, help });
}

/** Another replica may be first: then its key counts. */
async function readOrMake(parts: NameKeyParts): Promise<Uint8Array | undefined> {
  const { api, name, random } = parts;
  for (let tries = 0; tries < CREATES_MAX; tries++) {
    const there = await read(parts);
    if (there !== undefined) return there;
    const made = await api.create(secretPlace(api.namespace, name).collection, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name, namespace: api.namespace, labels: { [LABEL.name]: LABEL.value } },
      immutable: true,
      data: { key: Buffer.from(random(KEY_BYTES)).toString('base64') },
    });
    if (made.kind === 'written') return keyIn(made.object, name);
  }
  return undefined;
}
