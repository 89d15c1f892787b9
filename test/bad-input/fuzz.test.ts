// Recorded pods, changed at random in their structure: whatever comes out, planning and delivery
// refuse it with an error of ours or make a plan; an exception of another kind is a bug.
import { expect, test } from 'bun:test';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { problemsOf } from '../../src/core/errors.ts';
import { computeEnvironment } from '../../src/entrypoint/environment.ts';
import { gather } from '../../src/entrypoint/gather.ts';
import { computeDelivery } from '../../src/entrypoint/payloads.ts';
import { podArguments } from '../../src/entrypoint/start.ts';
import { buildPlan, chooseContainer } from '../../src/plan/build.ts';
import { chooseWorkload, podOf, readDeclaration } from '../../src/plan/declaration.ts';
import { printPlan, readPlan } from '../../src/plan/document.ts';
import { readSettings } from '../../src/plan/settings.ts';
import { NO_SETTINGS } from '../../src/plan/settings-use.ts';
import { readDocuments } from '../../src/wire/yaml.ts';
import { fakeIo } from '../support/fake-io.ts';

const folder = path.join(import.meta.dir, '../golden/kubelet');
const VALUE_BYTES_MAX = 4096;

/** The documents of a vector; large values are cut, they only cost time here. */
function golden(file: string): unknown[] {
  const vector = JSON.parse(readFileSync(path.join(folder, file), 'utf8'), (_, one: unknown) =>
    typeof one === 'string' && one.length > VALUE_BYTES_MAX ? one.slice(0, 64) : one,
  ) as { pod: unknown; objects: unknown[] };
  return [vector.pod, ...vector.objects];
}

const seeds = readdirSync(folder)
  .filter((one) => one.endsWith('.json'))
  .map(golden);

/** mulberry32: small, seeded, good enough to pick. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e300,
  '',
  'x',
  '..',
  '/',
  '../..',
  'a=b',
  'a\0b',
  '\x1b[31m',
  '$(A)',
  '$',
  '__proto__',
  'constructor',
  'toString',
  'é',
  '\ud800',
  [],
  {},
  [null],
  [[]],
  [{}],
  { name: 'x' },
  { key: 5 },
  'x'.repeat(300),
  '1e99',
  'metadata.name',
  "metadata.labels['a']",
  'kubernetes.io/x',
];
const NAMES = [
  '__proto__',
  'constructor',
  'name',
  'value',
  'optional',
  'items',
  'path',
  'mode',
  'kind',
  'spec',
  'secret',
  'x',
  '',
];

type Pick = <T>(list: readonly T[]) => T;

/** One change at one place: the place is found by going down a random way. */
function mutate(value: unknown, random: () => number, pick: Pick): unknown {
  const isLeaf = typeof value !== 'object' || value === null;
  if (isLeaf || random() < 0.12) return pick(ODD);
  if (Array.isArray(value)) return mutateList(value as unknown[], random, pick);
  const entries = Object.entries(value);
  const index = Math.floor(random() * entries.length);
  const [name, one] = entries[index] ?? ['', null];
  const change = random();
  if (change < 0.08) entries.splice(index, 1);
  else if (change < 0.16) entries.push([pick(NAMES), pick(ODD)]);
  else if (change < 0.22) entries[index] = [pick(NAMES), one];
  else entries[index] = [name, mutate(one, random, pick)];
  return Object.fromEntries(entries);
}

function mutateList(list: readonly unknown[], random: () => number, pick: Pick): unknown {
  const index = Math.floor(random() * list.length);
  const change = random();
  if (list.length === 0 || change < 0.1) return [...list, pick(ODD)];
  if (change < 0.2) return [...list, list[index]];
  if (change < 0.25) return list.toSpliced(index, 1);
  return list.with(index, mutate(list[index], random, pick));
}

