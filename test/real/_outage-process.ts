// A start as a process: the built executable, a pod of three Secrets, and a store in trouble.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatReference } from '../../src/plan/reference.ts';
import type { Reference } from '../../src/plan/types.ts';
import { built } from '../support/built.ts';
import type { Around } from './_outage.ts';
import { BUDGET_MS } from './_outage.ts';

/** What the process is given. */
export interface Wish {
  readonly references: readonly Reference[];
  readonly around: Around;
  /** Members of `policy` in bellhop.yaml, beside the time. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** The Secrets are mounted, too. Only for starts that fail: mounts would stay. */
  readonly mounted?: true;
  /** Words in front of the command, e.g. to enter a namespace. */
  readonly within?: readonly string[];
}

/** What became of it. */
export interface Ended {
  readonly exit: number;
  readonly stderr: string;
  /** From the start of the process to its end. */
  readonly tookMs: number;
  /** What the user's program wrote; undefined where it was never started. */
  readonly wrote: string | undefined;
  /** Names of what was left at the mount paths. */
  readonly left: readonly string[];
}

function podOf({ references, mounted }: Wish, folder: string): object {
  const env = references.map((_, n) => ({
    name: `V${n}`,
    valueFrom: { secretKeyRef: { name: `s${n}`, key: 'password' } },
  }));
  const volumes = references.map((_, n) => ({ name: `v${n}`, secret: { secretName: `s${n}` } }));
  const mounts = volumes.map(({ name }) => ({
    name,
    mountPath: path.join(folder, 'mounts', name),
  }));
  const main = { name: 'main', image: 'i', env };
  const spec = {
    containers: [mounted === true ? { ...main, volumeMounts: mounts } : main],
    ...(mounted === true ? { volumes } : {}),
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
}

function settingsOf({ references, around, policy }: Wish): object {
  const secrets = references.map((reference, n) => {
    return [`s${n}`, { password: formatReference(reference) }] as const;
  });
  return {
    apiVersion: 'bellhop/v1',
    stores: around.stores,
    secrets: Object.fromEntries(secrets),
    policy: { startMsMax: around.startMsMax ?? BUDGET_MS, ...policy },
  };
}

/** Many starts at the same time. */
export interface Herd {
  /** Starts whose program got every value. */
  readonly succeeded: number;
  readonly medianMs: number;
  readonly longestMs: number;
  readonly ended: readonly Ended[];
}

/** Runs it so many times at once. */
export async function runHerd(wish: Wish, starts: number, values: readonly string[]) {
  const ended = await Promise.all(Array.from({ length: starts }, () => runOnce(wish)));
  const wanted = values.join(' ');
  const took = ended.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const herd: Herd = {
    succeeded: ended.filter(({ exit, wrote }) => exit === 0 && wrote === wanted).length,
    medianMs: took[Math.floor(starts / 2)] ?? 0,
    longestMs: took.at(-1) ?? 0,
    ended,
  };
  return herd;
}

/** Runs it to its end; the folder is gone afterwards. */
export async function runOnce(wish: Wish): Promise<Ended> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-outage-'));
  const inFolder = (name: string): string => path.join(folder, name);
  mkdirSync(inFolder('mounts'));
  writeFileSync(inFolder('pod.yaml'), JSON.stringify(podOf(wish, folder)));
  writeFileSync(inFolder('bellhop.yaml'), JSON.stringify(settingsOf(wish)));
  const variables = wish.references.map((_, n) => `$V${n}`).join(' ');
  const script = `printf '%s ' ${variables} > "$1"`;
  const command = ['/bin/sh', '-c', script, 'sh', inFolder('started')];
  const given = ['-f', inFolder('pod.yaml'), '-c', inFolder('bellhop.yaml')];
  const words = [...(wish.within ?? []), built().bellhop, 'run', ...given, '--', ...command];
  try {
    const beganMs = performance.now();
    const child = Bun.spawn(words, {
      env: { PATH: process.env['PATH'] ?? '', ...wish.around.env },
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'pipe',
    });
    const stderr = await new Response(child.stderr).text();
    const exit = await child.exited;
    const tookMs = performance.now() - beganMs;
    const started = existsSync(inFolder('started'));
    return {
      exit,
      stderr,
      tookMs,
      wrote: started ? readFileSync(inFolder('started'), 'utf8').trim() : undefined,
      left: readdirSync(inFolder('mounts')),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
