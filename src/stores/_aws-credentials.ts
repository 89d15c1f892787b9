import type { AwsCredentials } from '../wire/sigv4.ts';
import { fromContainer, fromInstance } from './_aws-metadata.ts';
import { fromProfile } from './_aws-profile.ts';
import type { AwsGround } from './_aws-send.ts';
import type { Sourced } from './_aws-sources.ts';
import {
  credentialsProblem,
  fromEnvironment,
  fromReferences,
  fromWebIdentity,
} from './_aws-sources.ts';
import type { Lent } from './_aws-sts.ts';
import { assumeRole } from './_aws-sts.ts';
import { textOption } from './_options.ts';
import { openShared } from './_shared.ts';

/** Who we are to AWS, for all stores that are the same: found once, and again at its end. */
export interface AwsIdentity {
  /** Credentials that do not end soon, and are not what was refused. Fails as BellhopError. */
  get(ground: AwsGround, refused?: AwsCredentials): Promise<AwsCredentials>;
}

/** Credentials that end within this time are replaced before they are used. */
const SOON_MS = 60_000;

export function openIdentity(): AwsIdentity {
  const shared = openShared(findCredentials);
  return {
    async get(ground, refused) {
      const lent = await shared.get(ground, (one) => isGood(ground, one, refused));
      return lent.credentials;
    },
  };
}

function isGood(ground: AwsGround, lent: Lent, refused: AwsCredentials | undefined): boolean {
  const nowMs = ground.context.io.clock.now() + ground.clock.aheadMs;
  return lent.credentials !== refused && (lent.untilMs ?? Infinity) - nowMs > SOON_MS;
}

/** By what `auth` names, else by everything the SDKs try; then the role on top. */
async function findCredentials(ground: AwsGround): Promise<Lent> {
  const { settings, context } = ground;
  const { auth, region } = settings;
  const roleArn = textOption(auth, 'roleArn');
  if (textOption(auth, 'webIdentityTokenFile') !== undefined) {
    return found(ground, [await fromWebIdentity(ground)]);
  }
  const source = await withoutRole(ground);
  if (roleArn === undefined) return source;
  const sessionName = textOption(auth, 'sessionName') ?? context.variable('AWS_ROLE_SESSION_NAME');
  const externalId = textOption(auth, 'externalId');
  const wish = { roleArn, sessionName, externalId, region };
  return assumeRole(ground, wish, async () => source.credentials);
}

async function withoutRole(ground: AwsGround): Promise<Lent> {
  const given = await fromReferences(ground);
  if (given !== undefined) return given;
  if (textOption(ground.settings.auth, 'profile') !== undefined) {
    return found(ground, [await fromProfile(ground)]);
  }
  const tried: Sourced[] = [];
  for (const source of CHAIN) {
    const sourced = await source(ground);
    tried.push(sourced);
    if ('value' in sourced) break;
  }
  return found(ground, tried);
}

/** The SDKs' order. A container's platform knows that there is no instance to ask. */
const CHAIN: readonly ((ground: AwsGround) => Sourced | Promise<Sourced>)[] = [
  fromEnvironment,
  fromWebIdentity,
  fromProfile,
  fromContainer,
  fromInstance,
];

/** What the last one gave, or why none of them gave anything. */
function found({ context }: AwsGround, tried: readonly Sourced[]): Lent {
  const last = tried.at(-1);
  if (last !== undefined && 'value' in last) return last.value;
  const reasons = tried.flatMap((one) => {
    return 'nothing' in one ? [`${one.from}: ${one.nothing}`] : [];
  });
  throw credentialsProblem(context, `no AWS credentials were found; ${reasons.join('; ')}`);
}
