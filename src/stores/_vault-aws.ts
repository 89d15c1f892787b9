// Vault's AWS method, type `iam`: a signed request to STS that Vault sends to learn who signed it.
// As HashiCorp's go-secure-stdlib/awsutil writes it (GenerateLoginData); not run against a Vault:
// OpenBao 2.7.2 does not have the method.
import { signRequest } from '../wire/sigv4.ts';
import { checkedAddress } from './_address.ts';
import { openAws } from './_aws.ts';
import { AWS, serviceUrl } from './_aws-endpoints.ts';
import { groupOption, textOption } from './_options.ts';
import type { Entering, LoginBody } from './_vault-session.ts';

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const TYPE = 'application/x-www-form-urlencoded; charset=utf-8';
const SERVER_ID = 'X-Vault-AWS-IAM-Server-ID';
/** What Vault itself asks unless it is configured otherwise; the vendor's client has the same. */
const GLOBAL_STS = { url: 'https://sts.amazonaws.com', region: 'us-east-1' };

/** The body of the login, good for 15 minutes. */
export async function awsLogin(entering: Entering): Promise<LoginBody> {
  const url = stsUrl(entering);
  const headers = await signedHeaders(entering, url);
  const role = textOption(entering.auth, 'role');
  return {
    ...(role === undefined ? {} : { role }),
    iam_http_request_method: 'POST',
    iam_request_url: base64(url),
    iam_request_body: base64(BODY),
    // Who has them can log in as us: they are as secret as a password.
    iam_request_headers: base64(JSON.stringify(headers)),
  };
}

function stsUrl({ server, auth }: Entering): string {
  const region = textOption(auth, 'region');
  const usual =
    region === undefined
      ? GLOBAL_STS.url
      : serviceUrl(AWS.sts, { region, isFips: false, isDualstack: false });
  return `${checkedAddress(server.context, textOption(auth, 'stsEndpoint') ?? usual)}/`;
}

/** Header names as Go's http.Header has them, each with a list of values: so Vault reads them. */
async function signedHeaders({ server, auth }: Entering, url: string) {
  const { context } = server;
  const region = textOption(auth, 'region');
  const identity = { auth: groupOption(auth, 'aws'), ...(region === undefined ? {} : { region }) };
  const { signer } = openAws(AWS.sts, identity, context);
  const serverId = textOption(auth, 'serverId');
  const own = serverId === undefined ? {} : { [SERVER_ID.toLowerCase()]: serverId };
  const signed = signRequest(
    { method: 'POST', url, headers: { 'content-type': TYPE, ...own }, body: BODY },
    {
      credentials: await signer(),
      region: region ?? GLOBAL_STS.region,
      service: AWS.sts.signed,
      nowMs: context.io.clock.now(),
    },
    context.io.crypto,
  );
  const { authorization = '', 'x-amz-date': date = '', 'x-amz-security-token': session } = signed;
  return {
    Authorization: [authorization],
    'Content-Type': [TYPE],
    'X-Amz-Date': [date],
    ...(session === undefined ? {} : { 'X-Amz-Security-Token': [session] }),
    ...(serverId === undefined ? {} : { [SERVER_ID]: [serverId] }),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
