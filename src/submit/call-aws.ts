import { refused } from '../core/call.ts';
import type { JsonObject } from '../targets/_caps.ts';
import type { AwsApi, Request, Send } from '../targets/_target.ts';
import type { Aws } from '../stores/_aws.ts';
import { openAws } from '../stores/_aws.ts';
import type { AwsFailure } from '../stores/_aws-errors.ts';
import type { AwsService } from '../stores/_aws-endpoints.ts';
import { callJson, jsonBody, sendAws } from '../stores/_aws-send.ts';
import { addressOf, regionOf } from '../stores/_aws-settings.ts';
import type { Options } from '../stores/_options.ts';
import { said } from '../stores/_rest.ts';
import type { StoreContext } from '../stores/_store.ts';
import { filledPath } from './called-url.ts';
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
    const aws = awsFor(serviceOf(send.service));
    return sendOne(aws, { ...request, send }, codes);
  };
}

function serviceOf({ signed, host, variable }: AwsApi): AwsService {
  return { signed, host, variable };
}

type AwsSend = Extract<Send, { by: 'aws json' | 'aws rest' }>;

async function sendOne(
  aws: Aws,
  { operation, input, send, once }: Request & { readonly send: AwsSend },
  codes: readonly string[],
): Promise<Answered> {
  const service = serviceOf(send.service);
  const region = regionOf(aws.context, aws.settings);
  const judge = ({ code, message }: AwsFailure) => {
    if (codes.includes(code)) return { kind: 'done', value: { kind: 'code', code } } as const;
    return isOfRequest(code) ? refused('BH_ERR_API', `${code}: ${said(message)}`) : undefined;
  };
  const common = { signer: aws.signer, judge, ...(once === true ? { attemptsMax: 1 } : {}) };
  if (send.by === 'aws json') {
    return callJson<Answered>(aws, {
      ...common,
      service: { ...service, target: send.target },
      region,
      operation,
      input,
      bodyBytesMax: ANSWER_BYTES_MAX,
      done: (body) => ({ kind: 'done', value: answered(body) }),
    });
  }
  const { url } = addressOf(aws.context, aws.settings, { service, region });
  const { path, body } = restOf(send, input);
  return sendAws<Answered>(aws, {
    ...common,
    service,
    name: operation,
    action: `${service.signed}:${operation}`,
    region: () => region,
    make: () => ({
      method: send.method,
      url: `${url}${path}`,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
      bodyBytesMax: ANSWER_BYTES_MAX,
    }),
    done: (answer) => ({ kind: 'done', value: answered(jsonBody(answer) ?? {}) }),
  });
}

/** What was parsed as JSON is JSON. */
function answered(body: Readonly<Record<string, unknown>>): Answered {
  return { kind: 'answer', answer: body as JsonObject };
}

/** Members of the input that are not in the path are the body, as rest-json has it. */
function restOf(
  send: Extract<AwsSend, { by: 'aws rest' }>,
  input: JsonObject,
): { readonly path: string; readonly body?: string } {
  const { path, names } = filledPath(send.path, input);
  if (send.method === 'GET') return { path };
  const members = Object.entries(input).filter(([name]) => !names.includes(name));
  return { path, body: JSON.stringify(Object.fromEntries(members)) };
}
