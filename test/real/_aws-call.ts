// A call signed with AWS Signature Version 4, written apart from src: what is tested cannot judge.
import { createHash, createHmac } from 'node:crypto';
import type { RealServer } from './_servers.ts';

/** Whose key signs. */
export interface AwsKey {
  readonly id: string;
  readonly secret: string;
}

/** One call; the body of a JSON service is an object, with its `target`. */
export interface AwsCall {
  readonly service: string;
  readonly url: string;
  readonly method?: 'GET' | 'PUT' | 'POST';
  readonly target?: string;
  readonly body?: object | string;
  readonly key: AwsKey;
  readonly at?: Date;
}

const REGION = 'us-east-1';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** The key that a server's environment gives. */
export function keyOf(server: RealServer): AwsKey {
  return { id: server.get('AWS_ACCESS_KEY_ID'), secret: server.get('AWS_SECRET_ACCESS_KEY') };
}

/** Sends the call. */
export async function awsCall(call: AwsCall): Promise<Response> {
  const { service, url, method = 'POST', target, key, at = new Date() } = call;
  const body = typeof call.body === 'object' ? JSON.stringify(call.body) : (call.body ?? '');
  const stamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${stamp.slice(0, 8)}/${REGION}/${service}/aws4_request`;
  const headers: Record<string, string> = {
    'content-type': target === undefined ? FORM : 'application/x-amz-json-1.1',
    host: new URL(url).host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': stamp,
    ...(target === undefined ? {} : { 'x-amz-target': target }),
  };
  const names = Object.keys(headers).toSorted();
  const lines = names.map((name) => `${name}:${headers[name]}`);
  const { pathname } = new URL(url);
  const canonical = [method, pathname, '', ...lines, '', names.join(';'), sha256(body)].join('\n');
  const start = hmac(`AWS4${key.secret}`, stamp.slice(0, 8));
  const signer = [REGION, service, 'aws4_request'].reduce(hmac, start);
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const signature = hmac(signer, toSign).toString('hex');
  const credential = `Credential=${key.id}/${scope}, SignedHeaders=${names.join(';')}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, Signature=${signature}`;
  const sent = method === 'GET' ? {} : { body };
  return await fetch(url, { method, headers: { ...headers, authorization }, ...sent });
}

const FORM = 'application/x-www-form-urlencoded';

/** The code of an error of a JSON service. */
export async function errorType(answer: Response): Promise<string | undefined> {
  const { __type: type } = (await answer.json()) as { __type?: string };
  return type?.split('#').at(-1);
}
