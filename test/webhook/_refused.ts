// What the API server would not take of a pod that the webhook has handled.
import type { BellhopError } from '../../src/core/errors.ts';

import { readPod } from '../../src/wire/pod.ts';
import type { Json } from './_vectors.ts';

const ALL_REFUSALS: readonly string[] = ['BH_ERR_POD_INVALID', 'BH_ERR_POD_UNSUPPORTED'];

/** Where there is no cluster, the containers that Flyte's webhook adds are not there. */
export function withoutAdded(pod: Json, before: Json): Json {
  const of = (one: Json) => (one['spec'] as { initContainers?: readonly Json[] }).initContainers;
  const names = new Set((of(before) ?? []).map((one) => one['name']));
  const initContainers = (of(pod) ?? []).filter((one) => names.has(one['name']));
  return { ...pod, spec: { ...(pod['spec'] as Json), initContainers } };
}

/** Why the API server refuses a pod. */
export function refusedBy(value: Json, codes = ALL_REFUSALS): readonly string[] {
  const problems: BellhopError[] = [];
  const source = { name: 'pod', locate: () => ({ line: 1, column: 1 }) };
  const { 'bellhop/plan': _, ...annotations } = (value['metadata'] as Json)['annotations'] as Json;
  const metadata = { ...(value['metadata'] as Json), annotations };
  readPod({ value: { ...value, metadata }, path: [], source, subject: '', problems });
  return problems.filter(({ code }) => codes.includes(code)).map(({ what }) => what);
}
