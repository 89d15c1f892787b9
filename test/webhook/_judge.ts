// How what came of a vector is compared with what Flyte did, or with what is right where that is
// wrong: test/golden/flyte/README.md.
import { expect } from 'bun:test';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Ran } from './_run.ts';
import type { Better, Json, MutateVector } from './_vectors.ts';
import { comparable, oneBlank } from './_vectors.ts';

/** Asserts that what came of a vector is right. */
export function check(vector: MutateVector, ran: Ran): void {
  const { stand, better, expected } = vector;
  if (stand === 'compatible') {
    asFlyte(vector, ran);
    expect(ran.fetchCalls.length).toBeLessThanOrEqual((expected.fetchCalls ?? []).length);
    if (expected.clusterSecretsAfter !== undefined) {
      expect(sorted(ran.clusterSecrets)).toEqual(sorted(expected.clusterSecretsAfter));
    }
    return;
  }
  if (better?.orDeny === true && ran.decision.kind === 'denied') {
    expect(ran.decision.message).not.toBe('');
    return;
  }
  // Some say in words only what is right; they have tests of their own.
  if (better !== null && better !== undefined) asBetter(vector, better, ran);
  else expect(ran.decision.kind).toBe('patched');
}

const sorted = (all: readonly Json[]): readonly string[] => {
  return all.map((one) => JSON.stringify(comparable(one))).toSorted();
};

function asFlyte({ expected, messageMatch }: MutateVector, { decision, pod }: Ran): void {
  expect(decision.kind === 'denied').toBe(!expected.allowed);
  if (decision.kind !== 'denied') {
    if (expected.message === 'No changes') expect(decision.kind).toBe('unchanged');
    expect(comparable(pod)).toEqual(comparable(expected.pod ?? {}));
  } else if (messageMatch === 'free') expect(decision.message).not.toBe('');
  else expect(oneBlank(decision.message)).toStartWith(oneBlank(expected.message ?? ''));
}

function asBetter({ expected, pod }: MutateVector, better: Better, ran: Ran): void {
  if (better.allowed === false) {
    expect(ran.decision.kind).toBe('denied');
    const message = ran.decision.kind === 'denied' ? ran.decision.message : '';
    expect(message).toStartWith(better.messagePrefix ?? '');
    expect(message).not.toBe('');
    return;
  }
  expect(ran.decision).toMatchObject({ kind: 'patched' });
  if (better.orDeny === true) {
    keepsWhatIsTheUsers(pod, ran.pod);
    return;
  }
  const wanted = better.pod ?? expected.pod ?? {};
  expect(comparable(masked(ran.pod, better, wanted))).toEqual(
    comparable(masked(wanted, better, wanted)),
  );
  for (const [name, value] of Object.entries(better.envValues ?? {})) {
    for (const env of variablesOf(ran.pod)) expect(expandedBy(env, name)).toBe(value);
  }
  if (better.maskInitContainer !== undefined) hasFiles(ran.pod, better);
}

/** The files, and the paths to files in variables, as the init container writes them. */
function hasFiles(pod: Json, better: Better): void {
  const written = filesOf(pod, better);
  for (const [file, content] of Object.entries(better.files ?? {})) {
    expect(written(file).toString('base64')).toBe(content);
  }
  for (const [name, content] of Object.entries(better.envPaths ?? {})) {
    for (const env of variablesOf(pod, better.maskInitContainer)) {
      expect(written(env.get(name) ?? '').toString('base64')).toBe(content);
    }
  }
}

/** Every container, volume and mount of the user is still there as it was, and no path twice. */
function keepsWhatIsTheUsers(before: Json, after: Json): void {
  const specOf = (pod: Json) =>
    pod['spec'] as Readonly<Record<string, readonly Json[] | undefined>>;
  for (const volume of specOf(before)['volumes'] ?? []) {
    expect(specOf(after)['volumes']).toContainEqual(volume);
  }
  const names = (specOf(after)['volumes'] ?? []).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const all = [...(specOf(after)['containers'] ?? []), ...(specOf(after)['initContainers'] ?? [])];
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  for (const container of all) {
    const mounts = (container['volumeMounts'] ?? []) as readonly Json[];
    const paths = mounts.map(({ mountPath }) => mountPath);
    expect(new Set(paths).size).toBe(paths.length);
    for (const { name } of mounts) expect(names).toContain(name);
  }
}

