// The example's container as `bellhop snapshot` sees it: by way of SageMaker, and in a container
// beside which the Secrets themselves stand, as a cluster has them.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { built } from '../support/built.ts';
import { spawned } from '../support/spawned.ts';
import { local } from './local.ts';
import { endpoints, type Ranker, type RankerPlace, started, tools } from './_ranker.ts';
import { shellImage } from './_probe.ts';
import type { Ran } from './_types.ts';

const BELLHOP = '/opt/bellhop/bellhop';
/** Any key that both have. */
const KEY = '5f'.repeat(32);

/** The manifest with another program: one that records what it sees. */
function recording(dir: string): string {
  const text = readFileSync(path.join(dir, 'train.yaml'), 'utf8');
  const made = text
    .replace(/command: \[.*\]/, `command: [${BELLHOP}, snapshot]`)
    .replace(/args: \[.*\]/, 'args: [--path=/etc/secrets, --path=/etc/train]')
    .replace(
      /^( +)env:$/m,
      `$1env:\n$1  - { name: BELLHOP_SNAPSHOT_KEY, value: ${JSON.stringify(KEY)} }`,
    );
  if (made === text) throw new Error('train.yaml has another shape');
  return made;
}

function stdoutOf(ran: Ran): string {
  if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
  if (ran.outcome.exit !== 0) throw new Error(ran.outcome.stderr);
  return ran.outcome.stdout;
}

/** Both snapshots: SageMaker's, and the one beside the Secrets. */
export async function snapshots(ranker: Ranker, place: RankerPlace): Promise<[string, string]> {
  const { dir, secrets } = ranker;
  writeFileSync(path.join(dir, 'compare.yaml'), recording(dir));
  const { code, err } = await ranker.submitted('compare.yaml');
  const request = ranker.requests.at(-1);
  if (code !== 0 || request === undefined) throw new Error(err);
  const there = stdoutOf(await started(ranker, place, { request }));
  const documents = Object.entries(secrets).map(([name, stringData]) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'ml' },
      stringData,
    }),
  );
  writeFileSync(path.join(dir, 'secrets.yaml'), documents.join('\n---\n'));
  const files = ['compare', 'hyperparameters', 'secrets'].map((one) => `--file=/work/${one}.yaml`);
  const argv = [BELLHOP, 'run', ...files];
  const image = shellImage(place.yard);
  const mounts = [...tools(), { kind: 'bind', at: '/work', from: dir, ro: true } as const];
  const own = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
  };
  const pairs = endpoints(ranker, place).map((one) => one.split('=', 2));
  const env = { ...own, ...(Object.fromEntries(pairs) as Record<string, string>) };
  const here = stdoutOf(await local.run({ argv, env }, { yard: place.yard, image }, { mounts }));
  return [there, here];
}

interface Difference {
  readonly group: string;
  readonly name: string;
}

/** Names of what `bellhop diff` says must not differ. */
export async function diffed({ dir }: Ranker, [left, right]: readonly [string, string]) {
  writeFileSync(path.join(dir, 'left.json'), left);
  writeFileSync(path.join(dir, 'right.json'), right);
  const words = [built().bellhop, 'diff', 'left.json', 'right.json', '--json'];
  const { out } = await spawned(words, { cwd: dir, env: { PATH: '/usr/bin:/bin' } });
  const { differences } = JSON.parse(out) as { differences: Difference[] };
  return differences.filter(({ group }) => group === 'must-not-differ').map(({ name }) => name);
}
