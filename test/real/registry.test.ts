// What images start, asked of a real registry by `webhook.registry`: with its password, with
// tokens, and by plain HTTP. Images are pushed there by our own layout writer.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { annotationsOf } from '../support/flyte-annotations.ts';
import { skipVisibly } from '../support/need.ts';
import { closedPort } from '../support/ports.ts';
import { memoryCluster } from '../webhook/_memory-api.ts';
import type { Answer } from './_hook.ts';
import { openHook } from './_hook.ts';
import type { Pushing, TokenServer } from './_registry.ts';
import { basicOf, push, tokenServer } from './_registry.ts';
import { realServer } from './_servers.ts';
import { unique } from './_vault.ts';

const locked = await realServer('registry');
const { missing } = locked;
if (missing !== undefined) skipVisibly('registries', [missing]);

const CANARY = `canary-${crypto.randomUUID()}`;
const TEAM = unique('team').toLowerCase();
const START = { Entrypoint: ['/bin/tool', '$(HOME)'], Cmd: ['serve', '--all'] };
const OTHER = { ...START, Cmd: ['other'] };
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-registry-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const authOf = (user: string, password: string): string => btoa(`${user}:${password}`);
const file = (name: string, content: object): string => {
  const at = path.join(folder, `${unique(name)}.json`);
  writeFileSync(at, JSON.stringify(content));
  return at;
};

interface Asked {
  readonly namespace?: string;
  readonly container?: object;
  readonly spec?: object;
}

/** A webhook with these settings; `results` is how its cache of images was hit. */
async function hookOf(registry: object, cluster = memoryCluster()) {
  const webhook = { secretManagerTypes: ['AWS'], pull: { image: 'b:1' }, registry };
  const config = file('bellhop', { apiVersion: 'bellhop/v1', webhook });
  const hook = await openHook({ config, canary: CANARY, cache: 'images', cluster });
  const ask = async (image: string, asked: Asked = {}): Promise<Answer> => {
    const { namespace = 'ns', container = {}, spec = {} } = asked;
    const annotations = annotationsOf([{ group: 'db', key: 'pw' }]);
    const containers = [{ name: 'main', image, ...container }];
    const pod = { kind: 'Pod', metadata: { annotations }, spec: { containers, ...spec } };
    return hook.ask(pod, { namespace });
  };
  return { ask, results: hook.results };
}

const LAUNCHED = '["/bellhop-start/bellhop","become","/bellhop-start/main.start","--"';
const STARTED = `${LAUNCHED},"/bin/tool","$$(HOME)"]`;

