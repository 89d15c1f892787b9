// botocore 1.44.5, the one that moto of test/real/servers runs with, as a second judge.
import { homedir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { realServer } from '../real/_servers.ts';

/** A call of boto3. */
export interface AwsRequest {
  readonly service: 'sagemaker' | 'batch' | 'ecs' | 'lambda';
  readonly operation: string;
  readonly input: unknown;
}

/** What botocore itself refuses, and what its model says that the service refuses. */
export interface Judged {
  readonly botocore: string;
  readonly model: readonly string[];
}

const JUDGE_MS_MAX = 60_000;
const python = process.env['PYTHON'] ?? 'python3';
const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
const bed = process.env['BELLHOP_TESTBED'] ?? path.join(cache, 'bellhop-testbed');

/** Why there is no botocore; it is installed with moto. */
export async function noBotocore(): Promise<string | undefined> {
  return (await realServer('moto')).missing;
}

/** Judges all of them in one process. */
export function judgedByBotocore(requests: readonly AwsRequest[]): Judged[] {
  const script = path.join(import.meta.dirname, '_botocore.py');
  const done = Bun.spawnSync([python, script], {
    stdin: Buffer.from(JSON.stringify(requests)),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: JUDGE_MS_MAX,
    env: { ...process.env, PYTHONPATH: path.join(bed, 'opt/moto/py') },
  });
  if (done.exitCode !== 0) throw new Error(`botocore: ${done.stderr.toString().slice(-2000)}`);
  return JSON.parse(done.stdout.toString()) as Judged[];
}
