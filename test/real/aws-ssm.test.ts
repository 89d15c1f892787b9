// Parameter Store by ministack (signatures and policies) and moto (versions, labels, ten names).
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
import type { RealServer } from './_servers.ts';
import { realServer } from './_servers.ts';

const KIND = { kind: 'aws-ssm' } as const;
const MANY = 200;
const name = (n: number | string): string => `/${RUN}/p${n}`;

async function root(server: RealServer, operation: string, body: object): Promise<unknown> {
  const url = `${server.get('AWS_ENDPOINT_URL')}/`;
  const call = { service: 'ssm', url, target: `AmazonSSM.${operation}`, body, key: keyOf(server) };
  return (await awsCall(call)).json();
}

async function put(server: RealServer, one: string, value: string): Promise<void> {
  const body = { Name: one, Value: value, Type: 'SecureString', Overwrite: true };
  await root(server, 'PutParameter', body);
}

const ministack = await realServer('ministack');
describe.skipIf(ministack.missing !== undefined)('Parameter Store', () => {
  let proxy: Recorder;
  let reader: AwsKey;
  const open = (key = reader) => openReal(KIND, { env: envOf(proxy.url, key) });

  beforeAll(async () => {
    proxy = recorder(ministack.get('AWS_ENDPOINT_URL'));
    reader = await iamUser(ministack, 'ssm', [
      ['ssm:GetParameters', '*'],
      ['ssm:GetParametersByPath', '*'],
    ]);
    for (let n = 0; n < MANY; n += 1) await put(ministack, name(n), `${CANARY}-${n}`);
    for (const [key, text] of Object.entries(ODD_TEXTS)) await put(ministack, name(key), text);
    await put(ministack, name('large'), 'x'.repeat(8192));
    await put(ministack, `/other-${RUN}`, CANARY);
    for (let n = 0; n < 23; n += 1) await put(ministack, `/${RUN}/app/a${n}`, `v${n}`);
    await put(ministack, `/${RUN}/app/db/password`, CANARY);
    const list = { Name: `/${RUN}/app/list`, Value: 'a,b', Type: 'StringList' };
    await root(ministack, 'PutParameter', list);
  });
  afterAll(() => proxy[Symbol.dispose]());
  beforeEach(() => proxy.clear());

  for (const [size, requests] of [
    [1, 1],
    [10, 1],
    [11, 2],
    [200, 20],
  ] as const) {
    test(`${size} parameters take ${requests} requests, and none asks for more than 10`, async () => {
      const paths = Array.from({ length: size }, (_, n) => name(n));
      const mine = await open();
      expect(shown(await mine.fetch(...paths))).toEqual(paths.map((_, n) => `${CANARY}-${n}`));
      expect(proxy.counts()).toEqual({ GetParameters: requests });
      for (const { body } of proxy.seen) {
        expect((JSON.parse(body) as { Names: string[] }).Names.length).toBeLessThanOrEqual(10);
      }
    });
  }

  test('answers stand in the order asked, repeated paths are asked for once', async () => {
    const mine = await open();
    const answers = await mine.fetch(name(3), name('none'), name(1), name(3));
    expect(shown(answers)).toEqual([`${CANARY}-3`, 'absent', `${CANARY}-1`, `${CANARY}-3`]);
    expect(proxy.counts()).toEqual({ GetParameters: 1 });
  });

  test('values are exact', async () => {
    const mine = await open();
    const texts = Object.entries(ODD_TEXTS);
    const answers = await mine.fetch(...texts.map(([key]) => name(key)), name('large'));
    const wanted = texts.map(([, text]) => Buffer.from(text).toString('latin1'));
    expect(shown(answers)).toEqual([...wanted, 'x'.repeat(8192)]);
  });

  test('a path with / at the end is a map of all below it, in pages of 10', async () => {
    const mine = await open();
    const [map] = shown(await mine.fetch(`/${RUN}/app/`));
    const many = Array.from({ length: 23 }, (_, n) => [`a${n}`, `v${n}`]);
    const all = { ...Object.fromEntries(many), 'db/password': CANARY, list: 'a,b' };
    expect(map).toEqual(all);
    expect(proxy.counts()).toEqual({ GetParametersByPath: 3 });
    expect(JSON.parse(proxy.seen[0]?.body ?? '')).toMatchObject({
      Path: `/${RUN}/app`,
      Recursive: true,
      WithDecryption: true,
      MaxResults: 10,
    });
  });

  test('a path below which there is nothing is absent; one that has no / in front is refused', async () => {
    const mine = await open();
    const answers = await mine.fetch(`/${RUN}/no/`, 'app/', { path: `/${RUN}/app/`, version: '3' });
    expect(shown(answers)).toEqual(['absent', 'BH_ERR_SETTINGS', 'BH_ERR_SETTINGS']);
  });

  // ministack looks at the action only; AWS refuses all ten names for one of them.
  test('one that is denied does not take the others with it', async () => {
    const denied = `/other-${RUN}`;
    proxy.react = ({ body }) => {
      if (!body.includes(denied)) return undefined;
      return awsError('AccessDeniedException', 400, `not authorized, ${CANARY}`);
    };
    const mine = await open();
    const answers = await mine.fetch(name(1), denied, name(2));
    expect(shown(answers)).toEqual([`${CANARY}-1`, 'BH_ERR_STORE_DENIED', `${CANARY}-2`]);
    expect(messages(answers)).not.toContain(CANARY);
    expect(messages(answers)).toContain('ssm:GetParameters');
    expect(proxy.counts()).toEqual({ GetParameters: 4 });
  });

  test('without the right they are denied', async () => {
    const mine = await open(await iamUser(ministack, 'nobody', [['sts:*', '*']]));
    expect(shown(await mine.fetch(name(1), `/${RUN}/app/`))).toEqual(
      Array(2).fill('BH_ERR_STORE_DENIED'),
    );
  });

  test('throttling is waited for, never split into more requests', async () => {
    const first = awsError('ThrottlingException');
    proxy.react = () => (proxy.seen.length === 1 ? first : undefined);
    const mine = await openReal(KIND, { env: envOf(proxy.url, reader), startMsMax: 3000 });
    expect(shown(await mine.fetch(name(1), name(2)))).toEqual([`${CANARY}-1`, `${CANARY}-2`]);
    expect(proxy.counts()).toEqual({ GetParameters: 2 });
  });

  test('wrong credentials are BH_ERR_CREDENTIALS by one request', async () => {
    const mine = await open({ ...reader, secret: 'wrong' });
    const wrong = await mine.fetch(name(1), name(2));
    expect(shown(wrong)).toEqual(['BH_ERR_CREDENTIALS', 'BH_ERR_CREDENTIALS']);
    expect(proxy.seen.length).toBe(1);
  });

  test('an ARN of another region is asked for there', async () => {
    const mine = await open();
    await mine.fetch(name(1), `arn:aws:ssm:eu-west-3:000000000000:parameter${name(1)}`);
    const regions = proxy.seen.map(({ headers }) => headers.get('authorization')?.split('/')[2]);
    expect(new Set(regions)).toEqual(new Set(['eu-west-3', 'us-east-1']));
  });
});

