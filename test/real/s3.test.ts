// S3 by rclone (signatures), ministack (policies), moto (versions), and a stub that says where a
// bucket is.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { openBudget } from '../../src/core/budget.ts';
import { NO_TRACE } from '../../src/core/trace.ts';
import { openStore } from '../../src/entrypoint/open-store.ts';
import type { Plan } from '../../src/plan/types.ts';
import { openReal, realIo } from '../support/real-store.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import type { AwsKey } from './_aws-call.ts';
import type { Recorder } from './_aws-world.ts';
import { CANARY, envOf, iamUser, messages, ODD_TEXTS, recorder, RUN, shown } from './_aws-world.ts';
import type { RealServer, ServerName } from './_servers.ts';
import { ODD_KEYS } from './_sdk-steps.ts';
import { realServer } from './_servers.ts';

const BUCKET = `b${RUN}`;

function endpointOf(server: RealServer): string {
  return server.env['AWS_ENDPOINT_URL_S3'] ?? server.env['AWS_ENDPOINT_URL'] ?? '';
}

async function makeBucket(server: RealServer): Promise<void> {
  const url = `${endpointOf(server)}/${BUCKET}`;
  await awsCall({ service: 's3', url, method: 'PUT', key: keyOf(server) });
}

for (const name of ['rclone-s3', 'versitygw', 'ministack'] as const satisfies ServerName[]) {
  const server = await realServer(name);
  describe.skipIf(server.missing !== undefined)(`S3 by ${name}`, () => {
    const open = async (key = keyOf(server), options = {}) => {
      return openReal({ kind: 's3', ...options }, { env: envOf(endpointOf(server), key) });
    };
    let user: AwsKey;
    beforeAll(async () => {
      await makeBucket(server);
      user = keyOf(server);
      if (name === 'ministack') user = await iamUser(server, 's3', [['s3:*', '*']]);
    });

    for (const key of ODD_KEYS) {
      test(`an object is written and read by the key ${JSON.stringify(key)}`, async () => {
        const mine = await open(user);
        const path = `${BUCKET}/odd/${key}`;
        await mine.store.put?.(path, Buffer.from(`v ${key}`));
        const [answer] = await mine.fetch(path);
        const text = answer?.kind === 'value' ? Buffer.from(answer.value.reveal()).toString() : '';
        expect(text).toBe(`v ${key}`);
      });
    }

    test('content is exact: any bytes, nothing, and 1 MiB', async () => {
      const mine = await open(user);
      const contents = [
        ...Object.values(ODD_TEXTS).map((text) => Buffer.from(text)),
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        Buffer.alloc(0),
        Buffer.alloc(2 ** 20, 7),
      ];
      const paths = contents.map((_, n) => `${BUCKET}/exact/${n}`);
      for (const [n, path] of paths.entries())
        await mine.store.put?.(path, contents[n] ?? Buffer.of());
      const answers = await mine.fetch(...paths);
      expect(shown(answers)).toEqual(contents.map((bytes) => bytes.toString('latin1')));
    });

    test('many objects are read at once, in the order asked', async () => {
      const mine = await open(user);
      const paths = Array.from({ length: 100 }, (_, n) => `${BUCKET}/many/${n}`);
      await Promise.all(paths.map(async (path, n) => mine.store.put?.(path, Buffer.from(`${n}`))));
      const answers = await mine.fetch(...paths, `${BUCKET}/many/none`, `${BUCKET}/many/5`);
      expect(shown(answers)).toEqual([...paths.map((_, n) => `${n}`), 'absent', '5']);
    });

    test('an object whose key ends in .env is a map, unless that is switched off', async () => {
      const mine = await open(user);
      const path = `${BUCKET}/app/prod.env`;
      await mine.store.put?.(path, Buffer.from('A=1\nexport B="two\\nlines" # c\n'));
      expect(shown(await mine.fetch(path))).toEqual([{ A: '1', B: 'two\nlines' }]);
      const whole = await open(user, { dotenv: false });
      expect(shown(await whole.fetch(path))).toEqual(['A=1\nexport B="two\\nlines" # c\n']);
    });

    test('an object whose key ends in .env and that sets nothing is an error, not a map', async () => {
      const mine = await open(user);
      const contents = ['<html><body>log in</body></html>', `\u00ff${CANARY}`, '# only this\n', ''];
      const paths = contents.map((_, n) => `${BUCKET}/${n}.env`);
      for (const [n, text] of contents.entries()) {
        await mine.store.put?.(paths[n] ?? '', Buffer.from(text, 'latin1'));
      }
      const answers = await mine.fetch(...paths);
      expect(shown(answers)).toEqual(['BH_ERR_VALUE', 'BH_ERR_VALUE', {}, {}]);
      expect(messages(answers)).toContain('dotenv: false');
      expect(messages(answers)).not.toContain(CANARY);
    });

    test('what is not there, and what cannot be', async () => {
      const mine = await open(user);
      const answers = await mine.fetch(
        `${BUCKET}/none`,
        `no-${BUCKET}/x`,
        'no-key',
        `${BUCKET}/a/../b`,
      );
      const settings = 'BH_ERR_SETTINGS';
      expect(shown(answers)).toEqual(['absent', settings, settings, settings]);
    });

    test('wrong credentials are BH_ERR_CREDENTIALS', async () => {
      const mine = await open({ ...user, secret: `wrong-${CANARY}` });
      const answers = await mine.fetch(`${BUCKET}/plain`);
      expect(shown(answers)).toEqual(['BH_ERR_CREDENTIALS']);
      expect(messages(answers)).not.toContain(CANARY);
    });
  });
}

