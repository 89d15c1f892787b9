// The stores that outages are tried with, each with its real server and three values in it.
import { readFileSync } from 'node:fs';
import type { StoreOptions } from '../../src/plan/types.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import type { HttpAnswer } from './_faults.ts';
import { answerOf, tooMany } from './_faults.ts';
import type { Around, Stand } from './_outage.ts';
import { CANARY } from './_outage.ts';
import type { RealServer, ServerName } from './_servers.ts';
import { realServer } from './_servers.ts';

const COUNT_DEFAULT = 3;
const ENV: StoreOptions = { kind: 'env' };

/** A name that no other run has. */
export function fresh(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
}

/** A kind that is skipped where its server cannot be had. */
export interface MaybeStand {
  readonly kind: string;
  readonly stand?: Stand;
}

async function maybe(
  kind: string,
  server: ServerName,
  make: (server: RealServer) => Promise<Stand>,
): Promise<MaybeStand> {
  const running = await realServer(server);
  return running.missing === undefined ? { kind, stand: await make(running) } : { kind };
}

async function ok(answer: Promise<Response>): Promise<void> {
  const { status, statusText } = await answer;
  if (status >= 300) throw new Error(`seeding failed: HTTP ${status} ${statusText}`);
}

type Numbered = <T>(make: (n: number) => T) => readonly T[];

function upTo(count: number): Numbered {
  return (make) => Array.from({ length: count }, (_, n) => make(n));
}

const valueOf = (n: number): string => `${CANARY}-${n}`;

/** OpenBao, KV 2; with TLS by HTTP/2. */
export async function vaultStand(
  count = COUNT_DEFAULT,
  name: 'openbao' | 'openbao-tls' = 'openbao',
): Promise<MaybeStand> {
  const numbered = upTo(count);
  return maybe('vault', name, async (server) => {
    const [address, token] = [server.get('VAULT_ADDR'), server.get('VAULT_TOKEN')];
    const app = fresh('outage');
    const seeded = numbered(async (n) => {
      const body = JSON.stringify({ data: { password: valueOf(n) } });
      const url = `${address}/v1/secret/data/${app}/s${n}`;
      const sent = { method: 'POST', headers: { 'x-vault-token': token }, body };
      await ok(fetch(url, { ...sent, ...trusting(server) }));
    });
    await Promise.all(seeded);
    return {
      kind: 'vault',
      upstream: { url: address },
      references: numbered((n) => ({
        store: 'mine',
        path: `secret/${app}/s${n}`,
        key: 'password',
      })),
      values: numbered(valueOf),
      requests: count,
      around: (url, caFile): Around => ({
        env: { VAULT_TOKEN: token },
        stores: {
          mine: { kind: 'vault', address: url, mounts: { secret: 'kv2' }, ...ca(caFile) },
        },
      }),
      throttled: tooMany({ body: { errors: ['request path rate limited'] } }),
    };
  });
}

function trusting({ env }: RealServer): { readonly tls?: { readonly ca: string } } {
  const { VAULT_CACERT: file } = env;
  return file === undefined ? {} : { tls: { ca: readFileSync(file, 'utf8') } };
}

function ca(file: string | undefined): { readonly ca?: string } {
  return file === undefined ? {} : { ca: file };
}

/** The store `http`: OpenBao once more, as any other server with JSON behind a header. */
export async function httpStand(count = COUNT_DEFAULT): Promise<MaybeStand> {
  const numbered = upTo(count);
  return maybe('http', 'openbao', async (server) => {
    const [address, token] = [server.get('VAULT_ADDR'), server.get('VAULT_TOKEN')];
    const app = fresh('outage');
    const seeded = numbered(async (n) => {
      const body = JSON.stringify({ password: valueOf(n) });
      const url = `${address}/v1/cubbyhole/${app}/s${n}`;
      await ok(fetch(url, { method: 'POST', headers: { 'x-vault-token': token }, body }));
    });
    await Promise.all(seeded);
    return {
      kind: 'http',
      upstream: { url: address },
      references: numbered((n) => ({ store: 'mine', path: `${app}/s${n}`, key: 'data' })),
      values: numbered((n) => `{"password":"${valueOf(n)}"}`),
      requests: count,
      around: (url, caFile): Around => ({
        env: { VAULT_TOKEN: token },
        stores: {
          env: ENV,
          mine: {
            kind: 'http',
            url: `${url}/v1/cubbyhole`,
            secretHeaders: { 'x-vault-token': 'env:VAULT_TOKEN' },
            ...ca(caFile),
          },
        },
      }),
      throttled: tooMany(),
    };
  });
}

