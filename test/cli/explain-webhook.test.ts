// `explain --webhook`: what it says was added is what the patch adds.
import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { ANY, ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { CANARY, call, folder } from './_call.ts';

type Json = Readonly<Record<string, unknown>>;
interface Row {
  readonly what: string;
  readonly from: string;
  readonly annotation: string;
}

const NONE = { group: '', groupVersion: '', key: '', mountRequirement: ANY, envVar: '' };
const USED = { FLYTE_SECRET_G_K: CANARY };

let count = 0;
const write = (value: unknown): string => {
  count++;
  const file = path.join(folder, `explain-webhook-${count}.json`);
  writeFileSync(file, JSON.stringify(value));
  return file;
};

function podAsking(
  secrets: readonly Partial<FlyteSecret>[],
  container: Json = {},
  more: Json = {},
) {
  const asked = secrets.map((one, n) => [`flyte.secrets/s${n}`, encodeSecret({ ...NONE, ...one })]);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', annotations: { ...Object.fromEntries(asked), ...more } },
    spec: { containers: [{ name: 'main', image: 'i', command: ['true'], ...container }] },
  };
}

/** What it says of the pod, and of the pod as it answers it. */
function saidOf(
  pod: Json,
  webhook: Json,
): { readonly rows: readonly Row[]; readonly again: readonly Row[] } {
  const config = write({ apiVersion: 'bellhop/v1', webhook });
  const rowsOf = (file: string): readonly Row[] => {
    const { out } = call(['explain', '-f', file, '-c', config, '--webhook', '-o', 'json'], USED);
    return (JSON.parse(out) as { added: readonly Row[] }).added;
  };
  const file = write(pod);
  const rows = rowsOf(file);
  const mutated = call(['mutate', '-f', file, '-c', config], USED);
  return { rows, again: mutated.code === 0 ? rowsOf(write(JSON.parse(mutated.out))) : [] };
}

const whats = (rows: readonly Row[]): readonly string[] => rows.map(({ what }) => what);
const variable = { group: 'g', key: 'k', mountRequirement: ENV_VAR, envVar: 'TOKEN' };
const file = { group: 'g', key: 'k', mountRequirement: FILE };
const K8S = { secretManagerTypes: ['K8s'] };
const PULLED = { secretManagerTypes: ['AWS'], pull: { image: 'b:1' } };
const KEPT = { allow: [{ name: 'r' }], valueSecrets: { namespaces: ['*'] } };
const FLYTES = { secretManagerTypes: ['AWS'], profile: 'flyte' };
const FOLDER = 'folder /etc/flyte/secrets';
const IN_FILE = 'file /etc/flyte/secrets/g/k';
const OWN = 'variable _UNION_G_K';

describe('what the pod has already is not added', () => {
  interface Case {
    readonly webhook: Json;
    readonly asks: Partial<FlyteSecret>;
    readonly adds: string;
  }
  test.each<readonly [string, Case]>([
    ['variables of Secrets', { webhook: K8S, asks: variable, adds: 'variable TOKEN' }],
    ['files of Secrets', { webhook: K8S, asks: file, adds: IN_FILE }],
    ['variables that are fetched', { webhook: PULLED, asks: variable, adds: 'variable TOKEN' }],
    ['files that are fetched', { webhook: PULLED, asks: file, adds: IN_FILE }],
    ["Flyte's containers and annotations", { webhook: FLYTES, asks: file, adds: FOLDER }],
    ['values of the webhook', { webhook: KEPT, asks: { group: 'g', key: 'k' }, adds: OWN }],
  ])('%s: the pod as it was answered gets nothing more', (_, { webhook, asks, adds }) => {
    const { rows, again } = saidOf(podAsking([asks]), webhook);
    expect(whats(rows)).toContain(adds);
    expect(again).toEqual([]);
  });

  test('a variable that stays as it was under version 1', () => {
    const env = [{ name: 'FLYTE_SECRETS_ENV_PREFIX', value: 'MINE_' }];
    const one = { ...variable, envVar: '' };
    const settings = { secretManagerType: 'K8s', compat: 'v1', profile: 'flyte' };
    const rows = whats(saidOf(podAsking([one], { env }), settings).rows);
    expect(rows).toContain('variable _FSEC_G_K');
    expect(rows).not.toContain('variable FLYTE_SECRETS_ENV_PREFIX');
  });

  test('a variable that gives way to the one of a later secret', () => {
    const { rows } = saidOf(podAsking([variable, { ...variable, group: 'h' }]), K8S);
    const tokens = rows.filter(({ what }) => what === 'variable TOKEN');
    expect(tokens).toEqual([
      { what: 'variable TOKEN', from: 'Secret h, key k', annotation: 'flyte.secrets/s1' },
    ]);
  });

  test('of what is fetched only the new is added', () => {
    const config = write({ apiVersion: 'bellhop/v1', webhook: PULLED });
    const pod = podAsking([file]);
    const { out } = call(['mutate', '-f', write(pod), '-c', config]);
    const done = JSON.parse(out) as { metadata: { annotations: Json } };
    const more = { 'flyte.secrets/s1': encodeSecret({ ...NONE, ...file, key: 'other' }) };
    const annotations = { ...done.metadata.annotations, ...more };
    const now = { ...done, metadata: { ...done.metadata, annotations } };
    expect(whats(saidOf(now, PULLED).rows)).toEqual(['file /etc/flyte/secrets/g/other']);
  });
});
