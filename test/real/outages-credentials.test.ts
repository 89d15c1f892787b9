// Outages of what stands before a store: metadata, credentials that end in the middle, and batches
// that are answered in part. Real servers, with a fault server in front.
import { afterAll, describe, expect, test } from 'bun:test';
import { closedPort } from '../support/ports.ts';
import { FAULTS, answerOf, faultServer, halfOf } from './_faults.ts';
import type { Around, Outcome, Stand } from './_outage.ts';
import { BUDGET_MS, CANARY, TOLERANCE_MS, boundsOf, start, unnamed } from './_outage.ts';
import { behind, meeting } from './_outage-fronts.ts';
import type { Measured } from './_outage-record.ts';
import { reasonsIn, record } from './_outage-record.ts';
import { fresh, secretsManagerStand, vaultStand } from './_outage-stands.ts';

const { stand: aws } = await secretsManagerStand();
const { stand: vault } = await vaultStand();
const measured: Measured[] = [];
afterAll(() => {
  if (aws !== undefined && vault !== undefined) record('credentials', measured);
});

interface Line {
  readonly fault: string;
  readonly stand: Stand;
  readonly requests: number;
}

/** Holds what every outage must, and writes the line down. */
function seen(outcome: Outcome, { fault, stand, requests }: Line): void {
  const { tookMs } = outcome;
  const facts = { fault, store: stand.kind, outcome: outcome.outcome, tookMs, requests };
  measured.push({
    place: measured.length,
    ...facts,
    // Of the places where there is no identity only the last is what this is about.
    reasons: reasonsIn(outcome.problems).map((one) => one.replace(/^.*; instance: /, '')),
    budgetMs: BUDGET_MS,
  });
  expect(outcome.shown).not.toContain(CANARY);
  expect(tookMs).toBeLessThan(BUDGET_MS + TOLERANCE_MS);
  if (outcome.outcome === 'all values') expect(outcome.values).toEqual(stand.values);
  else expect([outcome.values, unnamed(outcome, stand.references)]).toEqual([[], []]);
}

const KEY_NAMES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];

/** The stand's store without its key, with other variables instead. */
function keyless(stand: Stand, url: string, env: Readonly<Record<string, string>>): Around {
  const around = stand.around(url);
  const kept = Object.entries(around.env ?? {}).filter(([name]) => !KEY_NAMES.includes(name));
  const none = '/nonexistent';
  const files = { AWS_CONFIG_FILE: none, AWS_SHARED_CREDENTIALS_FILE: none };
  return { ...around, env: { ...Object.fromEntries(kept), ...files, ...env } };
}

