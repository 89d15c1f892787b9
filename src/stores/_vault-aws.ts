// Vault's AWS method, type `iam`: a signed request to STS that Vault sends to learn who signed it.
// As HashiCorp's go-secure-stdlib/awsutil writes it (GenerateLoginData); not run against a Vault:
// OpenBao 2.7.2 does not have the method.
import { signRequest } from '../wire/sigv4.ts';
import { openAws } from './_aws.ts';
import { AWS, serviceUrl } from './_aws-endpoints.ts';
import { groupOption, textOption } from './_options.ts';
import { checkedAddress } from './_tls-files.ts';
import type { Entering, LoginBody } from './_vault-session.ts';

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const SERVER_ID = 'X-Vault-AWS-IAM-Server-ID';
/** What Vault itself asks unless it is configured otherwise; the vendor's client has the same. */
const GLOBAL_STS = { url: 'https://sts.amazonaws.com', region: 'us-east-1' };

/** The body of the login, good for 15 minutes. */
export async function awsLogin({ server, auth }: Entering): Promise<LoginBody> {
  const { context } = server;
  const region = textOption(auth, 'region');
  const identity = { auth: groupOption(auth, 'aws'), ...(region === undefined ? {} : { region }) };
  const { signer } = openAws(AWS.sts, identity, context);
  const at = { region: region ?? GLOBAL_STS.region, isFips: false, isDualstack: false };
  const usual = region === undefined ? GLOBAL_STS.url : serviceUrl(AWS.sts, at);
  const url = `${checkedAddress(context, textOption(auth, 'stsEndpoint') ?? usual)}/`;
  const serverId = textOption(auth, 'serverId');
  const {
    'content-type': type = '',
    authorization = '',
    ...signed
  } = signRequest(
    {
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        ...(serverId === undefined ? {} : { [SERVER_ID.toLowerCase()]: serverId }),
      },
      body: BODY,
    },
    {
      credentials: await signer(),
      region: at.region,
      service: AWS.sts.signed,
      nowMs: context.io.clock.now(),
    },
    context.io.crypto,
  );
  const { 'x-amz-security-token': session } = signed;
  const headers = {
    Authorization: [authorization],
    'Content-Type': [type],
    'X-Amz-Date': [signed['x-amz-date'] ?? ''],
    ...(session === undefined ? {} : { 'X-Amz-Security-Token': [session] }),
    ...(serverId === undefined ? {} : { [SERVER_ID]: [serverId] }),
  };
  const role = textOption(auth, 'role');
  const fields = {
    ...(role === undefined ? {} : { role }),
    iam_http_request_method: 'POST',
    iam_request_url: base64(url),
    iam_request_body: base64(BODY),
    iam_request_headers: base64(JSON.stringify(headers)),
  };
  // Who has the headers can log in as us: they are as secret as a password.
  const secrets = [
    fields.iam_request_headers,
    authorization,
    ...(session === undefined ? [] : [session]),
  ];
  return { fields, secrets };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
