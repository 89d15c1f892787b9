import type { AwsCredentials } from '../wire/sigv4.ts';
import type { AwsService } from './_aws-endpoints.ts';
import { openIdentity } from './_aws-credentials.ts';
import type { AwsGround, Signer } from './_aws-send.ts';
import { readAwsSettings } from './_aws-settings.ts';
import { callerArn } from './_aws-sts.ts';
import type { Options } from './_options.ts';
import type { StoreContext } from './_store.ts';

/** One store's way to AWS. */
export interface Aws extends AwsGround {
  readonly signer: Signer;
  /** The ARN of who we are. */
  readonly identity: () => Promise<string>;
}

/** Reads options, variables and files; makes no request. Throws BH_ERR_SETTINGS. */
export function openAws(service: AwsService, options: Options, context: StoreContext): Aws {
  const settings = readAwsSettings(service, options, context);
  const ground: AwsGround = { context, settings, clock: { aheadMs: 0 } };
  // What makes one identity different from another; variables are the same for all stores.
  const key = JSON.stringify([
    'aws identity',
    settings.auth,
    settings.profile,
    settings.region,
    settings.isFips,
    settings.isDualstack,
    settings.ca,
  ]);
  const signer = async (refused?: AwsCredentials): Promise<AwsCredentials> => {
    const identity = await context.once(key, async () => openIdentity());
    return identity.get(ground, refused);
  };
  return { ...ground, signer, identity: async () => callerArn(ground, signer, settings.region) };
}
