// The users' own tools on both sides: the pod of docs/migrate.md as `bellhop snapshot` saw it on a
// real kubelet, and as it sees it on a platform, in the container of the request that `bellhop
// submit` renders: no difference for `bellhop diff`.
import { afterAll, describe, expect, test } from 'bun:test';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';
import { layOutImage } from '../support/migrate-page.ts';
import { ROOT } from '../support/source.ts';
import { spawned } from '../support/spawned.ts';
import { s3Bucket } from './_aws.ts';
import { IMAGE, type Way } from './_road.ts';
import { submitBy } from './_submit.ts';
import type { BuiltImage } from './_types.ts';
import { openWeb } from './_web.ts';
import { FURTHER, MORE, WAYS } from './_ways.ts';
import { awsStage } from './_worlds.ts';

const EXAMPLE = path.join(ROOT, 'examples/migrate');
const RECORDED = path.join(EXAMPLE, 'kubernetes.json');
const NAMES = ['ecs', 'sagemaker-training', 'vertex-custom-job', 'cloud-run-job', 'nomad'];

const stage = await awsStage('snapshots on platforms');
const { bellhop, kind } = built();
const isHere = stage.isHere && kind === 'launcher';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-snapshot-trip-'));
const web = openWeb();
afterAll(() => {
  render[Symbol.dispose]();
  web.close();
  stage.close();
  rmSync(folder, { recursive: true, force: true });
});

/** pod.yaml and bellhop.yaml: those of the page, with a service by HTTP in place of the file. */
function declare(way: Way): void {
  const kept = Bun.YAML.parse(readFileSync(path.join(EXAMPLE, 'store.yaml'), 'utf8'));
  for (const [name, value] of Object.entries(kept as object)) {
    web.put(`${name}.json`, JSON.stringify(value));
  }
  const settings = {
    apiVersion: 'bellhop/v1',
    stores: { web: { kind: 'http', url: web.url } },
    secrets: { db: 'web:db.json', compare: 'web:compare.json' },
    configMaps: { params: 'web:params.json' },
    submit: {
      spill: 'web:spill',
      bellhop: '/opt/bellhop/bellhop',
      image: IMAGE,
      targets: { [way.name]: way.given },
    },
  };
  copyFileSync(path.join(EXAMPLE, 'compare.yaml'), path.join(folder, 'pod.yaml'));
  writeFileSync(path.join(folder, 'bellhop.yaml'), JSON.stringify(settings));
}

const files = path.join(folder, 'image');
if (isHere) layOutImage(files);
if (isHere) await s3Bucket(stage.aws, 'sim-round-trip');
const config = { entrypoint: null, cmd: null, env: null, workdir: null, user: null };
const image: BuiltImage = { layers: [files], config };
const aws = { ...stage.aws, reachable: [...stage.aws.reachable, web.port] };
const render = submitBy(bellhop, stage.aws);

/** What the container of the platform prints: the snapshot. */
async function snapshotOn(way: Way): Promise<string> {
  declare(way);
  const rendered = await render({ dir: folder, flags: [] }, way.name);
  if ('refused' in rendered) throw new Error(rendered.refused);
  const place = { yard: stage.yard, aws, web, image, wish: {} };
  const ran = await way.run(rendered.requests, place);
  if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
  expect([ran.outcome.exit, ran.outcome.stderr]).toEqual([0, '']);
  return ran.outcome.stdout;
}

interface Found {
  readonly kind: string;
  readonly name: string;
  readonly group: string;
}

/** What must not differ. */
async function differences(snapshot: string): Promise<readonly Found[]> {
  const here = path.join(folder, 'here.json');
  writeFileSync(here, snapshot);
  const words = [bellhop, 'diff', '-o', 'json', RECORDED, here];
  const { out, err } = await spawned(words, { cwd: folder, env: { PATH: '/usr/bin:/bin' } });
  expect(err).toBe('');
  const report = JSON.parse(out) as { differences: Found[]; incomplete: unknown[] };
  expect(report.incomplete).toEqual([]);
  return report.differences.filter(({ group }) => group === 'must-not-differ');
}

const ways = [...WAYS, ...MORE, ...FURTHER].filter(({ name }) => NAMES.includes(name));

describe.skipIf(!isHere)('the pod of docs/migrate.md', () => {
  test.each(ways.map((way) => [way.title ?? way.name, way] as const))(
    'sees on %s what it saw on a kubelet',
    async (_, way) => {
      expect(await differences(await snapshotOn(way))).toEqual([]);
    },
  );
  test('and a value that is another is found', async () => {
    const [way] = ways;
    if (way === undefined) throw new Error('no platform');
    const text = await snapshotOn(way);
    const found = await differences(text.replace('"TEAM"', '"TEAMS"'));
    expect(found.map(({ name }) => name).toSorted()).toEqual(['TEAM', 'TEAMS']);
  });
});
