// Google's credential files, as google-auth-library 10.x reads them: `type` says what they are.
import { BellhopError } from '../core/errors.ts';
import type { JsonRecord } from './_rest.ts';
import { jsonRecord, recordIn, textIn } from './_rest.ts';

/** Who we are to Google. */
export type GoogleCredentials = { readonly common: CommonFacts } & (
  | ServiceAccount
  | AuthorizedUser
  | ExternalAccount
  | Impersonated
  | { readonly type: 'metadata' }
);

/** What any file may say. */
export interface CommonFacts {
  readonly project?: string;
  /** Whose quota is used: `x-goog-user-project`. */
  readonly quotaProject?: string;
}

export interface ServiceAccount {
  readonly type: 'service_account';
  readonly email: string;
  readonly keyId: string;
  readonly privateKeyPem: string;
}

export interface AuthorizedUser {
  readonly type: 'authorized_user';
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
}

/** Workload identity federation: the token of another platform, to be exchanged. */
export interface ExternalAccount {
  readonly type: 'external_account';
  readonly audience: string;
  readonly subjectTokenType: string;
  readonly tokenUrl: string;
  readonly source: SubjectSource;
  /** For pools of people; sent as basic authentication. */
  readonly client?: { readonly id: string; readonly secret: string };
  readonly workforceProject?: string;
}

/** Where the other platform's token comes from; `member` where it stands in a JSON object. */
export type SubjectSource =
  | { readonly kind: 'file'; readonly path: string; readonly member?: string }
  | {
      readonly kind: 'url';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly member?: string;
    }
  | { readonly kind: 'aws'; readonly facts: JsonRecord };

/** Another service account that the source may act as. */
export interface Impersonated {
  readonly type: 'impersonated';
  readonly source: GoogleCredentials;
  /** `…:generateAccessToken`. */
  readonly url: string;
  readonly delegates: readonly string[];
  readonly lifetimeSeconds: number;
}

const LIFETIME_SECONDS = 3600;
const UNIVERSE = 'googleapis.com';

/** Reads a credential file; `where` names it. BH_ERR_CREDENTIALS for what cannot be used. */
export function readGoogleCredentials(text: string, where: readonly string[]): GoogleCredentials {
  const record = jsonRecord(text);
  if (record === undefined) throw unusable(where, 'it is not a JSON object');
  return fromRecord(record, where);
}

/** `SERVICE_ACCOUNT`'s address for tokens made by somebody else. */
export function impersonationUrl(email: string): string {
  const account = encodeURIComponent(email);
  return `https://iamcredentials.${UNIVERSE}/v1/projects/-/serviceAccounts/${account}:generateAccessToken`;
}

/** The same credentials, acting as another service account. */
export function impersonating(source: GoogleCredentials, email: string): GoogleCredentials {
  return {
    type: 'impersonated',
    common: source.common,
    source,
    url: impersonationUrl(email),
    delegates: [],
    lifetimeSeconds: LIFETIME_SECONDS,
  };
}

function unusable(where: readonly string[], what: string): BellhopError {
  return new BellhopError('BH_ERR_CREDENTIALS', { where, what });
}

interface File {
  readonly record: JsonRecord;
  readonly where: readonly string[];
}

function fromRecord(record: JsonRecord, where: readonly string[]): GoogleCredentials {
  const universe = textIn(record, 'universe_domain');
  if (universe !== undefined && universe !== UNIVERSE) {
    throw unusable(where, `credentials of the cloud ${universe} are not supported`);
  }
  const file = { record, where };
  const common = commonOf(record);
  const type = textIn(record, 'type');
  switch (type) {
    case 'service_account':
      return { common, ...serviceAccount(file) };
    case 'authorized_user':
      return { common, ...authorizedUser(file) };
    case 'external_account':
      return externalAccount(file, common);
    case 'impersonated_service_account':
      return { common, ...impersonatedAccount(file) };
    case undefined:
    default:
      throw unusable(
        where,
        `credentials of type ${/^\w{1,60}$/.exec(type ?? '')?.[0] ?? 'unknown'} are not supported (service_account, authorized_user, external_account, impersonated_service_account)`,
      );
  }
}

