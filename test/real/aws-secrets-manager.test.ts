// Secrets Manager by ministack (signatures and policies) and moto (a batch answered in part).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { openReal } from '../support/real-store.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import type { AwsKey } from './_aws-call.ts';
import type { Recorder } from './_aws-world.ts';
import {
  awsError,
  CANARY,
  envOf,
  iamUser,
  messages,
  ODD_TEXTS,
  recorder,
  RUN,
  shown,
} from './_aws-world.ts';
import { realServer } from './_servers.ts';

const ministack = await realServer('ministack');
const moto = await realServer('moto');
const KIND = { kind: 'aws-secrets-manager' } as const;
const name = (n: number | string): string => `${RUN}/s${n}`;
const MANY = 200;

describe.skipIf(ministack.missing !== undefined)('Secrets Manager', () => {
  const url = ministack.missing === undefined ? ministack.get('AWS_ENDPOINT_URL') : '';
  let proxy: Recorder;
  let reader: AwsKey;
  const arns = new Map<string, string>();
  const root = async (operation: string, body: object): Promise<Record<string, string>> => {
    const target = `secretsmanager.${operation}`;
    const service = 'secretsmanager';
    const key = keyOf(ministack);
    const answer = await awsCall({ service, url: `${url}/`, target, body, key });
    return (await answer.json()) as Record<string, string>;
  };
  const create = async (one: string, value: object): Promise<void> => {
    const { ARN: arn = '' } = await root('CreateSecret', { Name: one, ...value });
    arns.set(one, arn);
  };
  const open = (key: AwsKey = reader) => openReal(KIND, { env: envOf(proxy.url, key) });

  beforeAll(async () => {
    proxy = recorder(url);
    reader = await iamUser(ministack, 'reader', [
      ['secretsmanager:BatchGetSecretValue', '*'],
      ['secretsmanager:GetSecretValue', `arn:aws:secretsmanager:*:*:secret:${RUN}/*`],
    ]);
    for (let n = 0; n < MANY; n += 1) await create(name(n), { SecretString: `${CANARY}-${n}` });
    for (const [key, text] of Object.entries(ODD_TEXTS)) {
      await create(name(key), { SecretString: text });
    }
    await create(name('binary'), {
      SecretBinary: Buffer.from([0, 255, 10, 13]).toString('base64'),
    });
    await create(name('large'), { SecretString: 'x'.repeat(65_536) });
    await create(`other-${RUN}`, { SecretString: CANARY });
  });
  afterAll(() => proxy[Symbol.dispose]());
  beforeEach(() => proxy.clear());

  const SIZES: readonly (readonly [number, Record<string, number>])[] = [
    [1, { GetSecretValue: 1 }],
    [2, { BatchGetSecretValue: 1 }],
    [20, { BatchGetSecretValue: 1 }],
    [21, { BatchGetSecretValue: 1, GetSecretValue: 1 }],
    [200, { BatchGetSecretValue: 10 }],
  ];
  for (const [size, requests] of SIZES) {
    test(`${size} secrets take the fewest requests, and none asks for more than 20`, async () => {
      const paths = Array.from({ length: size }, (_, n) => name(n));
      const mine = await open();
      expect(shown(await mine.fetch(...paths))).toEqual(paths.map((_, n) => `${CANARY}-${n}`));
      expect(proxy.counts()).toEqual(requests);
      for (const { body } of proxy.seen) {
        const { SecretIdList: list = [] } = JSON.parse(body) as { SecretIdList?: string[] };
        expect(list.length).toBeLessThanOrEqual(20);
      }
    });
  }

  test('answers stand in the order asked, repeated paths are asked for once', async () => {
    const mine = await open();
    const answers = await mine.fetch(name(3), name('none'), name(1), name(3));
    expect(shown(answers)).toEqual([`${CANARY}-3`, 'absent', `${CANARY}-1`, `${CANARY}-3`]);
    expect(proxy.counts()).toEqual({ BatchGetSecretValue: 1 });
  });

  test('values are exact', async () => {
    const mine = await open();
    const texts = Object.entries(ODD_TEXTS);
    const answers = await mine.fetch(
      ...texts.map(([key]) => name(key)),
      name('binary'),
      name('large'),
    );
    const wanted = texts.map(([, text]) => Buffer.from(text).toString('latin1'));
    expect(shown(answers)).toEqual([...wanted, '\0\xff\n\r', 'x'.repeat(65_536)]);
  });

  test('a name, an ARN and an ARN without its end are the same secret', async () => {
    const mine = await open();
    const arn = arns.get(name(5)) ?? '';
    const forms = [name(5), arn, arn.replace(/-\w{6}$/, ''), name(6)];
    const value = `${CANARY}-5`;
    expect(shown(await mine.fetch(...forms))).toEqual([value, value, value, `${CANARY}-6`]);
    for (const form of forms.slice(0, 3)) expect(shown(await mine.fetch(form))).toEqual([value]);
  });

  test('versions are asked for by id and by stage', async () => {
    const path = name('versioned');
    await create(path, { SecretString: 'old' });
    const { VersionId: current = '' } = await root('PutSecretValue', {
      SecretId: path,
      SecretString: 'new',
    });
    const mine = await open();
    const answers = await mine.fetch(
      path,
      { path, version: 'AWSPREVIOUS' },
      { path, version: 'AWSCURRENT' },
      { path, version: current },
      { path, version: 'NOSTAGE' },
      { path, version: '00000000-0000-4000-8000-000000000000' },
    );
    expect(shown(answers)).toEqual(['new', 'old', 'new', 'new', 'absent', 'absent']);
    expect(answers[0]).toMatchObject({ facts: { version: current } });
  });

  test('a secret that is marked for deletion is absent', async () => {
    await create(name('deleted'), { SecretString: CANARY });
    await root('DeleteSecret', { SecretId: name('deleted') });
    const mine = await open();
    const answers = [
      ...(await mine.fetch(name('deleted'))),
      ...(await mine.fetch(name('deleted'), name(1))),
    ];
    expect(answers[0]).toMatchObject({ kind: 'absent', what: 'it is marked for deletion' });
    expect(shown(answers)).toEqual(['absent', 'absent', `${CANARY}-1`]);
  });

  test('one that is denied does not take the others with it', async () => {
    const mine = await open();
    const answers = await mine.fetch(name(1), `other-${RUN}`, name(2));
    expect(shown(answers)).toEqual([`${CANARY}-1`, 'BH_ERR_STORE_DENIED', `${CANARY}-2`]);
    expect(messages(answers)).not.toContain(CANARY);
  });

  test('without the right to batches they are asked for one by one', async () => {
    const single = await iamUser(ministack, 'single', [['secretsmanager:GetSecretValue', '*']]);
    const mine = await open(single);
    expect(shown(await mine.fetch(name(1), name(2)))).toEqual([`${CANARY}-1`, `${CANARY}-2`]);
    expect(proxy.counts()).toEqual({ BatchGetSecretValue: 1, GetSecretValue: 2 });
  });

  const UNDECIDED: readonly (readonly [string, () => Response])[] = [
    ['is throttled', () => awsError('ThrottlingException')],
    ['is throttled as TooManyRequests', () => awsError('TooManyRequestsException', 429)],
    ['is refused for one of its names', () => awsError('ValidationException')],
    ['is not known to the server', () => awsError('UnknownOperationException', 404)],
    ['says nothing of some', () => Response.json({ SecretValues: [], Errors: [] })],
    [
      'fails for some',
      () => {
        const errors = [1, 2].map((n) => ({
          SecretId: name(n),
          ErrorCode: 'InternalServiceError',
        }));
        return Response.json({ SecretValues: [], Errors: errors });
      },
    ],
  ];
  for (const [what, answer] of UNDECIDED) {
    test(`a batch that ${what} is asked for one by one, at once`, async () => {
      proxy.react = ({ operation }) => (operation.startsWith('Batch') ? answer() : undefined);
      const mine = await open();
      expect(shown(await mine.fetch(name(1), name(2)))).toEqual([`${CANARY}-1`, `${CANARY}-2`]);
      expect(proxy.counts()).toEqual({ BatchGetSecretValue: 1, GetSecretValue: 2 });
    });
  }

  test('a throttled GetSecretValue is waited for', async () => {
    const first = awsError('ThrottlingException');
    proxy.react = () => (proxy.seen.length === 1 ? first : undefined);
    const mine = await openReal(KIND, { env: envOf(proxy.url, reader), startMsMax: 3000 });
    expect(shown(await mine.fetch(name(1)))).toEqual([`${CANARY}-1`]);
    expect(proxy.counts()).toEqual({ GetSecretValue: 2 });
  });

  test('wrong credentials are BH_ERR_CREDENTIALS at once, for one and for many', async () => {
    for (const key of [
      { ...reader, secret: 'wrong' },
      { id: 'AKIANOBODY', secret: 'x' },
    ]) {
      proxy.clear();
      const mine = await open(key);
      expect(shown(await mine.fetch(name(1)))).toEqual(['BH_ERR_CREDENTIALS']);
      const answers = await mine.fetch(name(1), name(2));
      expect(shown(answers)).toEqual(['BH_ERR_CREDENTIALS', 'BH_ERR_CREDENTIALS']);
      expect(proxy.seen.length).toBe(2);
      expect(messages(answers)).not.toContain(key.secret === 'x' ? 'AKIANOBODY' : reader.secret);
    }
  });

  test('the identity is an ARN', async () => {
    const mine = await open();
    expect(await mine.store.identity?.()).toBe(`arn:aws:iam::000000000000:user/reader-${RUN}`);
  });

  test('an ARN of another region is asked for there', async () => {
    const arn = `arn:aws:secretsmanager:eu-west-3:000000000000:secret:${RUN}/far`;
    const mine = await open();
    await mine.fetch(name(1), name(2), arn);
    const regions = proxy.seen.map(({ headers, operation }) => {
      return `${operation} ${headers.get('authorization')?.split('/')[2]}`;
    });
    expect(regions.toSorted()).toEqual([
      'BatchGetSecretValue us-east-1',
      'GetSecretValue eu-west-3',
    ]);
  });
});

describe.skipIf(moto.missing !== undefined)('Secrets Manager by moto', () => {
  test('404 with a code of its own is absence as well', async () => {
    const url = moto.get('AWS_ENDPOINT_URL');
    const mine = await openReal(KIND, { env: envOf(url, keyOf(moto)) });
    expect(shown(await mine.fetch(name('none')))).toEqual(['absent']);
    expect(shown(await mine.fetch(name('none'), name('no')))).toEqual(['absent', 'absent']);
  });
});
