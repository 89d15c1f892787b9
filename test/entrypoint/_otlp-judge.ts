// What the official Protobuf definitions of OpenTelemetry make of a body.
import path from 'node:path';
import { PYTHON, installedAt, installedOnce, pip } from '../support/testbed.ts';

/** Read 2026-11 from PyPI: the definitions of opentelemetry-proto 1.x. */
const PACKAGE = 'opentelemetry-proto==1.45.2';
const NAME = PACKAGE.replace('==', '-');

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
  return installedOnce({ name: NAME, command: pip(PACKAGE) });
}

/** Throws what the definitions refuse: an unknown field, a wrong type. */
export function judged(body: string): Judged {
  const done = Bun.spawnSync([PYTHON, path.join(import.meta.dir, '_otlp-judge.py')], {
    stdin: Buffer.from(body),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, PYTHONPATH: installedAt(NAME) },
    timeout: 60_000,
  });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  return JSON.parse(done.stdout.toString()) as Judged;
}
