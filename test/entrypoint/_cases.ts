/** Restarts and attacks, inside a room: `STRATEGY` runs every case and tells what was wrong. */
import { existsSync, readFileSync, writeSync } from 'node:fs';
import { attack } from './_attacks.ts';
import { check, is, rest, results, strategy } from './_case-kit.ts';
import { secret, volumes } from './_pod.ts';
import { tryDelivery } from './_room.ts';

if (rest[0] === 'deliver') {
  const done = tryDelivery(strategy, volumes(secret(rest[1] ?? '')), { pid: process.pid });
  writeSync(1, done.how ?? done.error ?? '');
  readFileSync(0);
  process.exit(0);
}
attack();
await import('./_restarts.ts');
await import('./_data.ts');

/** Starts that know nothing of each other, each alive until all have delivered. */
async function together(): Promise<string[]> {
  const [bun = '', script = ''] = process.argv;
  const paths = ['/srv/a', '/srv/b', '/opt/c', '/opt/d'];
  const children = paths.map((path) =>
    Bun.spawn([bun, script, strategy, 'deliver', path], { stdin: 'pipe', stdout: 'pipe' }),
  );
  const said = await Promise.all(
    children.map(async ({ stdout }) => {
      const { value } = await stdout.getReader().read();
      return new TextDecoder().decode(value);
    }),
  );
  const there = paths.map((path) => existsSync(`${path}/password`));
  for (const child of children) child.stdin.end();
  await Promise.all(children.map((child) => child.exited));
  const good = said.map((one) => is('delivered', one, strategy));
  return [...good, ...there.map((one) => is('there', one, true))].filter(
    (one) => one !== undefined,
  );
}

for (let round = 1; round <= 3; round++) {
  const wrong = await together();
  check(`four starts at once, round ${round}`, ':', () => wrong);
}
console.log(JSON.stringify(results));
