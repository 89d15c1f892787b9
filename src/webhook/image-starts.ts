// What images start, asked of their registries: for containers without a command, where variables
// come by the launcher.
import type { Clock, Io } from '../core/io/types.ts';
import { openSlots } from '../core/slots.ts';
import { Refusal } from '../injectors/_injector.ts';
import type { Login } from '../wire/docker-config.ts';
import { loginsFor } from '../wire/docker-config.ts';
import type { ImageName } from '../wire/image-name.ts';
import { imageText, readImageName, repositoryOf } from '../wire/image-name.ts';
import type { ImageStart, IndexEntry } from '../wire/oci.ts';
import { readImageStart, readManifest } from '../wire/oci.ts';
import { parsedJson } from './parsed-json.ts';
import { sameJson } from './pod-state.ts';
import { isAskable } from './registry-places.ts';
import type { RegistrySession } from './registry-session.ts';
import { openRegistrySession } from './registry-session.ts';
import type { WebhookSettings } from './settings.ts';
import type { ReadValue, ValueCache } from './value-cache.ts';
import { openValueCache } from './value-cache.ts';

/** Which image, and for which pod. */
export interface StartAsked {
  readonly image: string;
  readonly namespace: string;
  /** The names of the Secrets that the pod's images are pulled with. */
  readonly pullSecrets: readonly string[];
  /** Of the nodes that it may run on. */
  readonly architectures: readonly string[];
}

/** Rejects with Refusal, or with BellhopError where a registry cannot say. */
export type StartOf = (asked: StartAsked, signal: AbortSignal) => Promise<ImageStart>;

export interface ImageStartsParts {
  readonly io: Pick<Io, 'net' | 'clock' | 'random' | 'crypto'>;
  readonly settings: WebhookSettings['registry'];
  /** PEM text of a file. Throws where it cannot be read. */
  readonly readPem: (file: string) => string;
  /** The webhook's own config.json as parsed JSON; read whenever one is wanted. Throws likewise. */
  readonly ownLogins: () => unknown;
  /** The same of a Secret of the pod's namespace; undefined where there is none. */
  readonly podLogins?: (namespace: string, name: string, signal: AbortSignal) => Promise<unknown>;
}

export interface ImageStarts {
  readonly startOf: StartOf;
  /** By the names that metrics have for them: of what images start, and of what tags stand for. */
  readonly caches: { readonly images: ValueCache; readonly tags: ValueCache };
}

/** For names and arguments, hundreds of thousands of bytes an image at the very most. */
const CACHE_BYTES_MAX = 4 * 1024 * 1024;
/** For a tag, and again for what it stands for: the API server waits 10 s by default. */
const LOOK_UP_MS_MAX = 4_000;
/** All requests of the process share 256 places; what hangs here must not keep others back. */
const LOOK_UPS_MAX = 8;
const PULL_SECRETS_MAX = 8;
const LOGINS_MAX = 4;

/** What one look-up is about; as text it is the key of what is kept. */
interface Key {
  /** What a pod's own Secrets opened is known to pods with the same Secrets only. */
  readonly of: readonly string[];
  readonly image: string;
  readonly architectures: readonly string[];
}

/** Keeps what a digest starts for ever, and what a tag stands for as long as the settings say. */
export function openImageStarts(parts: ImageStartsParts): ImageStarts {
  const { io, settings } = parts;
  const limits = { bytesMax: CACHE_BYTES_MAX, readMsMax: LOOK_UP_MS_MAX };
  const slots = openSlots(LOOK_UPS_MAX);
  const proofs = openProofs(io.clock);
  const reading = (work: (session: RegistrySession, key: Key) => Promise<unknown>): ReadValue => {
    return async (id, signal) => {
      const leave = await slots.take(signal);
      if (leave === undefined) throw new Refusal('too many images are looked up at this moment');
      const key = parsedJson(Buffer.from(id)) as Key;
      try {
        const session = sessionFor(parts, key, { signal, proof: proofs.get(key) });
        const outcome = await work(session, key).finally(session.close);
        proofs.put(key, session.authorization());
        return { text: JSON.stringify(outcome) };
      } finally {
        leave();
      }
    };
  };
  const tags = openValueCache(
    reading(async (session, { image }) => session.digestOf(nameOf(image).tag ?? 'latest')),
    io.clock,
    { ...limits, ttlMs: settings.tagMs },
  );
  const starts = openValueCache(
    reading(async (session, { image, architectures }) => {
      return startIn(session, nameOf(image).digest ?? '', architectures);
    }),
    io.clock,
    { ...limits, ttlMs: Infinity },
  );
  const read = async <T>(cache: ValueCache, key: Key, signal: AbortSignal): Promise<T> => {
    const found = await cache.find(JSON.stringify(key), signal);
    return JSON.parse(found?.text ?? 'null') as T;
  };
  return {
    caches: { images: starts, tags },
    startOf: async (asked, signal) => {
      const { architectures, namespace, pullSecrets } = asked;
      const name = askableName(asked, settings);
      const own = settings.pullSecrets ? pullSecrets.slice(0, PULL_SECRETS_MAX) : [];
      const of = own.length === 0 ? [] : [namespace, ...own];
      const tagged = { of, image: imageText(name), architectures: [] };
      const digest = name.digest ?? (await read<string>(tags, tagged, signal));
      const image = `${repositoryOf(name)}@${digest}`;
      return read<ImageStart>(starts, { of, image, architectures }, signal);
    },
  };
}

