// The store against fake-gcs-server, and against what google-cloud-storage reads, writes and sends.
import { beforeAll, describe, expect, test } from 'bun:test';
import { noDiscovery, parametersOf } from '../support/discovery.ts';
import type { Routed, Routing } from '../support/routed-store.ts';
import { openRouted, problemIn, shown, thrownBy } from '../support/routed-store.ts';
import type { Step } from './_sdk-steps.ts';
import { BYTES, BYTES_SHA256, NAMED, ODD_KEYS, sdkSteps } from './_sdk-steps.ts';
import { realServer } from './_servers.ts';

const server = await realServer('gcs');
const gsm = await realServer('gsm');
const bucket = `bellhop-${crypto.randomUUID()}`;
const KEY = 'projects/p/locations/eu/keyRings/r/cryptoKeys/jobs';
const DAY_MS = 24 * 3600 * 1000;

async function sdk(endpoint: string, ...steps: readonly Step[]) {
  const given = { endpoint, steps: steps.map((one) => ({ bucket, ...one })) };
  return sdkSteps('gcs_sdk.py', server.get('GCS_SDK'), given);
}

const read = async (key: string) => {
  const [facts] = await sdk(server.get('GCS_ENDPOINT'), { do: 'read', key });
  return facts as { base64: string; generation: string; metadata: object; until: number | null };
};

async function open(more: object = {}, routing?: Routing): Promise<Routed> {
  const options = { kind: 'gcs', endpoint: server.get('GCS_ENDPOINT'), ...more };
  return openRouted(options, { env: { GCE_METADATA_HOST: gsm.get('GCE_METADATA_HOST') } }, routing);
}

