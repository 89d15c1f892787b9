// What a container sees: by `run`, and by the webhook with a kubelet. Each reference has a value of
// its own, which is its text.
import { BellhopErrors } from '../../src/core/errors.ts';
import { Sealed } from '../../src/core/sealed.ts';
import { answerAnnotations } from '../../src/cli/annotations.ts';
import type { Given } from '../../src/entrypoint/answers.ts';
import { answerKey } from '../../src/entrypoint/answers.ts';
import { declare } from '../../src/entrypoint/declare.ts';
import { computeEnvironment } from '../../src/entrypoint/environment.ts';
import { computeDelivery } from '../../src/entrypoint/payloads.ts';
import { boundsOf } from '../../src/plan/bounds.ts';
import { printPlan, readPlan } from '../../src/plan/document.ts';
import type { Plan, Reference } from '../../src/plan/types.ts';
import { fakeIo } from '../support/fake-io.ts';
import type { Json } from './_vectors.ts';

/** Variables and files by their names, with their values. */
export interface Shown {
  readonly variables: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

export interface Inside extends Shown {
  /** The whole plan, but for where in the manifest each thing is written. */
  readonly plan: unknown;
}

export interface Asked {
  readonly container: string;
  /** Names of the Secrets that there are. */
  readonly secrets: readonly string[];
  /** bellhop.yaml beside what binds the Secrets. */
  readonly settings: Json;
}

const KUBERNETES = 'of-the-cluster';

/** The value of a key of a Secret. */
const ofSecret = (name: string, key: string): string => `Secret ${name} key ${key}`;

/** The field that the recorded pods have in variables. */
const FIELD = 'spec.nodeName';
const ofField = (path: string): string => `field ${path}`;

function ofStore({ store, path, key = '', version = '' }: Reference): string {
  return `${store}:${path}#${key}@${version}`;
}

/** What `run` would give the program; its problems, where it starts nothing. */
export async function shownByRun(pod: Json, asked: Asked): Promise<Inside | string[]> {
  const plan = await planOf(pod, asked);
  if (Array.isArray(plan)) return plan;
  const answers = answersFor(plan);
  const environment = computeEnvironment({ plan, answers, inherited: new Map(), nowMs: 0 });
  const input = { plan, answers, environment, nowMs: 0, version: '..v' };
  const { delivery, problems } = computeDelivery(input);
  const wrong = [...environment.problems, ...problems].map(({ message }) => message);
  if (wrong.length > 0) return wrong;
  const variables = [...environment.variables].map(([name, { value }]): [string, string] => {
    return [name, Buffer.from(value, 'latin1').toString()];
  });
  const volumes = delivery.directories.flatMap(({ landings, tree }) => {
    const entries = (tree?.inside ?? []).flatMap((one) => (one.kind === 'file' ? [one] : []));
    return landings.flatMap(({ path }) => {
      return entries.map((one) => [`${path}/${one.path}`, textOf(one.content)] as const);
    });
  });
  const files = delivery.files.map(({ placement, content }) => {
    return [placement.path, textOf(content)] as const;
  });
  return {
    variables: Object.fromEntries(variables),
    files: Object.fromEntries([...volumes, ...files]),
    plan: JSON.parse(printPlan(plan), (name, value: unknown) => {
      return name === 'rule' || name === 'digest' ? undefined : value;
    }),
  };
}

const textOf = (content: Sealed): string => Buffer.from(content.reveal()).toString();

/** The plan of a pod, as `run` makes it. */
async function planOf(
  pod: Json,
  { container, settings, ...asked }: Asked,
): Promise<Plan | string[]> {
  const secrets = Object.fromEntries(
    asked.secrets.map((name) => {
      return [name, { store: KUBERNETES, path: encodeURIComponent(name) }];
    }),
  );
  const stores = { [KUBERNETES]: { kind: 'kubernetes' }, ...(settings['stores'] as Json) };
  // Volumes of the user's own that hold no secret are nobody's business here.
  const own = list((pod['spec'] as Json)['volumes']).filter(({ configMap }) => configMap);
  const volumes = Object.fromEntries(own.map(({ name }) => [name, 'present'])) as Json;
  const policy = { initContainers: 'ignore' };
  const all = { apiVersion: 'bellhop/v1', policy, volumes, ...settings };
  const files = {
    '/pod.json': JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod }),
    '/b.json': JSON.stringify({ ...all, stores, secrets }),
  };
  const io = fakeIo({ files });
  const flags = { fields: [`${FIELD}=${ofField(FIELD)}`], node: [], image: {} };
  const options = { manifests: ['/pod.json'], settings: '/b.json', container, ...flags };
  try {
    return (await declare(io, { ...options, annotations: answerAnnotations })).plan;
  } catch (error) {
    if (!(error instanceof BellhopErrors)) throw error;
    return error.problems.map(({ message }) => message);
  }
}

