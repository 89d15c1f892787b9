// What the tests of the AWS stores have around them: users of an emulator that checks signatures,
// and a proxy that writes down each request (the caps of AWS are checked here: no emulator does).
import type { Answer } from '../../src/stores/_store.ts';
import { shown as shownAnswer } from '../support/shown.ts';
import type { AwsKey } from './_aws-call.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import type { RealServer } from './_servers.ts';

/** Part of every name, so that runs do not meet in a server that stays. */
export const RUN = Math.random().toString(36).slice(2, 8);

/** Values of tests start with this; it may stand in no message. */
export const CANARY = `canary-${RUN}`;

/** One request as the server sees it. */
export interface Recorded {
  readonly method: string;
  readonly path: string;
  /** The operation of a JSON service or of the Query protocol. */
  readonly operation: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface Recorder extends Disposable {
  readonly url: string;
  readonly seen: Recorded[];
  /** Operations of what was seen, counted: `{ GetSecretValue: 2 }`. */
  counts(): Record<string, number>;
  /** Answers instead of the server while it is set; undefined lets a request through. */
  react: ((request: Recorded) => Response | undefined) | undefined;
  /** Forgets what was seen, and reacts no more. */
  clear(): void;
}

/** A proxy before a server; the Host header stays, so signatures do too. */
export function recorder(upstream = ''): Recorder {
  const state: Pick<Recorder, 'react'> & { seen: Recorded[] } = { react: undefined, seen: [] };
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    maxRequestBodySize: 2 ** 28,
    fetch: async (request) => {
      const raw = await request.arrayBuffer();
      const recorded = recordedOf(request, Buffer.from(raw).toString('utf8'));
      state.seen.push(recorded);
      const own = state.react?.(recorded);
      if (own !== undefined || upstream === '') return own ?? new Response('', { status: 404 });
      const { method, headers } = request;
      const body = raw.byteLength === 0 ? {} : { body: raw };
      return fetch(`${upstream}${recorded.path}`, { method, headers, ...body, redirect: 'manual' });
    },
  });
  return Object.assign(state, {
    url: `http://127.0.0.1:${server.port}`,
    counts: () => {
      const counts: Record<string, number> = {};
      for (const { operation } of state.seen) counts[operation] = (counts[operation] ?? 0) + 1;
      return counts;
    },
    clear: () => {
      state.seen.length = 0;
      state.react = undefined;
    },
    [Symbol.dispose]: () => void server.stop(true),
  });
}

function recordedOf(request: Request, body: string): Recorded {
  const { method, headers, url } = request;
  const target = headers.get('x-amz-target')?.split('.')[1];
  const query = /(?:^|&)Action=(\w+)/.exec(body)?.[1];
  const path = url.slice(new URL(url).origin.length);
  return { method, path, operation: target ?? query ?? method, headers, body };
}

/** An error as the JSON services write it. */
export function awsError(code: string, status = 400, message = CANARY): Response {
  return Response.json({ __type: code, message }, { status });
}

/** What a policy of IAM says: actions and resources. */
export type Allowed = readonly (readonly [actions: string, resource: string])[];

/** A user of ministack who may do what is listed, and nothing else. */
export async function iamUser(server: RealServer, name: string, allowed: Allowed): Promise<AwsKey> {
  const Statement = allowed.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }));
  const policy = { Version: '2012-10-17', Statement };
  return userOfPolicy(server, name, allowed.length === 0 ? undefined : policy);
}

/** A user of ministack who may do what this IAM policy allows; one of before gets another key. */
export async function userOfPolicy(
  server: RealServer,
  name: string,
  policy: object | undefined,
): Promise<AwsKey> {
  const url = `${server.get('AWS_ENDPOINT_URL')}/`;
  const UserName = `${name}-${RUN}`;
  const iam = async (fields: Record<string, string>): Promise<string> => {
    const body = new URLSearchParams({ Version: '2010-05-08', ...fields, UserName }).toString();
    const answer = await awsCall({ service: 'iam', url, body, key: keyOf(server) });
    const text = await answer.text();
    if (!answer.ok && !text.includes('EntityAlreadyExists'))
      throw new Error(`${fields['Action']}: HTTP ${answer.status} ${text}`);
    return text;
  };
  await iam({ Action: 'CreateUser' });
  const made = await iam({ Action: 'CreateAccessKey' });
  const part = (tag: string): string => new RegExp(`<${tag}>(.*?)<`).exec(made)?.[1] ?? '';
  if (policy !== undefined) {
    const PolicyDocument = JSON.stringify(policy);
    await iam({ Action: 'PutUserPolicy', PolicyName: 'p', PolicyDocument });
  }
  return { id: part('AccessKeyId'), secret: part('SecretAccessKey').replaceAll('&amp;', '&') };
}

/** The variables of a user, and of nothing else: no file, no instance. */
export function envOf(url: string, key: AwsKey | undefined): Record<string, string> {
  const own = key && { AWS_ACCESS_KEY_ID: key.id, AWS_SECRET_ACCESS_KEY: key.secret };
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: '/nonexistent',
    ...own,
  };
}

/** Answers as a person reads them; bytes as Latin-1. */
export function shown(answers: readonly Answer[]): unknown[] {
  return answers.map(shownAnswer);
}

/** Everything that a report could say of these answers. */
export function messages(answers: readonly Answer[]): string {
  return answers
    .map((answer) => {
      if (answer.kind === 'absent') return answer.what;
      if (answer.kind !== 'failed') return '';
      const { message, help, cause } = answer.problem;
      return `${message}\n${help}\n${String(cause)}`;
    })
    .join('\n');
}

/** Texts that a format or an encoding on the way could change. */
export const ODD_TEXTS: Readonly<Record<string, string>> = {
  quotes: '"\'`\\',
  markup: '<a>&amp;&#34;</a>',
  lines: 'a\r\nb\rc\nd\n',
  controls: '\u0001\u0007\u001b[0m\u007f',
  nul: 'a\u0000b',
  beyond: 'ä€😀\u2028\ufeff',
  spaces: '  a  ',
  json: '{"a":1.0,"b":9007199254740993}',
};

/** An instance that answers nobody without its token, as IMDSv2 does. */
export function imds(credentials: () => object): (request: Recorded) => Response | undefined {
  return ({ method, path: at, headers }) => {
    if (at === '/latest/api/token') {
      const isRight = method === 'PUT' && headers.has('x-aws-ec2-metadata-token-ttl-seconds');
      return new Response(isRight ? 'imds-token' : '', { status: isRight ? 200 : 400 });
    }
    if (!at.startsWith('/latest/')) return undefined;
    if (headers.get('x-aws-ec2-metadata-token') !== 'imds-token') {
      return new Response('', { status: 401 });
    }
    return at.endsWith('/') ? new Response('the-role') : Response.json(credentials());
  };
}
