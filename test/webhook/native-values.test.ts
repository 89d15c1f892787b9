// Global and Embedded under the profile `native`: inside, a container sees what Flyte's pod would
// have shown it, and the pod itself holds no value.
import { describe, expect, test } from 'bun:test';
import { readPlan } from '../../src/plan/document.ts';
import type { FilePlacement } from '../../src/plan/types.ts';
import { expandedBy, writtenBy } from './_judge.ts';
import type { Ran } from './_run.ts';
import { runVector } from './_run.ts';
import { KEPT } from './_values.ts';
import type { Json } from './_vectors.ts';
import { mutateFiles, vectorsOf } from './_vectors.ts';

const NATIVE = { profile: 'native', pull: { image: 'bellhop:1' }, ...KEPT };
const FOLDER = '/etc/flyte/secrets';
const all = mutateFiles().flatMap((file) => vectorsOf(file));
const OF_WEBHOOK = new Set(['Global', 'Embedded']);
const vectors = all.filter(({ injectedBy = [], expected }) => {
  return expected.allowed && injectedBy.some((by) => OF_WEBHOOK.has(by));
});
const named = vectors.map((one) => [one.id, one] as const);

type List = readonly Json[] | undefined;
const specOf = (pod: Json) => pod['spec'] as Readonly<Record<string, List>>;

interface Env {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
}

/** What Secrets that bellhop made hold, by name and key. */
function valuesIn({ clusterSecrets }: Ran): ReadonlyMap<string, Buffer> {
  const ours = clusterSecrets.filter(({ type }) => type === 'bellhop/values');
  const entries = ours.flatMap(({ metadata, data }) => {
    const { name } = metadata as { name: string };
    return Object.entries(data as Readonly<Record<string, string>>).map(([key, text]) => {
      return [`${name}/${key}`, Buffer.from(text, 'base64')] as const;
    });
  });
  return new Map(entries);
}

/** Variables of the pod's own containers as the program sees them; Secrets of others by name. */
function variablesIn(ran: Ran, own: ReadonlySet<unknown>): unknown {
  const values = valuesIn(ran);
  const containers = [...(specOf(ran.pod)['containers'] ?? []), ...initial(ran.pod, own)];
  return containers.map(({ name, env = [] }) => {
    const entries = env as readonly Env[];
    const literal = new Map(entries.map((one) => [one.name, one.value ?? '']));
    const seen = entries.map(({ name: variable, valueFrom }) => {
      if (valueFrom === undefined) return [variable, expandedBy(literal, variable)] as const;
      if (valueFrom.secretKeyRef === undefined)
        return [variable, JSON.stringify(valueFrom)] as const;
      const { name: secret, key } = valueFrom.secretKeyRef;
      const at = `${secret}/${key}`;
      return [variable, values.get(at)?.toString() ?? `Secret ${at}`] as const;
    });
    return [name, new Map(seen)];
  });
}

/** Init containers that the user's pod has. */
function initial(pod: Json, own: ReadonlySet<unknown>): readonly Json[] {
  return (specOf(pod)['initContainers'] ?? []).filter(({ name }) => own.has(name));
}

/** Files of Embedded that containers of the pod find, by their paths. */
function filesIn(ran: Ran): ReadonlyMap<string, Buffer> {
  const volume = specOf(ran.pod)['volumes']?.find(({ name }) => name === 'bellhop-values');
  if (volume === undefined) return new Map();
  const { secretName, items, ...rest } = volume['secret'] as {
    secretName: string;
    items: readonly { key: string; path: string }[];
  };
  expect(rest).toEqual({});
  const values = valuesIn(ran);
  const held = new Map(
    items.map(({ key, path }) => [path, values.get(`${secretName}/${key}`)] as const),
  );
  const { annotations } = ran.pod['metadata'] as { annotations: Readonly<Record<string, string>> };
  const plan = annotations['bellhop/plan'];
  const found = plan === undefined ? mountedFiles(ran.pod, held) : pulledFiles(plan, held);
  return new Map(found.map(([file, value]) => [file, value ?? expect.unreachable()]));
}