const ministack = await realServer('ministack');
describe.skipIf(ministack.missing !== undefined)('S3: rights and versions', () => {
  test('one that is denied does not take the others with it, and the help says what else it may be', async () => {
    const key = await iamUser(ministack, 's3-part', [
      ['s3:GetObject', `arn:aws:s3:::${BUCKET}/mine/*`],
    ]);
    const root = await openReal(
      { kind: 's3' },
      { env: envOf(endpointOf(ministack), keyOf(ministack)) },
    );
    await root.store.put?.(`${BUCKET}/mine/a`, Buffer.from('a'));
    await root.store.put?.(`${BUCKET}/other`, Buffer.from(CANARY));
    const mine = await openReal({ kind: 's3' }, { env: envOf(endpointOf(ministack), key) });
    const answers = await mine.fetch(`${BUCKET}/mine/a`, `${BUCKET}/other`);
    expect(shown(answers)).toEqual(['a', 'BH_ERR_STORE_DENIED']);
    expect(messages(answers)).toContain('s3:ListBucket');
  });
});

describe.skipIf(ministack.missing !== undefined)('S3: a clock that is off', () => {
  for (const minutes of [-20, 20]) {
    test(`by ${minutes} minutes is corrected by one refusal`, async () => {
      const key = await iamUser(ministack, 's3-clock', [['s3:*', '*']]);
      using proxy = recorder(endpointOf(ministack));
      const io = realIo(envOf(proxy.url, key));
      const now = (): number => Date.now() + minutes * 60_000;
      const plan = { stores: { mine: { kind: 's3' } }, policy: {}, origin: {} } as unknown as Plan;
      const clock = { ...io.clock, now };
      const store = await openStore(
        plan,
        { io: { ...io, clock }, objects: [], trace: NO_TRACE, made: new Map() },
        { name: 'mine', budget: openBudget(clock, 5000), attemptsMax: 5, waiting: [] },
      );
      expect(shown(await store.fetch([{ path: `${BUCKET}/none` }]))).toEqual(['absent']);
      expect(shown(await store.fetch([{ path: `${BUCKET}/none` }]))).toEqual(['absent']);
      expect(proxy.counts()).toEqual({ GET: 3 });
    });
  }
});

const moto = await realServer('moto');
describe.skipIf(moto.missing !== undefined)('S3: versions by moto', () => {
  test('a version is asked for by its id; a delete marker is absence', async () => {
    await makeBucket(moto);
    const url = `${endpointOf(moto)}/${BUCKET}`;
    const Status = '<Status>Enabled</Status>';
    const body = `<VersioningConfiguration>${Status}</VersioningConfiguration>`;
    await fetch(`${url}?versioning`, { method: 'PUT', body, headers: UNCHECKED });
    const env = envOf(endpointOf(moto), keyOf(moto));
    const mine = await openReal({ kind: 's3' }, { env });
    const path = `${BUCKET}/v`;
    await mine.store.put?.(path, Buffer.from('one'));
    const [first] = await mine.fetch(path);
    const version = first?.kind === 'value' ? (first.facts?.version ?? '') : '';
    await mine.store.put?.(path, Buffer.from('two'));
    expect(shown(await mine.fetch(path, { path, version }))).toEqual(['two', 'one']);
    await fetch(`${url}/v`, { method: 'DELETE', headers: UNCHECKED });
    expect(shown(await mine.fetch(path, { path, version }))).toEqual(['absent', 'one']);
  });
});

