import { refused } from '../core/call.ts';
import type { JsonObject } from '../targets/_caps.ts';
import type { AwsApi, Request } from '../targets/_target.ts';
import type { Aws } from '../stores/_aws.ts';
import { openAws } from '../stores/_aws.ts';
import type { AwsFailure } from '../stores/_aws-errors.ts';
import type { AwsService } from '../stores/_aws-endpoints.ts';
import { callJson, jsonBody, sendAws } from '../stores/_aws-send.ts';
import { addressOf, regionOf } from '../stores/_aws-settings.ts';
import type { Options } from '../stores/_options.ts';
import type { StoreContext } from '../stores/_store.ts';
import type { Answered, Sender } from './calls.ts';
import { ANSWER_BYTES_MAX, isOfRequest } from './calls.ts';

// Calls of AWS's APIs, signed by the same light code as the stores' requests: see decision 12.

/** Opens the way to AWS by a store's options: region, endpoint, identity. Makes no request. */
export function openAwsCalls(options: Options, context: StoreContext): Sender {
  const opened = new Map<string, Aws>();
  const awsFor = (service: AwsService): Aws => {
    const before = opened.get(service.signed);
    if (before !== undefined) return before;
    const aws = openAws(service, options, context);
    opened.set(service.signed, aws);
    return aws;
  };
  return async (request, codes) => {
    const { send } = request;
    if (send.by !== 'aws json' && send.by !== 'aws rest') return { kind: 'answer', answer: {} };
    const service = serviceOf(send.service, send.by === 'aws json' ? send.target : undefined);
    return sendOne(awsFor(service), service, { request, codes });
  };
}

function serviceOf({ signed, host, variable }: AwsApi, target: string | undefined): AwsService {
  return { signed, host, variable, ...(target === undefined ? {} : { target }) };
}

interface Sending {
  readonly request: Request;
  readonly codes: readonly string[];
}

async function sendOne(
  aws: Aws,
  service: AwsService,
  { request, codes }: Sending,
): Promise<Answered> {
  const region = regionOf(aws.context, aws.settings);
  const { operation, input, send, once } = request;
  const judge = ({ code, message }: AwsFailure) => {
    if (codes.includes(code)) return { kind: 'done', value: { kind: 'code', code } } as const;
    return isOfRequest(code) ? refused('BH_ERR_API', `${code}: ${oneLine(message)}`) : undefined;
  };
  const common = {
    service,
    signer: aws.signer,
    judge,
    ...(once === true ? { attemptsMax: 1 } : {}),
  };
  if (send.by === 'aws json') {
    const json = { ...common, service: { ...service, target: send.target } };
    return callJson<Answered>(aws, {
      ...json,
      region,
      operation,
      input,
      bodyBytesMax: ANSWER_BYTES_MAX,
      done: (body) => ({ kind: 'done', value: answered(body) }),
    });
  }
  const { url } = addressOf(aws.context, aws.settings, { service, region });
  const made =
    send.by === 'aws rest' ? restOf(send, input) : ({ method: 'POST', path: '/' } as const);
  return sendAws<Answered>(aws, {
    ...common,
    name: operation,
    action: `${service.signed}:${operation}`,
    region: () => region,
    make: () => ({
      method: made.method,
      url: `${url}${made.path}`,
      headers: 'body' in made ? { 'content-type': 'application/json' } : {},
      ...('body' in made ? { body: made.body } : {}),
      bodyBytesMax: ANSWER_BYTES_MAX,
    }),
    done: (answer) => ({ kind: 'done', value: answered(jsonBody(answer) ?? {}) }),
  });
}

/** What was parsed as JSON is JSON. */
function answered(body: Readonly<Record<string, unknown>>): Answered {
  return { kind: 'answer', answer: body as JsonObject };
}

/** `{name}` in the path is a member of the input; the others are the body, as rest-json has it. */
function restOf(
  { method, path }: { readonly method: 'GET' | 'POST'; readonly path: string },
  input: JsonObject,
): { method: 'GET'; path: string } | { method: 'POST'; path: string; body: string } {
  const inPath = new Set<string>();
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    inPath.add(name);
    const value = input[name];
    return encodeURIComponent(typeof value === 'string' ? value : '');
  });
  if (method === 'GET') return { method, path: filled };
  const members = Object.entries(input).filter(([name]) => !inPath.has(name));
  return { method, path: filled, body: JSON.stringify(Object.fromEntries(members)) };
}

const SAID_CHARACTERS_MAX = 600;

/** A service's sentence, printable and not long. Requests hold no secret that it could repeat. */
function oneLine(text: string): string {
  const line = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return line.length > SAID_CHARACTERS_MAX ? `${line.slice(0, SAID_CHARACTERS_MAX)} …` : line;
}
