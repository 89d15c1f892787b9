// Logins of registries in Docker's config.json, found for an image as the kubelet finds them:
// k8s.io/kubernetes v1.33, pkg/credentialprovider/keyring.go and config.go.
import { fromBase64 } from './base64.ts';
import type { ImageName } from './image-name.ts';
import { repositoryOf } from './image-name.ts';
import { fitsPattern } from './pattern.ts';
import { isRecord } from './read.ts';

/** How somebody logs in at a registry. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

const HUB_KEY = 'index.docker.io';

interface Entry {
  /** A host, whose parts may hold `*`, and perhaps a path below it. */
  readonly place: string;
  readonly login: Login;
}

/** The logins of an image, the most special first. `config` is parsed JSON. */
export function loginsFor(config: unknown, image: ImageName): readonly Login[] {
  const all = entriesOf(config).toSorted((a, b) => (a.place < b.place ? 1 : -1));
  const target = repositoryOf(image);
  const fit = all.filter(({ place }) => fitsPlace(place, target));
  if (fit.length > 0 || image.host !== 'docker.io') return fit.map(({ login }) => login);
  return all.filter(({ place }) => place === HUB_KEY).map(({ login }) => login);
}

/** Both shapes: `{ auths: { … } }`, and the older one that has its places at the top. */
function entriesOf(config: unknown): readonly Entry[] {
  if (!isRecord(config)) return [];
  const auths = isRecord(config['auths']) ? config['auths'] : config;
  return Object.entries(auths).flatMap(([key, value]): Entry[] => {
    const place = placeOf(key);
    const login = isRecord(value) ? loginOf(value) : undefined;
    return place === undefined || login === undefined ? [] : [{ place, login }];
  });
}

function loginOf({ username, password, auth }: Readonly<Record<string, unknown>>) {
  if (typeof auth === 'string' && auth !== '') {
    const bytes = fromBase64(auth.trim());
    const text = bytes === undefined ? '' : Buffer.from(bytes).toString();
    const colon = text.indexOf(':');
    if (colon > 0) return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  const isBoth = typeof username === 'string' && typeof password === 'string';
  return isBoth && username !== '' ? { username, password } : undefined;
}

/** Without a scheme, and without the version of an API that older clients wrote. */
function placeOf(key: string): string | undefined {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/]+)(\/.*)?$/.exec(key) ?? [];
  if (host === '') return undefined;
  const below = path.replace(/^\/v[12](?=\/)/, '').replace(/^\/$/, '');
  return `${host.toLowerCase()}${below}`;
}

function fitsPlace(place: string, target: string): boolean {
  const [host, path] = hostAndPath(place);
  const [ownHost, ownPath] = hostAndPath(target);
  const [name = '', port = ''] = host.split(':');
  const [ownName = '', ownPort = ''] = ownHost.split(':');
  const parts = name.split('.');
  const own = ownName.split('.');
  if (port !== ownPort || parts.length !== own.length || !ownPath.startsWith(path)) return false;
  return parts.every((part, n) => fitsPattern(part, own[n] ?? ''));
}

function hostAndPath(text: string): readonly [string, string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
}
