// Keeps our registration right, against drift, without fighting for it for ever.
import type { Clock } from '../core/io/types.ts';
import type { KubernetesApi, KubeObject } from './kubernetes-api.ts';
import { registrationPlace } from './kubernetes-objects.ts';
import type { Correction, RegistrationWish } from './registration.ts';
import { correct, unknownFields } from './registration.ts';
import type { Telling } from './telling.ts';

/** What keeping needs. */
export interface RegistrarParts {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly telling: Telling;
  readonly wish: RegistrationWish;
}

/** Keeps one registration. */
export interface Registrar {
  /** The configuration as it is; `absent` where there is none. Rejects as the API does. */
  read(): Promise<KubeObject | 'absent'>;
  /**
   * Writes what is not as it should be, based on what was read: somebody else's change in between
   * wins, and is looked at the next time. True where something was written. Rejects as the API
   * does.
   */
  keep(existing: KubeObject | 'absent', how: Keeping): Promise<boolean>;
}

export interface Keeping {
  /** PEM; undefined leaves the caBundle to others. */
  readonly bundle: string | undefined;
  /** False as long as nobody can answer: then nothing is registered that is not. */
  readonly mayCreate: boolean;
}

/** Restored so often within an hour, a field is left to whoever wants it otherwise. */
const RESTORES_MAX = 3;
const FIGHT_MS = 3_600_000;

export function openRegistrar(parts: RegistrarParts): Registrar {
  const memory: Memory = { unknown: new Set(), restoredMs: new Map() };
  const place = registrationPlace(parts.wish.name);
  return {
    read: async () => {
      const found = await parts.api.get(place.path);
      return found.kind === 'found' ? found.object : 'absent';
    },
    keep: async (existing, { bundle, mayCreate }) => {
      const known = existing === 'absent' ? undefined : existing;
      const left = new Set([...memory.unknown, ...foughtFor(parts, memory)]);
      const correction = correct(parts.wish, { existing: known, bundle, left });
      if (correction === undefined || (correction.isNew && !mayCreate)) return false;
      return write(parts, memory, correction);
    },
  };
}

interface Memory {
  /** Fields that this API server drops. */
  readonly unknown: Set<string>;
  /** When each field was restored, by the monotonic clock. */
  readonly restoredMs: Map<string, readonly number[]>;
}

/** What others keep setting otherwise. Never the caBundle: without it no call would succeed. */
function foughtFor({ clock, telling }: RegistrarParts, memory: Memory): string[] {
  const sinceMs = clock.monotonicMs() - FIGHT_MS;
  const fought: string[] = [];
  for (const [field, times] of memory.restoredMs) {
    const recent = times.filter((ms) => ms > sinceMs);
    memory.restoredMs.set(field, recent);
    if (recent.length >= RESTORES_MAX && field !== 'clientConfig') fought.push(field);
  }
  if (fought.length === 0) telling.right('fight');
  else {
    const what = `somebody else keeps changing ${fought.join(', ')} of our registration`;
    telling.wrong('fight', `${what}: left alone for an hour`, 'warn');
  }
  return fought;
}

async function write(
  parts: RegistrarParts,
  memory: Memory,
  correction: Correction,
): Promise<boolean> {
  const { api, clock, telling, wish } = parts;
  const { object, isNew, fields } = correction;
  const place = registrationPlace(wish.name);
  const written = isNew
    ? await api.create(place.collection, object)
    : await api.update(place.path, object);
  if (written.kind === 'conflict') return false;
  for (const field of unknownFields(object, written.object, wish.entryName)) {
    memory.unknown.add(field);
    telling.wrong(`field ${field}`, `this API server does not know ${field} of a webhook`, 'warn');
  }
  const nowMs = clock.monotonicMs();
  for (const field of isNew ? [] : fields) {
    memory.restoredMs.set(field, [...(memory.restoredMs.get(field) ?? []), nowMs]);
  }
  const facts = { name: wish.name, fields: fields.join(' ') };
  telling.happened(isNew ? 'registered' : 'the registration was put right', facts);
  return true;
}
