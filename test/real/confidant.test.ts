// The store `confidant` against Confidant 7.0.0, with KMS by moto.
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { openBudget } from '../../src/core/budget.ts';
import type { Io } from '../../src/core/io/types.ts';
import { openTrace } from '../../src/core/trace.ts';
import { openStore } from '../../src/entrypoint/open-store.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Plan } from '../../src/plan/types.ts';
import type { Answer } from '../../src/stores/_store.ts';
import { openReal, realIo } from '../support/real-store.ts';
import { shown as shownAnswer } from '../support/shown.ts';
import { makeService } from './_confidant.ts';
import { FAULTS, answerOf, faultServer } from './_faults.ts';
import { realServer } from './_servers.ts';

const CANARY = 'canary-90af';
const real = await realServer('confidant');
const isMissing = real.missing !== undefined;
// In front of both, so that their requests can be counted.
const server = await faultServer({ upstream: { url: real.env['CONFIDANT_URL'] ?? '' } });
const kms = await faultServer({ upstream: { url: real.env['AWS_ENDPOINT_URL_KMS'] ?? '' } });
afterAll(async () => void (await Promise.all([server.close(), kms.close()])));
beforeEach(() => {
  server.clear();
  kms.clear();
});

const env = { ...real.env, AWS_ENDPOINT_URL_KMS: kms.url };
const options = {
  kind: 'confidant',
  url: server.url,
  authKey: real.env['CONFIDANT_AUTH_KEY'] ?? '',
  to: real.env['CONFIDANT_AUTH_CONTEXT'] ?? '',
};

/** As tests compare it, and no problem has told a value. */
function shown(answer: Answer | undefined): unknown {
  if (answer?.kind === 'failed') expect(answer.problem.message).not.toContain(CANARY);
  return shownAnswer(answer);
}

async function answers(paths: readonly string[], more: object = {}) {
  const opened = await openReal({ ...options, ...more }, { env, attemptsMax: 2 });
  return opened.fetch(...paths);
}

async function ask(paths: readonly string[], more: object = {}): Promise<unknown[]> {
  return (await answers(paths, more)).map(shown);
}

/** The same with an outside of one's own. */
async function askBy(io: Io, path: string): Promise<Answer | undefined> {
  const plan = { stores: { mine: options }, policy: DEFAULT_POLICY, origin: { namespace: 'd' } };
  const opened = await openStore(
    plan as unknown as Plan,
    { io, objects: [], trace: openTrace(io.clock), made: new Map() },
    { name: 'mine', budget: openBudget(io.clock, 20_000), attemptsMax: 2, waiting: [] },
  );
  return (await opened.fetch([{ path }]))[0];
}

const ODD = 'q"\'<>&$`\\\r\n\0€\u{1f600}&#34;';
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

