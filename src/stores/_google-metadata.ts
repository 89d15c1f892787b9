// The metadata server of Google's platforms: who this machine, pod or job is.
import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError, isOutage } from '../core/errors.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import { TOKEN_BYTES_MAX } from './_oauth.ts';
import { jsonRecord, readCredential, textIn } from './_rest.ts';
import type { StoreContext } from './_store.ts';

/**
 * On Google's platforms it is there, though GKE's takes connections only some seconds after a pod
 * has started; elsewhere nobody answers, and one second is enough to know.
 */
const ON_GOOGLE_MS_MAX = 10_000;
const ELSEWHERE_MS_MAX = 1000;

/** Variables that only Google's platforms set: Cloud Run, its jobs, Vertex AI, App Engine. */
const PLATFORM_VARIABLES = ['K_SERVICE', 'CLOUD_RUN_JOB', 'CLOUD_ML_JOB_ID', 'GAE_SERVICE'];
const FIRMWARE = '/sys/class/dmi/id/product_name';

const GIVE_HELP =
  'set GOOGLE_APPLICATION_CREDENTIALS or `auth: { credentials: … }`, or run where Google gives an identity';

/** True where the metadata server must be there. */
export function isOnGoogle(context: StoreContext): boolean {
  const names = ['GCE_METADATA_HOST', ...PLATFORM_VARIABLES];
  if (names.some((name) => context.variable(name) !== undefined)) return true;
  const read = readCredential(context.io.fs, FIRMWARE);
  return 'text' in read && read.text.startsWith('Google');
}

/** An access token of the default service account. */
export async function metadataToken(context: StoreContext): Promise<string> {
  const body = await metadataText(context, 'instance/service-accounts/default/token');
  const token = textIn(jsonRecord(body) ?? {}, 'access_token');
  if (token !== undefined) return token;
  const where = [`store ${context.name}`, 'metadata server'];
  throw new BellhopError('BH_ERR_STORE_ANSWER', { where, what: 'its answer holds no token' });
}

/** One entry below `/computeMetadata/v1/`. */
export async function metadataText(context: StoreContext, path: string): Promise<string> {
  const onGoogle = isOnGoogle(context);
  try {
    return await context.caller.send({
      name: `metadata ${path.split('/').at(-1) ?? ''}`,
      kind: 'credentials',
      withinMs: onGoogle ? ON_GOOGLE_MS_MAX : ELSEWHERE_MS_MAX,
      request: () => metadataRequest(context, path),
      judge,
    });
  } catch (error) {
    if (onGoogle || !(error instanceof BellhopError) || !isOutage(error)) throw error;
    const { where, what } = error;
    throw new BellhopError('BH_ERR_CREDENTIALS', {
      where,
      what: `no credentials are given, and no metadata server answers: ${what}`,
      help: GIVE_HELP,
    });
  }
}

function metadataRequest(context: StoreContext, path: string): HttpRequest {
  const host = context.variable('GCE_METADATA_HOST') ?? 'metadata.google.internal';
  return {
    method: 'GET',
    url: `http://${host}/computeMetadata/v1/${path}`,
    headers: { 'metadata-flavor': 'Google' },
    proxy: 'never',
    protocol: 'h1',
    bodyBytesMax: TOKEN_BYTES_MAX,
  };
}

function judge(answer: HttpAnswer): Verdict<string> {
  const passing = verdictOfStatus(answer, undefined);
  if (passing !== undefined) return passing;
  // Captive portals and other clouds answer at this address too.
  if (answer.headers['metadata-flavor'] !== 'Google') {
    const why = `HTTP ${answer.status} that is not of a metadata server`;
    const isFinal = answer.status >= 400 && answer.status < 500;
    return isFinal ? refused('BH_ERR_CREDENTIALS', why, GIVE_HELP) : { kind: 'again', why };
  }
  if (answer.status === 200) {
    return { kind: 'done', value: new TextDecoder().decode(answer.body).trim() };
  }
  const what =
    answer.status === 404 ? 'the platform gives no service account' : `HTTP ${answer.status}`;
  return refused('BH_ERR_CREDENTIALS', what, 'give the machine, pod or job a service account');
}
