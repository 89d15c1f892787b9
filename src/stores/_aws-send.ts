import type { Call, Verdict } from '../core/call.ts';
import { notJson } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { AwsCredentials, Signing } from '../wire/sigv4.ts';
import { signRequest } from '../wire/sigv4.ts';
import type { AwsService } from './_aws-endpoints.ts';
import type { AwsFailure } from './_aws-errors.ts';
import { awsFailure, isOfClock, nameOf, notKnown, verdictOfFailure } from './_aws-errors.ts';
import type { AwsSettings } from './_aws-settings.ts';
import { addressOf, transport } from './_aws-settings.ts';
import type { Doubted, JsonRecord } from './_rest.ts';
import { doubted, jsonRecord, sendDoubting } from './_rest.ts';
import type { StoreContext } from './_store.ts';

/** What a request to AWS needs beside the credentials. */
export interface AwsGround {
  readonly context: StoreContext;
  readonly settings: AwsSettings;
  /** How far AWS's clock is ahead of ours, in milliseconds; learnt from refusals. */
  readonly clock: { aheadMs: number };
}

/** Who signs. Given what was refused as ended, it gets newer credentials. */
export type Signer = (refused?: AwsCredentials) => Promise<AwsCredentials>;

/** A request before it is signed. */
export type Unsigned = Pick<HttpRequest, 'method' | 'url' | 'headers' | 'bodyBytesMax'> & {
  readonly body?: string | Uint8Array;
};

/** One request to a service of AWS, until it is decided. */
export interface AwsCall<T> extends Pick<Call<T>, 'name' | 'kind' | 'attemptsMax' | 'withinMs'> {
  readonly service: AwsService;
  /** The region that it is signed for; asked anew for each attempt. */
  region(): string;
  /** Unsigned where absent. */
  readonly signer?: Signer;
  /** The right that it needs, for messages. */
  readonly action?: string;
  /** How S3 is signed, which is otherwise than the others. */
  readonly style?: Pick<Signing, 'pathAsSent' | 'bodyHashHeader'>;
  make(): Unsigned;
  done(answer: HttpAnswer): Verdict<T>;
  /** What an error means to this call; undefined: what it usually means. */
  judge?(failure: AwsFailure, answer: HttpAnswer): Verdict<T> | undefined;
}

/** Sends it, signed anew for each attempt. */
export async function sendAws<T>(ground: AwsGround, call: AwsCall<T>): Promise<T> {
  let used: AwsCredentials | undefined;
  const { name, kind, attemptsMax, withinMs } = call;
  return sendDoubting<T>(ground.context.caller, {
    name,
    ...(kind === undefined ? {} : { kind }),
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
    ...(withinMs === undefined ? {} : { withinMs }),
    request: async ({ renew }) => {
      used = await credentialsFor(ground, call, renew ? used : undefined);
      const made = call.make();
      const headers = used === undefined ? made.headers : signed(ground, call, { made, by: used });
      return { ...made, headers, ...transport(ground.settings, made.url) };
    },
    judge: (answer) => {
      if (answer.status >= 200 && answer.status < 300) return call.done(answer);
      return judged(ground, call, answer);
    },
  });
}

async function credentialsFor<T>(
  { context }: AwsGround,
  { signer, name }: AwsCall<T>,
  ended: AwsCredentials | undefined,
): Promise<AwsCredentials | undefined> {
  const credentials = await signer?.(ended);
  if (ended === undefined || credentials === undefined) return credentials;
  const { accessKeyId, sessionToken } = credentials;
  if (accessKeyId !== ended.accessKeyId || sessionToken !== ended.sessionToken) return credentials;
  throw new BellhopError('BH_ERR_CREDENTIALS', {
    where: [`store ${context.name}`, name],
    what: 'the credentials have ended, and where they come from there are no newer ones',
  });
}

function signed<T>(
  { context, clock }: AwsGround,
  call: AwsCall<T>,
  { made, by }: { made: Unsigned; by: AwsCredentials },
): Record<string, string> {
  const { crypto, clock: ours } = context.io;
  const nowMs = ours.now() + clock.aheadMs;
  const signing = { credentials: by, region: call.region(), service: call.service.signed, nowMs };
  return signRequest(made, { ...signing, ...call.style }, crypto);
}

function judged<T>(ground: AwsGround, call: AwsCall<T>, answer: HttpAnswer): Verdict<T> | Doubted {
  const failure = awsFailure(answer);
  if (failure !== undefined) {
    const verdict = byClock(ground, failure, answer) ?? call.judge?.(failure, answer);
    if (verdict !== undefined) return verdict;
  }
  const afterMs = retryAfterMs(answer.headers['retry-after'], ground.context.io.clock.now());
  const { action } = call;
  return verdictOfFailure(answer, { afterMs, ...(action === undefined ? {} : { action }) });
}

/** Less is tolerated by every service (5 minutes; S3 15). */
const SKEW_TOLERATED_MS = 4 * 60 * 1000;

/** A signature may be refused because of our clock: then the server's is taken, once. */
function byClock(
  { context, clock }: AwsGround,
  failure: AwsFailure,
  answer: HttpAnswer,
): Verdict<never> | Doubted | undefined {
  const theirsMs = Date.parse(answer.headers['date'] ?? '');
  if (!isOfClock(failure) || Number.isNaN(theirsMs)) return undefined;
  const aheadMs = theirsMs - context.io.clock.now();
  if (Math.abs(aheadMs - clock.aheadMs) < SKEW_TOLERATED_MS) return undefined;
  clock.aheadMs = aheadMs;
  const seconds = Math.round(aheadMs / 1000);
  const why = `${nameOf(failure)}: the clock is off by ${seconds} s`;
  return doubted(notKnown(why), { times: Infinity });
}

/** One operation of a service that takes and gives JSON. */
export interface JsonCall<T> extends Pick<AwsCall<T>, 'kind' | 'judge' | 'attemptsMax' | 'action'> {
  readonly service: AwsService & { readonly target: string };
  readonly region: string;
  readonly signer: Signer;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** For the name in reports: how many things are asked for. */
  readonly count?: number;
  readonly bodyBytesMax: number;
  done(body: Readonly<Record<string, unknown>>): Verdict<T>;
}

const JSON_TYPE = 'application/x-amz-json-1.1';

/** Calls one operation. Whether an answer has what it must is for `done` to say. */
export async function callJson<T>(ground: AwsGround, call: JsonCall<T>): Promise<T> {
  const { service, operation, input, count, bodyBytesMax } = call;
  const { url, region } = addressOf(ground.context, ground.settings, call);
  const headers = {
    'content-type': JSON_TYPE,
    'x-amz-target': `${service.target}.${operation}`,
  };
  const body = JSON.stringify(input);
  return sendAws(ground, {
    ...call,
    name: count === undefined ? operation : `${operation} (${count})`,
    action: call.action ?? `${service.signed}:${operation}`,
    region: () => region,
    make: () => ({ method: 'POST', url: `${url}/`, headers, body, bodyBytesMax }),
    done: (answer) => {
      const parsed = jsonBody(answer);
      return parsed === undefined ? notJson(answer) : call.done(parsed);
    },
  });
}

/** The JSON object that an answer is; undefined where it is none. */
export function jsonBody(answer: HttpAnswer): JsonRecord | undefined {
  return jsonRecord(answer.body);
}

/** The JSON objects of a list; empty where it is no list. */
export function objectsIn(list: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(list)) return [];
  return list.filter((one) => typeof one === 'object' && one !== null);
}