/** Everything that run does before it writes; throws only what it must not. */
async function deliver(documents: readonly unknown[]): Promise<'refused' | 'delivered'> {
  const source = { name: 'pod.yaml', locate: () => ({ line: 1, column: 1 }) };
  try {
    const declaration = readDeclaration(documents.map((value) => ({ value, source })));
    const workload = chooseWorkload(declaration.workloads, undefined);
    const pod = podOf(workload);
    const input = {
      kind: workload.kind,
      workloadName: workload.name,
      pod,
      container: chooseContainer(pod, pod.containers[0]?.name),
      namespace: workload.namespace || 'default',
      objects: declaration.objects,
      services: declaration.services,
      settings: { ...NO_SETTINGS, policy: { initContainers: 'ignore' as const } },
      image: { entrypoint: ['/probe'] },
      fields: new Map([['status.podIP', '10.0.0.1']]),
      node: new Map([['cpu', '4']]),
      hasVersions: () => false,
      storesBehind: () => [],
    };
    const { plan: built, problems } = buildPlan(input);
    const plan = readPlan(printPlan(built), 'plan.json');
    const { answers } = await gather(plan, { io: fakeIo({}), objects: declaration.objects });
    const environment = computeEnvironment({ plan, answers, inherited: new Map(), nowMs: 0 });
    const delivery = computeDelivery({ plan, answers, environment, nowMs: 0, version: '..v' });
    podArguments(plan, environment);
    const all = [
      ...declaration.problems,
      ...problems,
      ...environment.problems,
      ...delivery.problems,
    ];
    for (const one of all) if (one.code === 'BH_ERR_BUG') throw one;
    return all.length > 0 ? 'refused' : 'delivered';
  } catch (error) {
    for (const one of problemsOf(error)) if (one.code === 'BH_ERR_BUG') throw error;
    return 'refused';
  }
}

const RUNS = 4000;
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);

test(`${RUNS} changed pods are refused by an error of ours or delivered (FUZZ_SEED=${SEED})`, async () => {
  const counts = { refused: 0, delivered: 0 };
  for (let run = 0; run < RUNS; run++) {
    const random = generator(SEED + run);
    const pick: Pick = (list) => {
      const one = list[Math.floor(random() * list.length)];
      if (one === undefined) throw new Error('an empty list');
      return one;
    };
    let documents: readonly unknown[] = pick(seeds);
    const changes = 1 + Math.floor(random() * 4);
    for (let n = 0; n < changes; n++) {
      const changed = mutateList(documents, random, pick);
      documents = Array.isArray(changed) ? changed : documents;
    }
    try {
      counts[await deliver(documents)] += 1;
    } catch (error) {
      throw new Error(
        `run ${run} with FUZZ_SEED=${SEED}: ${JSON.stringify(documents).slice(0, 4000)}`,
        { cause: error },
      );
    }
  }
  // Both ways out are met often, else the changes are too wild or too tame.
  expect(Math.min(counts.refused, counts.delivered)).toBeGreaterThan(RUNS / 10);
}, 30_000);

const SETTINGS = `apiVersion: bellhop/v1
stores: {v: {kind: embedded}}
secrets: {db: "v:x", "*": {store: v, path: "{name}"}, k: {a: {from: "v:y#z", optional: true}}}
env: {from: ["v:all"], A: "v:a", B: {store: v, path: b}}
files: {/x: {from: "v:x", mode: 256}}
tokens: {"*": "v:t"}
fields: {status.podIP: 10.0.0.1}
node: {cpu: 4}
image: {entrypoint: [a], user: "1"}
policy: {disk: allow, stripEnv: [X]}
`;

test(`${RUNS} changed bellhop.yaml are read or refused, never an exception`, () => {
  const [document] = readDocuments(SETTINGS);
  const source = { name: 'b.yaml', locate: () => ({ line: 1, column: 1 }) };
  for (let run = 0; run < RUNS; run++) {
    const random = generator(SEED - 1 - run);
    const pick: Pick = (list) => list[Math.floor(random() * list.length)] as (typeof list)[number];
    let value = document?.value;
    for (let n = 0; n < 3; n++) value = mutate(value, random, pick);
    const { problems } = readSettings(value, source);
    for (const one of problems) expect(one.what).not.toMatch(/undefined|\[object|\(string \|/);
  }
});
