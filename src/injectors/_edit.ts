import type { Sealed } from '../core/sealed.ts';

// What an injector wants done to a pod. How it is done to the pod as it came is the webhook's
// business (src/webhook/pod-edits.ts).

/** A variable of every container. What the container has under this name gives way. */
export interface EnvEdit {
  readonly kind: 'env';
  readonly name: string;
  /** As it stands in the pod: `$(VAR)` in it is the kubelet's to expand. */
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef: {
      readonly name: string;
      readonly key: string;
      readonly optional?: boolean;
    };
  };
}

/** One key of a Kubernetes Secret, as a file below a folder of every container. */
export interface SecretFileEdit {
  readonly kind: 'secretFile';
  readonly secretName: string;
  /** The name of the volume, as long as it is a name that Kubernetes takes. */
  readonly volume: string;
  /** True for names of volumes that we have made for this Secret. */
  readonly isOurs: (volume: string) => boolean;
  readonly item: { readonly key: string; readonly path: string };
  readonly mountPath: string;
  readonly optional: boolean;
}

/** A volume in memory that containers find, read-only, at this path. */
export interface MemoryEdit {
  readonly kind: 'memory';
  readonly volume: string;
  readonly mountPath: string;
}

/** A container that runs once before the others and writes into the volume in memory. */
export interface WriterEdit {
  readonly kind: 'writer';
  /** Its name; `#` becomes the number of init containers before it. */
  readonly name: string;
  /** All but its name, its variables and its mounts. */
  readonly container: Readonly<Record<string, unknown>> & { readonly image: string };
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** True where one container writes for all: variables are added to the one that is there. */
  readonly isShared?: true;
  /** Where it has the volume of the memory edit before it. */
  readonly writesAt: string;
}

/** An annotation of the pod; the pod's own of that name wins. */
export interface AnnotationEdit {
  readonly kind: 'annotation';
  readonly name: string;
  readonly value: string;
}

/** A Secret that images may be pulled with; the list is kept sorted, as Flyte sorts it. */
export interface ImagePullSecretEdit {
  readonly kind: 'imagePullSecret';
  readonly name: string;
}

/** A value that one container fetches for all, before the others run: a file, or a variable. */
export type PullEdit = Pulled &
  (
    | {
        /** Where the pod's containers find it; absolute. */
        readonly file: string;
      }
    | {
        /** As an `env` edit: what a container has under this name gives way. */
        readonly variable: string;
      }
  );

/** One that becomes a variable. */
export type PulledVariable = Extract<PullEdit, { readonly variable: string }>;

/** True for a variable that is fetched from another store. */
export function isPulledVariable(edit: Edit): edit is PulledVariable {
  return edit.kind === 'pull' && 'variable' in edit;
}

/** Where it is, and what it is called. */
export interface Pulled {
  readonly kind: 'pull';
  /** The type of secret manager: bellhop.yaml says which store holds its secrets. */
  readonly type: string;
  readonly path: string;
  readonly key?: string;
  readonly version?: string;
  /** The secret as messages call it. */
  readonly called: string;
}

/** A value that a Secret beside the pod holds: the pod has references to it only. */
export interface KeptEdit {
  readonly kind: 'kept';
  /** What it is a value of: said again, it is the same value. */
  readonly id: string;
  /** For people who look at the Secret. */
  readonly key: string;
  readonly value: Sealed;
  /** A variable of every container; what the container has under this name gives way. */
  readonly variable?: string;
  /** Names of files in the folder of secrets of every container. */
  readonly files?: readonly string[];
  /** Where it was fetched, if it is of another store. */
  readonly fetched?: Omit<Pulled, 'kind' | 'called'>;
  /** The secret as messages call it. */
  readonly called: string;
}

/** Something that would hurt the user, said to whoever creates the pod; never a value. */
export interface WarningEdit {
  readonly kind: 'warning';
  readonly text: string;
}

export type Edit =
  | PullEdit
  | KeptEdit
  | WarningEdit
  | EnvEdit
  | SecretFileEdit
  | MemoryEdit
  | WriterEdit
  | AnnotationEdit
  | ImagePullSecretEdit;
