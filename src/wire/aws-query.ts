// The AWS Query protocol as STS speaks it (API version 2011-06-15), and the login that Vault and
// OpenBao take from it (vault builtin/credential/aws/cli.go, GenerateLoginData).
import { encodeQuery } from './aws-url.ts';
import { signRequest } from './sigv4.ts';
import type { Signing } from './sigv4.ts';
import type { Digests } from './digests.ts';

/** The content type of `awsQueryForm`. */
export const FORM_TYPE = 'application/x-www-form-urlencoded; charset=utf-8';
const STS_VERSION = '2011-06-15';

/** What bellhop asks STS, with the parameters' own names. */
export type StsCall =
  | { readonly Action: 'GetCallerIdentity' }
  | {
      readonly Action: 'AssumeRole';
      readonly RoleArn: string;
      readonly RoleSessionName: string;
      readonly ExternalId?: string | undefined;
      readonly DurationSeconds?: number | undefined;
    }
  | {
      readonly Action: 'AssumeRoleWithWebIdentity';
      readonly RoleArn: string;
      readonly RoleSessionName: string;
      readonly WebIdentityToken: string;
      readonly DurationSeconds?: number | undefined;
    };

/** The body of a POST to STS: a form; parameters that are undefined are left out. */
export function awsQueryForm(call: StsCall): string {
  const { Action, ...parameters } = call;
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  return encodeQuery([['Action', Action], ['Version', STS_VERSION], ...given]);
}

/** What an `auth/aws/login` takes beside `role`; nothing of the secret key is in it. */
export interface IamLogin {
  readonly iam_http_request_method: 'POST';
  /** Base64. */
  readonly iam_request_url: string;
  /** Base64. */
  readonly iam_request_body: string;
  /** Base64 of JSON: each header's values. */
  readonly iam_request_headers: string;
}

/** Which request the server will repeat to learn who we are. */
export interface IamLoginFacts extends Omit<Signing, 'service'> {
  /** https://sts.REGION.amazonaws.com/, as the server allows it. */
  readonly stsUrl: string;
  /** `iam_server_id_header_value` of the server, if it has one. */
  readonly serverId?: string;
}

/** A signed GetCallerIdentity that proves to the server who we are. */
export function iamLogin(facts: IamLoginFacts, digests: Digests): IamLogin {
  const { stsUrl, serverId, ...signing } = facts;
  const body = awsQueryForm({ Action: 'GetCallerIdentity' });
  const headers = {
    'content-type': FORM_TYPE,
    ...(serverId === undefined ? {} : { 'x-vault-aws-iam-server-id': serverId }),
  };
  const request = { method: 'POST', url: stsUrl, headers, body } as const;
  const signed = signRequest(request, { ...signing, service: 'sts' }, digests);
  const lists = Object.entries(signed).map(([name, value]) => [name, [value]]);
  return {
    iam_http_request_method: request.method,
    iam_request_url: base64(stsUrl),
    iam_request_body: base64(body),
    iam_request_headers: base64(JSON.stringify(Object.fromEntries(lists))),
  };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
