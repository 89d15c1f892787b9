// Credentials that the platform hands out: to containers (ECS, SageMaker, EKS Pod Identity) and to
// EC2 instances (IMDSv2), asked as botocore 1.44.5 does (utils.py, ContainerMetadataFetcher and
// InstanceMetadataFetcher).
import { openBudget } from '../core/budget.ts';
import type { Verdict } from '../core/call.ts';
import { notJson, refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError, isOutage } from '../core/errors.ts';
import type { HttpAnswer, HttpRequest, NetReason } from '../core/io/net-types.ts';
import { NetError } from '../core/io/net-types.ts';
import type { Io } from '../core/io/types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { Sourced } from './_aws-sources.ts';
import { credentialsProblem, none, readTokenFile } from './_aws-sources.ts';
import type { AwsGround } from './_aws-send.ts';
import { jsonBody } from './_aws-send.ts';
import { setting } from './_aws-files.ts';
import { isTrue } from './_aws-settings.ts';
import type { Lent } from './_aws-sts.ts';
import { until } from './_aws-sts.ts';
import { settingsProblem } from './_tls-files.ts';

const BODY_BYTES_MAX = 64 * 1024;
const CONTAINER_HOST = 'http://169.254.170.2';

/** Hosts that may be told the authorization token without TLS. */
const TRUSTED_HOST =
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.170\.(2|23)|\[fd00:ec2::23\])$/;

/** What the container's platform hands out; it said where, so it is waited for. */
export async function fromContainer(ground: AwsGround): Promise<Sourced> {
  const { context } = ground;
  const relative = context.variable('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const full = context.variable('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  if (relative === undefined && full === undefined) {
    return none('container', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set');
  }
  const written = relative === undefined ? full : `${CONTAINER_HOST}${relative}`;
  const url = URL.parse(written ?? '');
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw settingsProblem(context, 'AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL');
  }
  if (url.protocol !== 'https:' && !TRUSTED_HOST.test(url.hostname)) {
    const what = 'AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or an address of the platform';
    throw settingsProblem(context, what);
  }
  const authorization = authorizationOf(ground);
  const headers = authorization === undefined ? {} : { authorization };
  const value = await context.caller.send<Lent>({
    name: 'container credentials',
    kind: 'credentials',
    request: () => ({
      method: 'GET',
      url: url.href,
      headers: { accept: 'application/json', ...headers },
      proxy: TRUSTED_HOST.test(url.hostname) ? 'never' : 'environment',
      protocol: 'h1',
      bodyBytesMax: BODY_BYTES_MAX,
    }),
    judge: (answer) => lentByPlatform(ground, answer),
  });
  return { from: 'container', value };
}

/** Read anew each time: the platform replaces the file. */
function authorizationOf(ground: AwsGround): string | undefined {
  const { context } = ground;
  const file = context.variable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  const token =
    file === undefined
      ? context.variable('AWS_CONTAINER_AUTHORIZATION_TOKEN')
      : readTokenFile(ground, file);
  if (token === undefined || /^[\x20-\x7e]+$/.test(token)) return token;
  throw credentialsProblem(context, 'the container authorization token is not one line of text');
}

/** Both hand out the same JSON. */
function lentByPlatform({ context }: AwsGround, answer: HttpAnswer): Verdict<Lent> {
  if (answer.status !== 200) {
    const afterMs = retryAfterMs(answer.headers['retry-after'], context.io.clock.now());
    const what = `the platform gives no credentials (HTTP ${answer.status})`;
    return verdictOfStatus(answer, afterMs) ?? refused('BH_ERR_CREDENTIALS', what);
  }
  const body = jsonBody(answer);
  if (body === undefined) return notJson(answer);
  const { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration, Code } = body;
  const isWhole = typeof id === 'string' && typeof secret === 'string' && id !== '';
  if (!isWhole || (Code !== undefined && Code !== 'Success')) {
    return { kind: 'again', why: 'an answer without credentials' };
  }
  const session = typeof token === 'string' && token !== '' ? { sessionToken: token } : {};
  const credentials = { accessKeyId: id, secretAccessKey: secret, ...session };
  return { kind: 'done', value: { credentials, ...until(Expiration) } };
}

/** An instance answers in a millisecond; elsewhere nobody does. */
const INSTANCE_MS_MAX = 1000;
const TOKEN_SECONDS = '21600';
const ROLES = '/latest/meta-data/iam/security-credentials/';

/** The instance's role; where there is no instance, none. One that is there must answer. */
export async function fromInstance(ground: AwsGround): Promise<Sourced> {
  const unasked = reasonNotToAsk(ground);
  if (unasked !== undefined) return none('instance', unasked);
  const base = instanceAddress(ground);
  const token = await instanceToken(ground, base);
  if (token instanceof BellhopError) return none('instance', token.what);
  const headers = { 'x-aws-ec2-metadata-token': token };
  const question = { method: 'GET', url: `${base}${ROLES}`, headers } as const;
  const [role = ''] = (await ask(ground, 'instance role', question)).split('\n');
  if (role === '') return none('instance', 'it has no role');
  const url = `${question.url}${role.trim()}`;
  const value = await credentialsOfRole(ground, { ...question, url });
  return { from: 'instance', value };
}

/** The token that everything else is asked with; the error says why there is no instance. */
async function instanceToken(ground: AwsGround, base: string): Promise<string | BellhopError> {
  const url = `${base}/latest/api/token`;
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS };
  const request = requestOf({ method: 'PUT', url, headers });
  const { caller, io } = ground.context;
  const startedMs = io.clock.monotonicMs();
  let isThere = false;
  try {
    return await caller.work<string>({
      name: 'instance metadata token',
      kind: 'credentials',
      attempt: async (_, signal) => {
        try {
          const answer = isThere
            ? await io.net.http(request, signal)
            : await answerInOwnTime(io, request, signal);
          isThere = true;
          return tokenIn(answer);
        } catch (error) {
          if (!(error instanceof NetError) || isThere) throw error;
          isThere = !SILENCE.has(error.reason);
          if (isThere) throw error;
          const tookMs = Math.round(io.clock.monotonicMs() - startedMs);
          const isLate = error.reason === 'aborted' || error.reason === 'timeout';
          const what = isLate ? `no answer for ${tookMs} ms` : error.message;
          return refused('BH_ERR_CREDENTIALS', what);
        }
      },
    });
  } catch (error) {
    if (error instanceof BellhopError && !isOutage(error)) return error;
    throw error;
  }
}