describe.skipIf(isMissing)('what a service has', () => {
  test('its keys and values, by one request and one token', async () => {
    const pairs = { MixedCase: ODD, empty: '', number: 1.5, big: 'x'.repeat(65_536) };
    const name = await makeService(real, [{ pairs }, { pairs: { other: CANARY } }]);
    expect(await ask([name, name])).toEqual(
      Array.from({ length: 2 }, () => ({
        mixedcase: latin1(ODD),
        empty: '',
        number: '1.5',
        big: pairs.big,
        other: CANARY,
      })),
    );
    expect([server.requests.length, kms.requests.length]).toEqual([1, 1]);
  });
  test('100 credentials are one request', async () => {
    const many = Array.from({ length: 100 }, (_, n) => ({ pairs: { [`k${n}`]: `${n}` } }));
    const [map] = await ask([await makeService(real, many)]);
    expect(Object.keys(map as object)).toHaveLength(100);
    expect(server.requests.length).toBe(1);
  }, 30_000);
  test('a credential that is disabled is left out', async () => {
    const off = { pairs: { off: CANARY }, enabled: false };
    const name = await makeService(
      real,
      [off, { pairs: { on: '1' } }],
      [{ ...off, pairs: { b: '' } }],
    );
    expect(await ask([name])).toEqual([{ on: '1' }]);
    expect(kms.requests.length).toBe(1);
  });
  test('`.` is the service of the options; one that is not there is absent', async () => {
    const service = await makeService(real, [{ pairs: { a: CANARY } }]);
    expect(await ask(['.', service], { service })).toEqual([{ a: CANARY }, { a: CANARY }]);
    expect(server.requests.length).toBe(1);
    expect(await ask([`no-${service}`])).toEqual(['absent']);
  });
  test('two services with tokens of their own; the denial of one does not sink the other', async () => {
    const [one, two] = [await makeService(real, []), await makeService(real, [])];
    expect(await ask([one, two])).toEqual([{}, {}]);
    expect(await ask([two, one, 'a?b'], { from: one })).toEqual([
      'BH_ERR_STORE_DENIED',
      {},
      'BH_ERR_SETTINGS',
    ]);
  });
  test('`htmlEscape6x` takes one escaping back', async () => {
    const name = await makeService(real, [{ pairs: { a: '&lt;&amp;#34;' } }]);
    expect(await ask([name])).toEqual([{ a: '&lt;&amp;#34;' }]);
    expect(await ask([name], { htmlEscape6x: true })).toEqual([{ a: '<&#34;' }]);
  });
  test("a user's token, which by Confidant's own rules may read every service", async () => {
    const name = await makeService(real, [{ pairs: { a: '1' } }]);
    expect(await ask([name], { userType: 'user', from: 'ada' })).toEqual([{ a: '1' }]);
  });
  test('a token of version 1', async () => {
    const name = await makeService(real, [{ pairs: { a: '1' } }]);
    expect(await ask([name], { tokenVersion: 1 })).toEqual([{ a: '1' }]);
    const { authorization = '' } = server.requests[0]?.headers ?? {};
    expect(Buffer.from(authorization.slice(6), 'base64').toString()).toStartWith(`${name}:`);
  });
});

describe.skipIf(isMissing)('blind credentials', () => {
  test('are opened by KMS, one call each, their keys in their case', async () => {
    const blind = [{ pairs: { API_KEY: ODD } }, { pairs: { b: '2' } }];
    const name = await makeService(real, [{ pairs: { a: '1' } }], blind);
    expect(await ask([name])).toEqual([{ a: '1', API_KEY: latin1(ODD), b: '2' }]);
    expect([server.requests.length, kms.requests.length]).toEqual([1, 3]);
    expect(await ask([name], { blind: 'leave' })).toEqual([{ a: '1' }]);
  });
  test.each([
    ['of another region', { region: 'eu-west-1' }],
    ['changed', { change: (token: string) => token.replace(/.{8}$/, 'AAAAAAA=') }],
    ['no Fernet token', { change: () => 'sealed' }],
  ])('%s: BH_ERR_VALUE, and nothing is delivered', async (_, more) => {
    const one = { pairs: { a: CANARY }, ...more };
    const name = await makeService(real, [{ pairs: { b: '1' } }], [one]);
    expect(await ask([name])).toEqual(['BH_ERR_VALUE']);
    expect(await ask([name], { blind: 'leave' })).toEqual([{ b: '1' }]);
  });
  test('in the shapes of the official client', async () => {
    const metadata = { env_var_prefix: 'app_' };
    const name = await makeService(
      real,
      [
        { pairs: { a: '1' }, metadata },
        { pairs: { off: '2' }, enabled: false },
      ],
      [{ pairs: { Key: '3' } }],
    );
    const paths = [`${name}?format=env`, `${name}?format=env&prefix=X_`, `${name}?format=combined`];
    const [standard, own, combined] = await ask(paths);
    expect(standard).toEqual({ APP_A: '1', CREDENTIALS_OFF: '2', CREDENTIALS_KEY: '3' });
    expect(own).toEqual({ APP_A: '1', X_OFF: '2', X_KEY: '3' });
    expect(JSON.parse(String(combined))).toMatchObject({
      credentials: { a: '1', off: '2', Key: '3' },
    });
    expect([server.requests.length, kms.requests.length]).toEqual([1, 2]);
  });
});

