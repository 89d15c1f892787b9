// Pods with secrets, handled under the profile `native`, and what came out.
import { readPlan } from '../../src/plan/document.ts';
import type { MadeSource, Placement } from '../../src/plan/types.ts';
import type { StartOf } from '../../src/webhook/image-starts.ts';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { runVector } from './_run.ts';
import type { Json } from './_vectors.ts';

export const LAUNCHER = '/bellhop-start/bellhop';
export const start = (name: string): string[] => [
  LAUNCHER,
  'become',
  `/bellhop-start/${name}.start`,
  '--',
];

export interface Asked {
  readonly group?: string;
  readonly groupVersion?: string;
  readonly key?: string;
  readonly envVar?: string;
  readonly mountRequirement?: number;
}

export const annotation = (asked: Asked): string => {
  const { group = 'db', groupVersion = '', key = 'pw', envVar = '', mountRequirement = 1 } = asked;
  return encodeSecret({ group, groupVersion, key, envVar, mountRequirement });
};

export function podOf(spec: Json, secrets: readonly Asked[] = [{}]): Json {
  const annotations = Object.fromEntries(
    secrets.map((one, n) => [`flyte.secrets/s${n}`, annotation(one)]),
  );
  return { metadata: { name: 'p', namespace: 'ns', annotations }, spec };
}

export const MAIN = { name: 'main', image: 'i', command: ['run'] };
export const NATIVE = { profile: 'native', secretManagerTypes: ['AWS'] };
export const PULL = { image: 'bellhop:1' };

export interface Ran {
  readonly pod: Json;
  readonly spec: Readonly<Record<string, readonly Json[] | undefined>>;
  readonly placements: readonly Placement[];
  readonly said: readonly string[];
}

export async function handled(pod: Json, more: Json = {}, startOf?: StartOf): Promise<Ran> {
  const vector = { id: '', stand: 'compatible', config: {}, pod, expected: { allowed: true } };
  const settings = { ...NATIVE, pull: PULL, ...more };
  const ran = await runVector(vector as never, settings, startOf === undefined ? {} : { startOf });
  const { decision } = ran;
  const annotations = ((ran.pod['metadata'] as Json)['annotations'] ?? {}) as Json;
  const text = annotations['bellhop/plan'];
  return {
    pod: ran.pod,
    spec: ran.pod['spec'] as Ran['spec'],
    placements: typeof text === 'string' ? readPlan(text, 'the annotation').placements : [],
    said:
      decision.kind === 'denied'
        ? [decision.message]
        : ((decision as { warnings?: [] }).warnings ?? []),
  };
}

export const variablesIn = ({ placements }: Ran): readonly string[] => {
  return placements.flatMap((one) => (one.kind === 'variable' ? [one.name] : []));
};
export const sourceAt = ({ placements }: Ran, file: string): MadeSource | undefined => {
  const found = placements.find((one) => one.kind === 'file' && one.path === file);
  return found?.kind === 'file' ? (found.source as MadeSource) : undefined;
};
