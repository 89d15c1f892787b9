import type { Path } from './read.ts';

// Pods as bellhop needs them: absent strings are '', absent lists are empty.

export interface Pod {
  readonly name: string;
  readonly generateName: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  readonly nodeName: string;
  readonly serviceAccountName: string;
  readonly enableServiceLinks: boolean;
  /** Of hostNetwork, hostPID and hostIPC those that are true. */
  readonly hostNamespaces: readonly string[];
  /** How long Kubernetes lets the pod run, where it says so. */
  readonly activeDeadlineSeconds?: number;
  /** Of an Indexed Job: how many pods it has, each with an index of its own. */
  readonly completions?: number;
  readonly security: PodSecurity;
  readonly volumes: readonly Volume[];
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvFrom[];
  readonly mounts: readonly VolumeMount[];
  readonly resources: Resources;
  readonly security: ContainerSecurity;
  readonly terminationMessagePath: string;
  /** An init container with `restartPolicy: Always`. */
  readonly isSidecar: boolean;
  /** Somebody may write to its standard input. */
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly place: Path;
}

export interface EnvVar {
  readonly name: string;
  readonly value: string;
  readonly from?: ValueFrom;
  readonly place: Path;
}

export type ValueFrom =
  | {
      readonly kind: 'secretKey' | 'configMapKey';
      readonly name: string;
      readonly key: string;
      readonly optional: boolean;
    }
  | { readonly kind: 'field'; readonly path: string }
  | ({ readonly kind: 'resource' } & ResourceField);

/** resourceFieldRef: `container` is '' for the container itself, `divisor` '' for 1. */
export interface ResourceField {
  readonly container: string;
  readonly resource: string;
  readonly divisor: string;
}

export interface EnvFrom {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly prefix: string;
  readonly name: string;
  readonly optional: boolean;
  readonly place: Path;
}

export interface VolumeMount {
  readonly volume: string;
  readonly path: string;
  readonly subPath: string;
  readonly subPathExpr: string;
  readonly readOnly: boolean;
  readonly place: Path;
}

export interface Resources {
  readonly limits: ReadonlyMap<string, string>;
  readonly requests: ReadonlyMap<string, string>;
}

export interface Ids {
  readonly user?: number;
  readonly group?: number;
  readonly nonRoot?: boolean;
}

export interface PodSecurity extends Ids {
  readonly fsGroup?: number;
  readonly supplementalGroups: readonly number[];
}

export interface ContainerSecurity extends Ids {
  readonly allowEscalation?: boolean;
  readonly privileged?: boolean;
  readonly readOnlyRoot?: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
}

export interface Volume {
  readonly name: string;
  readonly source: VolumeSource;
  readonly place: Path;
}

export interface KeyItem {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

export interface DownwardItem {
  readonly path: string;
  readonly field?: string;
  readonly resource?: ResourceField;
  readonly mode?: number;
  readonly place: Path;
}

/** Keys of a Secret or ConfigMap in a volume; all keys where `items` is absent. */
export interface ObjectSource {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly optional: boolean;
  readonly items?: readonly KeyItem[];
  readonly place: Path;
}

export type ProjectedSource =
  | { readonly kind: 'object'; readonly object: ObjectSource }
  | { readonly kind: 'downward'; readonly items: readonly DownwardItem[] }
  | {
      readonly kind: 'token';
      readonly path: string;
      readonly audience: string;
      readonly place: Path;
    }
  | { readonly kind: 'unsupported'; readonly name: string; readonly place: Path };

export type VolumeSource =
  | { readonly kind: 'object'; readonly object: ObjectSource; readonly defaultMode: number }
  | {
      readonly kind: 'projected';
      readonly sources: readonly ProjectedSource[];
      readonly defaultMode: number;
    }
  | {
      readonly kind: 'downward';
      readonly items: readonly DownwardItem[];
      readonly defaultMode: number;
    }
  | { readonly kind: 'emptyDir'; readonly memory: boolean; readonly sizeLimit: string }
  | { readonly kind: 'unsupported'; readonly name: string };
