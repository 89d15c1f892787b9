// examples/sagemaker end to end: submitted to moto, what was sent is run by the simulator of
// SageMaker, and the program tells a tracker what it saw.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { built } from '../support/built.ts';
import { openRanker, type Ranker, rankerServers, started } from './_ranker.ts';
import { diffed, snapshots } from './_ranker-snapshots.ts';
import { awsStage } from './_worlds.ts';
import { skipVisibly } from '../support/need.ts';
import type { Outcome } from './_types.ts';

const SETUP_MS_MAX = 120_000;
const TEST_MS_MAX = 120_000;
const stage = await awsStage('examples/sagemaker');
const servers = await rankerServers();
const reasons = [
  ...(servers.missing === undefined ? [] : [servers.missing]),
  ...(built().kind === 'launcher' ? [] : ['the launcher is not built (cc)']),
  ...(existsSync('/usr/bin/python3') ? [] : ['the container has the /usr/bin/python3 of here']),
];
if (reasons.length > 0) skipVisibly('examples/sagemaker', reasons);
const isHere = stage.isHere && reasons.length === 0;
const place = { ...stage, ...servers };
const digest = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex');

let ranker: Ranker;
beforeAll(async () => {
  if (isHere) ranker = await openRanker(place);
}, SETUP_MS_MAX);
afterAll(() => {
  if (isHere) ranker.close();
  stage.close();
});

interface Manifest {
  readonly data?: Readonly<Record<string, string>>;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    template: { spec: { containers: { env?: { name: string; value?: string }[] }[] } };
  };
}

/** The documents of a file, by a reader that is not bellhop's. */
function documents(name: string): Manifest[] {
  const text = readFileSync(path.join(ranker.dir, name), 'utf8');
  return text
    .split(/^---$/m)
    .filter((one) => one.trim() !== '')
    .map((one) => Bun.YAML.parse(one) as Manifest);
}

/** The variables of the manifest that are no secrets, as a kubelet gives them. */
function variablesOf(): Record<string, string> {
  const [job, settings] = documents('train.yaml');
  const [, main] = job?.spec?.template.spec.containers ?? [];
  const literals = (main?.env ?? []).flatMap(({ name, value }) =>
    value === undefined ? [] : [[name, value]],
  );
  const all = Object.fromEntries(literals) as Record<string, string>;
  return { ...settings?.data, ...all, TEAM: 'search', RUN: 'search/ranker/v7' };
}

/** Tables of all ConfigMaps by name. */
function tables(): Record<string, number[]> {
  const all = documents('hyperparameters.yaml').map(({ data }) => {
    return JSON.parse(data?.['tables.json'] ?? '') as Record<string, number[]>;
  });
  return Object.assign({}, ...all) as Record<string, number[]>;
}

const prefixed = (prefix: string, values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => [`${prefix}${key.toUpperCase()}`, value] as const);

function outcomeIn(ran: Awaited<ReturnType<typeof started>>): Outcome {
  if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
  return ran.outcome;
}

const HYPERPARAMETERS = '/opt/ml/input/config/hyperparameters.json';
/** The image's, the container's, and what Python itself sets where there is no locale (PEP 538). */
const OF_IMAGE = /^(PATH|HOSTNAME|HOME|AWS_ENDPOINT_URL(_S3|_KMS)?|LC_CTYPE)$/;

