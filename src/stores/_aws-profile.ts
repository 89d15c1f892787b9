// Credentials of a profile of the shared files, in the order of botocore 1.44.5 (credentials.py):
// a role first, then SSO, then a key. As the source of a role, a profile's own key comes first.
import type { AwsSection } from '../wire/aws-ini.ts';
import { setting } from './_aws-files.ts';
import { fromContainer, fromInstance } from './_aws-metadata.ts';
import type { AwsGround } from './_aws-send.ts';
import type { Sourced } from './_aws-sources.ts';
import { credentialsProblem, fromEnvironment, none, readTokenFile } from './_aws-sources.ts';
import { fromSso, isSso } from './_aws-sso.ts';
import type { Lent, RoleWish } from './_aws-sts.ts';
import { assumeByToken, assumeRole } from './_aws-sts.ts';
import { settingsProblem } from './_tls-files.ts';

/** A profile on the way through a chain of `source_profile`. */
interface Step {
  readonly name: string;
  readonly profile: AwsSection;
  /** The profiles that wait for this one. */
  readonly waiting: readonly string[];
}

/** What the profile that counts gives. */
export async function fromProfile(ground: AwsGround): Promise<Sourced> {
  const { context, settings } = ground;
  const { name, isNamed } = settings.profile;
  const profile = settings.files.profile(name);
  if (profile === undefined) {
    const nothing = `no profile ${name} in ${settings.files.looked.join(', ') || 'any file'}`;
    if (isNamed) throw credentialsProblem(context, `there is ${nothing}`);
    return none('profile', nothing);
  }
  const value = await ofProfile(ground, { name, profile, waiting: [] });
  if (value !== undefined) return { from: `profile ${name}`, value };
  return none('profile', nothingOf(name, profile));
}

function nothingOf(name: string, profile: AwsSection): string {
  return profile.has('credential_process')
    ? `profile ${name} has a credential_process, which bellhop does not run`
    : `profile ${name} has no key, role or SSO`;
}

/** Undefined where the profile has nothing of this kind. */
async function ofProfile(ground: AwsGround, step: Step): Promise<Lent | undefined> {
  const { name, profile, waiting } = step;
  const isSource = waiting.length > 0;
  if (isSource && profile.has('aws_access_key_id')) return keyOf(ground, step);
  if (profile.has('role_arn')) return ofRole(ground, step);
  if (isSso(profile)) return fromSso(ground, name, profile);
  return profile.has('aws_access_key_id') ? keyOf(ground, step) : undefined;
}

function keyOf({ context }: AwsGround, { name, profile }: Step): Lent {
  const accessKeyId = setting(profile, 'aws_access_key_id');
  const secretAccessKey = setting(profile, 'aws_secret_access_key');
  const sessionToken = setting(profile, 'aws_session_token');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw credentialsProblem(context, `profile ${name} has only a part of an access key`);
  }
  const session = sessionToken === undefined ? {} : { sessionToken };
  return { credentials: { accessKeyId, secretAccessKey, ...session } };
}

async function ofRole(ground: AwsGround, step: Step): Promise<Lent> {
  const { context, settings } = ground;
  const { name, profile } = step;
  const text = (one: string): string | undefined => setting(profile, one);
  const roleArn = text('role_arn');
  if (roleArn === undefined) throw settingsProblem(context, `profile ${name} has no role_arn`);
  const duration = Number(text('duration_seconds'));
  const wish: RoleWish = {
    roleArn,
    sessionName: text('role_session_name') ?? context.variable('AWS_ROLE_SESSION_NAME'),
    externalId: text('external_id'),
    durationSeconds: Number.isInteger(duration) ? duration : undefined,
    region: settings.region ?? text('region'),
  };
  const tokenFile = text('web_identity_token_file');
  if (tokenFile !== undefined) {
    return assumeByToken(ground, wish, readTokenFile(ground, tokenFile));
  }
  if (profile.has('mfa_serial')) {
    throw credentialsProblem(context, `profile ${name} wants a code of an MFA device`);
  }
  const source = await sourceOf(ground, step);
  return assumeRole(ground, wish, async () => source.credentials);
}

/** Who asks for the role. */
async function sourceOf(ground: AwsGround, step: Step): Promise<Lent> {
  const { context, settings } = ground;
  const { name, profile, waiting } = step;
  const named = setting(profile, 'credential_source');
  const next = setting(profile, 'source_profile');
  if ((named === undefined) === (next === undefined)) {
    const what = `profile ${name} needs one of source_profile and credential_source`;
    throw settingsProblem(context, `${what} beside its role_arn`);
  }
  if (named !== undefined) return ofPlatform(ground, name, named);
  const chain = [...waiting, name];
  const source = next === undefined ? undefined : settings.files.profile(next);
  if (next === undefined || source === undefined) {
    throw settingsProblem(context, `profile ${name} names a source that is not there`);
  }
  // A profile may name itself: then its own key asks for its role.
  const isRound = chain.includes(next) && !(next === name && source.has('aws_access_key_id'));
  if (isRound) {
    const what = `the profiles wait for each other: ${[...chain, next].join(' → ')}`;
    throw settingsProblem(context, what);
  }
  const lent = await ofProfile(ground, { name: next, profile: source, waiting: chain });
  if (lent !== undefined) return lent;
  throw credentialsProblem(context, `the source of ${name}: ${nothingOf(next, source)}`);
}

const PLATFORMS: Readonly<Record<string, (ground: AwsGround) => Sourced | Promise<Sourced>>> = {
  Environment: fromEnvironment,
  EcsContainer: fromContainer,
  Ec2InstanceMetadata: fromInstance,
};

async function ofPlatform(ground: AwsGround, name: string, source: string): Promise<Lent> {
  const { context } = ground;
  const ask = Object.hasOwn(PLATFORMS, source) ? PLATFORMS[source] : undefined;
  if (ask === undefined) {
    const known = Object.keys(PLATFORMS).join(', ');
    throw settingsProblem(context, `credential_source of profile ${name} is none of ${known}`);
  }
  const sourced = await ask(ground);
  if ('value' in sourced) return sourced.value;
  throw credentialsProblem(context, `credential_source of profile ${name}: ${sourced.nothing}`);
}
