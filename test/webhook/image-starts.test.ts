// What images start, asked of registries: what is believed, and how much may be asked at once.
import { describe, expect, test } from 'bun:test';
import { openSystem } from '../../src/core/io/system.ts';
import { BellhopError } from '../../src/core/errors.ts';
import type { HttpAnswer, HttpRequest } from '../../src/core/io/net-types.ts';
import { NetError } from '../../src/core/io/net-types.ts';
import { openImageStarts } from '../../src/webhook/image-starts.ts';
import { REGISTRY_DEFAULTS } from '../../src/webhook/settings-registry.ts';

const { io } = openSystem();
const HOST = 'registry.example';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const NEVER = new AbortController().signal;
const sha = (bytes: Uint8Array): string => {
  return `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`;
};
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** Documents by their digests, and the digest of the last. */
function contentOf(...documents: readonly unknown[]) {
  const all = new Map(documents.map((one) => [sha(json(one)), json(one)] as const));
  return { all, last: [...all.keys()].at(-1) ?? '' };
}

const configOf = (Cmd: readonly string[]): object => ({ config: { Cmd } });
const imageOf = (config: object): object => {
  return { schemaVersion: 2, config: { mediaType: CONFIG, digest: sha(json(config)) } };
};
const entryOf = (manifest: object, architecture: string, more: object = {}): object => {
  return { digest: sha(json(manifest)), platform: { os: 'linux', architecture, ...more } };
};
const indexOf = (...manifests: readonly object[]): object => ({ schemaVersion: 2, manifests });

type Documents = ReadonlyMap<string, Uint8Array>;

function answeringWith(all: Documents) {
  return ({ url }: HttpRequest): Partial<HttpAnswer> => {
    const body = all.get(url.slice(url.lastIndexOf('/') + 1));
    return body === undefined ? { status: 404 } : { body };
  };
}

interface World {
  readonly answer: (request: HttpRequest) => Partial<HttpAnswer> | Promise<Partial<HttpAnswer>>;
  readonly ownLogins?: () => unknown;
  /** Reads one of the pod's Secrets `a` and `b`. */
  readonly podLogins?: (name: string) => Promise<unknown>;
}

function starts({ answer, ownLogins = () => undefined, podLogins }: World) {
  const sent: string[] = [];
  const http = async (request: HttpRequest): Promise<HttpAnswer> => {
    sent.push(`${request.method} ${request.headers['authorization'] ?? '-'}`);
    const whole = { status: 200, headers: {}, body: new Uint8Array(), protocol: 'h1' as const };
    return { ...whole, ...(await answer(request)) };
  };
  const { startOf, caches } = openImageStarts({
    io: { ...io, net: { ...io.net, http } },
    settings: {
      ...REGISTRY_DEFAULTS,
      allow: [`${HOST}/*`],
      pullSecrets: podLogins !== undefined,
    },
    readPem: () => '',
    ownLogins,
    ...(podLogins === undefined
      ? {}
      : { podLogins: async (_: string, name: string) => podLogins(name) }),
  });
  const ask = (image: string, architectures: readonly string[] = ['amd64', 'arm64']) => {
    return startOf(
      { image: `${HOST}/${image}`, namespace: 'n', pullSecrets: ['a', 'b'], architectures },
      NEVER,
    );
  };
  const whyNot = async (image: string, architectures?: readonly string[]): Promise<string> => {
    return ask(image, architectures).then(
      () => 'nothing',
      (error: Error) => error.message,
    );
  };
  return { ask, whyNot, sent, caches };
}

describe('of an index', () => {
  const [a, b] = [configOf(['a']), configOf(['b'])];

  test('images that are for no node, for no processor of ours, or signatures do not count', async () => {
    const others = [
      entryOf(imageOf(b), 's390x'),
      entryOf(imageOf(b), 'unknown', { os: 'unknown' }),
      entryOf(imageOf(b), 'amd64', { os: 'windows' }),
    ];
    const index = indexOf(...others, entryOf(imageOf(a), 'amd64'));
    const { all, last } = contentOf(a, imageOf(a), index);
    const { ask } = starts({ answer: answeringWith(all) });
    expect(await ask(`app@${last}`)).toEqual({ entrypoint: [], cmd: ['a'] });
  });

  test('of two for one processor the one that every such has is taken', async () => {
    const index = indexOf(
      entryOf(imageOf(b), 'amd64', { variant: 'v3' }),
      entryOf(imageOf(a), 'amd64'),
    );
    const { all, last } = contentOf(a, b, imageOf(a), imageOf(b), index);
    const { ask } = starts({ answer: answeringWith(all) });
    expect(await ask(`app@${last}`)).toMatchObject({ cmd: ['a'] });
  });

  test.each([
    [
      'none fits',
      indexOf(entryOf(imageOf(a), 's390x')),
      'has no image for linux on amd64 or arm64',
    ],
    [
      'they differ',
      indexOf(entryOf(imageOf(a), 'amd64'), entryOf(imageOf(b), 'arm64')),
      'start different',
    ],
    ['one is an index', indexOf(entryOf(indexOf(), 'amd64')), 'its index has another index in it'],
  ])('%s: refused', async (_, index, words) => {
    const { all, last } = contentOf(a, b, imageOf(a), imageOf(b), indexOf(), index);
    const { whyNot } = starts({ answer: answeringWith(all) });
    expect(await whyNot(`app@${last}`)).toContain(words);
  });

  test('a pod for other nodes is refused, and nobody is asked', async () => {
    const { whyNot, sent } = starts({ answer: () => ({}) });
    expect(await whyNot('app:1', [])).toContain('a processor that bellhop is not built for');
    expect(sent).toEqual([]);
  });
});

