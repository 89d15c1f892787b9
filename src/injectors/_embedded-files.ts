// How values become files under the profile `flyte`: variables of a container that any image with a
// shell can run. Flyte's own script runs what a key says; this one never sees a key but in Base64.
import { goLower } from '../wire/go-case.ts';
import { Refusal } from './_injector.ts';

/** A key that can be the name of a file. */
export function isFileName(key: string): boolean {
  const isOne = key !== '' && key !== '.' && key !== '..' && !key.includes('/');
  return isOne && Buffer.byteLength(key) <= NAME_BYTES_MAX && !/\p{Cc}/u.test(key);
}

const NAME_BYTES_MAX = 255;

/** Linux takes strings of up to 128 KiB in the environment; this much Base64 is below it. */
const PART_BYTES_MAX = 90_000;
/** A pod is an object of etcd, 1.5 MiB in all. */
const VALUE_BYTES_MAX = 700_000;

const PREFIX = 'BELLHOP_FILE_';

/**
 * Variables for one file: `NAME CONTENT` in Base64, in parts; and where the SDK would look for
 * another spelling of the name, a link of that name. They are numbered when they are added.
 */
export function fileVariablesOf(
  key: string,
  content: Uint8Array,
): { name: string; value: string }[] {
  if (content.byteLength > VALUE_BYTES_MAX) {
    throw new Refusal(
      `its value has ${content.byteLength} bytes, at most ${VALUE_BYTES_MAX} fit into a pod`,
    );
  }
  const name = base64(Buffer.from(key));
  const count = Math.max(1, Math.ceil(content.byteLength / PART_BYTES_MAX));
  const parts = Array.from({ length: count }, (_, n) => {
    const part = content.subarray(n * PART_BYTES_MAX, (n + 1) * PART_BYTES_MAX);
    return `${n === 0 ? 'new' : 'more'} ${name} ${base64(part)}`;
  });
  const lower = goLower(key);
  const link = lower === key ? [] : [`link ${base64(Buffer.from(lower))} ${name}`];
  return [...parts, ...link].map((value) => ({ name: `${PREFIX}#`, value }));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** Reads the variables in their order, until the first that is not there. For any POSIX shell. */
export function filesScript(folder: string): string {
  return `set -eu
umask 022
cd ${folder}
i=0
while eval "line=\\\${${PREFIX}$i-}" && [ -n "$line" ]; do
  how=\${line%% *} rest=\${line#* }
  name=./$(printf %s "\${rest%% *}" | base64 -d)
  case $how in
    new) rm -f "$name"; printf %s "\${rest#* }" | base64 -d >"$name" ;;
    more) printf %s "\${rest#* }" | base64 -d >>"$name" ;;
    link) [ -e "$name" ] || ln -s "$(printf %s "\${rest#* }" | base64 -d)" "$name" ;;
  esac
  i=$((i + 1))
done
`;
}
