// Scripts of this folder against moto, and botocore as a judge of a target's requests.
import path from 'node:path';
import type { RealServer } from '../real/_servers.ts';
import { realServer } from '../real/_servers.ts';
import { PYTHON_ENV, complaintsOf } from '../support/botocore.ts';
import { PYTHON } from '../support/testbed.ts';
import type { Request } from '../../src/targets/_target.ts';

export const moto: RealServer = await realServer('moto');

/** Runs a script of this folder; throws with what it printed where it fails. */
export async function python(script: string, input: unknown): Promise<unknown> {
  const child = Bun.spawn([PYTHON, path.join(import.meta.dir, script)], {
    stdin: new TextEncoder().encode(JSON.stringify(input)),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...PYTHON_ENV },
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(err);
  return JSON.parse(out);
}

/** What botocore and its service models have against each request. */
export function complaints(requests: readonly Request[]): readonly string[][] {
  return complaintsOf(
    requests.map(({ operation, input, send }) => {
      const service = 'service' in send && 'cli' in send.service ? send.service.cli : '';
      return { service, operation, input };
    }),
  );
}
