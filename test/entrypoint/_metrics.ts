// A pod whose `bellhop.yaml` has metrics, started by the built executable.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';
import type { Spawned } from '../support/spawned.ts';
import { spawned } from '../support/spawned.ts';

/** What a start of these tests is given. */
export interface Given {
  readonly metrics: object;
  readonly env?: readonly object[];
  /** Secret `s` of the input, and whether all its keys are variables. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly isAll?: boolean;
  readonly more?: object;
  readonly arrival?: Readonly<Record<string, string>>;
  readonly containers?: readonly object[];
  readonly command?: 'run' | 'explain';
  readonly program?: string;
}

const SHOW = 'env | grep -E "^(DD_|STATSD_|OTEL_)" | sort; true';

/** A start of the built executable, or what it would say of one. */
export async function started(given: Given): Promise<Spawned> {
  const { metrics, env = [], more = {}, arrival = {}, containers = [], command = 'run' } = given;
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-metrics-'));
  const { keys = {}, isAll = false } = given;
  const envFrom = isAll ? [{ secretRef: { name: 's' } }] : [];
  const main = { name: 'main', image: 'train', command: ['sh', '-c', SHOW], env, envFrom };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'train' },
    spec: { containers: [main, ...containers] },
  };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: keys };
  const list = { apiVersion: 'v1', kind: 'List', items: [pod, secret] };
  writeFileSync(path.join(folder, 'pod.json'), JSON.stringify(list));
  const settings = { apiVersion: 'bellhop/v1', metrics, ...more };
  writeFileSync(path.join(folder, 'bellhop.json'), JSON.stringify(settings));
  try {
    const flags = ['-f', 'pod.json', '-c', 'bellhop.json'];
    const variables = { PATH: process.env['PATH'] ?? '', ...arrival };
    return await spawned([given.program ?? built().bellhop, command, ...flags], {
      cwd: folder,
      env: variables,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A gateway that nobody listens at, and a start that tells it nothing of itself. */
export const QUIET = { statsd: '127.0.0.1:9', self: false };