describe.skipIf(aws === undefined)('aws-secrets-manager, credentials', () => {
  const stand = aws as Stand;
  const bounds = (): ReturnType<typeof boundsOf> => boundsOf(stand.references);
  const key = (): Readonly<Record<string, string>> => stand.around('').env ?? {};
  const lent = (id: string): string => {
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    const secret = key()['AWS_SECRET_ACCESS_KEY'];
    return JSON.stringify({ AccessKeyId: id, SecretAccessKey: secret, Token: '', Expiration });
  };

  test('instance metadata that hangs is given up after a second', async () => {
    await using metadata = await faultServer();
    metadata.always(FAULTS.hangBeforeHeaders);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
    const outcome = await start(bounds(), keyless(stand, stand.upstream.url, env));
    seen(outcome, { fault: 'IMDS hangs, and there is no other identity', stand, requests: 0 });
    expect(outcome.outcome).toBe('BH_ERR_CREDENTIALS');
    expect(outcome.problems[0]?.message).toMatch(/instance: .*no answer for \d+ ms/);
  });

  test('instance metadata that hangs is not asked where there is a key', async () => {
    await using metadata = await faultServer();
    metadata.always(FAULTS.hangBeforeHeaders);
    const around = stand.around(stand.upstream.url);
    const env = { ...around.env, AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
    const outcome = await start(bounds(), { ...around, env });
    seen(outcome, { fault: 'IMDS hangs, and there is a key', stand, requests: 1 });
    expect([outcome.outcome, metadata.requests.length]).toEqual(['all values', 0]);
  });

  const instance = ({ method, path }: { method: string; path: string }) => {
    if (method === 'PUT') return answerOf(200, 'a-token', 'text/plain');
    return path.endsWith('/') ? answerOf(200, 'a-role', 'text/plain') : answerOf(200, lent('test'));
  };

  test.each([
    ['answers 503 always', FAULTS.unavailable, Infinity, 'BH_ERR_STORE'],
    ['answers 503 three times', FAULTS.unavailable, 3, 'all values'],
    ['resets its connections always', FAULTS.reset, Infinity, 'BH_ERR_STORE'],
    ['resets three connections', FAULTS.reset, 3, 'all values'],
    ['gives no token, but a page', FAULTS.loginPage, Infinity, 'BH_ERR_STORE'],
  ])('instance metadata that %s is down, and not none', async (...[fault, what, times, wanted]) => {
    await using metadata = await faultServer({ answer: instance });
    metadata.next(what, { times });
    await using front = await behind(stand, () => undefined);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
    const outcome = await start(bounds(), keyless(stand, front.url, env));
    const requests = await front.requests();
    seen(outcome, { fault: `IMDS ${fault}`, stand, requests });
    expect(outcome.outcome).toBe(wanted);
  });

  test.each([
    ['/security-credentials/', 3, 'all values'],
    ['/security-credentials/', Infinity, 'BH_ERR_STORE'],
    ['/a-role', 3, 'all values'],
    ['/a-role', Infinity, 'BH_ERR_STORE'],
  ])(
    'an instance with a token that answers 503 for %s %p times: %s',
    async (end, times, wanted) => {
      await using metadata = await faultServer({ answer: instance });
      metadata.next(FAULTS.unavailable, { times, match: ({ path }) => path.endsWith(end) });
      const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
      const outcome = await start(bounds(), keyless(stand, stand.upstream.url, env));
      expect(outcome.outcome).toBe(wanted);
    },
  );

  test('an instance that throttles is waited for', async () => {
    await using metadata = await faultServer({ answer: instance });
    metadata.next(FAULTS.throttled, { times: 3 });
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
    const outcome = await start(bounds(), keyless(stand, stand.upstream.url, env));
    expect(outcome.outcome).toBe('all values');
  });

  test('where instance metadata is down, a fallback is asked', async () => {
    await using metadata = await faultServer();
    metadata.always(FAULTS.unavailable);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url, SPARE: 'spare' };
    const around = keyless(stand, stand.upstream.url, env);
    const stores = { ...around.stores, env: { kind: 'env' } };
    const spare = boundsOf(stand.references, () => [{ store: 'env', path: 'SPARE' }]);
    const outcome = await start(spare, { ...around, stores });
    expect(outcome.values).toEqual(stand.references.map(() => 'spare'));
  });

  test('where nobody listens there is no instance, and that is known at once', async () => {
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${await closedPort()}` };
    const outcome = await start(bounds(), keyless(stand, stand.upstream.url, env));
    seen(outcome, { fault: 'IMDS refuses, and there is no other identity', stand, requests: 0 });
    expect(outcome.outcome).toBe('BH_ERR_CREDENTIALS');
    expect(outcome.problems[0]?.message).toMatch(/instance: .*refused/);
  });

  test.each([
    ['always', Infinity, 'BH_ERR_STORE'],
    ['once', 1, 'all values'],
  ])("the container's credentials hang %s", async (often, times, wanted) => {
    await using platform = await faultServer({ answer: () => answerOf(200, lent('test')) });
    platform.next(FAULTS.hangBeforeHeaders, { times });
    await using front = await behind(stand, () => undefined);
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${platform.url}/role` };
    const outcome = await start(bounds(), keyless(stand, front.url, env));
    const requests = await front.requests();
    seen(outcome, { fault: `container credentials hang ${often}`, stand, requests });
    expect(outcome.outcome).toBe(wanted);
  });

  const EXPIRED = answerOf(400, { __type: 'ExpiredTokenException', message: 'expired' });

  test('credentials that end in the middle are fetched anew, once', async () => {
    const ids = ['AKIAENDED', 'test'];
    await using platform = await faultServer({
      answer: () => answerOf(200, lent(ids[platform.requests.length - 1] ?? '')),
    });
    await using front = await behind(stand, (server) => {
      const isOld = ({ headers }: { headers: Readonly<Record<string, string>> }): boolean =>
        headers['authorization']?.includes('AKIAENDED') === true;
      server.always({ kind: 'answer', answer: EXPIRED }, isOld);
    });
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${platform.url}/role` };
    const outcome = await start(bounds(), keyless(stand, front.url, env));
    const requests = await front.requests();
    seen(outcome, { fault: 'credentials end in the middle', stand, requests });
    expect([outcome.outcome, requests, platform.requests.length]).toEqual(['all values', 2, 2]);
  });

  test('credentials that have ended and have no successor are refused at once', async () => {
    await using front = await meeting({ kind: 'answer', answer: EXPIRED })(stand);
    const outcome = await start(bounds(), stand.around(front.url));
    const requests = await front.requests();
    seen(outcome, { fault: 'credentials have ended, no others', stand, requests });
    expect([outcome.outcome, requests]).toEqual(['BH_ERR_CREDENTIALS', 1]);
  });

  test('of a batch that is answered in part, the rest is asked for one by one', async () => {
    const half = { kind: 'edit', edit: halfOf('SecretValues') } as const;
    await using front = await behind(stand, (server) => server.next(half));
    const outcome = await start(bounds(), stand.around(front.url));
    const requests = await front.requests();
    seen(outcome, { fault: 'a batch answers half', stand, requests });
    expect([outcome.outcome, requests]).toEqual(['all values', 2]);
  });
});

describe.skipIf(vault === undefined)('Vault', () => {
  const stand = vault as Stand;

  /** An AppRole whose tokens die after two requests; OpenBao itself ends them. */
  async function shortLivedRole(): Promise<{ readonly role: string; readonly secret: string }> {
    const { url } = stand.upstream;
    const root = stand.around('').env?.['VAULT_TOKEN'] ?? '';
    const api = async (path: string, body: object): Promise<Record<string, string>> => {
      const headers = { 'x-vault-token': root };
      const sent = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await fetch(`${url}/v1/${path}`, sent);
      if (!answer.ok && answer.status !== 400) throw new Error(`${path}: HTTP ${answer.status}`);
      const text = await answer.text();
      return text === '' ? {} : ((JSON.parse(text) as { data?: {} }).data ?? {});
    };
    // Somebody may have enabled it before.
    await api('sys/auth/approle', { type: 'approle' });
    const name = fresh('outage');
    const policy = 'path "secret/*" { capabilities = ["read"] }';
    await api(`sys/policies/acl/${name}`, { policy });
    const role = `auth/approle/role/${name}`;
    await api(role, { token_policies: name, token_num_uses: 2 });
    const headers = { 'x-vault-token': root };
    const read = await fetch(`${url}/v1/${role}/role-id`, { headers });
    const { data } = (await read.json()) as { data: { role_id: string } };
    const { secret_id: secret = '' } = await api(`${role}/secret-id`, {});
    return { role: data.role_id, secret };
  }

  test('a token that ends in the middle is replaced by logging in again', async () => {
    const { role, secret } = await shortLivedRole();
    await using front = await behind(stand, () => undefined);
    const around = stand.around(front.url);
    const auth = { method: 'approle', roleId: 'env:ROLE', secretId: 'env:SECRET' };
    const outcome = await start(boundsOf(stand.references), {
      ...around,
      env: { ROLE: role, SECRET: secret },
      stores: { env: { kind: 'env' }, mine: { kind: 'vault', ...around.stores['mine'], auth } },
    });
    const requests = await front.requests();
    seen(outcome, { fault: 'credentials end in the middle', stand, requests });
    // Two logins, three reads, and those that were refused.
    expect(outcome.outcome).toBe('all values');
    expect(requests).toBeWithin(6, 9);
  });

  test('a token that the server does not know is refused at once', async () => {
    await using front = await behind(stand, () => undefined);
    const around = stand.around(front.url);
    const env = { VAULT_TOKEN: 's.unknown' };
    const outcome = await start(boundsOf(stand.references), { ...around, env });
    const requests = await front.requests();
    seen(outcome, { fault: 'credentials have ended, no others', stand, requests });
    expect(outcome.outcome).toBe('BH_ERR_CREDENTIALS');
  });
});
