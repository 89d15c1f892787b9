// A recorded pod through a platform: its Secrets into a real store, the request by whoever renders
// it, the simulator, and what the probe in the container saw against what a real kubelet gave.
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CLUSTER_VALUES, commandLine } from '../kubelet/command-line.ts';
import { compare, type Difference } from '../kubelet/compare.ts';
import { type Base, harnessMounts } from '../kubelet/rootfs.ts';
import { type Container, containersOf, imageOf, mountPath } from '../kubelet/vectors.ts';
import type { Seen, Vector } from '../kubelet/vectors.ts';
import { type AwsWorld, s3Put } from './_aws.ts';
import { type Yard, yardFolder } from './_container.ts';
import type { BuiltImage, Mounted, Ran, Wish } from './_types.ts';

/** What a renderer is given: the files that a user would have. */
export interface Declared {
  readonly dir: string;
  /** Flags of `bellhop submit` that say which container, image and cluster. */
  readonly flags: readonly string[];
}

/** What came of rendering: requests by operation, or the refusal. */
export type Rendered =
  | { readonly requests: Readonly<Record<string, unknown>> }
  | { readonly refused: string };

/** One platform as a round trip uses it. */
export interface Way {
  readonly name: string;
  /** What tests call it, where several have the same name. */
  readonly title?: string;
  /** The request's own fields: `submit.targets.NAME`. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Who starts bellhop: the request, or the image's ENTRYPOINT, which no request replaces. */
  readonly entrypoint: 'request' | 'image';
  run(requests: Readonly<Record<string, unknown>>, place: Place): Promise<Ran>;
}

/** Where a container of a round trip runs. */
export interface Place {
  readonly yard: Yard;
  readonly aws: AwsWorld;
  readonly image: BuiltImage;
  readonly wish: Wish;
}

/** What all trips share. */
export interface Road {
  readonly yard: Yard;
  readonly aws: AwsWorld;
  readonly base: Base;
  readonly dist: string;
  readonly bucket: string;
  readonly render: (declared: Declared, target: string) => Promise<Rendered>;
  /** Where the container looks for its Secrets, instead of the S3 server. */
  readonly store?: string;
  /** What a test wants of the run beside. */
  readonly wish?: Wish;
}

/** What one container of one pod came to. */
export interface Arrived {
  readonly vector: string;
  readonly container: string;
  readonly differences: readonly Difference[];
  /** Why it was not started, by whom. */
  readonly refused?: string;
}

export const IMAGE = 'image';
const EXECUTABLE = '/bellhop/bellhop';

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

/** Puts a Secret into S3: one object of JSON, or an object a key where bytes are no text. */
async function putSecret(secret: SecretObject, namespace: string, road: Road) {
  const { name } = secret.metadata;
  const folder = `s3://${road.bucket}/secrets/${namespace}/${name}`;
  const bytes = new Map(
    Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]),
  );
  for (const [key, text] of Object.entries(secret.stringData ?? {})) {
    bytes.set(key, Buffer.from(text));
  }
  const texts = [...bytes].map(([key, one]) => [key, utf8(one)] as const);
  if (texts.every(([, text]) => text !== undefined)) {
    await s3Put(road.aws, `${folder}.json`, JSON.stringify(Object.fromEntries(texts)));
    return undefined;
  }
  const references: Record<string, string> = {};
  for (const [key, one] of bytes) {
    await s3Put(road.aws, `${folder}/${key}`, one);
    references[key] = `s3:${folder.slice('s3://'.length)}/${key}`;
  }
  return references;
}

const API_SERVER = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kubernetes', namespace: 'default' },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
};

function settingsOf(road: Road, way: Way, more: object): object {
  const { aws, bucket, store: endpoint = aws.s3.endpoint } = road;
  const s3 = { kind: 's3', region: aws.region, endpoint, pathStyle: true };
  return {
    apiVersion: 'bellhop/v1',
    stores: { s3 },
    policy: { initContainers: 'ignore' },
    submit: {
      spill: `s3:${bucket}/spill`,
      bellhop: EXECUTABLE,
      image: IMAGE,
      targets: { [way.name]: way.given },
      ...(way.entrypoint === 'image' ? { startedBy: 'image' } : {}),
    },
    ...more,
  };
}

