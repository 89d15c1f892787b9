// Takes recorded pods through platforms and prints what differs:
//   node scripts/bun.mjs test/simulators/round-trip-report.ts [TARGET…] [VECTOR…]
import path from 'node:path';
import process from 'node:process';
import { removeBase } from '../kubelet/rootfs.ts';
import { tryBase } from '../kubelet/setting.ts';
import { GOLDEN, readVectors } from '../kubelet/vectors.ts';
import { s3Bucket } from './_aws.ts';
import { roundTrip } from './_round-trip.ts';
import { submitBy } from './_submit.ts';
import { openWeb } from './_web.ts';
import { FURTHER, MORE, WAYS } from './_ways.ts';
import { awsStage } from './_worlds.ts';

const CHARS_MAX = 300;
const given = process.argv.slice(2);
const all = [...WAYS, ...MORE, ...FURTHER];
const called = ({ title, name }: (typeof all)[number]): string => title ?? name;
const ways = all.filter((way) => given.includes(called(way)));
const wanted = given.filter((one) => !all.some((way) => called(way) === one));
const stage = await awsStage('round trips');
const base = tryBase();
if (!stage.isHere || typeof base === 'string') throw new Error('containers cannot be made here');
const bucket = 'sim-round-trip';
await s3Bucket(stage.aws, bucket);
const dist = path.join(import.meta.dirname, '../../dist');
const render = submitBy(path.join(dist, 'bellhop'), stage.aws);
const web = openWeb();
const road = { ...stage, web, base, dist, bucket, render };
const sums = { equal: 0, refused: 0, different: 0 };
try {
  const vectors = readVectors(GOLDEN).filter(
    ({ id }) => wanted.length === 0 || wanted.includes(id),
  );
  for (const way of ways.length === 0 ? all : ways) {
    for (const vector of vectors) {
      if (vector.snapshot === undefined) continue;
      const arrived = await roundTrip(vector, road, way).catch((cause: unknown) => [
        {
          vector: vector.id,
          container: '?',
          differences: [{ path: 'harness', expected: '', got: String(cause) }],
          refused: undefined,
        },
      ]);
      for (const { container, differences, refused } of arrived) {
        const at = `${called(way)} ${vector.id} ${container}`;
        if (refused !== undefined) {
          sums.refused += 1;
          console.log(
            `${at}: REFUSED ${refused
              .split('\n')
              .filter((one) => !/^ {2}/.test(one))
              .join(' | ')}`,
          );
        } else if (differences.length === 0) sums.equal += 1;
        else sums.different += 1;
        for (const one of differences) {
          const side = (value: unknown): string =>
            (JSON.stringify(value) ?? '-').slice(0, CHARS_MAX);
          console.log(
            `${at}: ${one.path}\n    kubelet  ${side(one.expected)}\n    platform ${side(one.got)}`,
          );
        }
      }
    }
  }
} finally {
  render[Symbol.dispose]();
  web.close();
  removeBase(base);
  stage.close();
}
console.log(`${sums.equal} equal, ${sums.different} different, ${sums.refused} refused`);
process.exit(0);
