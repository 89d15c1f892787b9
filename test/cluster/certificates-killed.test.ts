// Replicas that are killed (SIGKILL) at their n-th call of the API server, for every n, before and
// after it, while authorities are rolled all the time: the others go on, and no replica ever serves
// what API servers do not trust.
import { afterAll, describe, expect, test } from 'bun:test';
import type { Opened } from './_certificates.ts';
import { LIVES, openCluster, until } from './_certificates.ts';
import type { Running } from './_replicas.ts';
import { judge } from './_replicas.ts';

const cluster = await openCluster();
const { missing } = cluster;
const open = (): Opened => cluster.open();

const CALLS_MAX = 32;
/** Replicas at a time. */
const LINES = 3;
const MS_MAX = 150_000;

afterAll(async () => {
  if (!missing) await open().stop();
});

interface Death {
  readonly atCall: number;
  readonly after: boolean;
}

/** Replicas one after the other, each of them killed at its own call. */
async function line(deaths: readonly Death[], name: string): Promise<number> {
  let died = 0;
  for (const { atCall, after } of deaths) {
    const own = `${name}-${atCall}-${after ? 'after' : 'before'}`;
    const replica: Running = open().start(own, {
      killAtCall: atCall,
      killAfter: after,
      leaseMs: 1000,
      lives: { ...LIVES, settleMs: 1600 },
    });
    await replica.exited;
    died += 1;
  }
  return died;
}

describe.skipIf(missing)('replicas that are killed', () => {
  test(
    'in the middle of every step: the others go on, and what is served is trusted',
    async () => {
      const { server, replicas, registration } = open();
      const watching = judge(server, replicas, registration);
      const deaths = Array.from({ length: CALLS_MAX }, (_, at) => at + 1).flatMap((atCall) => [
        { atCall, after: false },
        { atCall, after: true },
      ]);
      const lines = Array.from({ length: LINES }, async (_, at) => {
        return line(
          deaths.filter((_death, index) => index % LINES === at),
          `line${at}`,
        );
      });
      const died = (await Promise.all(lines)).reduce((sum, one) => sum + one, 0);
      const last = open().start('last');
      await until('the last one serves', () => last.port() !== undefined);
      const answeredMs = await until(
        'answered',
        async () => (await open().createPod()) === undefined,
      );
      await watching.stop();
      const { connections, leaves, issuers, refused } = watching;
      const figures = { died, connections, leaves: leaves.size, issuers: issuers.size, answeredMs };
      console.log(JSON.stringify({ ...figures, refused: refused.length }));
      expect(refused).toEqual([]);
      expect(died).toBe(2 * CALLS_MAX);
      expect(issuers.size).toBeGreaterThanOrEqual(2);
      const holders = replicas.filter((one) => one.lines.some((text) => /made|renewed/.test(text)));
      expect(holders.length).toBeGreaterThanOrEqual(4);
      const { faults, secrets } = await open().inspect();
      expect(faults).toEqual([]);
      expect(secrets).toBe(1);
    },
    MS_MAX,
  );
});
