// docs/migrate.md on a real cluster, whole: what its pod sees on the node is compared with what it
// sees by `bellhop run`. BELLHOP_RECORD=1 keeps the node's part for the example.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  FOLDER,
  carryOut,
  closeFolder,
  openFolder,
  patternOf,
  stepsOfPage,
} from '../support/migrate-page.ts';
import { ROOT } from '../support/source.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, run, until } from './kit/cluster.ts';

const STEP_MS_MAX = 180_000;
const START_MS_MAX = 300_000;
const RECORD = path.join(ROOT, 'examples/migrate/kubernetes.json');

const found = await realCluster('node');
const isMissing = 'missing' in found;

describe.skipIf(isMissing)('docs/migrate.md', () => {
  const cluster = found as Cluster;
  const env = isMissing ? {} : { KUBECONFIG: cluster.env['KUBECONFIG'] ?? '' };
  const kubectl = cluster.env?.['KUBECTL'] ?? 'kubectl';
  const typed = (command: string): string => carryOut({ command, says: '' }, env);

  beforeAll(async () => {
    openFolder();
    const tool = path.join(import.meta.dir, 'kit/image-import');
    const image = path.join(FOLDER, 'image');
    const said = await run([tool, image, 'registry.example/train:1'], START_MS_MAX);
    if (!said.ok) throw new Error(said.err);
    typed(`${kubectl} create namespace ml`);
    typed(`${kubectl} create --filename cluster.yaml`);
    await until(async () =>
      typed(`${kubectl} get --namespace ml serviceaccount default`).includes('default   '),
    );
  }, START_MS_MAX);
  afterAll(() => {
    typed(`${kubectl} delete namespace ml --wait=false`);
    closeFolder();
  });

  const steps = stepsOfPage().filter(({ command }) => !command.startsWith('cp '));
  test.each(steps.map((step) => [step.command, step] as const))(
    '%s',
    (_, step) => {
      const command = step.command.replace(/^kubectl /, `${kubectl} `);
      expect(carryOut({ ...step, command }, env)).toMatch(patternOf(step.says));
    },
    STEP_MS_MAX,
  );

  test('the record of the example is as the node’s of now, but for what differs from run to run', () => {
    const recorded = path.join(FOLDER, 'kubernetes.json');
    if (process.env['BELLHOP_RECORD'] === '1') copyFileSync(recorded, RECORD);
    const bellhop = typed(`bellhop diff ${RECORD} kubernetes.json`);
    expect(bellhop).toMatch(/No difference/);
    expect(readFileSync(RECORD, 'utf8')).not.toContain('not-a-real-one');
  });
});
