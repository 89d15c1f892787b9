// The store against the stub of Secret Manager (REST): @google-cloud/secret-manager 6.3.0 reads it.
import { afterEach, beforeAll, describe, expect, test } from 'bun:test';
import type { Surroundings } from '../support/real-store.ts';
import type { Routed, Routing } from '../support/routed-store.ts';
import { json, openRouted, problemIn, shown, thrownBy } from '../support/routed-store.ts';
import { realServer } from './_servers.ts';

const gsm = await realServer('gsm');
const RUN = Math.random().toString(36).slice(2, 8);
const P = 'testbed';
const name = (what: string): string => `${RUN}-${what}`;

async function api(method: string, path: string, body?: object): Promise<Response> {
  const answer = await fetch(`${gsm.get('GSM_ENDPOINT')}/v1/${path}`, {
    method,
    headers: { authorization: 'Bearer testbed' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
  return answer;
}

async function create(secret: string, parent = `projects/${P}`): Promise<void> {
  await api('POST', `${parent}/secrets?secretId=${secret}`, { replication: { automatic: {} } });
}

async function add(secret: string, value: Uint8Array | string, parent = `projects/${P}`) {
  const data = Buffer.from(value).toString('base64');
  await api('POST', `${parent}/secrets/${secret}:addVersion`, { payload: { data } });
}

async function fault(what: object): Promise<void> {
  const body = JSON.stringify(what);
  await fetch(`${gsm.get('STUB_URL')}/faults`, { method: 'POST', body });
}

async function open(
  more: object = {},
  around: Surroundings = {},
  routing?: Routing,
): Promise<Routed> {
  const options = { kind: 'gcp-secret-manager', endpoint: gsm.get('GSM_ENDPOINT'), ...more };
  const env = {
    GCE_METADATA_HOST: gsm.get('GCE_METADATA_HOST'),
    GOOGLE_CLOUD_PROJECT: P,
    ...around.env,
  };
  return openRouted(options, { ...around, env }, routing);
}

const ODD: Readonly<Record<string, Uint8Array>> = {
  quotes: Buffer.from('"<>&\'\\'),
  lines: Buffer.from('a\r\nb\n\n'),
  nul: Buffer.from('a\0b'),
  'non-ascii': Buffer.from('ü – 🎉'),
  'not-utf8': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  blank: Buffer.from(' '),
  json: Buffer.from('{"a": 1.0}'),
  'bytes-64k': Buffer.alloc(65_536, 0xe9),
};

describe.skipIf(gsm.missing !== undefined)('gcp-secret-manager', () => {
  beforeAll(async () => {
    for (const [what, value] of Object.entries(ODD)) {
      await create(name(what));
      await add(name(what), value);
    }
    await create(name('v'));
    await add(name('v'), 'one');
    await add(name('v'), 'two');
  });
  afterEach(async () => {
    await fetch(`${gsm.get('STUB_URL')}/faults`, { method: 'DELETE' });
  });

  test.each(Object.keys(ODD))('gives the bytes as they are: %s', async (what) => {
    const { fetch: ask } = await open();
    const [answer] = await ask(name(what));
    expect(shown(answer)).toBe(Buffer.from(ODD[what] ?? '').toString('latin1'));
  });

  test('answers in the order of the question, each path once asked', async () => {
    const { fetch: ask, requests } = await open();
    const answers = await ask(name('v'), name('gone'), name('quotes'), name('v'));
    expect(answers.map((one) => one.kind)).toEqual(['value', 'absent', 'value', 'value']);
    expect(shown(answers[3])).toBe('two');
    expect(requests.filter(({ url }) => url.endsWith(':access'))).toHaveLength(3);
  });

  test('a version, the newest, the whole name with and without one', async () => {
    const { fetch: ask } = await open();
    const full = `projects/${P}/secrets/${name('v')}`;
    const answers = await ask(
      { path: name('v'), version: '1' },
      { path: name('v'), version: 'latest' },
      full,
      `${full}/versions/1`,
    );
    expect(answers.map(shown)).toEqual(['one', 'two', 'two', 'one']);
    expect(answers[0]).toHaveProperty('facts.version', '1');
  });

  test('what is not there, and in which state, is said', async () => {
    for (const state of ['disable', 'destroy']) {
      await create(name(state));
      await add(name(state), 'x');
      await api('POST', `projects/${P}/secrets/${name(state)}/versions/1:${state}`);
    }
    const { fetch: ask } = await open();
    const answers = await ask(
      name('gone'),
      { path: name('v'), version: '9' },
      name('disable'),
      name('destroy'),
    );
    expect(answers.map(shown)).toEqual([
      { absent: 'there is no such secret' },
      { absent: 'there is no such version' },
      { absent: 'its version is disabled' },
      { absent: 'its version is destroyed' },
    ]);
  });

  test('a regional secret by its name, and by the option location', async () => {
    const parent = `projects/${P}/locations/europe-west1`;
    await create(name('r'), parent);
    await add(name('r'), 'regional', parent);
    const { fetch: ask } = await open({ location: 'europe-west1' });
    const [bare, full] = await ask(name('r'), `${parent}/secrets/${name('r')}`);
    expect([shown(bare), shown(full)]).toEqual(['regional', 'regional']);
  });

  test('200 secrets are 200 requests and one for the token', async () => {
    const { fetch: ask, trace } = await open();
    const answers = await ask(...Array.from({ length: 200 }, (_, i) => name(`none-${i}`)));
    expect(answers.every((one) => one.kind === 'absent')).toBe(true);
    // Beside them there may be hedges: at most 5 in 100.
    expect(trace.spans().filter(({ kind }) => kind === 'call')).toHaveLength(200);
    expect(trace.spans().filter(({ kind }) => kind === 'credentials')).toHaveLength(1);
  });

  test('a missing right to one of them fails that one; asked three times, as it may be new', async () => {
    const { fetch: ask, requests } = await open({}, {}, (request) => {
      if (!request.url.includes(name('quotes'))) return request;
      const message =
        "Permission 'secretmanager.versions.access' denied for resource 'x' (or it may not exist).";
      return json(403, { error: { code: 403, message, status: 'PERMISSION_DENIED' } });
    });
    const [denied, value] = await ask(name('quotes'), name('v'));
    expect(shown(value)).toBe('two');
    const problem = problemIn(denied);
    expect(problem.code).toBe('BH_ERR_STORE_DENIED');
    expect(problem.message).toContain('or it may not exist');
    expect(problem.help).toContain('does not exist');
    expect(requests.filter(({ url }) => url.includes(name('quotes')))).toHaveLength(3);
  });

  test('throttling and outages are waited out', async () => {
    await fault({ match: ':access', kind: 'throttle', value: 0, times: 1 });
    await fault({ match: ':access', kind: 'status', value: 503, times: 1 });
    await fault({ match: ':access', kind: 'garbage', times: 1 });
    await fault({ match: ':access', kind: 'truncate', times: 1 });
    const { fetch: ask } = await open({}, { startMsMax: 5000 });
    expect(shown((await ask(name('v')))[0])).toBe('two');
  });

  test('a token that has ended is made anew, once for all', async () => {
    let refused = 0;
    const { fetch: ask, requests } = await open({}, {}, (request) => {
      if (!request.url.endsWith(':access') || refused >= 2) return request;
      refused += 1;
      return { ...request, headers: { authorization: 'Bearer ended' } };
    });
    const answers = await ask(name('v'), name('quotes'));
    expect(answers.map((one) => one.kind)).toEqual(['value', 'value']);
    expect(requests.filter(({ url }) => url.endsWith('/token'))).toHaveLength(2);
  });

  test('a token that is never taken is a problem of credentials, also where one attempt is allowed', async () => {
    for (const attemptsMax of [1, 9]) {
      const opened = await open({}, { attemptsMax }, (request) => {
        if (!request.url.endsWith(':access')) return request;
        return { ...request, headers: { authorization: 'Bearer canary-77aa' } };
      });
      const problem = problemIn((await opened.fetch(name('v')))[0]);
      expect(problem.code).toBe('BH_ERR_CREDENTIALS');
      expect(problem.message).not.toContain('canary-77aa');
    }
  });

  test('who we are is what it says, auth: metadata server', async () => {
    const { store } = await open();
    expect(await store.identity?.()).toBe('workload@testbed.iam.gserviceaccount.com');
  });

  test('the project comes from the metadata server where nothing names one, auth: metadata server', async () => {
    const { fetch: ask, requests } = await open({}, { env: { GOOGLE_CLOUD_PROJECT: '' } });
    expect(shown((await ask(name('v')))[0])).toBe('two');
    expect(requests.some(({ url }) => url.endsWith('/project/project-id'))).toBe(true);
  });

  test('the metadata server is asked without a proxy', async () => {
    const { fetch: ask, requests } = await open();
    await ask(name('v'));
    const found = requests.filter(({ url }) => url.includes('computeMetadata'));
    expect(found.map(({ proxy }) => proxy)).toEqual(['never']);
  });

  test('no service account on the platform is a problem of credentials', async () => {
    const opened = await open({}, {}, (request) => {
      if (!request.url.includes('computeMetadata')) return request;
      return json(404, {}, { 'metadata-flavor': 'Google' });
    });
    expect((await thrownBy(opened.fetch(name('v')))).code).toBe('BH_ERR_CREDENTIALS');
  });
});