describe.skipIf(!isHere)('examples/sagemaker', () => {
  let request: Ranker['requests'][number];
  let outcome: Outcome;

  test(
    'is submitted: moto has the job, S3 what the request has no room for',
    async () => {
      const { code, out, err } = await ranker.submitted();
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/^sagemaker-training ranker-[0-9a-f]{12}: \d+ values in the request/);
      expect(ranker.requests).toHaveLength(1);
      [request] = ranker.requests as [typeof request];
      expect(Object.keys(request.Environment ?? {})).toHaveLength(100);
      expect(request.HyperParameters).toBeUndefined();
      expect(request.AlgorithmSpecification.ContainerEntrypoint).toEqual([
        '/opt/bellhop/bellhop',
        'run',
      ]);
      const objects = await ranker.objects();
      expect([...objects.keys()]).toEqual([
        expect.stringMatching(/^bellhop\/ranker\/[0-9a-f]{64}\/bellhop\.bundle$/),
      ]);
      for (const text of [out, err, JSON.stringify(request), ...objects.values()]) {
        expect(text.includes(ranker.canary)).toBe(false);
      }
    },
    TEST_MS_MAX,
  );

  test(
    'is run by SageMaker: the program ends well, and prints no secret',
    async () => {
      const ran = await started(ranker, place, { request });
      outcome = outcomeIn(ran);
      expect([outcome.stderr, ran]).toEqual(['', expect.objectContaining({ status: 'Completed' })]);
      expect(outcome.stdout).toMatch(/^search\/ranker\/v7: 5100 tables, loss [\d.]+\n$/);
      expect(`${outcome.stdout}${outcome.stderr}`.includes(ranker.canary)).toBe(false);
    },
    TEST_MS_MAX,
  );

  test('its program saw the 300 variables, the 40 secrets, and nothing that is ours', () => {
    const [report] = ranker.reports;
    const { db, tracker, partners, storage } = ranker.secrets;
    expect(report?.authorization).toBe(`Bearer ${tracker['token']}`);
    const variables = variablesOf();
    expect(Object.keys(variables)).toHaveLength(300);
    const secret = [...prefixed('DB_', db), ...prefixed('TRACKER_', tracker)];
    const files = [partners, storage].flatMap((one) => Object.keys(one));
    expect(secret.length + files.length).toBe(40);
    const wanted = { ...variables, ...Object.fromEntries(secret) };
    const own = new Set(outcome.own.env);
    const seen = Object.entries(report?.seen.variables ?? {}).filter(([name]) => {
      return !own.has(name) && !OF_IMAGE.test(name);
    });
    const byDigest = Object.entries(wanted).map(([name, value]) => [name, digest(value)]);
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(byDigest));
    expect(report?.seen.argv).toEqual(['--run=search/ranker/v7', '--epochs=4']);
  });

  test('its files are those of the mounts: 20 secrets, and 5 MB of hyperparameters', () => {
    const { partners, storage } = ranker.secrets;
    const wanted = Object.entries({ partners, storage }).flatMap(([folder, values]) =>
      Object.entries(values).map(([key, value]) => [`/etc/secrets/${folder}/${key}`, value]),
    );
    const texts = documents('hyperparameters.yaml').map(({ data }) => data?.['tables.json'] ?? '');
    expect(texts.join('').length).toBeGreaterThan(5_000_000);
    const parts = texts.map((text, n) => [`/etc/train/hyperparameters/tables-${n}.json`, text]);
    const byDigest = [...wanted, ...parts].map(([name, value = '']) => [name, digest(value)]);
    expect(ranker.reports[0]?.seen.files).toEqual(Object.fromEntries(byDigest));
  });

  test("SageMaker's own file has the hyperparameters of all six ConfigMaps, as strings", () => {
    const file = outcome.files.get(HYPERPARAMETERS);
    const flat = JSON.parse(Buffer.from(file ?? []).toString()) as Record<string, string>;
    const read = Object.entries(flat).map(([name, text]) => [name, JSON.parse(text) as unknown]);
    expect(Object.fromEntries(read)).toEqual(tables());
  });

  test('each metric was counted once, with its job', async () => {
    // The tracker has answered, so all of them have arrived.
    const lines = await ranker.gateway.until(() => true);
    const steps = lines.filter((one) => one.startsWith('ranker.step:1|c|#'));
    const losses = lines.filter((one) => /^ranker\.loss:[\d.]+\|g\|#/.test(one));
    expect([steps.length, losses.length]).toEqual([1000, 4]);
    expect(steps.every((one) => one.includes('job:ranker'))).toBe(true);
  });

  test(
    'a snapshot in it has nothing that must not differ from one beside the Secrets themselves',
    async () => {
      const [there, here] = await snapshots(ranker, place);
      const differing = await diffed(ranker, [here, there]);
      expect(differing).toEqual([]);
      for (const one of [there, here]) expect(one.includes(ranker.canary)).toBe(false);
    },
    TEST_MS_MAX,
  );

  test(
    'without two of its secrets it fails, starts nothing, and SageMaker is told which',
    async () => {
      await ranker.lose('db');
      await ranker.lose('vault');
      const ran = await started(ranker, place, { request });
      if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
      expect([ran.status, ran.outcome.stdout]).toEqual(['Failed', '']);
      const failure = Buffer.from(ran.outcome.files.get('/opt/ml/output/failure') ?? []).toString();
      const [head, missing, login, more] = failure.split('\n');
      expect([head, more]).toEqual(['bellhop started nothing: 2 problems', undefined]);
      expect(missing).toStartWith('BH_ERR_MISSING (exit 69): ');
      expect(missing).toContain(`secret db, sm:${ranker.run}/db: `);
      expect(login).toStartWith('BH_ERR_CREDENTIALS (exit 77): ');
      expect(login).toContain(`secret storage, vault:`);
      expect(login).toContain(`sm:${ranker.run}/vault#role_id`);
      expect(Buffer.byteLength(failure)).toBeLessThanOrEqual(1024);
      expect(ran.reason).toBe(failure);
      for (const text of [failure, ran.outcome.stderr]) {
        expect(text.includes(ranker.canary)).toBe(false);
      }
    },
    TEST_MS_MAX,
  );
});
