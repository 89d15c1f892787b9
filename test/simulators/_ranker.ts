// examples/sagemaker with real servers behind it: its 40 secrets in four stores, a bucket, a
// gateway of metrics, a tracker, and in front of moto a door at which the request is kept that was
// sent.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tcpGateway } from '../launcher/_relay.ts';
import { awsCall } from '../real/_aws-call.ts';
import { makeService } from '../real/_confidant.ts';
import { type RealServer, realServer } from '../real/_servers.ts';
import { unique, vaultAdmin } from '../real/_vault.ts';
import { built } from '../support/built.ts';
import { spawned } from '../support/spawned.ts';
import { type AwsWorld, s3Bucket, s3Get, s3Keys } from './_aws.ts';
import { type Yard, yardFolder } from './_container.ts';
import { hostTools, shellImage } from './_probe.ts';
import type { Mounted, Ran, Wish } from './_types.ts';
import { type CreateTrainingJob, sagemakerTraining } from './sagemaker-training.ts';

const EXAMPLE = path.join(import.meta.dirname, '../../examples/sagemaker');
const DIST = path.join(import.meta.dirname, '../../dist');
/** The executable on this machine. */
export const BELLHOP = path.join(DIST, 'bellhop');
/** Keys of the example's Secrets. */
const KEYS = {
  db: 'HOST PORT USER PASSWORD NAME REPLICA_HOST REPLICA_PASSWORD CA CLIENT_CERT CLIENT_KEY',
  tracker: 'url token project workspace user password ca proxy salt webhook',
  partners: 'acme beta.json corp delta echo fox golf hotel india juliet',
  storage: 'access-key secret-key endpoint bucket region prefix sse-key kms ca.pem token',
} as const;

/** The servers that the example needs, beside those of AWS; a reason where one is missing. */
export async function rankerServers() {
  const confidant = await realServer('confidant');
  const bao = await realServer('openbao');
  return { confidant, bao, missing: confidant.missing ?? bao.missing };
}

/** What the example's program tells its tracker. */
export interface Seen {
  readonly run: string;
  readonly hyperparameters: number;
  readonly argv: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

export type Secrets = Readonly<Record<keyof typeof KEYS, Readonly<Record<string, string>>>>;

/** Where the example runs. */
export interface RankerPlace {
  readonly yard: Yard;
  readonly aws: AwsWorld;
  readonly confidant: RealServer;
  readonly bao: RealServer;
}

/** A tracker that takes a report only once the gateway has counted what was sent before it. */
function openTracker(until: () => Promise<unknown>) {
  const reports: { readonly seen: Seen; readonly authorization: string | null }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 60,
    fetch: async (request) => {
      const seen = (await request.json()) as Seen;
      await until();
      reports.push({ seen, authorization: request.headers.get('authorization') });
      return new Response();
    },
  });
  return { reports, server };
}

/** Hands everything on to moto, and keeps requests for training jobs. */
function openDoor(moto: string) {
  const requests: CreateTrainingJob[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async ({ method, headers, url, body }) => {
      const bytes = body === null ? undefined : await new Response(body).arrayBuffer();
      if (headers.get('x-amz-target') === 'SageMaker.CreateTrainingJob') {
        requests.push(JSON.parse(new TextDecoder().decode(bytes)) as CreateTrainingJob);
      }
      const { pathname, search } = new URL(url);
      const sent = bytes === undefined ? {} : { body: bytes };
      return fetch(`${moto}${pathname}${search}`, { method, headers, ...sent });
    },
  });
  return { requests, server };
}

type Managing = readonly [service: string, target: string, body: object];

async function manage(aws: AwsWorld, [service, target, body]: Managing): Promise<void> {
  const url = `${aws.endpoint}/`;
  const answer = await awsCall({ service, url, target, body, key: aws.key });
  if (!answer.ok) throw new Error(`${target}: ${await answer.text()}`);
}

