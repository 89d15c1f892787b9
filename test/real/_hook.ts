// A webhook with real stores and registries behind it, asked in this process; its cluster is in
// memory.
import { expect } from 'bun:test';
import { webhookParts } from '../../src/cli/webhook-parts.ts';
import { openSystem } from '../../src/core/io/system.ts';
import { deadlineBy } from '../../src/webhook/deadline.ts';
import { review } from '../../src/webhook/review.ts';
import { memoryCluster } from '../webhook/_memory-api.ts';

/** Less than an API server waits. */
const ANSWER_MS_MAX = 9_000;

/** What a webhook is opened with. */
export interface Hooking {
  /** The path of its bellhop.yaml. */
  readonly config: string;
  /** Stands in no answer, neither as it is nor in base64. */
  readonly canary: string;
  /** Which of its caches tells how it was hit. */
  readonly cache: 'images' | 'stores';
  /** Variables in the place of this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cluster?: ReturnType<typeof memoryCluster>;
}

/** How a pod was judged. */
export interface Answer {
  readonly allowed: boolean;
  /** Of a denial; else ''. */
  readonly message: string;
  /** Operations of RFC 6902 as text; '' for none. */
  readonly patch: string;
}

/** A webhook that lives for as many pods as are asked about. */
export interface Hook {
  readonly ask: (pod: object, request: { namespace: string; dryRun?: boolean }) => Promise<Answer>;
  /** What the cache has told so far. */
  readonly results: readonly string[];
}

export async function openHook(hooking: Hooking): Promise<Hook> {
  const { config, canary, cache, env, cluster = memoryCluster() } = hooking;
  const { io } = openSystem();
  const pairs = env && Object.entries(env).map(([name, value]) => Buffer.from(`${name}=${value}`));
  const arrival = { ...io.arrival, env: pairs ?? io.arrival.env };
  const client = cluster.client(() => Date.now());
  const parts = await webhookParts({ ...io, arrival }, config, client);
  const results: string[] = [];
  parts.otherCaches.get(cache)?.watch((result) => results.push(result));
  const ask: Hook['ask'] = async (object, { namespace, dryRun = false }) => {
    const request = { uid: 'u', namespace, dryRun, object };
    const body = Buffer.from(JSON.stringify({ kind: 'AdmissionReview', request }));
    const deadline = deadlineBy(AbortSignal.timeout(ANSWER_MS_MAX));
    const asked = { body, contentType: 'application/json', deadline };
    const { text } = await review(asked, parts.mutate);
    const { response } = JSON.parse(text) as {
      response: { allowed: boolean; patch?: string; status?: { message?: string } };
    };
    const patch = atob(response.patch ?? '');
    for (const one of [canary, btoa(canary)]) {
      expect(text).not.toContain(one);
      expect(patch).not.toContain(one);
    }
    return { allowed: response.allowed, message: response.status?.message ?? '', patch };
  };
  return { ask, results };
}