function nameOf(image: string): ImageName {
  const name = readImageName(image);
  if (name === undefined) throw new Refusal(`${image.slice(0, 80)} is no name of an image`);
  return name;
}

function askableName(
  { image, architectures }: StartAsked,
  { allow }: WebhookSettings['registry'],
): ImageName {
  const name = nameOf(image);
  if (!isAskable(allow, name)) {
    throw new Refusal(`webhook.registry.allow does not have ${repositoryOf(name)}`);
  }
  if (architectures.length > 0) return name;
  throw new Refusal('the pod is for nodes of a processor that bellhop is not built for');
}

function sessionFor(
  parts: ImageStartsParts,
  { of, image }: Key,
  { signal, proof }: { readonly signal: AbortSignal; readonly proof: string | undefined },
): RegistrySession {
  const { io, settings, readPem } = parts;
  const name = nameOf(image);
  const host = settings.hosts[name.host] ?? {};
  const ca = host.ca === undefined ? undefined : readPem(host.ca);
  const logins = async () => loginsOf(parts, { of, name }, signal);
  const msMax = LOOK_UP_MS_MAX;
  const how = { authorization: proof, msMax, signal };
  return openRegistrySession({ io, image: name, host, ca, logins, ...how });
}

/** Tokens live for a minute at least, where nothing else is said (distribution v3, token.md). */
const PROOF_MS = 45_000;
const PROOFS_MAX = 256;

/** What was taken last for a repository: a tag, and what it stands for, by one token. */
function openProofs(clock: Pick<Clock, 'monotonicMs'>) {
  const kept = new Map<string, { readonly proof: string; readonly endsMs: number }>();
  const idOf = ({ of, image }: Key): string => JSON.stringify([of, repositoryOf(nameOf(image))]);
  return {
    get: (key: Key): string | undefined => {
      const found = kept.get(idOf(key));
      return found === undefined || found.endsMs < clock.monotonicMs() ? undefined : found.proof;
    },
    put: (key: Key, proof: string | undefined): void => {
      if (proof === undefined || kept.get(idOf(key))?.proof === proof) return;
      if (kept.size >= PROOFS_MAX) kept.clear();
      kept.set(idOf(key), { proof, endsMs: clock.monotonicMs() + PROOF_MS });
    },
  };
}

/** Those of the pod's own Secrets first, as the kubelet takes them. */
async function loginsOf(
  { podLogins, ownLogins }: ImageStartsParts,
  { of, name }: Pick<Key, 'of'> & { readonly name: ImageName },
  signal: AbortSignal,
): Promise<readonly Login[]> {
  const [namespace = '', ...secrets] = of;
  const ofPod = await Promise.all(
    secrets.map(async (secret) => podLogins?.(namespace, secret, signal)),
  );
  const all = [...ofPod, ownLogins()].flatMap((config) => loginsFor(config, name));
  return all
    .filter((one, n) => all.findIndex((other) => sameJson(other, one)) === n)
    .slice(0, LOGINS_MAX);
}

/** Of all platforms that the pod may run on: they must be the same, for one command is set. */
async function startIn(
  session: RegistrySession,
  digest: string,
  architectures: readonly string[],
): Promise<ImageStart> {
  const manifest = read(readManifest(await session.manifest(digest)));
  if (manifest.kind === 'image') return configured(session, manifest.config);
  const images = architectures.flatMap((one) => entryFor(manifest.entries, one) ?? []);
  const found = await Promise.all(
    images.map(async (one) => {
      const inner = read(readManifest(await session.manifest(one.digest)));
      if (inner.kind === 'index') throw new Refusal('its index has another index in it');
      return configured(session, inner.config);
    }),
  );
  const [first, ...others] = found;
  const names = images.map(({ architecture }) => architecture).join(' and ');
  if (first === undefined) {
    throw new Refusal(`its index has no image for linux on ${architectures.join(' or ')}`);
  }
  if (others.every((one) => sameJson(one, first))) return first;
  throw new Refusal(
    `its images for ${names} start different things: say which by ` +
      'nodeSelector: { kubernetes.io/arch: … }',
  );
}

function entryFor(entries: readonly IndexEntry[], architecture: string): IndexEntry | undefined {
  const fit = entries.filter((one) => one.os === 'linux' && one.architecture === architecture);
  return fit.find(({ variant }) => ['', 'v1', 'v8'].includes(variant)) ?? fit[0];
}

async function configured(session: RegistrySession, digest: string): Promise<ImageStart> {
  return read(readImageStart(await session.blob(digest)));
}

function read<T>(outcome: T | string): T {
  if (typeof outcome === 'string') throw new Refusal(outcome);
  return outcome;
}
