// Every world, by the kind of store; a kind without one fails stores.test.ts.
import type { MaybeWorld } from './_world.ts';
import { AWS_WORLDS } from './_worlds-aws.ts';
import { CLOUD_WORLDS } from './_worlds-clouds.ts';
import { LOCAL_WORLDS } from './_worlds-local.ts';
import { SERVER_WORLDS } from './_worlds-servers.ts';

export const WORLDS: Readonly<Record<string, () => Promise<MaybeWorld>>> = {
  ...AWS_WORLDS,
  ...CLOUD_WORLDS,
  ...LOCAL_WORLDS,
  ...SERVER_WORLDS,
};
