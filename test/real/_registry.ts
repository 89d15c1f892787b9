// Images in a real registry, put there by hand, and somebody who gives tokens for it.
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { layoutOf } from '../../scripts/oci-layout.ts';

/** An image for one platform: the member `config` of its configuration. */
export interface PushedImage {
  readonly architecture: 'amd64' | 'arm64';
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Pushing {
  /** `https://HOST:PORT`. */
  readonly url: string;
  readonly ca: string | undefined;
  /** What is sent with each request to a repository. */
  readonly authorization: (repository: string) => string | undefined;
}

const TYPE = 'application/vnd.oci.image';
const digestOf = (bytes: Uint8Array): string => {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
};

export const basicOf = (user: string, password: string): string => {
  return `Basic ${btoa(`${user}:${password}`)}`;
};

/** Pushes an image, or an index of several; the digest of what the tag then stands for. */
export async function push(
  to: Pushing,
  name: `${string}:${string}`,
  images: readonly PushedImage[],
): Promise<string> {
  const [repository = '', tag = ''] = name.split(':');
  const manifests: object[] = [];
  for (const image of images) {
    const { digest, files } = layoutOf({
      ...image,
      name: `${name}-${image.architecture}`,
      layers: [[{ name: 'readme', mode: 0o644, bytes: Buffer.from('an image of a test') }]],
      pressing: { kind: 'gzip', level: 1 },
    });
    for (const [file, bytes] of files) {
      const isManifest = file === `blobs/sha256/${digest.slice('sha256:'.length)}`;
      if (file.startsWith('blobs/') && !isManifest) await pushBlob(to, repository, bytes);
    }
    const bytes = files.get(`blobs/sha256/${digest.slice('sha256:'.length)}`) ?? new Uint8Array();
    const mediaType = `${TYPE}.manifest.v1+json`;
    await pushManifest(to, `${repository}:${images.length === 1 ? tag : digest}`, {
      bytes,
      mediaType,
    });
    const platform = { os: 'linux', architecture: image.architecture };
    manifests.push({ mediaType, digest, size: bytes.byteLength, platform });
    if (images.length === 1) return digest;
  }
  const mediaType = `${TYPE}.index.v1+json`;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  await pushManifest(to, name, { bytes, mediaType });
  return digestOf(bytes);
}

async function call(
  to: Pushing,
  repository: string,
  { url, ...more }: RequestInit & { readonly url: string },
): Promise<Response> {
  const authorization = to.authorization(repository);
  const headers = {
    ...(more.headers as Readonly<Record<string, string>> | undefined),
    ...(authorization === undefined ? {} : { authorization }),
  };
  const trust = to.ca === undefined ? {} : { tls: { ca: to.ca } };
  const answer = await fetch(url, { ...more, headers, ...trust });
  if (answer.ok) return answer;
  throw new Error(`${more.method} ${url}: ${answer.status} ${await answer.text()}`);
}

async function pushBlob(to: Pushing, repository: string, bytes: Uint8Array): Promise<void> {
  const url = `${to.url}/v2/${repository}/blobs/uploads/`;
  const begun = await call(to, repository, { url, method: 'POST' });
  const at = new URL(begun.headers.get('location') ?? '', to.url);
  at.searchParams.set('digest', digestOf(bytes));
  const headers = { 'content-type': 'application/octet-stream' };
  const { href } = at;
  await call(to, repository, { url: href, method: 'PUT', headers, body: Buffer.from(bytes) });
}

async function pushManifest(
  to: Pushing,
  name: string,
  { bytes, mediaType }: { readonly bytes: Uint8Array; readonly mediaType: string },
): Promise<void> {
  const at = name.indexOf(':');
  const [repository, reference] = [name.slice(0, at), name.slice(at + 1)];
  const url = `${to.url}/v2/${repository}/manifests/${reference}`;
  const headers = { 'content-type': mediaType };
  await call(to, repository, { url, method: 'PUT', headers, body: Buffer.from(bytes) });
}

/** Who may get tokens for which repositories; `''` is who does not log in. */
export interface TokenRules {
  readonly passwords: Readonly<Record<string, string>>;
  readonly mayPull: (user: string, repository: string) => boolean;
}

export interface TokenServer {
  readonly url: string;
  /** Who has asked, with which scope. */
  readonly asked: string[];
  /** A token to push with. */
  readonly pushToken: (repository: string) => string;
  stop(): Promise<void>;
}

/** Gives tokens that the real registry believes: JWTs signed by a certificate of its authority. */
export function tokenServer(folder: string, { passwords, mayPull }: TokenRules): TokenServer {
  const [key, cert] = ['server.key', 'server.pem'].map((name) => {
    return readFileSync(path.join(folder, name), 'utf8');
  });
  const token = tokensBy(key ?? '', cert ?? '');
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { key: key ?? '', cert: cert ?? '' },
    fetch: (request) => {
      const { searchParams } = new URL(request.url);
      const [, proof = ''] = /^Basic (.*)$/.exec(request.headers.get('authorization') ?? '') ?? [];
      const [user = '', password = ''] = atob(proof).split(':');
      const scope = searchParams.get('scope') ?? '';
      asked.push(`${user} ${searchParams.get('service')} ${scope}`);
      if (user !== '' && passwords[user] !== password) return new Response('', { status: 401 });
      const [, repository = ''] = /^repository:(.*):pull$/.exec(scope) ?? [];
      const actions = mayPull(user, repository) ? ['pull'] : [];
      return Response.json({ token: token(repository, actions) });
    },
  });
  return {
    url: `https://localhost:${server.port}/token`,
    asked,
    pushToken: (repository) => `Bearer ${token(repository, ['pull', 'push'])}`,
    stop: async () => server.stop(true),
  };
}

function tokensBy(key: string, cert: string) {
  const x5c = [cert.replace(/-----[^-]+-----|\s/g, '')];
  const secret = createPrivateKey(key);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return (repository: string, actions: readonly string[]): string => {
    const now = Math.floor(Date.now() / 1000);
    const access = [{ type: 'repository', name: repository, actions }];
    const times = { iat: now - 10, nbf: now - 10, exp: now + 300 };
    const claims = { iss: 'testbed', sub: '', aud: 'testbed', jti: `${now}`, ...times, access };
    const signed = `${part({ typ: 'JWT', alg: 'ES256', x5c })}.${part(claims)}`;
    const dsaEncoding = 'ieee-p1363';
    const signature = sign('sha256', Buffer.from(signed), { key: secret, dsaEncoding });
    return `${signed}.${signature.toString('base64url')}`;
  };
}