describe.skipIf(missing !== undefined)('with a password', () => {
  const host = locked.get('REGISTRY_HOST');
  const ca = locked.get('REGISTRY_CA');
  const [user, password] = [locked.get('REGISTRY_USER'), locked.get('REGISTRY_PASSWORD')];
  const to: Pushing = {
    url: `https://${host}`,
    ca: missing === undefined ? readFileSync(ca, 'utf8') : undefined,
    authorization: () => basicOf(user, password),
  };
  const auths = { [host]: { auth: authOf(user, password) } };
  const base = { allow: [`${host}/${TEAM}/*`], hosts: { [host]: { ca } } };
  const own = { ...base, dockerConfig: file('docker', { auths }) };
  let digest = '';
  beforeAll(async () => {
    digest = await push(to, `${TEAM}/app:1`, [{ architecture: 'amd64', config: START }]);
    const two = (second: object) => [
      { architecture: 'amd64' as const, config: START },
      { architecture: 'arm64' as const, config: { ...second } },
    ];
    await push(to, `${TEAM}/both:1`, two(START));
    await push(to, `${TEAM}/differ:1`, two(OTHER));
    await push(to, `${TEAM}/nothing:1`, [{ architecture: 'amd64', config: {} }]);
  });

  test('a container without a command starts what its image starts', async () => {
    const { ask } = await hookOf(own);
    const { allowed, patch } = await ask(`${host}/${TEAM}/app:1`);
    expect(allowed).toBe(true);
    expect(patch).toContain(STARTED);
    expect(patch).toContain('["serve","--all"]');
  });

  test('arguments of the pod take the place of those of the image', async () => {
    const { ask } = await hookOf(own);
    const { patch } = await ask(`${host}/${TEAM}/app:1`, { container: { args: ['mine'] } });
    expect(patch).toContain(STARTED);
    expect(patch).not.toContain('serve');
  });

  test('a digest is asked for once, a tag again when its time is over', async () => {
    const { ask, results } = await hookOf({ ...own, tagMs: 0 });
    const images = [`app:1`, `app@${digest}`, `app:1@${digest}`, 'app:1'];
    for (const one of images)
      expect((await ask(`${host}/${TEAM}/${one}`)).patch).toContain(STARTED);
    expect(results).toEqual(['miss', 'hit', 'hit', 'hit']);
  });

  test('pods that come at once are one look-up', async () => {
    const { ask, results } = await hookOf(own);
    await Promise.all([1, 2, 3, 4].map(() => ask(`${host}/${TEAM}/app@${digest}`)));
    expect(results.toSorted()).toEqual(['miss', 'shared', 'shared', 'shared']);
  });

  test('platforms that start the same are one, others must be chosen between', async () => {
    const { ask } = await hookOf(own);
    expect((await ask(`${host}/${TEAM}/both:1`)).patch).toContain(STARTED);
    const { allowed, message } = await ask(`${host}/${TEAM}/differ:1`);
    expect(allowed).toBe(false);
    expect(message).toContain('its images for amd64 and arm64 start different things');
    const spec = { nodeSelector: { 'kubernetes.io/arch': 'arm64' } };
    expect((await ask(`${host}/${TEAM}/differ:1`, { spec })).patch).toContain('["other"]');
  });

  test.each([
    ['a tag that is not there', 'app:none', /there is no such image, tag or platform/],
    ['an image that is not there', 'none:1', /there is no such image, tag or platform/],
    ['an image that starts nothing', 'nothing:1', /its configuration says of nothing to start/],
    ['what is no name', 'App:1', /App:1 is no name of an image/],
  ])('denied: %s; the other ways are told', async (_, image, words) => {
    const { ask } = await hookOf(own);
    const { allowed, message } = await ask(`${host}/${TEAM}/${image}`);
    expect(allowed).toBe(false);
    expect(message).toMatch(words);
    expect(message).toContain('set `command`, tell `webhook.images` what the image starts, let ');
  });

  test.each([
    ['nobody has a login', base, /HTTP 401: it is not there, or may not be read without a login/],
    [
      'the login is wrong',
      {
        ...base,
        dockerConfig: file('docker', { auths: { [host]: { auth: authOf(user, CANARY) } } }),
      },
      /HTTP 401: it is not there, or may not be read with the login that is known/,
    ],
    [
      'nobody may be asked for it',
      { ...own, allow: ['docker.io/*/*'] },
      /webhook.registry.allow does not have localhost:/,
    ],
    ['its authority is not known', { ...own, hosts: {} }, /HEAD of .*: .*certificate/],
  ])('denied where %s', async (_, settings, words) => {
    const { ask } = await hookOf(settings);
    const { allowed, message } = await ask(`${host}/${TEAM}/app:1`);
    expect(allowed).toBe(false);
    expect(message).toMatch(words);
    expect(message).not.toContain(password);
  });

  test('where the registry is down the denial says so', async () => {
    const gone = `localhost:${await closedPort()}`;
    const { ask } = await hookOf({ allow: [`${gone}/*`] });
    const { message } = await ask(`${gone}/x:1`);
    expect(message).toContain(`; image ${gone}/x:1: registry ${gone}, HEAD of x: `);
    expect(message).toContain('refused');
  });

  test('by the Secrets of the pod, and only for pods that have them', async () => {
    const cluster = memoryCluster();
    const data = { '.dockerconfigjson': btoa(JSON.stringify({ auths })) };
    const type = 'kubernetes.io/dockerconfigjson';
    const at = '/api/v1/namespaces/has/secrets/pull';
    cluster.put(at, { metadata: { name: 'pull', namespace: 'has' }, type, data });
    const { ask } = await hookOf({ ...base, pullSecrets: true }, cluster);
    const spec = { imagePullSecrets: [{ name: 'none' }, { name: 'pull' }] };
    const image = `${host}/${TEAM}/app:1`;
    expect((await ask(image, { namespace: 'has', spec })).patch).toContain(STARTED);
    expect((await ask(image, { namespace: 'lacks', spec })).message).toContain('HTTP 401');
    expect((await ask(image, { namespace: 'has' })).message).toContain('HTTP 401');
  });
});