/** Writes pod.yaml and bellhop.yaml as a user of that platform would have them. */
async function declare(
  { vector, container }: { vector: Vector; container: Container },
  road: Road,
  way: Way,
): Promise<Declared> {
  const dir = yardFolder(road.yard);
  const namespace = vector.pod.metadata.namespace ?? 'default';
  const secrets: Record<string, unknown> = {
    '*': `s3:${road.bucket}/secrets/{namespace}/{name}.json`,
  };
  for (const object of vector.objects as readonly SecretObject[]) {
    if (object.kind !== 'Secret') continue;
    const references = await putSecret(object, namespace, road);
    if (references !== undefined) secrets[object.metadata.name] = references;
  }
  const kept = vector.objects
    .filter(({ kind }) => kind !== 'Secret')
    .map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
  const documents = [vector.pod, ...kept, API_SERVER];
  writeFileSync(
    path.join(dir, 'pod.yaml'),
    documents.map((one) => JSON.stringify(one)).join('\n---\n'),
  );
  const settings = settingsOf(road, way, { secrets }) as { submit: Record<string, unknown> };
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

function libraries(): Mounted[] {
  const own = new Set(['/bellhop', '/bellhop-input']);
  return harnessMounts()
    .filter((at) => !own.has(at))
    .map((at) => ({ kind: 'bind', at, from: realpathSync(at), ro: true }));
}

function mountsOf(road: Road, container: Container, platform: readonly string[]): Mounted[] {
  const input = yardFolder(road.yard);
  const declared = (container.volumeMounts ?? []).map((one) => `+${mountPath(one.mountPath)}`);
  const hidden = [...harnessMounts(), ...platform].map((one) => `-${one}`);
  const words = [...declared, ...hidden].map((one) => `${one}\0`).join('');
  mkdirSync(input, { recursive: true });
  writeFileSync(path.join(input, 'probe-paths'), words);
  return [
    ...libraries(),
    { kind: 'bind', at: '/bellhop', from: realpathSync(road.dist), ro: true },
    { kind: 'bind', at: '/bellhop-input', from: input, ro: true },
  ];
}

function imageFor(road: Road, way: Way, job: { vector: Vector; container: Container }): BuiltImage {
  const config = imageOf(job.vector, job.container.name);
  const entrypoint = way.entrypoint === 'image' ? [EXECUTABLE, 'run', '--'] : config.entrypoint;
  return { layers: [road.base.image], config: { ...config, entrypoint } };
}

/** What only the platform decides: its variables, its host's name, what it starts beside. */
function withoutOwn(seen: Seen, expected: Seen, own: readonly string[]): Seen {
  const declared = new Set(expected.env.map(({ name }) => name));
  const isOwn = (name: unknown): boolean =>
    own.includes(name as string) && !declared.has(name as string);
  return {
    ...seen,
    hostname: expected.hostname,
    env: seen.env
      .filter(({ name }) => !isOwn(name))
      .map((one) => {
        const same = one.name === 'HOSTNAME' && one.value === seen.hostname;
        return same ? { ...one, value: expected.hostname } : one;
      }),
  };
}

function seenOf(stdout: string): Seen | undefined {
  return stdout.startsWith('{"probe":1,') ? (JSON.parse(stdout) as Seen) : undefined;
}

const SAID_CHARS_MAX = 700;

function judged(
  ran: Ran,
  job: { vector: Vector; container: Container; expected: Seen },
): Pick<Arrived, 'differences' | 'refused'> {
  if (ran.kind === 'refused') {
    const said = ran.refusals.map(({ at, message }) => `${at}: ${message}`).join('; ');
    return {
      differences: [{ path: 'request', expected: 'taken', got: said.slice(0, SAID_CHARS_MAX) }],
    };
  }
  if (ran.kind === 'not started') {
    return { differences: [{ path: 'start', expected: 'starts', got: ran.reason }] };
  }
  const { outcome } = ran;
  const seen = seenOf(outcome.stdout);
  if (seen === undefined) {
    const said = `exit ${outcome.exit}: ${(outcome.stdout + outcome.stderr).slice(0, SAID_CHARS_MAX)}`;
    return { differences: [{ path: 'start', expected: 'starts', got: said }] };
  }
  const { vector, container, expected } = job;
  const context = { vector, container, mode: 'no-mount' } as const;
  return { differences: compare(expected, withoutOwn(seen, expected, outcome.own.env), context) };
}

/** Renders and runs one container of a pod; what it came to, or why it was not rendered. */
export async function carry(
  job: { readonly vector: Vector; readonly container: Container },
  road: Road,
  way: Way,
): Promise<Ran | { readonly kind: 'not rendered'; readonly said: string }> {
  const declared = await declare(job, road, way);
  const rendered = await road.render(declared, way.name);
  if ('refused' in rendered) return { kind: 'not rendered', said: rendered.refused };
  const image = imageFor(road, way, job);
  const mounts = mountsOf(road, job.container, ['/opt/ml']);
  const wish = { ...road.wish, mounts };
  return way.run(rendered.requests, { yard: road.yard, aws: road.aws, image, wish });
}

async function one(
  job: { vector: Vector; container: Container; expected: Seen },
  road: Road,
  way: Way,
): Promise<Arrived> {
  const id = { vector: job.vector.id, container: job.container.name };
  const ran = await carry(job, road, way);
  if (ran.kind === 'not rendered') return { ...id, differences: [], refused: ran.said };
  return { ...id, ...judged(ran, job) };
}

/** Takes every recorded container of a pod through a platform. */
export async function roundTrip(vector: Vector, road: Road, way: Way): Promise<Arrived[]> {
  const arrived: Arrived[] = [];
  for (const { group, container } of containersOf(vector.pod)) {
    const expected = vector.snapshot?.[group]?.[container.name];
    if (group !== 'containers' || expected === undefined) continue;
    arrived.push(await one({ vector, container, expected }, road, way));
  }
  return arrived;
}

/** Values that the cluster alone knows, as recorded. */
export const FIELDS = CLUSTER_VALUES;

/** Whether the executable is built. */
export const isBuilt = (dist: string): boolean =>
  ['bellhop', 'bellhop-runtime'].every((name) => existsSync(path.join(dist, name)));
