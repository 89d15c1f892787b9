import type { FlyteSecret } from '../wire/flyte-secret.ts';
import type { Edit } from './_edit.ts';

// One file per secret manager type of Flyte: what it makes of a secret, or why it does not.

/** Files of secrets lie below it, whatever the configuration says. */
export const SECRETS_DIR = '/etc/flyte/secrets';

/** What an injector is asked. */
export interface Asked {
  readonly secret: FlyteSecret;
  /** The pod's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
  readonly dryRun: boolean;
  /** How many equal secrets the pod asks for before this one. */
  readonly repeat: number;
  /** True where an earlier secret has brought the volume in memory of this name. */
  readonly hasMemory: (volume: string) => boolean;
  /** Aborted when an answer would come too late. */
  readonly signal: AbortSignal;
}

/** Resources of a container, as a pod has them. */
export type Resources = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A container that Flyte's configuration describes. */
export interface SidecarSettings {
  readonly image: string;
  readonly resources: Resources;
}

/** A value of a secret manager: text, bytes, or (Flyte's AWS) neither, which is empty. */
export interface FoundValue {
  readonly text?: string;
  readonly bytes?: Uint8Array;
}

/** What the cluster is asked for image pull secrets. */
export interface PullSecrets {
  /**
   * Sees to a Secret of this name in the namespace, a copy of the one beside the webhook. False
   * where there is none to copy. Nothing is written on a dry run, nor after the abort. Rejects with
   * Refusal where there is no copy as it should be, or not in time; else as the API.
   */
  readonly mirror: (
    name: string,
    to: { readonly namespace: string; readonly dryRun: boolean; readonly signal: AbortSignal },
  ) => Promise<boolean>;
}

/** What the cluster says of a key of a Secret. */
export type LookedUp = 'there' | 'no Secret' | 'no key';

/** Asks the cluster for a key of a Secret. Rejects where it cannot say. */
export type LookUp = (
  place: { readonly namespace: string; readonly name: string; readonly key: string },
  signal: AbortSignal,
) => Promise<LookedUp>;

/** What injectors work with. */
export interface InjectorContext {
  /** `secretEnvVarPrefix`: the variables that the SDK looks for begin so. */
  readonly envPrefix: string;
  /** True where secrets of other stores come by one container for all, instead of one for each. */
  readonly isPulling: boolean;
  /**
   * True where values that the webhook itself has may become Secrets in this namespace; absent
   * where they stand in the pod itself.
   */
  readonly keepsIn?: (namespace: string) => boolean;
  /** Which Flyte's answers: version 1 is flytepropeller's. */
  readonly compat: 'v1' | 'v2';
  /** False where a Secret that is not there is Kubernetes' business: the pod waits for it. */
  readonly isOptional: boolean;
  /** Where a Secret must be there when the pod is created; absent where nobody looks. */
  readonly lookUp?: LookUp;
  readonly aws: SidecarSettings;
  readonly gcp: SidecarSettings;
  readonly azure: SidecarSettings;
  readonly vault: {
    readonly role: string;
    readonly kvVersion: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly embedded: {
    readonly writer: SidecarSettings & { readonly name: string };
    /** Undefined where the store says that there is no such secret; rejects where it cannot say. */
    readonly find: (id: string, signal: AbortSignal) => Promise<FoundValue | undefined>;
    /** Absent where image pull secrets are not enabled. */
    readonly pullSecrets?: PullSecrets;
  };
  /** Values that the webhook itself has; undefined where there is none. */
  readonly global: (group: string, key: string) => string | undefined;
  /** Digests of text, in hexadecimal. */
  readonly digest: {
    readonly md5: (text: string) => string;
    readonly sha256: (text: string) => string;
  };
}

/** Why an injector does not deliver a secret: a part of a sentence, never a value. */
export class Refusal extends Error {
  /** True where no other manager is asked either. */
  readonly isFinal: boolean;
  constructor(why: string, { isFinal = false }: { readonly isFinal?: boolean } = {}) {
    super(why);
    this.isFinal = isFinal;
  }
}

/** What it makes of a secret. Throws Refusal. */
export type Inject = (asked: Asked) => readonly Edit[] | Promise<readonly Edit[]>;

/** A secret manager type. */
export interface InjectorKind {
  /** The kind of store that holds its secrets, where one container fetches them. */
  readonly storeKind?: string;
  /** True where its values are the webhook's own to read: who may have them must be said. */
  readonly needsRule?: true;
  /** True where it answers at once; so do those whose secrets one container fetches. */
  readonly asksNobody?: true;
  /** True where its secrets are found by the group alone: a key says nothing of which it is. */
  readonly isByGroup?: true;
  /** As `secretManagerTypes` names it. */
  readonly type: string;
  /** One line for the docs. */
  readonly summary: string;
  open(context: InjectorContext): Inject;
}

/** The variables that lead the SDK to files, and one that has the path of this file. */
export function fileVariables(path?: { readonly name: string; readonly file: string }): Edit[] {
  return [
    { kind: 'env', name: 'FLYTE_SECRETS_DEFAULT_DIR', value: SECRETS_DIR },
    { kind: 'env', name: 'FLYTE_SECRETS_FILE_PREFIX', value: '' },
    ...(path === undefined || path.name === ''
      ? []
      : [{ kind: 'env' as const, name: path.name, value: path.file }]),
  ];
}

/** The variable that tells the SDK how names begin. */
export function prefixVariable({ envPrefix }: Pick<InjectorContext, 'envPrefix'>): Edit {
  return { kind: 'env', name: 'FLYTE_SECRETS_ENV_PREFIX', value: envPrefix };
}