describe.skipIf(missing !== undefined)('with tokens', () => {
  let tokens: TokenServer;
  let host = '';
  let tokenHost = '';
  const ca = locked.get('REGISTRY_CA');
  beforeAll(async () => {
    tokens = tokenServer(locked.get('REGISTRY_TLS'), {
      passwords: { reader: CANARY },
      mayPull: (user, repository) => user === 'reader' || repository.startsWith('public/'),
    });
    tokenHost = new URL(tokens.url).host;
    const settings = { REGISTRY_REALM: tokens.url };
    const server = await realServer('registry', { port: await closedPort(), settings });
    host = server.get('REGISTRY_HOST');
    const to = {
      url: `https://${host}`,
      ca: readFileSync(ca, 'utf8'),
      authorization: tokens.pushToken,
    };
    for (const name of ['public/app:1', 'private/app:1'] as const) {
      await push(to, name, [{ architecture: 'amd64', config: START }]);
    }
  });
  afterAll(async () => tokens?.stop());

  const settingsOf = (more: object = {}): object => {
    const hosts = { [host]: { ca, tokenHosts: [tokenHost] } };
    return { allow: [`${host}/*`], hosts, ...more };
  };
  const login = (): object => {
    return {
      dockerConfig: file('docker', { auths: { [host]: { username: 'reader', password: CANARY } } }),
    };
  };

  test('what is public is had without a login, by one token for one pod', async () => {
    tokens.asked.length = 0;
    const { ask } = await hookOf(settingsOf());
    expect((await ask(`${host}/public/app:1`)).patch).toContain(STARTED);
    expect(tokens.asked).toEqual([' testbed repository:public/app:pull']);
  });

  test('what is private needs one', async () => {
    const denied = await (await hookOf(settingsOf())).ask(`${host}/private/app:1`);
    expect(denied.message).toContain('may not be read without a login that is known');
    const { ask } = await hookOf(settingsOf(login()));
    expect((await ask(`${host}/private/app:1`)).patch).toContain(STARTED);
  });

  test('a place for tokens that nobody has named gets no login', async () => {
    tokens.asked.length = 0;
    const { ask } = await hookOf(settingsOf({ ...login(), hosts: { [host]: { ca } } }));
    const { message } = await ask(`${host}/private/app:1`);
    expect(message).toContain(
      `its tokens come from ${tokenHost}, which is not one of tokenHosts of`,
    );
    expect(tokens.asked).toEqual([]);
  });
});

test.skipIf(missing !== undefined)('by plain HTTP, where that is said', async () => {
  const settings = { REGISTRY_OPEN: '1' };
  const server = await realServer('registry', { port: await closedPort(), settings });
  const host = server.get('REGISTRY_HOST');
  const to = { url: `http://${host}`, ca: undefined, authorization: () => undefined };
  await push(to, 'app:1', [{ architecture: 'amd64', config: START }]);
  const allow = [`${host}/*`];
  const plain = await hookOf({ allow, hosts: { [host]: { plainHttp: true } } });
  expect((await plain.ask(`${host}/app:1`)).patch).toContain(STARTED);
  const { message } = await (await hookOf({ allow })).ask(`${host}/app:1`);
  expect(message).toContain('HEAD of app: ');
});