/** What the network says where there is no instance; anything else came from somebody. */
const SILENCE: ReadonlySet<NetReason> = new Set([
  'refused',
  'unreachable',
  'name not found',
  'timeout',
  'aborted',
]);

async function answerInOwnTime(
  io: Pick<Io, 'clock' | 'net'>,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const own = openBudget(io.clock, INSTANCE_MS_MAX);
  try {
    return await io.net.http(request, AbortSignal.any([signal, own.signal]));
  } finally {
    own.close();
  }
}

function tokenIn(answer: HttpAnswer): Verdict<string> {
  if (answer.status !== 200) return verdictOfQuestion(answer);
  const token = new TextDecoder().decode(answer.body);
  if (/^[\x21-\x7e]+$/.test(token)) return { kind: 'done', value: token };
  return { kind: 'again', why: 'an answer without a token' };
}

function reasonNotToAsk({ context }: AwsGround): string | undefined {
  if (isTrue(context.variable('AWS_EC2_METADATA_DISABLED')))
    return 'AWS_EC2_METADATA_DISABLED is true';
  const platform = context.variable('AWS_EXECUTION_ENV') ?? '';
  const isWithout = /^(AWS_ECS_FARGATE|AWS_Lambda_)/.test(platform);
  return isWithout ? 'AWS_EXECUTION_ENV names a platform that has none' : undefined;
}

function instanceAddress({ context, settings }: AwsGround): string {
  const section = settings.files.profile(settings.profile.name);
  const named =
    context.variable('AWS_EC2_METADATA_SERVICE_ENDPOINT') ??
    setting(section, 'ec2_metadata_service_endpoint');
  if (named !== undefined) return named.replace(/\/+$/, '');
  const mode =
    context.variable('AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE') ??
    setting(section, 'ec2_metadata_service_endpoint_mode');
  return mode?.toLowerCase() === 'ipv6' ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254';
}

type Question = Pick<HttpRequest, 'method' | 'url' | 'headers'>;

/** The text of the answer; empty where there is no such thing. */
async function ask({ context }: AwsGround, name: string, question: Question): Promise<string> {
  return context.caller.send<string>({
    name,
    kind: 'credentials',
    request: () => requestOf(question),
    judge: (answer) => {
      if (answer.status === 404) return { kind: 'done', value: '' };
      if (answer.status !== 200) return verdictOfQuestion(answer);
      return { kind: 'done', value: new TextDecoder().decode(answer.body) };
    },
  });
}

function verdictOfQuestion(answer: HttpAnswer): Verdict<never> {
  const usual = verdictOfStatus(answer, undefined);
  return usual ?? refused('BH_ERR_CREDENTIALS', `HTTP ${answer.status}`);
}

async function credentialsOfRole(ground: AwsGround, question: Question): Promise<Lent> {
  return ground.context.caller.send<Lent>({
    name: 'instance credentials',
    kind: 'credentials',
    request: () => requestOf(question),
    judge: (answer) => lentByPlatform(ground, answer),
  });
}

function requestOf(question: Question): HttpRequest {
  return { ...question, proxy: 'never', protocol: 'h1', bodyBytesMax: BODY_BYTES_MAX };
}