type Files = readonly (readonly [string, Buffer | undefined])[];

function mountedFiles(pod: Json, held: ReadonlyMap<string, Buffer | undefined>): Files {
  const mount = { name: 'bellhop-values', readOnly: true, mountPath: FOLDER };
  for (const { volumeMounts } of specOf(pod)['containers'] ?? []) {
    expect(volumeMounts).toContainEqual(mount);
  }
  return [...held].map(([name, value]) => [`${FOLDER}/${name}`, value]);
}

/** One container fetches for all: it reads them from its own mount. */
function pulledFiles(text: string, held: ReadonlyMap<string, Buffer | undefined>): Files {
  const { placements, stores } = readPlan(text, 'the annotation');
  const { folder } = stores['bellhop-values'] as unknown as { folder: string };
  expect(folder).toBe('/bellhop-values');
  const files = placements as readonly FilePlacement[];
  return files.flatMap(({ path, source }) => {
    const { reference } = (source as unknown as { bound: { reference: Json } }).bound;
    if (reference['store'] !== 'bellhop-values') return [];
    return [[path, held.get(String(reference['path']))] as const];
  });
}

/** The container of Flyte's way that writes files of Embedded. */
function writerOf(pod: Json): string | undefined {
  const containers = specOf(pod)['initContainers'] ?? [];
  const found = containers.find(({ env }) => JSON.stringify(env ?? []).includes('BELLHOP_FILE_0'));
  return found === undefined ? undefined : String(found['name']);
}

describe('what Global and Embedded deliver', () => {
  test('there are some', () => expect(vectors.length).toBeGreaterThan(35));

  test.each(named)('%s', async (_, vector) => {
    const ran = await runVector(vector, NATIVE);
    if (ran.decision.kind === 'denied') {
      // One value cannot be the folder of another: no container could be given both.
      expect(ran.decision.message).toContain('is the same file, or its folder');
      return;
    }
    const flyte = await runVector(vector, { profile: 'flyte' });
    if (flyte.decision.kind === 'denied') return;
    const own = new Set((specOf(vector.pod)['initContainers'] ?? []).map(({ name }) => name));
    // Whoever fetches for the others leads the SDK there by variables of his own.
    expect(variablesIn(ran, own)).toEqual(variablesIn(flyte, own));
    const writer = writerOf(flyte.pod);
    const written = writer === undefined ? new Map<string, Buffer>() : writtenBy(flyte.pod, writer);
    expect(filesIn(ran)).toEqual(written);
    const pulls = JSON.stringify(specOf(ran.pod)['imagePullSecrets'] ?? []);
    expect(pulls).toBe(JSON.stringify(specOf(flyte.pod)['imagePullSecrets'] ?? []));
  });

  test.each(named)('%s: no value stands in the answer', async (_, vector) => {
    const { decision, clusterSecrets } = await runVector(vector, NATIVE);
    const stored = Object.values(vector.embeddedStore ?? {}).flatMap(({ string, base64 }) => {
      return [string ?? '', Buffer.from(base64 ?? '', 'base64').toString()];
    });
    const given = [vector.globalEnv, vector.globalFiles].flatMap((one) => Object.values(one ?? {}));
    const values = [...stored, ...given].filter((value) => {
      // Shorter ones are in many words.
      return value.length > 3 && !JSON.stringify(vector.pod).includes(value);
    });
    const names = JSON.stringify(clusterSecrets.map(({ metadata }) => metadata));
    for (const value of values) {
      const text = JSON.stringify(decision) + names;
      expect(text).not.toContain(value);
      expect(text).not.toContain(Buffer.from(value).toString('base64'));
      expect(text).not.toContain(Buffer.from(value).toString('hex'));
    }
  });
});
