// What the official Protobuf definitions of OpenTelemetry make of a body.
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Read 2026-11 from PyPI: the definitions of opentelemetry-proto 1.x. */
const PACKAGE = 'opentelemetry-proto==1.45.2';
const INSTALL_MS_MAX = 180_000;
const python = process.env['PYTHON'] ?? 'python3';
const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
const bed = process.env['BELLHOP_TESTBED'] ?? path.join(cache, 'bellhop-testbed');
const folder = path.join(bed, 'opt', 'otlp-judge');

/** What it read. */
export interface Judged {
  readonly resource: Readonly<Record<string, string>>;
  readonly wireBytes: number;
  readonly spans: readonly {
    readonly name: string;
    readonly kind: number;
    readonly trace: string;
    readonly id: string;
    readonly parent: string;
    readonly tookNs: number;
    readonly failed: boolean;
    readonly attributes: readonly string[];
  }[];
}

/** Why there is no judge; undefined where there is one. Installed on first use. */
export function noJudge(): string | undefined {
  if (isThere()) return undefined;
  mkdirSync(folder, { recursive: true });
  const done = Bun.spawnSync(
    [python, '-m', 'pip', 'install', '--quiet', '--target', folder, '--upgrade', PACKAGE],
    { stdout: 'ignore', stderr: 'pipe', timeout: INSTALL_MS_MAX },
  );
  if (done.exitCode === 0 && isThere()) return undefined;
  return `${PACKAGE} cannot be installed (pip: exit ${done.exitCode})`;
}

function isThere(): boolean {
  return existsSync(path.join(folder, 'opentelemetry', 'proto', 'trace', 'v1', 'trace_pb2.py'));
}

/** Throws what the definitions refuse: an unknown field, a wrong type. */
export function judged(body: string): Judged {
  const done = Bun.spawnSync([python, path.join(import.meta.dir, '_otlp-judge.py')], {
    stdin: Buffer.from(body),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, PYTHONPATH: folder },
    timeout: 60_000,
  });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  return JSON.parse(done.stdout.toString()) as Judged;
}