/** Puts the 40 secrets into the four stores; how the example's bellhop.yaml then must read. */
async function putSecrets(place: RankerPlace, run: string, secrets: Secrets) {
  const { aws, confidant, bao } = place;
  const call = async (...words: Managing): Promise<void> => manage(aws, words);
  const put = async (name: string, value: object): Promise<void> => {
    const body = { Name: `${run}/${name}`, SecretString: JSON.stringify(value) };
    await call('secretsmanager', 'secretsmanager.CreateSecret', body);
  };
  for (const [name, Value] of Object.entries(secrets.partners)) {
    const body = { Name: `/${run}/partners/${name}`, Value, Type: 'SecureString' };
    await call('ssm', 'AmazonSSM.PutParameter', body);
  }
  const service = await makeService(confidant, [{ pairs: secrets.tracker }]);
  const admin = vaultAdmin(bao);
  const mount = await admin.mount('mounts', 'kv', { options: { version: '2' } });
  await admin.write(`${mount}/data/${run}/storage`, { data: secrets.storage });
  const policy = await admin.policy(`path "${mount}/data/${run}/*" { capabilities = ["read"] }`);
  const login = await admin.mount('auth', 'approle');
  await admin.write(`auth/${login}/role/ranker`, { token_policies: [policy] });
  const { data: role } = await admin.read(`auth/${login}/role/ranker/role-id`);
  const { data: secret } = await admin.write(`auth/${login}/role/ranker/secret-id`);
  await put('db', secrets.db);
  await put('vault', { role_id: role?.['role_id'], secret_id: secret?.['secret_id'] });
  return (yaml: string): string =>
    yaml
      .replace('https://confidant.internal', confidant.get('CONFIDANT_URL'))
      .replace('service: ranker', `service: ${service}`)
      .replace('alias/authnz', confidant.get('CONFIDANT_AUTH_KEY'))
      .replace('confidant-production', confidant.get('CONFIDANT_AUTH_CONTEXT'))
      .replace('https://vault.internal:8200', bao.get('VAULT_ADDR'))
      .replace('method: approle', `method: approle\n      mount: ${login}`)
      .replace('vault:secret/', `vault:${mount}/`)
      .replaceAll(/ranker\//g, `${run}/`);
}

/** Values that are to be nowhere but in the container. */
function madeSecrets(canary: string, trackerUrl: string): Secrets {
  const entries = Object.entries(KEYS).map(([secret, keys]) => {
    const values = keys.split(' ').map((key) => [key, `${canary}-${secret}-${key}`] as const);
    return [secret, Object.fromEntries(values)] as const;
  });
  const made = Object.fromEntries(entries) as Record<keyof typeof KEYS, Record<string, string>>;
  return { ...made, tracker: { ...made.tracker, url: trackerUrl } };
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Opens all of it; `change` is given bellhop.yaml as the example has it, with real addresses. */
export async function openRanker(place: RankerPlace) {
  const { aws, yard } = place;
  const run = unique('ranker');
  const canary = `canary-${crypto.randomUUID()}`;
  const gateway = await tcpGateway();
  const counted = async () =>
    gateway.until((lines) => lines.filter((one) => one.startsWith('ranker.')).length >= METRICS);
  const tracker = openTracker(counted);
  const door = openDoor(aws.endpoint);
  const secrets = madeSecrets(canary, tracker.server.url.href);
  const withServers = await putSecrets(place, run, secrets);
  await s3Bucket(aws, run);
  const dir = yardFolder(yard);
  const made = Bun.spawnSync(['python3', path.join(EXAMPLE, 'hyperparameters.py')], { cwd: dir });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  copyFileSync(path.join(EXAMPLE, 'train.yaml'), path.join(dir, 'train.yaml'));
  const settings = withServers(readFileSync(path.join(EXAMPLE, 'bellhop.yaml'), 'utf8'))
    .replaceAll('ml-artifacts', run)
    .replace('tcp://statsd-gateway.internal:8125', gateway.address);
  writeFileSync(path.join(dir, 'bellhop.yaml'), settings);
  const urls = [
    place.confidant.get('CONFIDANT_URL'),
    place.confidant.get('AWS_ENDPOINT_URL_KMS'),
    place.bao.get('VAULT_ADDR'),
    gateway.address,
    tracker.server.url.href,
  ];
  const reachable = [...aws.reachable, ...urls.map(portOf)];
  return {
    dir,
    run,
    canary,
    secrets,
    gateway,
    reports: tracker.reports,
    requests: door.requests,
    aws: { ...aws, reachable: [...new Set(reachable)] },
    submitted: async (manifest = 'train.yaml') =>
      submitted({ dir, aws }, manifest, door.server.url),
    objects: async () => objectsOf(aws, run),
    /** Takes a secret away from Secrets Manager. */
    lose: async (name: string) => {
      const target = 'secretsmanager.DeleteSecret';
      const body = { SecretId: `${run}/${name}`, ForceDeleteWithoutRecovery: true };
      await manage(aws, ['secretsmanager', target, body]);
    },
    close: () => {
      gateway.close();
      void tracker.server.stop(true);
      void door.server.stop(true);
    },
  };
}

export type Ranker = Awaited<ReturnType<typeof openRanker>>;

/** 4 epochs of 250 steps, and a gauge for each epoch. */
export const METRICS = 4 * 250 + 4;

async function submitted(
  { dir, aws }: { readonly dir: string; readonly aws: AwsWorld },
  manifest: string,
  door: URL,
) {
  const files = ['-f', manifest, '-f', 'hyperparameters.yaml', '-c', 'bellhop.yaml'];
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: '/nonexistent',
    AWS_ACCESS_KEY_ID: aws.s3.key.id,
    AWS_SECRET_ACCESS_KEY: aws.s3.key.secret,
    AWS_ENDPOINT_URL: door.origin,
    AWS_ENDPOINT_URL_S3: aws.s3.endpoint,
  };
  const words = [built().bellhop, 'submit', 'sagemaker-training', ...files];
  return spawned(words, { cwd: dir, env });
}

async function objectsOf(aws: AwsWorld, bucket: string): Promise<ReadonlyMap<string, string>> {
  const keys = await s3Keys(aws, `s3://${bucket}/`);
  const read = keys.map(async (key) => {
    const bytes = await s3Get(aws, `s3://${bucket}/${key}`);
    return [key, Buffer.from(bytes).toString('latin1')] as const;
  });
  return new Map(await Promise.all(read));
}

/** The machine's tools and the executable, for an image that has neither. */
export function tools(): Mounted[] {
  return [...hostTools(), { kind: 'bind', at: '/opt/bellhop', from: DIST, ro: true }];
}

/** Variables of the image that say where servers are: nobody else knows it. */
export function endpoints({ aws }: Pick<Ranker, 'aws'>, { confidant }: RankerPlace): string[] {
  return [
    `AWS_ENDPOINT_URL=${aws.endpoint}`,
    `AWS_ENDPOINT_URL_S3=${aws.s3.endpoint}`,
    `AWS_ENDPOINT_URL_KMS=${confidant.get('AWS_ENDPOINT_URL_KMS')}`,
  ];
}

/** Runs the request that was sent, in the example's image; where servers are stands in its ENV. */
export async function started(
  { aws }: Pick<Ranker, 'aws'>,
  place: RankerPlace,
  { request, wish = {} }: { readonly request: CreateTrainingJob; readonly wish?: Wish },
): Promise<Ran> {
  const image = shellImage(place.yard, { env: endpoints({ aws }, place) });
  const app = yardFolder(place.yard);
  copyFileSync(path.join(EXAMPLE, 'train.py'), path.join(app, 'train.py'));
  const mounts = [
    ...tools(),
    { kind: 'bind', at: '/app', from: app, ro: true } as const,
    ...(wish.mounts ?? []),
  ];
  const images = { [request.AlgorithmSpecification.TrainingImage]: image };
  return sagemakerTraining.run(request, { yard: place.yard, aws, images }, { ...wish, mounts });
}