describe.skipIf(server.missing !== undefined)('gcs', () => {
  beforeAll(async () => {
    await sdk(server.get('GCS_ENDPOINT'), { do: 'make' });
  });

  test('what is written, the vendor’s SDK reads: content, digest and end', async () => {
    const { store } = await open();
    const beganMs = Date.now();
    await store.put?.(`${bucket}/written`, BYTES, NAMED);
    const { base64, metadata, until } = await read('written');
    expect(Buffer.from(base64, 'base64').equals(BYTES)).toBe(true);
    expect(metadata).toEqual({ 'bellhop-sha256': BYTES_SHA256, 'bellhop-expire-days': '7' });
    expect(until).toBeWithin(beganMs + 7 * DAY_MS - 1, Date.now() + 7 * DAY_MS + 1);
  });

  test.each([...ODD_KEYS, 'dots/../in/./it'])(
    'what the vendor’s SDK writes is read, and the other way: %s',
    async (key) => {
      const base64 = Buffer.from(`v ${key}`).toString('base64');
      await sdk(server.get('GCS_ENDPOINT'), { do: 'write', key: `sdk/${key}`, base64 });
      const { store, fetch: ask } = await open();
      const [answer] = await ask(`${bucket}/sdk/${key}`);
      expect(shown(answer)).toBe(Buffer.from(`v ${key}`).toString('latin1'));
      await store.put?.(`${bucket}/own/${key}`, Buffer.from(`w ${key}`));
      expect((await read(`own/${key}`)).base64).toBe(Buffer.from(`w ${key}`).toString('base64'));
    },
    30_000,
  );

  test('an equal object is not written again, and its end is put off', async () => {
    const { store, requests } = await open();
    await store.put?.(`${bucket}/equal`, BYTES, { ...NAMED, expireDays: 1 });
    const before = await read('equal');
    await store.put?.(`${bucket}/equal`, BYTES, NAMED);
    const after = await read('equal');
    expect(after.generation).toBe(before.generation);
    expect((after.until ?? 0) - (before.until ?? 0)).toBeGreaterThan(5 * DAY_MS);
    expect(requests.filter(({ url }) => url.includes('/upload/'))).toHaveLength(1);
  });

  test('the end is never moved back', async () => {
    const { store } = await open();
    await store.put?.(`${bucket}/late`, BYTES, { ...NAMED, expireDays: 90 });
    const before = await read('late');
    await store.put?.(`${bucket}/late`, BYTES, NAMED);
    expect(await read('late')).toEqual(before);
  });

  test('another object at the path is replaced, and only the one that was seen', async () => {
    const other = Buffer.from('other').toString('base64');
    await sdk(server.get('GCS_ENDPOINT'), { do: 'write', key: 'taken', base64: other });
    const { generation } = await read('taken');
    const { store, requests } = await open();
    await store.put?.(`${bucket}/taken`, BYTES, NAMED);
    expect((await read('taken')).base64).toBe(BYTES.toString('base64'));
    const [upload] = requests.filter(({ url }) => url.includes('/upload/'));
    expect(upload?.url).toContain(`ifGenerationMatch=${generation}`);
  });

  test('who may write and not look writes over nothing', async () => {
    const said = Buffer.from(
      JSON.stringify({ error: { code: 403, message: 'no storage.objects.get' } }),
    );
    const routing: Routing = (request) =>
      request.url.includes('?fields=') ? { answer: { status: 403, body: said } } : request;
    const { store, requests } = await open({}, routing);
    await store.put?.(`${bucket}/blind`, BYTES, NAMED);
    expect((await read('blind')).base64).toBe(BYTES.toString('base64'));
    expect(requests.at(-1)?.url).toContain('ifGenerationMatch=0');
    await store.put?.(`${bucket}/blind`, Buffer.from('other'), NAMED);
    expect((await read('blind')).base64).toBe(BYTES.toString('base64'));
  });

  test.each([
    ['looking', '?fields='],
    ['writing', '/upload/'],
    ['reading', 'alt=media'],
  ])('a rate limit passes: %s is tried again', async (_, part) => {
    const message = 'Rate Limit Exceeded';
    const body = Buffer.from(JSON.stringify({ error: { code: 403, message } }));
    let isOver = false;
    const { store, fetch: ask } = await open({}, (request) => {
      if (isOver || !request.url.includes(part)) return request;
      isOver = true;
      return { answer: { status: 403, body } };
    });
    const other = Buffer.from('other').toString('base64');
    await sdk(server.get('GCS_ENDPOINT'), { do: 'write', key: 'limited', base64: other });
    await store.put?.(`${bucket}/limited`, BYTES, NAMED);
    const [answer] = await ask(`${bucket}/limited`);
    expect([isOver, shown(answer)]).toEqual([true, BYTES.toString('latin1')]);
  });

  test('two that write the same at once leave one object', async () => {
    const both = await Promise.all([open(), open()]);
    await Promise.all(both.map(async ({ store }) => store.put?.(`${bucket}/both`, BYTES, NAMED)));
    expect((await read('both')).base64).toBe(BYTES.toString('base64'));
  });

  test('key, condition and resource are asked for as the vendor’s SDK asks', async () => {
    const seen: URL[] = [];
    using recorder = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async (request) => {
        seen.push(new URL(request.url));
        return Response.json({ generation: '1', name: 'x', bucket });
      },
    });
    const endpoint = recorder.url.origin;
    const base64 = BYTES.toString('base64').slice(0, 400);
    await sdk(endpoint, { do: 'write', key: 'a/b c', base64, kms: KEY, match: 0 });
    const { store } = await open({ endpoint, kmsKeyName: KEY });
    await store.put?.(`${bucket}/a/b c`, BYTES, {});
    await store.put?.(`${bucket}/a/b c`, BYTES, NAMED);
    const uploads = seen.filter((url) => url.pathname.includes('/upload/'));
    const [theirs, ours, replaced] = uploads.map((url) => [
      url.pathname,
      url.searchParams.get('kmsKeyName'),
    ]);
    expect([ours, replaced]).toEqual([theirs, theirs]);
    expect(theirs?.[1]).toBe(KEY);
    expect(noDiscovery()).toBeUndefined();
    const known = parametersOf('storage.v1', 'objects', 'insert');
    const names = uploads.flatMap((url) => [...url.searchParams.keys()]);
    expect(names.filter((name) => name !== 'uploadType' && !known.includes(name))).toEqual([]);
  }, 30_000);

  test('what is not there, and what cannot be', async () => {
    const { fetch: ask } = await open();
    const answers = await ask(
      `${bucket}/none`,
      `no-${bucket}/x`,
      'nokey',
      'BAD/x',
      `${bucket}/..`,
      {
        path: `${bucket}/written`,
        version: 'latest',
      },
    );
    expect(shown(answers[0])).toEqual({ absent: 'there is no such object' });
    expect(answers.slice(1).map((one) => problemIn(one).code)).toEqual(
      Array.from({ length: 5 }, () => 'BH_ERR_SETTINGS'),
    );
    expect(problemIn(answers[1]).what).toBe('there is no such bucket');
  });

  test('content that does not have its checksum is asked for again', async () => {
    let isCut = true;
    const { fetch: ask, requests } = await open({}, (request) => {
      if (!isCut || !request.url.includes('alt=media')) return request;
      isCut = false;
      const headers = { 'x-goog-generation': '1', 'x-goog-hash': 'crc32c=AAAAAA==,md5=x' };
      return { answer: { status: 200, headers, body: Buffer.from('cut') } };
    });
    const [answer] = await ask(`${bucket}/written`);
    expect(shown(answer)).toBe(BYTES.toString('latin1'));
    expect(requests.filter(({ url }) => url.includes('alt=media'))).toHaveLength(2);
  });

  test('nothing is written to a bucket that is not there', async () => {
    const { store } = await open();
    for (const how of [{}, NAMED]) {
      const error = await thrownBy(store.put?.(`no-${bucket}/x`, BYTES, how) ?? Promise.resolve());
      expect([error.code, error.what]).toEqual(['BH_ERR_SETTINGS', 'there is no such bucket']);
    }
  });
});
