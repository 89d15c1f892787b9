// botocore 1.44.5, the one that moto of test/real/servers runs with, as a judge of requests.
import path from 'node:path';
import process from 'node:process';
import { realServer } from '../real/_servers.ts';
import { PYTHON, installedAt } from './testbed.ts';

/** A call of boto3. */
export interface AwsRequest {
  readonly service: string;
  readonly operation: string;
  readonly input: unknown;
}

/** What botocore itself refuses, and what its model says that the service refuses. */
export interface Judged {
  readonly botocore: string;
  readonly model: readonly string[];
}

const JUDGE_MS_MAX = 300_000;

/** Where Python finds botocore and boto3. */
export const PYTHON_ENV = { PYTHONPATH: path.join(installedAt('moto'), 'py') };

/** Why there is no botocore; it is installed with moto. */
export async function noBotocore(): Promise<string | undefined> {
  return (await realServer('moto')).missing;
}

/** Judges all of them in one process. */
export function judgedByBotocore(requests: readonly AwsRequest[]): Judged[] {
  const done = Bun.spawnSync([PYTHON, path.join(import.meta.dir, 'botocore_judge.py')], {
    stdin: Buffer.from(JSON.stringify(requests)),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: JUDGE_MS_MAX,
    env: { ...process.env, ...PYTHON_ENV },
  });
  if (done.exitCode !== 0) throw new Error(`botocore: ${done.stderr.toString().slice(-2000)}`);
  return JSON.parse(done.stdout.toString()) as Judged[];
}

/** What both have against each request. */
export function complaintsOf(requests: readonly AwsRequest[]): readonly string[][] {
  return judgedByBotocore(requests).map(({ botocore, model }) => {
    return botocore === '' ? [...model] : [botocore, ...model];
  });
}
