import type { Plan } from './types.ts';
import { PLAN_VERSION } from './types.ts';

/** A plan of placements alone: nothing of an image, a user or a working directory. */
export function barePlan(
  wanted: Pick<Plan, 'stores' | 'policy' | 'placements'> & {
    readonly origin: Omit<Plan['origin'], 'kind'>;
  },
): Plan {
  return {
    apiVersion: PLAN_VERSION,
    requires: [],
    origin: { kind: 'Pod', ...wanted.origin },
    stores: wanted.stores,
    policy: wanted.policy,
    image: {},
    identity: { supplementalGroups: [] },
    workingDir: '',
    placements: wanted.placements,
  };
}