/** moto wants to see somebody, and asks no more. */
const UNCHECKED = {
  authorization: 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request',
};

/** As S3 gives an object: never without an ETag. */
const object = (body: string): Response => new Response(body, { headers: { etag: '"e"' } });

describe('S3: where a bucket is', () => {
  let stub: Recorder;
  beforeAll(() => void (stub = recorder()));
  afterAll(() => stub[Symbol.dispose]());
  beforeEach(() => stub.clear());
  const error = (code: string, status: number, { more = '', headers = {} } = {}): Response => {
    const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${CANARY}</Message>${more}</Error>`;
    return new Response(xml, { status, headers });
  };
  const regions = (): unknown[] =>
    stub.seen.map(({ headers }) => headers.get('authorization')?.split('/')[2]);
  const open = () => {
    return openReal({ kind: 's3' }, { env: envOf(stub.url, { id: 'AKIA', secret: CANARY }) });
  };
  const inHeader = { 'x-amz-bucket-region': 'eu-west-1' };
  for (const [how, answer] of [
    ['301 with a header', () => error('PermanentRedirect', 301, { headers: inHeader })],
    ['307 with a header', () => error('TemporaryRedirect', 307, { headers: inHeader })],
    [
      '400 with a region in the body',
      () => error('AuthorizationHeaderMalformed', 400, { more: '<Region>eu-west-1</Region>' }),
    ],
  ] as const) {
    test(`${how}: the bucket is followed to its region, once, and remembered`, async () => {
      stub.react = () => (regions().at(-1) === 'eu-west-1' ? object('v') : answer());
      const mine = await open();
      expect(shown(await mine.fetch('bucket/a'))).toEqual(['v']);
      expect(shown(await mine.fetch('bucket/b'))).toEqual(['v']);
      expect(regions()).toEqual(['us-east-1', 'eu-west-1', 'eu-west-1']);
    });
  }

  test('objects that are asked for at the same time all follow their bucket', async () => {
    stub.react = ({ headers }) => {
      const isThere = headers.get('authorization')?.includes('/eu-west-1/') === true;
      return isThere ? object('v') : error('PermanentRedirect', 301, { headers: inHeader });
    };
    const mine = await open();
    const paths = Array.from({ length: 20 }, (_, n) => `bucket/k${n}`);
    expect(shown(await mine.fetch(...paths))).toEqual(paths.map(() => 'v'));
  });

  test('a bucket that is never where it says is a failure, not a loop', async () => {
    stub.react = () => error('PermanentRedirect', 301, { headers: inHeader });
    const mine = await open();
    const answers = await mine.fetch('bucket/a');
    expect(shown(answers)).toEqual(['BH_ERR_SETTINGS']);
    expect(regions()).toEqual(['us-east-1', 'eu-west-1']);
    expect(messages(answers)).not.toContain(CANARY);
  });

  test('SlowDown is throttling, and InternalError is tried again', async () => {
    stub.react = () => {
      if (stub.seen.length === 1) return error('SlowDown', 503);
      return stub.seen.length === 2 ? error('InternalError', 500) : object('v');
    };
    const env = envOf(stub.url, { id: 'AKIA', secret: CANARY });
    const mine = await openReal({ kind: 's3' }, { env, startMsMax: 3000 });
    expect(shown(await mine.fetch('bucket/a'))).toEqual(['v']);
  });

  test('an object is written under the key of KMS that an option names', async () => {
    stub.react = () => object('');
    const env = envOf(stub.url, { id: 'AKIA', secret: CANARY });
    const options = { kind: 's3', sseKmsKeyId: 'alias/k' };
    const mine = await openReal(options, { env });
    await mine.store.put?.('bucket/a', Buffer.from('v'));
    const headers = stub.seen[0]?.headers;
    expect(headers?.get('x-amz-server-side-encryption')).toBe('aws:kms');
    expect(headers?.get('x-amz-server-side-encryption-aws-kms-key-id')).toBe('alias/k');
    expect(headers?.get('authorization')).toContain('x-amz-server-side-encryption-aws-kms-key-id');
  });
});
