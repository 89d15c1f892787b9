// What the recorded pods came to, for docs/parity.md: `.cache/parity/offline.json`.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Verdict } from './judge.ts';
import type { Mode } from './run.ts';

/** What one way of delivering the recorded pods came to. */
export interface OfflineMode {
  readonly mode: Mode;
  readonly pods: number;
  /** Their containers were started, and refused, as on Kubernetes. */
  readonly started: number;
  readonly refused: number;
  /** Pods with a difference that nothing explains. */
  readonly failed: readonly string[];
  /** Pods that show an explained difference, by its name in DIFFERENCE_RULES. */
  readonly explained: Readonly<Record<string, number>>;
  /** Pods that start on Kubernetes and are refused here, and why that is right. */
  readonly refusedHere: Readonly<Record<string, number>>;
}

/** Written by each whole run of kubelet.test.ts; the last counts. */
export interface OfflineResult {
  readonly kubelet: string;
  readonly modes: readonly OfflineMode[];
}

/** Where tests leave what docs/parity.md is made of. */
export const RESULTS = path.join(import.meta.dirname, '../../.cache/parity');
/** test/golden/kubelet/README.md. */
const KUBELET = 'v1.33.13';

function modeOf(mode: Mode, verdicts: readonly Verdict[]): OfflineMode {
  const explained: Record<string, number> = {};
  for (const name of verdicts.flatMap((one) => [...one.explained])) {
    explained[name] = (explained[name] ?? 0) + 1;
  }
  const refusedHere: Record<string, number> = {};
  for (const { vector, refusedFor } of verdicts) {
    if (vector.refused !== undefined || refusedFor === undefined) continue;
    refusedHere[refusedFor] = (refusedHere[refusedFor] ?? 0) + 1;
  }
  const failed = verdicts.filter((one) => one.differences.length > 0);
  return {
    mode,
    pods: verdicts.length,
    started: verdicts.filter((one) => one.started).length,
    refused: verdicts.filter((one) => !one.started).length,
    failed: failed.map((one) => one.vector.id),
    explained,
    refusedHere,
  };
}

/** Keeps what a whole run came to. */
export function keepOffline(verdicts: readonly Verdict[]): void {
  const byMode = Map.groupBy(verdicts, (one) => one.mode);
  const modes = [...byMode].map(([mode, all]) => modeOf(mode, all));
  const result: OfflineResult = { kubelet: KUBELET, modes };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(path.join(RESULTS, 'offline.json'), `${JSON.stringify(result, undefined, 1)}\n`);
}
