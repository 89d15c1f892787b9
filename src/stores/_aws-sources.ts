import { allOf } from '../core/all-of.ts';
import { BellhopError } from '../core/errors.ts';
import { FsError } from '../core/io/types.ts';
import type { AwsCredentials } from '../wire/sigv4.ts';
import { homePath } from './_aws-files.ts';
import type { AwsGround } from './_aws-send.ts';
import type { Lent, RoleWish } from './_aws-sts.ts';
import { assumeByToken } from './_aws-sts.ts';
import { textOption } from './_options.ts';
import type { StoreContext } from './_store.ts';
import { settingsProblem } from './_tls-files.ts';

/** What one place gave: credentials, or why it gave none. A place that is broken throws. */
export type Sourced =
  | { readonly from: string; readonly value: Lent }
  | { readonly from: string; readonly nothing: string };

export function none(from: string, nothing: string): Sourced {
  return { from, nothing };
}

/** Why we cannot say who we are. */
export function credentialsProblem(context: StoreContext, what: string, help?: string) {
  const better = help === undefined ? {} : { help };
  return new BellhopError('BH_ERR_CREDENTIALS', {
    where: [`store ${context.name}`],
    what,
    ...better,
  });
}

const TOKEN_BYTES_MAX = 1024 * 1024;

/** A token of one line. */
export function readTokenFile({ context }: AwsGround, file: string): string {
  const path = homePath(context, file) ?? file;
  try {
    const bytes = context.io.fs.read(path, TOKEN_BYTES_MAX);
    const token = new TextDecoder().decode(bytes).trim();
    if (token !== '') return token;
    throw credentialsProblem(context, `the token file ${path} is empty`);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw credentialsProblem(context, `the token file ${path} cannot be read (${error.errno})`);
  }
}

/** An access key whose parts are in other stores; undefined where no option says so. */
export async function fromReferences({ context, settings }: AwsGround): Promise<Lent | undefined> {
  const { accessKeyId: id, secretAccessKey: secret, sessionToken: token } = settings.auth;
  if (id === undefined && secret === undefined && token === undefined) return undefined;
  if (id === undefined || secret === undefined) {
    throw settingsProblem(context, '`auth` needs both accessKeyId and secretAccessKey');
  }
  const [accessKeyId, secretAccessKey, sessionToken] = await allOf([
    revealed(context, id),
    revealed(context, secret),
    token === undefined ? undefined : revealed(context, token),
  ]);
  const credentials = { accessKeyId, secretAccessKey };
  return {
    credentials: sessionToken === undefined ? credentials : { ...credentials, sessionToken },
  };
}

/** A line end that an editor left at the end is no part of a key. */
async function revealed(context: StoreContext, reference: unknown): Promise<string> {
  const sealed = await context.secret(reference);
  return new TextDecoder().decode(sealed.reveal()).trim();
}

/** AWS_ACCESS_KEY_ID and its like. */
export function fromEnvironment({ context }: AwsGround): Sourced {
  const accessKeyId = context.variable('AWS_ACCESS_KEY_ID');
  const secretAccessKey = context.variable('AWS_SECRET_ACCESS_KEY');
  const sessionToken = context.variable('AWS_SESSION_TOKEN');
  if (accessKeyId === undefined && secretAccessKey === undefined) {
    return none('environment', 'AWS_ACCESS_KEY_ID is not set');
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const what = 'of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set';
    throw credentialsProblem(context, what);
  }
  const session = sessionToken === undefined ? {} : { sessionToken };
  const credentials: AwsCredentials = { accessKeyId, secretAccessKey, ...session };
  return { from: 'environment', value: { credentials } };
}

/** A role for the token that the platform keeps in a file. */
export async function fromWebIdentity(ground: AwsGround): Promise<Sourced> {
  const { context, settings } = ground;
  const { auth, region } = settings;
  const optionFile = textOption(auth, 'webIdentityTokenFile');
  const file = optionFile ?? context.variable('AWS_WEB_IDENTITY_TOKEN_FILE');
  if (file === undefined) return none('web identity', 'AWS_WEB_IDENTITY_TOKEN_FILE is not set');
  const roleArn =
    (optionFile === undefined ? undefined : textOption(auth, 'roleArn')) ??
    context.variable('AWS_ROLE_ARN');
  if (roleArn === undefined) {
    const what = 'a web identity needs a role: AWS_ROLE_ARN, or `roleArn` beside the token file';
    throw credentialsProblem(context, what);
  }
  const sessionName = textOption(auth, 'sessionName') ?? context.variable('AWS_ROLE_SESSION_NAME');
  const wish: RoleWish = { roleArn, sessionName, region };
  const value = await assumeByToken(ground, wish, readTokenFile(ground, file));
  return { from: 'web identity', value };
}
