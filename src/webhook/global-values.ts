// Values that the webhook itself has, for the manager Global (Flyte's section `secrets`, here
// `flyteSecrets`): variables of its process, or files below a folder.
import type { Clock, Fs } from '../core/io/types.ts';
import { Refusal } from '../injectors/_injector.ts';
import { goUpper } from '../wire/go-case.ts';
import { isBelow, joinPath } from '../wire/go-path.ts';

export interface GlobalSettings {
  readonly type: 'local';
  readonly 'secrets-prefix': string;
  readonly 'env-prefix': string;
}

export const GLOBAL_DEFAULTS: GlobalSettings = {
  type: 'local',
  'secrets-prefix': '/etc/secrets',
  'env-prefix': 'FLYTE_SECRET_',
};

const FILE_BYTES_MAX = 1024 * 1024;
/** Nearly no secret is here, and each of every pod is looked for. */
const ABSENT_MS = 1000;
const ABSENT_MAX = 4096;
/** Longer names than any path is are not kept (Linux: PATH_MAX). */
const ASKED_LENGTH_MAX = 4096;

const NOT_BELOW = new Refusal("group and key lead out of the folder of the webhook's files");

/** Where values are looked for. */
export interface GlobalPlaces {
  readonly fs: Pick<Fs, 'read'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** A variable that is set, even to nothing. */
  readonly variable: (name: string) => string | undefined;
}

/**
 * Looks a value up; what cannot be read is as what is not there, and a file that is not there is
 * looked for again a second later at the earliest. Throws Refusal where the file would not be below
 * the folder: group and key are the word of the pod's author, and the webhook's own token and key
 * are files too. Links are followed: Kubernetes makes the files of a mounted Secret links, and
 * whoever can put a link into the folder can put any value there.
 */
export function globalValues(
  { fs, clock, variable }: GlobalPlaces,
  settings: GlobalSettings = GLOBAL_DEFAULTS,
): (group: string, key: string) => string | undefined {
  const absentUntilMs = new Map<string, number>();
  return (group, key) => {
    const asked = `${group.length}/${group}/${key}`;
    const nowMs = clock.monotonicMs();
    if ((absentUntilMs.get(asked) ?? 0) > nowMs) return undefined;
    const set = variable(`${settings['env-prefix']}${goUpper(group)}_${goUpper(key)}`);
    if (set !== undefined) return set;
    const prefix = settings['secrets-prefix'];
    const file = joinPath(prefix, group, key);
    if (!isBelow(prefix, file)) throw NOT_BELOW;
    try {
      const bytes = fs.read(file, FILE_BYTES_MAX);
      return Buffer.from(bytes).toString();
    } catch {
      if (absentUntilMs.size >= ABSENT_MAX) absentUntilMs.clear();
      if (asked.length <= ASKED_LENGTH_MAX) absentUntilMs.set(asked, nowMs + ABSENT_MS);
      return undefined;
    }
  };
}