/** ministack: signatures are checked. One batch. */
export async function secretsManagerStand(count = COUNT_DEFAULT): Promise<MaybeStand> {
  const numbered = upTo(count);
  return maybe('aws-secrets-manager', 'ministack', async (server) => {
    const address = server.get('AWS_ENDPOINT_URL');
    const app = fresh('outage');
    const seeded = numbered(async (n) => {
      const target = 'secretsmanager.CreateSecret';
      const body = { Name: `${app}/s${n}`, SecretString: valueOf(n) };
      const call = { service: 'secretsmanager', url: address, target, body };
      await ok(awsCall({ ...call, key: keyOf(server) }));
    });
    await Promise.all(seeded);
    return {
      kind: 'aws-secrets-manager',
      upstream: { url: address },
      references: numbered((n) => ({ store: 'mine', path: `${app}/s${n}` })),
      values: numbered(valueOf),
      requests: 1,
      around: (url, caFile): Around => ({
        env: server.env,
        stores: { mine: { kind: 'aws-secrets-manager', endpoint: url, ...ca(caFile) } },
      }),
      throttled: awsThrottled(),
    };
  });
}

/** moto: ten names in a request. */
export async function parameterStand(count = COUNT_DEFAULT): Promise<MaybeStand> {
  const numbered = upTo(count);
  return maybe('aws-ssm', 'moto', async (server) => {
    const address = server.get('AWS_ENDPOINT_URL');
    const app = fresh('outage');
    const seeded = numbered(async (n) => {
      const target = 'AmazonSSM.PutParameter';
      const body = { Name: `/${app}/s${n}`, Value: valueOf(n), Type: 'SecureString' };
      const call = { service: 'ssm', url: address, target, body };
      await ok(awsCall({ ...call, key: keyOf(server) }));
    });
    await Promise.all(seeded);
    return {
      kind: 'aws-ssm',
      upstream: { url: address },
      references: numbered((n) => ({ store: 'mine', path: `/${app}/s${n}` })),
      values: numbered(valueOf),
      requests: Math.ceil(count / PARAMETERS_MAX),
      around: (url, caFile): Around => ({
        env: server.env,
        stores: { mine: { kind: 'aws-ssm', endpoint: url, ...ca(caFile) } },
      }),
      throttled: awsThrottled(),
    };
  });
}

const PARAMETERS_MAX = 10;

/** AWS says it with status 400. */
export function awsThrottled(): HttpAnswer {
  return answerOf(400, { __type: 'ThrottlingException', message: 'Rate exceeded' });
}

/** rclone: signatures are checked. */
export async function s3Stand(count = COUNT_DEFAULT): Promise<MaybeStand> {
  const numbered = upTo(count);
  return maybe('s3', 'rclone-s3', async (server) => {
    const address = server.get('AWS_ENDPOINT_URL_S3');
    const bucket = fresh('outage');
    const put = { service: 's3', method: 'PUT', key: keyOf(server) } as const;
    await ok(awsCall({ ...put, url: `${address}/${bucket}` }));
    const seeded = numbered(async (n) => {
      await ok(awsCall({ ...put, url: `${address}/${bucket}/s${n}`, body: valueOf(n) }));
    });
    await Promise.all(seeded);
    const slow = '<Error><Code>SlowDown</Code><Message>Please reduce</Message></Error>';
    return {
      kind: 's3',
      upstream: { url: address },
      references: numbered((n) => ({ store: 'mine', path: `${bucket}/s${n}` })),
      values: numbered(valueOf),
      requests: count,
      around: (url, caFile): Around => ({
        env: server.env,
        stores: { mine: { kind: 's3', endpoint: url, ...ca(caFile) } },
      }),
      throttled: answerOf(503, slow, 'application/xml'),
    };
  });
}