const moto = await realServer('moto');
describe.skipIf(moto.missing !== undefined)('Parameter Store by moto', () => {
  test('versions and labels, several of one parameter', async () => {
    const path = name('versioned');
    for (const value of ['one', 'two', 'three']) await put(moto, path, value);
    const label = { Name: path, ParameterVersion: 2, Labels: ['good'] };
    await root(moto, 'LabelParameterVersion', label);
    const env = envOf(moto.get('AWS_ENDPOINT_URL'), keyOf(moto));
    const mine = await openReal(KIND, { env });
    const versions = ['1', 'good', '9', 'none'].map((version) => ({ path, version }));
    const answers = await mine.fetch(path, ...versions);
    expect(shown(answers)).toEqual(['three', 'one', 'two', 'absent', 'absent']);
    expect(answers[1]).toMatchObject({ facts: { version: '1' } });
  });

  test('an ARN is its parameter', async () => {
    const path = name('by-arn');
    await put(moto, path, 'v');
    const described = await root(moto, 'GetParameter', { Name: path });
    const { Parameter } = described as { Parameter: { ARN: string } };
    const env = envOf(moto.get('AWS_ENDPOINT_URL'), keyOf(moto));
    const mine = await openReal(KIND, { env });
    expect(shown(await mine.fetch(Parameter.ARN, path))).toEqual(['v', 'v']);
  });
});