describe.skipIf(isMissing)('refusals', () => {
  const clocks = (aheadMs: number): Io => {
    const io = realIo(env);
    return { ...io, clock: { ...io.clock, now: () => Date.now() + aheadMs } };
  };
  test.each([
    ['an expired token', -1_800_000],
    ['a token that is not yet valid', 1_800_000],
  ])('%s: BH_ERR_CREDENTIALS, and it is told that the clocks differ', async (_, aheadMs) => {
    const answer = await askBy(clocks(aheadMs), await makeService(real, []));
    expect(shown(answer)).toBe('BH_ERR_CREDENTIALS');
    const said = answer?.kind === 'failed' ? answer.problem.message : '';
    expect(said).toMatch(/our clock and its differ by -?1(80[01]|799) s/);
  });
  test.each([
    ['to', 'elsewhere', 'BH_ERR_CREDENTIALS'],
    ['from', 'somebody-else', 'BH_ERR_STORE_DENIED'],
    ['authKey', 'alias/blind', 'BH_ERR_CREDENTIALS'],
    ['authKey', 'alias/nosuch', 'BH_ERR_SETTINGS'],
    ['tokenVersion', 3, 'BH_ERR_SETTINGS'],
    ['tokenLifetimeMinutes', 61, 'BH_ERR_SETTINGS'],
    ['from', 'a:b', 'BH_ERR_SETTINGS'],
  ])('wrong %s (%s): %s', async (name, value, code) => {
    const service = await makeService(real, [{ pairs: { a: CANARY } }]);
    const asked = ask([service], { [name]: value });
    const codes = await asked.catch((error: { code?: string }) => [error.code]);
    expect(codes).toEqual([code]);
  });
  const forbidden = answerOf(403, '<title>403 Forbidden</title>', 'text/html');
  test.each([
    ['the same again', undefined, 'BH_ERR_CREDENTIALS'],
    ['503', FAULTS.unavailable, 'BH_ERR_CREDENTIALS'],
    ['a login page', FAULTS.loginPage, 'BH_ERR_CREDENTIALS'],
    ['the service', 'fine', { a: CANARY }],
  ] as const)('a 403 that comes slowly is asked again: %s', async (_, then, wanted) => {
    let aheadMs = 0;
    const io = realIo(env);
    const clock = { ...io.clock, monotonicMs: () => io.clock.monotonicMs() + aheadMs };
    const edit = (): typeof forbidden => {
      aheadMs += 5100;
      return forbidden;
    };
    server.next({ kind: 'edit', edit });
    if (then !== 'fine') server.next(then ?? { kind: 'edit', edit });
    const answer = await askBy(
      { ...io, clock },
      await makeService(real, [{ pairs: { a: CANARY } }]),
    );
    expect(shown(answer)).toEqual(wanted);
    const said = answer?.kind === 'failed' ? answer.problem.message : 'HTTP 403 after 5 s: ';
    expect(said).toContain('HTTP 403 after 5 s: ');
    expect(server.requests.length).toBe(2);
  });
});

describe.skipIf(isMissing)('trouble', () => {
  test.each(['reset', 'serverError', 'cutSeen', 'cutUnseen', 'throttled', 'wrongType'] as const)(
    '%s once: the values come all the same, by the same token',
    async (fault) => {
      const name = await makeService(real, [{ pairs: { a: CANARY } }]);
      server.next(FAULTS[fault]);
      expect(await ask([name])).toEqual([{ a: CANARY }]);
      expect(server.requests.length).toBe(fault === 'wrongType' ? 1 : 2);
      expect(kms.requests.length).toBe(1);
    },
  );
  test.each([
    ['a login page', 200, '<html>log in</html>'],
    ['other JSON', 200, '{}'],
    ['a 404 of something else', 404, '<html>nginx</html>'],
    ['a redirect to a login', 302, ''],
  ])('%s is no answer of Confidant', async (_, status, body) => {
    server.always({ kind: 'answer', answer: answerOf(status, body, 'text/html') });
    const code = status === 404 ? 'BH_ERR_SETTINGS' : 'BH_ERR_STORE_ANSWER';
    expect(await ask(['trainer'])).toEqual([code]);
  });
  test('the identity is told', async () => {
    const { store } = await openReal(
      { ...options, service: 'trainer' },
      {
        env: { ...env, AWS_ENDPOINT_URL_STS: kms.url },
      },
    );
    expect(await store.identity?.()).toMatch(/^2\/service\/trainer, by arn:aws:/);
  });
});
