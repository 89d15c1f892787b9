// Flags of `bellhop submit` that say nothing by themselves: passed over, one would send what was to
// be looked at, or come back before the job has run.
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { call, folder } from '../cli/_call.ts';

writeFileSync(
  path.join(folder, 'flags.yaml'),
  `apiVersion: v1
kind: Pod
metadata: { name: train }
spec: { containers: [{ name: main, image: i, command: [env] }] }
`,
);

test.each([
  ['local', ['--only', 'execve'], '--only: prints a request of --dry-run'],
  ['local', ['--wait'], '--wait: what starts the job is a script'],
  ['nomad', ['--wait'], '--wait: what starts the job is a script'],
  ['nomad', ['--wait-max', '60'], '--wait-max: says how long --wait follows'],
  ['nomad', ['--wait', '--wait-max', 'x'], '--wait-max: must be a whole number of seconds'],
])('%s %j is refused, and nothing is printed', (target, flags, what) => {
  const { code, out, err } = call(['submit', target, '-f', 'flags.yaml', ...flags]);
  expect([code, out, err]).toEqual([64, '', expect.stringContaining(what)]);
});

test.each([[['--dry-run', '--only', 'execve']], [['--dry-run', '--wait', '--wait-max', '60']]])(
  '%j go together',
  (flags) => {
    const { code, err } = call(['submit', 'local', '-f', 'flags.yaml', ...flags]);
    expect([code, err]).toEqual([0, '']);
  },
);