/** Without what is free, in the pod and in the one that it is compared with. */
function masked(pod: Json, better: Better, wanted: Json): Json {
  const hidden = new Set([...(better.maskEnv ?? []), ...Object.keys(better.envValues ?? {})]);
  const spec = pod['spec'] as Readonly<Record<string, unknown>>;
  const volumes = (spec['volumes'] ?? []) as readonly Json[];
  const free = new Map<unknown, unknown>();
  const wantedVolumes = ((wanted['spec'] as Json)['volumes'] ?? []) as readonly Json[];
  for (const name of better.volumeNameFree ?? []) {
    const index = wantedVolumes.findIndex((one) => one['name'] === name);
    const own = String(volumes[index]?.['name']);
    if (pod !== wanted) expect(own).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    free.set(own, name);
  }
  const renamed = (one: Json): Json => {
    const { name } = one;
    return free.has(name) ? { ...one, name: free.get(name) } : one;
  };
  const container = (one: Json): Json => ({
    ...one,
    env: ((one['env'] ?? []) as readonly Json[]).flatMap((entry) => {
      if (!hidden.has(String(entry['name']))) return [entry];
      return Object.hasOwn(better.envValues ?? {}, String(entry['name']))
        ? [{ ...entry, value: 'hidden' }]
        : [];
    }),
    volumeMounts: ((one['volumeMounts'] ?? []) as readonly Json[]).map(renamed),
  });
  const list = (name: string): readonly Json[] => {
    const all = (spec[name] ?? []) as readonly Json[];
    const isMasked = (one: Json): boolean => one['name'] === better.maskInitContainer;
    return all.filter((one) => name === 'containers' || !isMasked(one)).map(container);
  };
  const all = { containers: list('containers'), initContainers: list('initContainers') };
  return { ...pod, spec: { ...spec, volumes: volumes.map(renamed), ...all } };
}

function variablesOf(pod: Json, without?: string): ReadonlyMap<string, string>[] {
  const spec = pod['spec'] as Readonly<Record<string, readonly Json[] | undefined>>;
  const all = [...(spec['containers'] ?? []), ...(spec['initContainers'] ?? [])];
  return all
    .filter(({ name }) => name !== without)
    .map(({ env }) => {
      const entries = (env ?? []) as readonly { name: string; value?: string }[];
      return new Map(entries.map(({ name, value = '' }) => [name, value]));
    });
}

/** As the kubelet expands a literal value: `$$` is `$`, `$(NAME)` the variable's value. */
export function expandedBy(env: ReadonlyMap<string, string>, name: string): string {
  return (env.get(name) ?? '').replaceAll(
    /\$\$|\$\(([^)]*)\)/g,
    (whole, of: string | undefined) => {
      return of === undefined ? '$' : (env.get(of) ?? whole);
    },
  );
}

function filesOf(pod: Json, { maskInitContainer = '' }: Better): (file: string) => Buffer {
  const written = writtenBy(pod, maskInitContainer);
  return (file) => written.get(file) ?? Buffer.from('no such file');
}

/** Runs the container that writes files, and reads what it has written; by their paths. */
export function writtenBy(pod: Json, maskInitContainer: string): ReadonlyMap<string, Buffer> {
  const spec = pod['spec'] as Readonly<Record<string, readonly Json[] | undefined>>;
  const writers = (spec['initContainers'] ?? []).filter(({ name }) => name === maskInitContainer);
  expect(writers).toHaveLength(1);
  const { command, env, resources, volumeMounts } = writers[0] as {
    readonly command: readonly string[];
    readonly env: readonly { name: string; value?: string }[];
    readonly resources: Json;
    readonly volumeMounts: readonly Json[];
  };
  expect(resources['limits']).toBeDefined();
  expect(volumeMounts).toContainEqual({
    name: 'embedded-secret-vol',
    mountPath: '/etc/flyte/secrets',
  });
  const at = mkdtempSync(path.join(os.tmpdir(), 'bellhop-vector-'));
  const words = command.map((word) => word.replaceAll('/etc/flyte/secrets', at));
  const variables = Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));
  const run = Bun.spawnSync([...words], { env: { PATH: process.env['PATH'] ?? '', ...variables } });
  expect(run.stderr.toString()).toBe('');
  expect(run.exitCode).toBe(0);
  const written = new Map<string, Buffer>();
  for (const name of readdirSync(at)) {
    const file = path.join(at, name);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    written.set(`/etc/flyte/secrets/${name}`, readFileSync(file));
  }
  rmSync(at, { recursive: true });
  return written;
}
