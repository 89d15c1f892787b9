import type { PatchOperation } from '../wire/json-patch.ts';

/** A pod that the API server asks about, as its AdmissionReview has it. */
export interface PodRequest {
  /** As it came: members that nobody here knows are in it too. */
  readonly pod: Readonly<Record<string, unknown>>;
  /** Where it is to be created; the pod itself may not say. */
  readonly namespace: string;
  readonly dryRun: boolean;
  /** Who creates it, as the API server has authenticated them. */
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  /** Aborted when an answer would come too late. */
  readonly signal: AbortSignal;
  /** Told what is waited for from now on, for who is late to say it; never a value. */
  readonly onStep?: (what: string) => void;
}

/** Who delivers one of the pod's secrets; for logs and metrics, without any value. */
export interface Delivered {
  /** The secret as messages call it. */
  readonly secret: string;
  /** The type of secret manager, as the configuration names it. */
  readonly by: string;
}

/** A Secret, without any value. */
export interface SecretFacts {
  readonly namespace: string;
  readonly name: string;
  readonly keys: readonly string[];
}

/** What becomes of a pod. */
export type Decision =
  /** It asks for nothing. */
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'patched';
      readonly patch: readonly PatchOperation[];
      readonly delivered: readonly Delivered[];
      /** For whoever creates the pod. */
      readonly warnings: readonly string[];
      /** The Secret beside the pod that holds its values, where there are any. */
      readonly secret?: SecretFacts;
    }
  | { readonly kind: 'denied'; readonly message: string; readonly delivered: readonly Delivered[] };

/** Decides about pods. Rejects only where bellhop itself is wrong. */
export type Mutate = (request: PodRequest) => Promise<Decision>;
