// The pods that a real Job controller makes of an Indexed Job, beside what bellhop reads from the
// Job alone.
import { afterAll, describe, expect, test } from 'bun:test';
import { INDEX_KEY, withGivenIndex } from '../../src/plan/completion-index.ts';
import { podOf, readDeclaration } from '../../src/plan/declaration.ts';
import type { Pod } from '../../src/wire/pod-types.ts';
import type { Cluster } from './kit/cluster.ts';
import { realCluster, until } from './kit/cluster.ts';

const START_MS_MAX = 2_400_000;
const found = await realCluster('api');
const cluster = found as Cluster;
const can = !('missing' in found) && cluster.env['CONTROLLERS'] === 'yes';
const { kubectl } = cluster;

afterAll(async () => {
  if (can) await cluster.clean();
});

const COMPLETIONS = 3;
const source = { name: 'job', locate: () => ({ line: 1, column: 1 }) };

function podIn(value: unknown): Pod {
  const [workload] = readDeclaration([{ value, source }]).workloads;
  return workload === undefined ? expect.unreachable() : podOf(workload);
}

/** What programs see of it, without the names that only a cluster makes up. */
function seen({ labels, annotations, containers, initContainers }: Pod): unknown {
  const own = [...labels].filter(([name]) => !name.endsWith('controller-uid'));
  const envs = [...initContainers, ...containers].map(({ name, env }) => {
    return [name, env.map((one) => [one.name, one.value, one.from])];
  });
  return { labels: Object.fromEntries(own), annotations, envs };
}

const VARIABLE = 'JOB_COMPLETION_INDEX';
const ROWS: readonly (readonly [string, readonly object[]])[] = [
  ['the variable stands behind the others', [{ name: 'A', value: `$(${VARIABLE})` }]],
  [
    "the author's own stays",
    [
      { name: VARIABLE, value: 'mine' },
      { name: 'A', value: 'x' },
    ],
  ],
];

describe.skipIf(!can)('an Indexed Job', () => {
  test.each([...ROWS])(
    '%s',
    async (_, env) => {
      const namespace = await cluster.namespace();
      const containers = [{ name: 'main', image: 'i', env }];
      const initContainers = [{ name: 'before', image: 'i' }];
      // An index of the template's own is written over.
      const metadata = {
        annotations: { [INDEX_KEY]: '9', own: 'x' },
        labels: { [INDEX_KEY]: '9' },
      };
      const template = { metadata, spec: { restartPolicy: 'Never', initContainers, containers } };
      const counts = { completions: COMPLETIONS, parallelism: COMPLETIONS };
      const job = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'indexed', namespace },
        spec: { ...counts, completionMode: 'Indexed', template },
      };
      expect((await kubectl(['apply', '-f', '-'], job)).err).toBe('');
      const pods = async (): Promise<readonly unknown[]> => {
        const { out } = await kubectl(['get', 'pods', '-n', namespace, '-o', 'json']);
        return (JSON.parse(out) as { readonly items: readonly unknown[] }).items;
      };
      await until(async () => (await pods()).length === COMPLETIONS);
      const made = (await pods()).map((one) =>
        podIn({ apiVersion: 'v1', kind: 'Pod', ...(one as object) }),
      );
      const indexes = made.map(({ annotations }) => annotations.get(INDEX_KEY) ?? '');
      expect(indexes.toSorted()).toEqual(['0', '1', '2']);
      for (const [at, pod] of made.entries()) {
        const fields = new Map([[`metadata.annotations['${INDEX_KEY}']`, indexes[at] ?? '']]);
        expect(seen(withGivenIndex(podIn(job), fields))).toEqual(seen(pod));
      }
    },
    START_MS_MAX,
  );
});
