import { isRecord } from '../wire/read.ts';

/** As Kubernetes names an owner. */
export interface OwnerFacts {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Who made a pod and will make it again, a Job or a ReplicaSet: of its `ownerReferences`. */
export function controllerIn(references: unknown): OwnerFacts | undefined {
  if (!Array.isArray(references)) return undefined;
  const one: unknown = references.find(
    (each: unknown) => isRecord(each) && each['controller'] === true,
  );
  if (!isRecord(one)) return undefined;
  const { apiVersion, kind, name, uid } = one;
  const areTexts = [apiVersion, kind, name, uid].every((each) => typeof each === 'string');
  return areTexts ? ({ apiVersion, kind, name, uid } as OwnerFacts) : undefined;
}
