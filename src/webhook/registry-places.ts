// Which registries may be asked for which images, and where else an answer of theirs may lead. The
// name of an image is the word of the pod's author: nobody is asked who was not named.
import type { ImageName } from '../wire/image-name.ts';
import { fitsPattern } from '../wire/pattern.ts';

/** What is to be known of one registry. */
export interface RegistryHost {
  /** A PEM file of the authorities to trust, instead of the built-in ones. */
  readonly ca?: string | undefined;
  /** Plain HTTP; what is sent can be read and changed on its way. */
  readonly plainHttp?: boolean | undefined;
  /** Other hosts that logins may be sent to, where the registry says that its tokens are there. */
  readonly tokenHosts?: readonly string[] | undefined;
}

/** Docker Hub is asked elsewhere than its name says, and has its tokens elsewhere again. */
const HUB = { name: 'docker.io', asked: 'registry-1.docker.io', tokens: 'auth.docker.io' } as const;

/** What is wrong with a pattern of images; undefined where it is good. */
export function patternProblem(pattern: string): string | undefined {
  const { host, repository } = partsOf(pattern);
  const isWild = host.startsWith('*.');
  const name = isWild ? host.slice(2) : host;
  if (repository === '' || !/^(?:localhost|[^:]*[.:].*)$/.test(name)) {
    return 'must begin with the registry, e.g. docker.io/library/* or registry.example:5000/team/*';
  }
  if (name.includes('*')) return 'may have * in the registry only as its first part: *.example.com';
  const isName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(?::[0-9]+)?$/;
  if (isWild && !isName.test(name)) return 'needs a name of two parts or more behind *.';
  if (!URL.canParse(`https://${name}`)) return 'begins with what no registry can be called';
  if (/[@]/.test(repository)) return 'is without a digest: registry.example/team/app';
  return undefined;
}

function partsOf(pattern: string): { readonly host: string; readonly repository: string } {
  const slash = pattern.indexOf('/');
  if (slash < 0) return { host: pattern.toLowerCase(), repository: '' };
  return { host: pattern.slice(0, slash).toLowerCase(), repository: pattern.slice(slash + 1) };
}

/** True where one of the patterns lets the registry be asked for this image. */
export function isAskable(patterns: readonly string[], image: ImageName): boolean {
  return patterns.some((pattern) => {
    const { host, repository } = partsOf(pattern);
    return fitsPattern(host, image.host) && fitsPattern(repository, image.repository);
  });
}

/** Where the API of an image's registry is, as `URL.origin` writes it: without the usual port. */
export function originOf({ host }: ImageName, { plainHttp }: RegistryHost): string {
  const asked = host === HUB.name ? HUB.asked : host;
  const written = `${plainHttp === true ? 'http' : 'https'}://${asked}`;
  return URL.parse(written)?.origin ?? written;
}

/** True for a place of which the settings say that logins may be sent there. */
export function isTokenHost(url: URL, { tokenHosts = [] }: RegistryHost): boolean {
  return tokenHosts.some((one) => URL.parse(`https://${one}`)?.host === url.host);
}

/** True where a login for the registry may go to this place for a token. */
export function mayLogIn(url: URL, origin: string, host: RegistryHost): boolean {
  if (url.username !== '' || url.password !== '') return false;
  if (url.origin === origin) return true;
  const isHub = origin === `https://${HUB.asked}` && url.host === HUB.tokens;
  return url.protocol === 'https:' && (isHub || isTokenHost(url, host));
}

/** Names that are of machines nearby, or of none. */
const NEAR = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|svc|arpa)$/;

/**
 * True where what a registry has may be read by a redirection: from itself, or by HTTPS from a name
 * that is not plainly of this network. What is read is checked by its digest, and told to nobody.
 */
export function mayRead(url: URL, origin: string): boolean {
  if (url.origin === origin) return true;
  const name = url.hostname.replace(/\.$/, '');
  const isPublic = /\.[a-z][a-z0-9-]*$/.test(name) && !NEAR.test(name);
  return url.protocol === 'https:' && isPublic && url.username === '' && url.password === '';
}
