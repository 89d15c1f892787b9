// What differs from run to run, written so that two snapshots compare. Pure.

const TIMESTAMPED = /^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+$/;
const TIMESTAMPED_STEP = /(^|\/)\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+(?=\/|$)/g;
/** Where `run` keeps what may not lie on a disk: src/entrypoint/state.ts. */
const OWN_FOLDER = /^(\/(?:dev\/shm|run|tmp|var\/tmp)\/bellhop-)\d+(?:\/.*)?$/;

/** The name under which the current version of a volume stands. */
const CURRENT = '..TS';

/** True for what the kubelet calls the folder of one version of a volume. */
function isTimestamped(name: string): boolean {
  return TIMESTAMPED.test(name);
}

/**
 * Names of a folder as they are written down: the timestamped folder that `..data` leads to is
 * `..TS`, others (of a version that is being removed) are numbered.
 */
export function steadyNames(
  names: readonly string[],
  current: string | undefined,
): Map<string, string> {
  const sorted = names.toSorted();
  const chosen = current ?? sorted.find(isTimestamped);
  let others = 0;
  return new Map(
    sorted.map((name): [string, string] => {
      if (!isTimestamped(name)) return [name, name];
      return [name, name === chosen ? CURRENT : `${CURRENT}~${(others += 1)}`];
    }),
  );
}

/** The target of a link, without time and uid. */
export function steadyTarget(target: string): string {
  return isOwnFolder(target)
    ? target.replace(OWN_FOLDER, '$1<uid>')
    : target.replaceAll(TIMESTAMPED_STEP, `$1${CURRENT}`);
}

/** True for paths in bellhop's own folder, where bytes lie that may not lie on a disk. */
export function isOwnFolder(target: string): boolean {
  return OWN_FOLDER.test(target);
}

/** The kubelet adds both lines to what the API object has; the first is the time. */
const CONFIG_LINE = /^kubernetes\.io\/config\.(?:seen|source)="/;
const CONFIG_MARK = 'kubernetes.io/config.';

/** A file's content as it is digested, and what was taken out of it. */
export function steadyContent(bytes: Uint8Array): { bytes: Uint8Array; normalised: string[] } {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (content.includes(CONFIG_MARK)) {
    const lines = content.toString('latin1').split('\n');
    const kept = lines.filter((line) => !CONFIG_LINE.test(line));
    if (kept.length < lines.length) {
      return { bytes: Buffer.from(kept.join('\n'), 'latin1'), normalised: ['config lines'] };
    }
  }
  if (isClusterToken(content)) return { bytes: new Uint8Array(), normalised: ['cluster token'] };
  return { bytes, normalised: [] };
}

const TOKEN_BYTES_MAX = 16_384;

/** A JSON Web Token that a cluster made for a pod: it has the claim `kubernetes.io`. */
function isClusterToken(content: Buffer): boolean {
  if (content.length > TOKEN_BYTES_MAX || content.subarray(0, 3).toString('latin1') !== 'eyJ') {
    return false;
  }
  const parts = content.toString('latin1').trim().split('.');
  if (parts.length !== 3) return false;
  return Buffer.from(parts[1] ?? '', 'base64url').includes('"kubernetes.io":');
}

/** Why an entry cannot be written down: names are text in a snapshot. */
export const NO_TEXT = {
  name: 'its name is not UTF-8',
  names: 'names in it are not UTF-8',
  target: 'its target is not UTF-8',
} as const;

/** Bytes that are not UTF-8 come as this; where it was there before, nobody can tell. */
const REPLACED = '\u{FFFD}';

/** False where the text may stand for other bytes. */
export function isExact(text: string): boolean {
  return !text.includes(REPLACED);
}
