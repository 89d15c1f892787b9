// The worlds of AWS by ministack, which checks signatures and policies, and of Confidant.
import { awsCall, keyOf } from '../real/_aws-call.ts';
import type { AwsKey } from '../real/_aws-call.ts';
import { envOf, iamUser } from '../real/_aws-world.ts';
import { makeService } from '../real/_confidant.ts';
import type { RealServer, ServerName } from '../real/_servers.ts';
import { realServer } from '../real/_servers.ts';
import type { MaybeWorld, Remote, Setting, Versions, World } from './_world.ts';
import { CANARY, RUN, WRONG, open } from './_world.ts';

/** Makes a world of a server that runs. */
export async function worldOf(
  name: ServerName,
  make: (server: RealServer) => Promise<World>,
): Promise<MaybeWorld> {
  const server = await realServer(name);
  return server.missing === undefined ? make(server) : { missing: server.missing };
}

const AUTH = 'environment';
const LABEL_MAX = 30;

/** A part of a name in the letters that every store takes. */
export function slug(name: string): string {
  return `${RUN}-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, LABEL_MAX);
}

/** A user of ministack, and the store as that user. */
async function userOf(
  server: RealServer,
  what: string,
): Promise<{ home: Setting; remote: Remote }> {
  const url = server.get('AWS_ENDPOINT_URL');
  const key = await iamUser(server, `contract-${what}`, [[`${what}:*`, '*']]);
  const as = (secret: AwsKey, address = url): Setting => {
    return { options: {}, env: envOf(address, secret) };
  };
  return {
    home: as(key),
    remote: {
      at: (address) => as(key, address),
      speaks: 'http',
      wrong: as({ ...key, secret: WRONG }),
      secrets: [key.secret],
    },
  };
}

/** Asks a JSON service as root. */
function rootOf(server: RealServer, service: string, prefix: string) {
  const url = `${server.get('AWS_ENDPOINT_URL')}/`;
  const key = keyOf(server);
  return async (operation: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await awsCall({ service, url, target: `${prefix}.${operation}`, body, key });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${operation}: ${answer.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
}

async function secretsManager(server: RealServer): Promise<World> {
  const root = rootOf(server, 'secretsmanager', 'secretsmanager');
  const put: World['put'] = async (name, bytes) => {
    const text = bytes.toString();
    const isText = Buffer.from(text).equals(bytes);
    const value = isText
      ? { SecretString: text }
      : { SecretBinary: Buffer.from(bytes).toString('base64') };
    await root('CreateSecret', { Name: slug(name), ...value });
    return { path: slug(name) };
  };
  return {
    ...(await userOf(server, 'secretsmanager')),
    auth: AUTH,
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => slug(`gone-${n}`),
    put,
    cannotHold: ['nothing'],
    versions: async () => {
      const { path } = await put('versions', Buffer.from('one'));
      const { VersionId: two } = await root('PutSecretValue', {
        SecretId: path,
        SecretString: 'two',
      });
      return { path, one: 'AWSPREVIOUS', two: String(two), none: 'NOSTAGE' };
    },
  };
}

async function parameterStore(server: RealServer): Promise<World> {
  const root = rootOf(server, 'ssm', 'AmazonSSM');
  const put: World['put'] = async (name, bytes) => {
    const facts = { Type: 'SecureString', Overwrite: true };
    const path = `/${slug(name)}`;
    await root('PutParameter', { Name: path, Value: bytes.toString(), ...facts });
    return { path };
  };
  return {
    ...(await userOf(server, 'ssm')),
    auth: AUTH,
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `/${slug(`gone-${n}`)}`,
    put,
    cannotHold: ['nothing', 'not UTF-8'],
    versions: parameterVersions,
  };
}

/** By moto: ministack keeps no versions. */
async function parameterVersions(): Promise<Versions> {
  const moto = await realServer('moto');
  const root = rootOf(moto, 'ssm', 'AmazonSSM');
  const path = `/${slug('versions')}`;
  for (const Value of ['one', 'two']) {
    await root('PutParameter', { Name: path, Value, Type: 'SecureString', Overwrite: true });
  }
  return { path, one: '1', two: '2', none: '9', at: asRoot(moto) };
}

function asRoot(server: RealServer): Setting {
  return { options: {}, env: envOf(server.get('AWS_ENDPOINT_URL'), keyOf(server)) };
}

async function s3(server: RealServer): Promise<World> {
  const bucket = `contract-${RUN}`;
  const url = `${server.get('AWS_ENDPOINT_URL')}/${bucket}`;
  const signed = { service: 's3', method: 'PUT', key: keyOf(server) } as const;
  await awsCall({ ...signed, url });
  const { home, remote } = await userOf(server, 's3');
  const { store } = await open('s3', home);
  const put: World['put'] = async (name, bytes) => {
    const path = `${bucket}/${slug(name)}`;
    await store.put?.(path, bytes);
    return { path };
  };
  return {
    home,
    remote,
    auth: AUTH,
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `${bucket}/gone-${n}`,
    put,
    cannotHold: [],
    versions: objectVersions,
  };
}

/** By moto, which wants to see a signature and does not check it. */
async function objectVersions(): Promise<Versions> {
  const moto = await realServer('moto');
  const bucket = `versions-${RUN}`;
  const url = `${moto.get('AWS_ENDPOINT_URL')}/${bucket}`;
  const scope = 'AKIA/20260101/us-east-1/s3/aws4_request';
  const headers = { authorization: `AWS4-HMAC-SHA256 Credential=${scope}` };
  const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await fetch(url, { method: 'PUT', headers });
  await fetch(`${url}?versioning`, { method: 'PUT', headers, body });
  const { store, ask } = await open('s3', asRoot(moto));
  const path = `${bucket}/v`;
  const write = async (text: string): Promise<string> => {
    await store.put?.(path, Buffer.from(text));
    const [answer] = await ask(path);
    return answer?.kind === 'value' ? (answer.facts?.version ?? '') : '';
  };
  const [one, two] = [await write('one'), await write('two')];
  return { path, one, two, none: crypto.randomUUID(), at: asRoot(moto) };
}

async function confidant(server: RealServer): Promise<World> {
  const options = {
    url: server.get('CONFIDANT_URL'),
    authKey: server.get('CONFIDANT_AUTH_KEY'),
    to: server.get('CONFIDANT_AUTH_CONTEXT'),
  };
  const put: World['put'] = async (_, bytes) => {
    return { path: await makeService(server, [{ pairs: { k: bytes.toString() } }]), member: 'k' };
  };
  // One emulator is all of AWS here, STS too.
  const env = { ...server.env, AWS_ENDPOINT_URL_STS: server.get('AWS_ENDPOINT_URL_KMS') };
  return {
    home: { options, env },
    auth: AUTH,
    there: await put('there', Buffer.from(CANARY)),
    gone: (n) => `svc-${RUN}-${n}`,
    put,
    cannotHold: ['not UTF-8'],
    remote: {
      at: (url) => ({ options: { ...options, url }, env }),
      speaks: 'http',
      // The emulator of KMS checks no keys: a token that is made under another one is as wrong.
      wrong: { options: { ...options, authKey: 'alias/blind' }, env },
      secrets: [server.get('AWS_SECRET_ACCESS_KEY')],
    },
  };
}

export const AWS_WORLDS = {
  'aws-secrets-manager': async () => worldOf('ministack', secretsManager),
  'aws-ssm': async () => worldOf('ministack', parameterStore),
  s3: async () => worldOf('ministack', s3),
  confidant: async () => worldOf('confidant', confidant),
};
