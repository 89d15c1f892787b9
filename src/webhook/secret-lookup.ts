// Whether Secrets that pods refer to are there, for `missing: deny`.
import type { Clock } from '../core/io/types.ts';
import type { LookUp, LookedUp } from '../injectors/_injector.ts';
import { recordIn } from '../stores/_rest.ts';
import { dnsSubdomainProblem } from '../wire/names.ts';
import { inTime } from './in-time.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import { secretPlace } from './kubernetes-objects.ts';

/** A pod asks for many keys of one Secret, one after another: they come from one read. */
const KEPT_MS = 1000;
const KEPT_MAX = 1000;
const LATE = 'the API server did not say in time whether it is there';

interface Seen {
  /** Names alone; undefined where there is no such Secret. */
  readonly keys: Promise<ReadonlySet<string> | undefined>;
  readonly endsMs: number;
}

/**
 * Looks Secrets up at the API server. What is there is known for a second, what is not there is
 * asked for each time. Rejects where the server cannot say, or not in time.
 */
export function openSecretLookup(api: KubernetesApi, clock: Clock): LookUp {
  const seen = new Map<string, Seen>();
  const forget = (path: string, keys: Seen['keys']): void => {
    if (seen.get(path)?.keys === keys) seen.delete(path);
  };
  const keysOf = (path: string): Seen['keys'] => {
    const before = seen.get(path);
    const nowMs = clock.monotonicMs();
    if (before !== undefined && before.endsMs > nowMs) return before.keys;
    const keys = readKeys(api, path);
    if (seen.size >= KEPT_MAX) seen.clear();
    seen.set(path, { keys, endsMs: nowMs + KEPT_MS });
    keys.then(
      (there) => there ?? forget(path, keys),
      () => forget(path, keys),
    );
    return keys;
  };
  return async ({ namespace, name, key }, signal): Promise<LookedUp> => {
    // What is no name could lead elsewhere in the API.
    if (dnsSubdomainProblem(name) !== undefined) return 'no Secret';
    const { path } = secretPlace(namespace, name);
    const isKept = (seen.get(path)?.endsMs ?? 0) > clock.monotonicMs();
    let keys = await inTime(keysOf(path), signal, LATE);
    if (isKept && keys?.has(key) !== true) {
      // It may have been changed since.
      seen.delete(path);
      keys = await inTime(keysOf(path), signal, LATE);
    }
    if (keys === undefined) return 'no Secret';
    return keys.has(key) ? 'there' : 'no key';
  };
}

async function readKeys(api: KubernetesApi, path: string): Seen['keys'] {
  const found = await api.get(path);
  return found.kind === 'absent' ? undefined : new Set(Object.keys(recordIn(found.object, 'data')));
}