function commonOf(record: JsonRecord): CommonFacts {
  const project = textIn(record, 'project_id');
  const quotaProject = textIn(record, 'quota_project_id');
  return {
    ...(project === undefined ? {} : { project }),
    ...(quotaProject === undefined ? {} : { quotaProject }),
  };
}

function needed({ record, where }: File, name: string): string {
  const value = textIn(record, name);
  if (value === undefined) throw unusable(where, `${name} is missing`);
  return value;
}

function serviceAccount(file: File): ServiceAccount {
  return {
    type: 'service_account',
    email: needed(file, 'client_email'),
    keyId: textIn(file.record, 'private_key_id') ?? '',
    privateKeyPem: needed(file, 'private_key'),
  };
}

function authorizedUser(file: File): AuthorizedUser {
  return {
    type: 'authorized_user',
    clientId: needed(file, 'client_id'),
    clientSecret: needed(file, 'client_secret'),
    refreshToken: needed(file, 'refresh_token'),
  };
}

function impersonatedAccount(file: File): Impersonated {
  const { record, where } = file;
  const { delegates } = record;
  return {
    type: 'impersonated',
    source: fromRecord(recordIn(record, 'source_credentials'), [...where, 'source_credentials']),
    url: httpsUrl(file, 'service_account_impersonation_url'),
    delegates: Array.isArray(delegates) ? delegates.map(String) : [],
    lifetimeSeconds: LIFETIME_SECONDS,
  };
}

function externalAccount(file: File, common: CommonFacts): GoogleCredentials {
  const { record, where } = file;
  const id = textIn(record, 'client_id');
  const workforceProject = textIn(record, 'workforce_pool_user_project');
  const source: GoogleCredentials = {
    type: 'external_account',
    common,
    audience: needed(file, 'audience'),
    subjectTokenType: needed(file, 'subject_token_type'),
    tokenUrl: httpsUrl(file, 'token_url'),
    source: subjectSource(recordIn(record, 'credential_source'), where),
    ...(id === undefined ? {} : { client: { id, secret: textIn(record, 'client_secret') ?? '' } }),
    ...(workforceProject === undefined ? {} : { workforceProject }),
  };
  if (textIn(record, 'service_account_impersonation_url') === undefined) return source;
  const wanted = recordIn(record, 'service_account_impersonation')['token_lifetime_seconds'];
  return {
    type: 'impersonated',
    common,
    source,
    url: httpsUrl(file, 'service_account_impersonation_url'),
    delegates: [],
    lifetimeSeconds: typeof wanted === 'number' ? wanted : LIFETIME_SECONDS,
  };
}

/** A token is sent there: never in the clear. */
function httpsUrl(file: File, name: string): string {
  const url = needed(file, name);
  if (!url.startsWith('https://')) throw unusable(file.where, `${name} must begin with https://`);
  return url;
}

function subjectSource(source: JsonRecord, where: readonly string[]): SubjectSource {
  const format = recordIn(source, 'format');
  const isJson = textIn(format, 'type') === 'json';
  const member = isJson ? textIn(format, 'subject_token_field_name') : undefined;
  if (isJson && member === undefined) {
    throw unusable(where, 'credential_source.format needs subject_token_field_name');
  }
  const inJson = member === undefined ? {} : { member };
  const path = textIn(source, 'file');
  if (path !== undefined) return { kind: 'file', path, ...inJson };
  if (textIn(source, 'environment_id') !== undefined) return awsSource(source, where);
  const url = textIn(source, 'url');
  if (url !== undefined) {
    const headers = Object.entries(recordIn(source, 'headers'));
    const texts = headers.map(([name, value]) => [name, String(value)]);
    return { kind: 'url', url, headers: Object.fromEntries(texts), ...inJson };
  }
  const kinds = Object.keys(source).join(', ') || 'nothing';
  throw unusable(
    where,
    `a credential_source of ${kinds} is not supported: bellhop runs no commands and has no certificates for it (file, url, AWS)`,
  );
}

function awsSource(source: JsonRecord, where: readonly string[]): SubjectSource {
  const id = textIn(source, 'environment_id');
  if (id === 'aws1') return { kind: 'aws', facts: source };
  throw unusable(where, `credential_source.environment_id ${id} is not supported (aws1)`);
}
