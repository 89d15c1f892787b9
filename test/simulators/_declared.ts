// A recorded pod as a user of a platform has it: pod.yaml, bellhop.yaml, its Secrets in a store.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { commandLine, manifestOf } from '../kubelet/command-line.ts';
import { type Container, containersOf, type Vector } from '../kubelet/vectors.ts';
import { s3Put } from './_aws.ts';
import { yardFolder } from './_container.ts';
import { type Declared, EXECUTABLE, IMAGE, type Road, type Way } from './_road.ts';

interface SecretObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

const utf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** Where a user of the platform keeps Secrets, and what has no room in a request. */
interface Keep {
  readonly stores: object;
  /** In front of a path: `store:`, and a bucket. */
  readonly prefix: string;
  put(path: string, bytes: Uint8Array | string): Promise<void> | void;
}

function keepOf(road: Road, way: Way): Keep {
  const { aws, web, bucket } = road;
  if (way.keeps === 'web') {
    const stores = { web: { kind: 'http', url: road.store ?? web.url } };
    return { stores, prefix: 'web:', put: (at, bytes) => web.put(at, bytes) };
  }
  const { store: endpoint = aws.s3.endpoint } = road;
  const s3 = { kind: 's3', region: aws.region, endpoint, pathStyle: true };
  const put = (at: string, bytes: Uint8Array | string) => s3Put(aws, `s3://${bucket}/${at}`, bytes);
  return { stores: { s3 }, prefix: `s3:${bucket}/`, put };
}

/** Keeps a Secret: one object of JSON, or an object a key where bytes are no text. */
async function putSecret(secret: SecretObject, namespace: string, keep: Keep) {
  const { name } = secret.metadata;
  const folder = `secrets/${namespace}/${name}`;
  const bytes = new Map(
    Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]),
  );
  for (const [key, text] of Object.entries(secret.stringData ?? {})) {
    bytes.set(key, Buffer.from(text));
  }
  const texts = [...bytes].map(([key, one]) => [key, utf8(one)] as const);
  if (texts.every(([, text]) => text !== undefined)) {
    await keep.put(`${folder}.json`, JSON.stringify(Object.fromEntries(texts)));
    return undefined;
  }
  const references: Record<string, string> = {};
  for (const [key, one] of bytes) {
    await keep.put(`${folder}/${key}`, one);
    references[key] = `${keep.prefix}${folder}/${key}`;
  }
  return references;
}

function settingsOf({ stores, prefix }: Keep, way: Way, more: object): object {
  return {
    apiVersion: 'bellhop/v1',
    stores,
    policy: { initContainers: 'ignore', ...way.policy },
    submit: {
      spill: `${prefix}spill`,
      bellhop: EXECUTABLE,
      image: IMAGE,
      targets: { [way.name]: way.given },
      ...(way.entrypoint === 'image' ? { startedBy: 'image' } : {}),
    },
    ...more,
  };
}

/** Writes pod.yaml and bellhop.yaml as a user of that platform would have them. */
export async function declare(
  { vector, container }: { vector: Vector; container: Container },
  road: Road,
  way: Way,
): Promise<Declared> {
  const dir = yardFolder(road.yard);
  const keep = keepOf(road, way);
  const namespace = vector.pod.metadata.namespace ?? 'default';
  const secrets: Record<string, unknown> = {
    '*': `${keep.prefix}secrets/{namespace}/{name}.json`,
  };
  for (const object of vector.objects as readonly SecretObject[]) {
    if (object.kind !== 'Secret') continue;
    const references = await putSecret(object, namespace, keep);
    if (references !== undefined) secrets[object.metadata.name] = references;
  }
  const kept = vector.objects.filter(({ kind }) => kind !== 'Secret');
  writeFileSync(path.join(dir, 'pod.yaml'), manifestOf(vector, kept));
  const settings = settingsOf(keep, way, { secrets }) as { submit: Record<string, unknown> };
  const others = containersOf(vector.pod)
    .filter(({ group, container: one }) => group === 'containers' && one.name !== container.name)
    .map(({ container: one }) => one.name);
  if (others.length > 0) settings.submit['without'] = others;
  writeFileSync(path.join(dir, 'bellhop.yaml'), JSON.stringify(settings));
  // Those of `run` behind its files: --container, --image-…, --field, --node.
  const flags = commandLine(vector, container, { bellhop: '', input: '' }).slice(4);
  const at = flags.indexOf('-c');
  return { dir, flags: at < 0 ? flags : flags.toSpliced(at, 2) };
}