const wants = { status: 401, headers: { 'www-authenticate': 'Basic' } };
const loginAs = (username: string): object => {
  return { auths: { [HOST]: { username, password: 'p' } } };
};

describe('Secrets of the pod', () => {
  const config = configOf(['a']);
  const { all, last } = contentOf(config, imageOf(config));
  const answer = ({ url, method }: HttpRequest): Partial<HttpAnswer> => {
    return method === 'HEAD'
      ? { headers: { 'docker-content-digest': last } }
      : answeringWith(all)({ url } as HttpRequest);
  };
  test('are not read for an image that everybody may read', async () => {
    const { ask } = starts({ answer, podLogins: async () => Promise.reject(new Error('read')) });
    expect(await ask('app:1')).toMatchObject({ cmd: ['a'] });
  });
  test('are read at the same time, once for the tag and what it stands for', async () => {
    const read: string[] = [];
    const { promise: areBoth, resolve } = Promise.withResolvers<void>();
    const { ask, sent } = starts({
      answer: (request) => {
        const given = request.headers['authorization'];
        return given === `Basic ${btoa('b:p')}` ? answer(request) : wants;
      },
      podLogins: async (name) => {
        read.push(name);
        if (read.length === 2) resolve();
        await areBoth;
        return loginAs(name);
      },
    });
    expect(await ask('app:1')).toMatchObject({ cmd: ['a'] });
    expect(read).toEqual(['a', 'b']);
    const [a, b] = ['a', 'b'].map((one) => `Basic ${btoa(`${one}:p`)}`);
    expect(sent).toEqual(['HEAD -', `HEAD ${a}`, `HEAD ${b}`, `GET ${b}`, `GET ${b}`]);
  });
});

test('what tags stand for is kept beside what images start', async () => {
  const config = configOf(['a']);
  const { all, last } = contentOf(config, imageOf(config));
  const { ask, caches } = starts({
    answer: ({ url, method }) => {
      if (method === 'HEAD') return { headers: { 'docker-content-digest': last } };
      return answeringWith(all)({ url } as HttpRequest);
    },
  });
  await ask('app:1');
  expect(Object.keys(caches)).toEqual(['images', 'tags']);
  expect(Object.values(caches).map((one) => one.bytes() > 0)).toEqual([true, true]);
});

test('logins of the webhook are read anew for each look-up, and what is wrong with them is told', async () => {
  const what = '/x is no JSON';
  const problem = new BellhopError('BH_ERR_SETTINGS', { where: ['webhook.registry'], what });
  const broken = starts({
    answer: () => wants,
    ownLogins: () => {
      throw problem;
    },
  });
  expect(await broken.whyNot('app:1')).toContain(what);
  const logins = [{ auths: {} }, { auths: { [HOST]: { username: 'u', password: 'p' } } }];
  const { whyNot, sent } = starts({
    answer: ({ headers }) => (headers['authorization'] === undefined ? wants : { status: 404 }),
    ownLogins: () => logins.shift(),
  });
  expect(await whyNot('app:1')).toContain('without a login');
  expect(await whyNot('app:1')).toContain('there is no such image');
  expect(sent).toEqual(['HEAD -', 'HEAD -', `HEAD Basic ${btoa('u:p')}`]);
});

test('8 images are looked up at a time, the others wait', async () => {
  const waiting: (() => void)[] = [];
  const { promise: areEight, resolve } = Promise.withResolvers<void>();
  const open = { most: 0, now: 0 };
  const { whyNot } = starts({
    answer: async () => {
      open.now += 1;
      open.most = Math.max(open.most, open.now);
      if (open.now === 8) resolve();
      await new Promise<void>((go) => {
        waiting.push(go);
      });
      open.now -= 1;
      waiting.shift()?.();
      return { status: 404 };
    },
  });
  const all = Array.from({ length: 30 }, async (_, n) => whyNot(`app${n}:1`));
  await areEight;
  const letGo = (): void => {
    for (const go of waiting.splice(0)) go();
  };
  const done = Promise.all(all);
  let isDone = false;
  void done.then(() => (isDone = true));
  while (!isDone) {
    letGo();
    await Promise.resolve();
    await new Promise((next) => setImmediate(next));
  }
  expect(open.most).toBe(8);
});

test('a registry that cannot be reached is told with its name', async () => {
  const { whyNot } = starts({
    answer: () => {
      throw new NetError('name not found', 'ENOTFOUND');
    },
  });
  expect(await whyNot('app:1')).toBe(
    `registry ${HOST}, HEAD of app: given up after 1 attempt: name not found (ENOTFOUND)`,
  );
});