/** A Secret has the keys that somebody asks it for. */
function answersFor(plan: Plan): ReadonlyMap<string, Given> {
  const answers = new Map<string, Given>();
  for (const { bound } of boundsOf(plan.placements)) {
    const { reference, member } = bound;
    const name = decodeURIComponent(reference.path);
    const isSecret = reference.store === KUBERNETES;
    const value = isSecret ? ofSecret(name, member ?? '') : ofStore(reference);
    const before = answers.get(answerKey(bound))?.answer;
    const entries = before?.kind === 'map' ? before.entries : new Map<string, Sealed>();
    const key = isSecret ? member : reference.key;
    const sealed = new Sealed(Buffer.from(value));
    const answer =
      key === undefined
        ? { kind: 'value' as const, value: sealed }
        : { kind: 'map' as const, entries: new Map([...entries, [key, sealed]]) };
    answers.set(answerKey(bound), { answer, level: 0 });
  }
  return answers;
}

type Items = readonly Json[] | undefined;

const list = (value: unknown): readonly Json[] => (value as Items) ?? [];

/** Names of the Secrets that a pod refers to. */
export function secretsOf(pod: Json): readonly string[] {
  const found = JSON.stringify(pod, (name, value: unknown) => {
    const { secretName, ...others } = (value ?? {}) as Json;
    return name === 'secret' ? { ...others, secretKeyRef: { name: secretName } } : value;
  });
  const names: string[] = [];
  JSON.parse(found, (name, value: Json) => {
    if (name === 'secretKeyRef') names.push(String(value['name']));
    return value;
  });
  return [...new Set(names)];
}

/** What a kubelet, and the container that fetches, would have made of a container of the pod. */
export function shownByWebhook(pod: Json, container: string): Shown {
  const spec = pod['spec'] as Json;
  const fetched = fetchedBy(pod);
  const one = list(spec['containers']).find(({ name }) => name === container) ?? {};
  const variables = list(one['env']).map(({ name, value = '', valueFrom }): [string, string] => {
    const from = (valueFrom ?? {}) as Readonly<Record<string, Json>>;
    const { secretKeyRef, fieldRef, fileKeyRef } = from;
    if (fileKeyRef !== undefined) {
      return [String(name), fetched.variables.get(String(fileKeyRef['key'])) ?? 'nothing'];
    }
    if (fieldRef !== undefined) return [String(name), ofField(String(fieldRef['fieldPath']))];
    if (secretKeyRef === undefined) return [String(name), String(value)];
    return [String(name), ofSecret(String(secretKeyRef['name']), String(secretKeyRef['key']))];
  });
  const volumes = list(spec['volumes']);
  const mounted = list(one['volumeMounts']).flatMap(({ name, mountPath }) => {
    const { secret } = volumes.find((volume) => volume['name'] === name) ?? {};
    const { secretName, items } = (secret ?? {}) as Json;
    return list(items).map(({ key, path }): [string, string] => {
      return [`${String(mountPath)}/${String(path)}`, ofSecret(String(secretName), String(key))];
    });
  });
  return {
    variables: Object.fromEntries(variables),
    files: Object.fromEntries([...mounted, ...fetched.files]),
  };
}

/** What the plan of the container that fetches says. */
function fetchedBy(pod: Json): Readonly<Record<keyof Shown, ReadonlyMap<string, string>>> {
  const { annotations = {} } = pod['metadata'] as { annotations?: Record<string, string> };
  const text = annotations['bellhop/plan'];
  const placements = text === undefined ? [] : readPlan(text, 'the annotation').placements;
  const variables = new Map<string, string>();
  const files = new Map<string, string>();
  // Flyte's own container for one secret of AWS.
  for (const { env } of list((pod['spec'] as Json)['initContainers'])) {
    const of = new Map(list(env).map(({ name, value }) => [name, String(value)]));
    const name = of.get('SECRET_FILENAME');
    const arn = of.get('SECRET_ARN') ?? '';
    if (name !== undefined)
      files.set(`/etc/flyte/secrets${name}`, ofStore({ store: 'aws', path: arn }));
  }
  for (const one of placements) {
    if (one.kind !== 'file' && one.kind !== 'variable') continue;
    if (one.source.kind !== 'value') continue;
    const value = ofStore(one.source.bound.reference);
    if (one.kind === 'file') files.set(one.path, value);
    else variables.set(one.name, value);
  }
  return { variables, files };
}
