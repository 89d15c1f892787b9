// The store against Azurite, and against what azure-storage-blob reads, writes and signs.
import { beforeAll, describe, expect, test } from 'bun:test';
import type { Routed, Routing } from '../support/routed-store.ts';
import { openRouted, problemIn, shown, thrownBy } from '../support/routed-store.ts';
import type { Step } from './_sdk-steps.ts';
import { BYTES, BYTES_SHA256, NAMED, ODD_KEYS, sdkSteps } from './_sdk-steps.ts';
import { realServer } from './_servers.ts';

const server = await realServer('azurite');
const akv = await realServer('akv');
const container = `c-${crypto.randomUUID()}`;
const RESOURCE = 'https://storage.azure.com';

async function sdk(...steps: readonly Step[]): Promise<readonly unknown[]> {
  return sdkSteps('azure_blob_sdk.py', server.get('AZURITE_SDK'), {
    url: server.get('AZURITE_URL'),
    account: server.get('AZURITE_ACCOUNT'),
    key: server.get('AZURITE_KEY'),
    ca: server.get('SSL_CERT_FILE'),
    steps: steps.map((one) => ({ container, ...one })),
  });
}

interface Facts {
  readonly base64: string;
  readonly etag: string;
  readonly created: number;
  readonly modified: number;
  readonly metadata: object;
  readonly kind: string;
  readonly tags: object;
}

const read = async (key: string): Promise<Facts> => {
  const [facts] = await sdk({ do: 'read', key });
  return facts as Facts;
};

const MANAGED = () => ({
  AZURE_POD_IDENTITY_AUTHORITY_HOST: akv.get('AZURE_POD_IDENTITY_AUTHORITY_HOST'),
});
const CLIENT = () => ({
  AZURE_AUTHORITY_HOST: akv.get('AZURE_AUTHORITY_HOST'),
  AZURE_TENANT_ID: akv.get('AZURE_TENANT_ID'),
  AZURE_CLIENT_ID: akv.get('AZURE_CLIENT_ID'),
});

interface Opening {
  readonly options?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly routing?: Routing;
}

async function open({ options = {}, env = MANAGED(), routing }: Opening = {}): Promise<Routed> {
  const given = { kind: 'azure-blob', url: server.get('AZURITE_URL'), ...options };
  const variables = { SSL_CERT_FILE: server.get('SSL_CERT_FILE'), ...env };
  const around = { env: variables, stores: { e: { kind: 'env' } } };
  return openRouted(given, around, routing);
}

