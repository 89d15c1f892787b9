// Names of images as Docker and containerd read them: distribution/reference v0.6.0, normalize.go
// and regexp.go. A name without a registry is Docker Hub's.

/** An image at its registry. */
export interface ImageName {
  /** In small letters, with its port where it has one; Docker Hub is `docker.io`. */
  readonly host: string;
  /** The path below the registry. */
  readonly repository: string;
  /** Where there is no digest; `latest` where the name says neither. */
  readonly tag?: string;
  /** `sha256:…`; it counts before any tag. */
  readonly digest?: string;
}

const HUB = 'docker.io';
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const STEP = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${STEP}(?:/${STEP})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
/** What content can be checked by here. */
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
/** True for the name of content by a digest that can be checked. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

const NAME_CHARACTERS_MAX = 255;
const WHOLE_CHARACTERS_MAX = 1024;

/**
 * Undefined where it is no name of an image, or where capitals alone make a registry of its first
 * part: in small letters it would be one of Docker Hub's.
 */
export function readImageName(text: string): ImageName | undefined {
  if (text.length > WHOLE_CHARACTERS_MAX) return undefined;
  const [named = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) return undefined;
  const { host, rest } = splitHost(named);
  const { path, tag } = splitTag(rest);
  const repository = host === HUB && !path.includes('/') ? `library/${path}` : path;
  if (!isHost(host) || !isRepository(host, repository) || !TAG.test(tag)) return undefined;
  return { host, repository, ...(digest === undefined ? { tag } : { digest }) };
}

function splitTag(rest: string): { readonly path: string; readonly tag: string } {
  const colon = rest.lastIndexOf(':');
  if (colon <= rest.lastIndexOf('/')) return { path: rest, tag: 'latest' };
  return { path: rest.slice(0, colon), tag: rest.slice(colon + 1) };
}

function isHost(host: string): boolean {
  return HOST.test(host) && (host === 'localhost' || /[.:]/.test(host));
}

function isRepository(host: string, repository: string): boolean {
  const isShort = host.length + 1 + repository.length <= NAME_CHARACTERS_MAX;
  return isShort && REPOSITORY.test(repository);
}

/** Before the first slash, where it looks like a registry and not like a folder of Docker Hub's. */
function splitHost(name: string): { readonly host: string; readonly rest: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isOne = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
  if (!isOne) return { host: HUB, rest: name };
  const host = first.toLowerCase();
  return { host: host === `index.${HUB}` ? HUB : host, rest: name.slice(slash + 1) };
}

/** Without tag and digest, as lists of images and of logins have it. */
export function repositoryOf({ host, repository }: ImageName): string {
  return `${host}/${repository}`;
}

/** The whole name. */
export function imageText(name: ImageName): string {
  const { tag, digest } = name;
  return digest === undefined
    ? `${repositoryOf(name)}:${tag ?? 'latest'}`
    : `${repositoryOf(name)}@${digest}`;
}
