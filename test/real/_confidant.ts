// Makes services in a real Confidant 7.0.0, by its header login, with credentials that only its
// clients can open.
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { awsCall, keyOf } from './_aws-call.ts';
import type { RealServer } from './_servers.ts';

/** A credential as an administrator writes it. */
export interface NewCredential {
  readonly pairs: object;
  readonly metadata?: object;
  readonly enabled?: boolean;
}

/** A blind credential; by default sealed for us-east-1. */
export interface NewBlind extends NewCredential {
  readonly region?: string;
  /** Changes the Fernet token. */
  readonly change?: (token: string) => string;
}

const CONTEXT = { to: 'trainer', user_type: 'service' };

/** Creates a service with these credentials; the name is random. */
export async function makeService(
  server: RealServer,
  credentials: readonly NewCredential[],
  blind: readonly NewBlind[] = [],
): Promise<string> {
  const name = `svc-${randomBytes(6).toString('hex')}`;
  const call = await admin(server);
  const ids: string[] = [];
  for (const { pairs, metadata = {}, enabled = true } of credentials) {
    const facts = { name: `c-${randomBytes(6).toString('hex')}`, documentation: 'd' };
    const body = { ...facts, credential_pairs: pairs, metadata, enabled };
    ids.push(await call('POST', 'credentials', body));
  }
  const blindIds: string[] = [];
  for (const one of blind)
    blindIds.push(await call('POST', 'blind_credentials', await sealed(server, one)));
  const body = { credentials: ids, blind_credentials: blindIds, enabled: true };
  await call('PUT', `services/${name}`, body);
  return name;
}

type Admin = (method: 'POST' | 'PUT', path: string, body: object) => Promise<string>;

async function admin(server: RealServer): Promise<Admin> {
  const base = `${server.get('CONFIDANT_URL')}/v1`;
  const login = {
    'x-user': 'ada',
    'x-email': 'ada@example.com',
    'content-type': 'application/json',
  };
  const first = await fetch(`${base}/services`, { headers: login });
  const cookies = first.headers.getSetCookie().map((one) => one.split(';')[0] ?? '');
  const token = cookies.find((one) => one.startsWith('XSRF-TOKEN='))?.slice('XSRF-TOKEN='.length);
  const headers = { ...login, cookie: cookies.join('; '), 'x-xsrf-token': token ?? '' };
  return async (method, path, body) => {
    const init = { method, headers, body: JSON.stringify(body) };
    const answer = await fetch(`${base}/${path}`, init);
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${said}`);
    return String((JSON.parse(said) as { id?: string }).id);
  };
}

/** As confidant-client seals it: a Fernet key, itself encrypted by KMS; the context is metadata. */
async function sealed(server: RealServer, { pairs, metadata, enabled, region, change }: NewBlind) {
  const key = randomBytes(32);
  const answer = await awsCall({
    service: 'kms',
    url: `${server.get('AWS_ENDPOINT_URL_KMS')}/`,
    target: 'TrentService.Encrypt',
    key: keyOf(server),
    body: {
      KeyId: server.get('CONFIDANT_BLIND_KEY'),
      // The key's own text is what KMS seals.
      Plaintext: Buffer.from(urlBase64(key)).toString('base64'),
      EncryptionContext: CONTEXT,
    },
  });
  const { CiphertextBlob: dataKey } = (await answer.json()) as { CiphertextBlob: string };
  const token = fernet(key, JSON.stringify(pairs));
  const at = region ?? 'us-east-1';
  return {
    name: `b-${randomBytes(6).toString('hex')}`,
    credential_pairs: { [at]: change === undefined ? token : change(token) },
    credential_keys: Object.keys(pairs),
    data_key: { [at]: dataKey },
    metadata: { context: { [at]: CONTEXT }, ...metadata },
    cipher_type: 'fernet',
    cipher_version: 2,
    enabled: enabled ?? true,
    documentation: 'd',
  };
}

const urlBase64 = (bytes: Buffer): string => {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
};

function fernet(key: Buffer, text: string): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv);
  const seconds = Buffer.alloc(8);
  seconds.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000)));
  const sealedText = Buffer.concat([cipher.update(text), cipher.final()]);
  const signed = Buffer.concat([Buffer.from([0x80]), seconds, iv, sealedText]);
  const hmac = createHmac('sha256', key.subarray(0, 16)).update(signed).digest();
  return urlBase64(Buffer.concat([signed, hmac]));
}