describe.skipIf(server.missing !== undefined)('azure-blob', () => {
  beforeAll(async () => {
    await sdk({ do: 'make' });
  });

  test('what is written, the vendor’s SDK reads: content, digest, days and tag', async () => {
    const { store } = await open({ options: { indexTags: true } });
    await store.put?.(`${container}/written`, BYTES, NAMED);
    const { base64, metadata, kind, tags } = await read('written');
    expect(Buffer.from(base64, 'base64').equals(BYTES)).toBe(true);
    expect(metadata).toEqual({ bellhop_sha256: BYTES_SHA256, bellhop_expire_days: '7' });
    expect([kind, tags]).toEqual(['BlobType.BLOCKBLOB', { bellhop_expire_days: '7' }]);
  });

  test.each(ODD_KEYS)(
    'what the vendor’s SDK writes is read, and the other way: %s',
    async (key) => {
      const base64 = Buffer.from(`v ${key}`).toString('base64');
      await sdk({ do: 'write', key: `sdk/${key}`, base64 });
      const { store, fetch: ask } = await open();
      const [answer] = await ask(`${container}/sdk/${key}`);
      expect(shown(answer)).toBe(Buffer.from(`v ${key}`).toString('latin1'));
      await store.put?.(`${container}/own/${key}`, Buffer.from(`w ${key}`));
      const { base64: got, tags } = await read(`own/${key}`);
      expect([got, tags]).toEqual([Buffer.from(`w ${key}`).toString('base64'), {}]);
    },
    30_000,
  );

  test('an equal blob is not written again, and counts as modified now', async () => {
    const { store, requests } = await open();
    await store.put?.(`${container}/equal`, BYTES, { ...NAMED, expireDays: 1 });
    const before = await read('equal');
    await store.put?.(`${container}/equal`, BYTES, NAMED);
    const after = await read('equal');
    expect(after.metadata).toEqual({ bellhop_sha256: BYTES_SHA256, bellhop_expire_days: '7' });
    expect([after.created, after.base64]).toEqual([before.created, before.base64]);
    expect(after.modified).toBeGreaterThanOrEqual(before.modified);
    expect(
      requests.filter(({ method, body }) => method === 'PUT' && body !== undefined),
    ).toHaveLength(1);
  });

  test('another blob at the path is replaced, and only the one that was seen', async () => {
    await sdk({ do: 'write', key: 'taken', base64: Buffer.from('other').toString('base64') });
    const { etag } = await read('taken');
    const { store, requests } = await open();
    await store.put?.(`${container}/taken`, BYTES, NAMED);
    expect((await read('taken')).base64).toBe(BYTES.toString('base64'));
    expect(requests.at(-1)?.headers['if-match']).toBe(etag);
  });

  test('who may write and not look writes over nothing', async () => {
    const code = { 'x-ms-error-code': 'AuthorizationPermissionMismatch' };
    const routing: Routing = (request) =>
      request.method === 'HEAD' ? { answer: { status: 403, headers: code } } : request;
    const { store } = await open({ routing });
    await store.put?.(`${container}/blind`, BYTES, NAMED);
    await store.put?.(`${container}/blind`, Buffer.from('other'), NAMED);
    expect((await read('blind')).base64).toBe(BYTES.toString('base64'));
  });

  test('the encryption scope is named in every write', async () => {
    const { store, requests } = await open({
      options: { encryptionScope: 'jobs' },
      routing: (request) => {
        const { 'x-ms-encryption-scope': _, ...headers } = request.headers;
        return { ...request, headers };
      },
    });
    for (const how of [{}, NAMED, NAMED]) await store.put?.(`${container}/scoped`, BYTES, how);
    const writes = requests.filter(({ method }) => method === 'PUT');
    expect(writes.map(({ headers }) => headers['x-ms-encryption-scope'])).toEqual([
      'jobs',
      'jobs',
      'jobs',
    ]);
  });

  test('auth: client-secret', async () => {
    const env = { ...CLIENT(), AZURE_CLIENT_SECRET: 'testbed' };
    const { fetch: ask } = await open({ env });
    expect(shown((await ask(`${container}/written`))[0])).toBe(BYTES.toString('latin1'));
  });

  test('auth: workload-identity', async () => {
    const env = { ...CLIENT(), AZURE_FEDERATED_TOKEN_FILE: import.meta.path };
    const { fetch: ask } = await open({ env });
    expect(shown((await ask(`${container}/written`))[0])).toBe(BYTES.toString('latin1'));
  });

  test('auth: shared access signature, made by the vendor’s SDK; it is shown nowhere', async () => {
    const [all, readOnly] = await sdk(
      { do: 'sas', permission: 'rcw' },
      { do: 'sas', permission: 'r' },
    );
    const options = { sas: 'e:SAS' };
    const mine = await open({ options, env: { SAS: `?${String(all)}` } });
    await mine.store.put?.(`${container}/signed`, BYTES, NAMED);
    expect(shown((await mine.fetch(`${container}/signed`))[0])).toBe(BYTES.toString('latin1'));
    const theirs = await open({ options, env: { SAS: String(readOnly) } });
    const denied = await thrownBy(
      theirs.store.put?.(`${container}/no`, BYTES) ?? Promise.resolve(),
    );
    expect(denied.code).toBe('BH_ERR_STORE_DENIED');
    const sig = /sig=([^&]+)/.exec(String(all))?.[1] ?? '';
    const bad = await open({
      options,
      env: { SAS: String(all).replace(sig, `canary${sig.slice(6)}`) },
    });
    const problem = problemIn((await bad.fetch(`${container}/signed`))[0]);
    // Azure says AuthenticationFailed, Azurite AuthorizationFailure.
    expect(problem.code).toMatch(/BH_ERR_(CREDENTIALS|STORE_DENIED)/);
    for (const shownText of [Bun.inspect(denied), Bun.inspect(problem), problem.help]) {
      expect(shownText).not.toContain(decodeURIComponent(sig).slice(6));
      expect(shownText).not.toContain(sig.slice(6));
    }
    const none = await open({ options, env: { SAS: 'canary-no-signature' } });
    const refused = problemIn(
      (
        await none
          .fetch(`${container}/signed`)
          .catch((e) => [{ kind: 'failed', problem: e } as const])
      )[0],
    );
    expect([refused.code, refused.what]).toEqual([
      'BH_ERR_SETTINGS',
      expect.not.stringContaining('canary'),
    ]);
  }, 30_000);

  test('a token for something else is refused', async () => {
    const { fetch: ask } = await open({
      routing: (request) => ({
        ...request,
        url: request.url.replace(encodeURIComponent(RESOURCE), 'https%3A%2F%2Fvault.azure.net'),
      }),
    });
    const [answer] = await ask(`${container}/written`);
    expect(problemIn(answer).code).toBe('BH_ERR_CREDENTIALS');
  });

  test('what is not there, and what cannot be', async () => {
    const { fetch: ask } = await open();
    const answers = await ask(
      `${container}/none`,
      `no-${container}/x`,
      'nokey',
      'BAD/x',
      `${container}/a/../b`,
      { path: `${container}/written`, version: '?' },
    );
    expect(shown(answers[0])).toEqual({ absent: 'there is no such blob' });
    expect(answers.slice(1).map((one) => problemIn(one).code)).toEqual(
      Array.from({ length: 5 }, () => 'BH_ERR_SETTINGS'),
    );
    expect(problemIn(answers[1]).what).toBe('there is no such container');
  });

  test('nothing is written to a container that is not there', async () => {
    const { store } = await open();
    for (const how of [{}, NAMED]) {
      const error = await thrownBy(
        store.put?.(`no-${container}/x`, BYTES, how) ?? Promise.resolve(),
      );
      expect([error.code, error.what]).toEqual(['BH_ERR_SETTINGS', 'there is no such container']);
    }
  });
});
