// Credentials by IAM Identity Center (SSO), with the token that `aws sso login` left in its cache.
// The cache: botocore 1.44.5 (utils.py, SSOTokenLoader); nothing is written to it, so a token that
// has ended is not renewed.
import { notJson, refused } from '../core/call.ts';
import type { Verdict } from '../core/call.ts';
import { FsError } from '../core/io/types.ts';
import type { AwsSection } from '../wire/aws-ini.ts';
import { encodeQuery } from '../wire/aws-url.ts';
import { hex } from '../wire/digests.ts';
import { AWS } from './_aws-endpoints.ts';
import { homePath, setting } from './_aws-files.ts';
import type { AwsGround } from './_aws-send.ts';
import { jsonBody, sendAws } from './_aws-send.ts';
import { addressOf } from './_aws-settings.ts';
import { credentialsProblem } from './_aws-sources.ts';
import type { Lent } from './_aws-sts.ts';
import { settingsProblem } from './_tls-files.ts';

const CACHE_BYTES_MAX = 1024 * 1024;
const BODY_BYTES_MAX = 256 * 1024;

/** True where a profile says that SSO is its way. */
export function isSso(profile: AwsSection): boolean {
  return profile.has('sso_session') || profile.has('sso_start_url');
}

interface SsoSettings {
  readonly account: string;
  readonly role: string;
  readonly region: string;
  /** What the cached token's file is named after. */
  readonly cachedAs: string;
  readonly login: string;
}

/** The credentials of the profile's account and role. */
export async function fromSso(ground: AwsGround, name: string, profile: AwsSection): Promise<Lent> {
  const sso = ssoSettings(ground, name, profile);
  const token = cachedToken(ground, sso);
  const { context, settings } = ground;
  const { url } = addressOf(context, settings, { service: AWS.sso, region: sso.region });
  const query = encodeQuery([
    ['role_name', sso.role],
    ['account_id', sso.account],
  ]);
  return sendAws<Lent>(ground, {
    name: 'GetRoleCredentials',
    kind: 'credentials',
    service: AWS.sso,
    region: () => sso.region,
    make: () => ({
      method: 'GET',
      url: `${url}/federation/credentials?${query}`,
      headers: { 'x-amz-sso_bearer_token': token },
      bodyBytesMax: BODY_BYTES_MAX,
    }),
    done: (answer) => {
      const lent = lentIn(jsonBody(answer)?.['roleCredentials']);
      return lent === undefined ? notJson(answer) : { kind: 'done', value: lent };
    },
    judge: ({ code }): Verdict<never> | undefined => {
      if (code === 'UnauthorizedException') {
        return refused('BH_ERR_CREDENTIALS', 'the cached SSO token is not taken', sso.login);
      }
      if (code !== 'ForbiddenException' && code !== 'ResourceNotFoundException') return undefined;
      const what = `role ${sso.role} of account ${sso.account} is not ours to take (${code})`;
      return refused('BH_ERR_CREDENTIALS', what);
    },
  });
}

function ssoSettings(
  { context, settings }: AwsGround,
  name: string,
  profile: AwsSection,
): SsoSettings {
  const sessionName = setting(profile, 'sso_session');
  const session = sessionName === undefined ? profile : settings.files.ssoSession(sessionName);
  const startUrl = setting(session, 'sso_start_url');
  const region = setting(session, 'sso_region');
  const account = setting(profile, 'sso_account_id');
  const role = setting(profile, 'sso_role_name');
  if (!startUrl || !region || !account || !role) {
    const what = `profile ${name} needs sso_start_url, sso_region, sso_account_id and sso_role_name`;
    throw settingsProblem(context, what);
  }
  const login = `run \`aws sso login --profile ${name}\``;
  return { account, role, region, login, cachedAs: sessionName ?? startUrl };
}

function cachedToken({ context, clock }: AwsGround, { cachedAs, login }: SsoSettings): string {
  const { accessToken, expiresAt } = readCache(context, cachedAs, login);
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw credentialsProblem(context, 'the cached SSO token cannot be read', login);
  }
  const endMs = Date.parse(String(expiresAt).replace(/UTC$/, 'Z'));
  if (endMs > context.io.clock.now() + clock.aheadMs) return accessToken;
  throw credentialsProblem(context, 'the cached SSO token has ended', login);
}

function readCache(
  context: AwsGround['context'],
  cachedAs: string,
  login: string,
): Readonly<Record<string, unknown>> {
  const name = hex(context.io.crypto.sha1(cachedAs));
  const path = homePath(context, `~/.aws/sso/cache/${name}.json`);
  try {
    const bytes = context.io.fs.read(path ?? '', CACHE_BYTES_MAX);
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    if (!(error instanceof FsError)) throw error;
    const what = `there is no cached SSO token (${path ?? 'HOME is not set'}: ${error.errno})`;
    throw credentialsProblem(context, what, login);
  }
}

function lentIn(role: unknown): Lent | undefined {
  if (typeof role !== 'object' || role === null) return undefined;
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = role as Record<
    string,
    unknown
  >;
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return undefined;
  if (typeof sessionToken !== 'string') return undefined;
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  return typeof expiration === 'number' ? { credentials, untilMs: expiration } : { credentials };
}
