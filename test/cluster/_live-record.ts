// What the live tests came to, for docs/parity.md: `.cache/parity/live.json` is a LiveResult, and
// `.cache/parity/routes.json` a RoutesResult. The time to main is bench/results/pods.json, written
// by `npm run bench -- pods`.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RESULTS } from '../kubelet/record.ts';
import type { Vector } from '../kubelet/vectors.ts';

/** What became of a run of random pods. */
export interface LiveResult {
  /** Of the node: v1.33.13 … */
  readonly kubelet: string;
  readonly seed: number;
  readonly pods: number;
  /** Containers that were seen on the node, and compared in both modes of delivery. */
  readonly containers: number;
  /** Pods by what the cluster made of them: `ran`, or who refused them: `api-server`, `kubelet`,
   * `runtime`, `kernel`. `run` has refused each of these too, unless it stands in `failed`. */
  readonly by: Readonly<Record<string, number>>;
  readonly failed: readonly Failed[];
}

/** A pod of which the two sides differ. */
export interface Failed {
  readonly id: string;
  readonly description: string;
  readonly mode: string;
  readonly differences: readonly string[];
  /** The pod, as small as it still differs. */
  readonly smallest?: object;
}

/** What became of pods that came by the webhook, beside the same by the entrypoint. */
export interface RoutesResult {
  readonly kubelet: string;
  readonly seed: number;
  readonly stores: readonly string[];
  readonly pods: number;
  /** Each pod: what became of it by the webhook (`ran`, or who refused it and why), and all that
   * `run` has given otherwise. */
  readonly shapes: readonly {
    readonly name: string;
    readonly store: string;
    readonly by: string;
    readonly differences: readonly string[];
  }[];
}

/** Writes the result of one test; its last run counts. */
export function keepResult(name: 'live' | 'routes', result: LiveResult | RoutesResult): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(path.join(RESULTS, `${name}.json`), `${JSON.stringify(result, undefined, 1)}\n`);
}

/** Writes what the node has shown of a pod that differs, for `test/kubelet/report.ts FILE`. */
export function keepFailed(vector: Vector): void {
  const folder = path.join(RESULTS, 'failed');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${vector.id}.json`);
  writeFileSync(file, `${JSON.stringify(vector, undefined, 1)}\n`);
  console.log(`differs: ${file}`);
}
