// Who we are to Google's APIs, and the token that says so.
import type { Attempt } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import { signedJwt, unsignedJwt } from '../wire/jwt.ts';
import { googleSubject } from './_google-subject.ts';
import type { ExternalAccount, GoogleCredentials, Impersonated } from './_google-credentials.ts';
import { impersonating, readGoogleCredentials } from './_google-credentials.ts';
import type { AuthorizedUser, ServiceAccount } from './_google-credentials.ts';
import { metadataText, metadataToken } from './_google-metadata.ts';
import { formRequest, requestToken } from './_oauth.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { groupOption, textOption } from './_options.ts';
import type { Bearer } from './_rest.ts';
import { bearerHeader, credentialText, formBody, neededCredential, openBearer } from './_rest.ts';
import { sharedOnce } from './_shared.ts';
import type { StoreContext } from './_store.ts';

/** An identity, with the token that is shared by all stores of this start. */
export interface Google {
  readonly bearer: Bearer;
  readonly quotaProject: string | undefined;
  /** The project of the credentials or of the machine. */
  project(): Promise<string | undefined>;
  who(): Promise<string>;
}

export const GOOGLE_OPTIONS: OptionSpecs = {
  quotaProject: { type: 'text', help: 'the project whose quota is used' },
  auth: {
    type: 'group',
    help: "who we are; where absent, what Google's libraries find (file, gcloud, platform)",
    members: {
      credentials: {
        type: 'reference',
        help: 'where a credential file is (JSON: service account key, federation, user)',
      },
      credentialsFile: { type: 'text', help: 'the same as a file; absolute' },
      impersonate: { type: 'text', help: 'e-mail of the service account to act as' },
    },
  },
};

export const GOOGLE_AUTH: Readonly<Record<string, string>> = {
  'service account key': 'the option `credentials` or a file; its signature is the token',
  'workload identity federation': 'a file of type external_account: token file, URL or AWS',
  user: 'what `gcloud auth application-default login` has written',
  'metadata server': 'Compute Engine, GKE, Cloud Run, Vertex AI; where no file is given',
  impersonation: 'any of these acting as another service account: `impersonate`, or its file',
};

export const GOOGLE_VARIABLES: Readonly<Record<string, string>> = {
  GOOGLE_APPLICATION_CREDENTIALS: 'the credential file',
  CLOUDSDK_CONFIG: 'the folder of gcloud, with application_default_credentials.json',
  GOOGLE_CLOUD_PROJECT: 'the project of secrets that are named without',
  GCLOUD_PROJECT: 'the same, where GOOGLE_CLOUD_PROJECT is not set',
  GOOGLE_CLOUD_QUOTA_PROJECT: 'the project whose quota is used',
  GCE_METADATA_HOST: 'host and port of the metadata server',
};

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const JWT_SECONDS = 3600;
const TOKEN_URL = 'https://oauth2.googleapis.com/token';

/** Finds the credentials as Google's libraries do, `options` first; one token for equal ones. */
export async function openGoogle(context: StoreContext, options: Options): Promise<Google> {
  const auth = groupOption(options, 'auth');
  const reference = auth['credentials'];
  const file = textOption(auth, 'credentialsFile') ?? defaultFile(context);
  const email = textOption(auth, 'impersonate');
  const key = JSON.stringify(['google', reference ?? null, file ?? null, email ?? null]);
  const shared = await sharedOnce(context, key, async (by) => {
    const own = await findCredentials(by, reference, file);
    const credentials = email === undefined ? own : impersonating(own, email);
    return { credentials, bearer: openBearer(async (asking) => tokenFor(asking, credentials)) };
  });
  const { credentials, bearer } = shared;
  const { common } = credentials;
  return {
    bearer,
    quotaProject:
      textOption(options, 'quotaProject') ??
      context.variable('GOOGLE_CLOUD_QUOTA_PROJECT') ??
      common.quotaProject,
    project: async () => projectOf(context, credentials),
    who: async () => nameOf(context, credentials),
  };
}

/** The headers of each attempt: who we are, and whose quota is used. */
export function googleHeaders(
  { bearer, quotaProject }: Google,
  context: StoreContext,
): (attempt: Attempt) => Promise<Readonly<Record<string, string>>> {
  const authorization = bearerHeader(bearer, context);
  const quota = quotaProject === undefined ? {} : { 'x-goog-user-project': quotaProject };
  return async (attempt) => ({ authorization: await authorization(attempt), ...quota });
}

/** The file that variables name, or the one that gcloud has written; undefined for neither. */
function defaultFile(context: StoreContext): string | undefined {
  const named = context.variable('GOOGLE_APPLICATION_CREDENTIALS');
  if (named !== undefined) return named;
  const home = context.variable('HOME');
  const folder =
    context.variable('CLOUDSDK_CONFIG') ??
    (home === undefined ? undefined : `${home}/.config/gcloud`);
  if (folder === undefined) return undefined;
  const path = `${folder}/application_default_credentials.json`;
  try {
    return context.io.fs.statThrough(path)?.kind === 'file' ? path : undefined;
  } catch {
    return undefined;
  }
}

