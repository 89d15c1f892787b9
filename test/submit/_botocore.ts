// botocore itself as a judge of requests: the one that moto's installation brings.
import { homedir } from 'node:os';
import path from 'node:path';
import type { RealServer } from '../real/_servers.ts';
import { realServer } from '../real/_servers.ts';
import type { Request } from '../../src/targets/_target.ts';

export const moto: RealServer = await realServer('moto');
const testbed = process.env['BELLHOP_TESTBED'] ?? path.join(homedir(), '.cache/bellhop-testbed');
export const PYTHON_ENV = { PYTHONPATH: path.join(testbed, 'opt/moto/py') };
export const PYTHON = process.env['PYTHON'] ?? 'python3.11';

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
export async function complaints(requests: readonly Request[]): Promise<readonly string[][]> {
  const judged = requests.map(({ operation, input, send }) => {
    const service = 'service' in send && 'cli' in send.service ? send.service.cli : '';
    return { service, operation, input };
  });
  return (await python('botocore_judge.py', judged)) as string[][];
}