async function findCredentials(
  context: StoreContext,
  reference: unknown,
  file: string | undefined,
): Promise<GoogleCredentials> {
  const where = [`store ${context.name}`];
  if (reference !== undefined) {
    const sealed = await context.secret(reference);
    return readGoogleCredentials(credentialText(sealed), [...where, 'credentials']);
  }
  if (file === undefined) return { type: 'metadata', common: {} };
  return readGoogleCredentials(neededCredential(context.io.fs, file, where), [...where, file]);
}

async function tokenFor(context: StoreContext, credentials: GoogleCredentials): Promise<string> {
  switch (credentials.type) {
    case 'service_account':
      return selfSigned(context, credentials);
    case 'authorized_user':
      return userToken(context, credentials);
    case 'external_account':
      return federatedToken(context, credentials);
    case 'impersonated':
      return impersonatedToken(context, credentials);
    case 'metadata':
      return metadataToken(context);
  }
}

/**
 * A token that the key itself signs: no request. With `scope`, as the vendor's own clients do
 * (google-auth-library 10.x with `useJWTAccessWithScope`; AIP-4111), so that one token is good for
 * the global and the regional hosts and for impersonation; with `aud` it would be one for each.
 */
async function selfSigned(context: StoreContext, account: ServiceAccount): Promise<string> {
  const { io, name } = context;
  const iat = Math.floor(io.clock.now() / 1000);
  const { email, keyId } = account;
  const claims = { iss: email, sub: email, scope: SCOPE, exp: iat + JWT_SECONDS, iat };
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === '' ? {} : { kid: keyId }) };
  const unsigned = unsignedJwt(header, claims);
  const { crypto: platform } = io;
  const bytes = new TextEncoder().encode(unsigned);
  const signature = await platform.signRs256(account.privateKeyPem, bytes);
  if (signature !== undefined) return signedJwt(unsigned, signature);
  const where = [`store ${name}`, 'service account key'];
  const what = 'private_key is not an RSA key in PEM form (PKCS#8)';
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
}

async function userToken(context: StoreContext, user: AuthorizedUser): Promise<string> {
  const body = formBody({
    grant_type: 'refresh_token',
    client_id: user.clientId,
    client_secret: user.clientSecret,
    refresh_token: user.refreshToken,
  });
  return requestToken(clockAndCaller(context), {
    name: 'OAuth token',
    request: () => formRequest(TOKEN_URL, body),
    help: 'log in again: `gcloud auth application-default login`',
  });
}

function clockAndCaller({ caller, io }: StoreContext) {
  return { caller, clock: io.clock };
}

async function federatedToken(context: StoreContext, account: ExternalAccount): Promise<string> {
  const { client, workforceProject } = account;
  const basic =
    client === undefined
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`,
        };
  // Read again each time: the platform replaces it before it ends.
  const subject = await googleSubject(context, account);
  const body = formBody({
    audience: account.audience,
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: SCOPE,
    subject_token: subject,
    subject_token_type: account.subjectTokenType,
    options:
      workforceProject === undefined || client !== undefined
        ? undefined
        : JSON.stringify({ userProject: workforceProject }),
  });
  return requestToken(clockAndCaller(context), {
    name: 'STS token',
    request: () => formRequest(account.tokenUrl, body, basic),
    help: 'look at the pool and provider of the workload identity federation: audience, issuer, conditions',
  });
}

async function impersonatedToken(context: StoreContext, account: Impersonated): Promise<string> {
  const { source, url, delegates, lifetimeSeconds } = account;
  const authorization = `Bearer ${await tokenFor(context, source)}`;
  const chain = delegates.map((one) => {
    return one.startsWith('projects/') ? one : `projects/-/serviceAccounts/${one}`;
  });
  const body = JSON.stringify({
    ...(chain.length === 0 ? {} : { delegates: chain }),
    scope: [SCOPE],
    lifetime: `${lifetimeSeconds}s`,
  });
  return requestToken(clockAndCaller(context), {
    name: 'generateAccessToken',
    member: 'accessToken',
    request: () => {
      const headers = { authorization, 'content-type': 'application/json' };
      return { ...formRequest(url, body), headers };
    },
    help: 'give the identity roles/iam.serviceAccountTokenCreator on the service account',
  });
}

async function projectOf(
  context: StoreContext,
  credentials: GoogleCredentials,
): Promise<string | undefined> {
  const named = context.variable('GOOGLE_CLOUD_PROJECT') ?? context.variable('GCLOUD_PROJECT');
  if (named !== undefined || credentials.common.project !== undefined) {
    return named ?? credentials.common.project;
  }
  const base = credentials.type === 'impersonated' ? credentials.source : credentials;
  if (base.type !== 'metadata') return undefined;
  return sharedOnce(context, 'google project', async (by) => {
    return metadataText(by, 'project/project-id');
  });
}

async function nameOf(context: StoreContext, credentials: GoogleCredentials): Promise<string> {
  switch (credentials.type) {
    case 'service_account':
      return credentials.email;
    case 'authorized_user':
      return 'a user, by the application default credentials of gcloud';
    case 'external_account':
      return `a federated identity of ${credentials.audience}`;
    case 'impersonated':
      return decodeURIComponent(/serviceAccounts\/([^/:]+):/.exec(credentials.url)?.[1] ?? '?');
    case 'metadata':
      return metadataText(context, 'instance/service-accounts/default/email');
  }
}
