// The words of `apptainer exec`, as far as the simulator knows them.
import { NotSimulated } from './_types.ts';

const WITH_VALUE = new Set([
  '--env',
  '--env-file',
  '--bind',
  '-B',
  '--pwd',
  '--cwd',
  '--home',
  '-H',
]);
const PLAIN = `-e --cleanenv -c --contain -C --containall --no-home --no-eval --compat --nv -p --pid
  --writable-tmpfs -s --silent -q --quiet`.split(/\s+/);

/** What a call of Apptainer asks for. */
export interface Flags {
  readonly plain: ReadonlySet<string>;
  readonly values: readonly (readonly [string, string])[];
  readonly image: string;
  readonly command: readonly string[];
}

/** `apptainer [-s] exec|run FLAGS IMAGE COMMAND…`. */
export function flagsOf(words: readonly string[]): Flags {
  const plain = new Set<string>();
  const values: [string, string][] = [];
  let action = '';
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [name, inline] = word.startsWith('--') ? splitOnce(word) : [word];
    if (WITH_VALUE.has(name)) values.push([name, inline ?? words[(at += 1)] ?? '']);
    else if (PLAIN.includes(word)) plain.add(word);
    else if (word.startsWith('-')) throw new NotSimulated(`apptainer ${word}`);
    else if (action === '') action = word;
    else {
      if (action !== 'exec') throw new NotSimulated(`apptainer ${action}`);
      return { plain, values, image: word, command: words.slice(at + 1) };
    }
  }
  throw new NotSimulated('apptainer without an image');
}

/** A text before and behind its first `=`. */
export function splitOnce(word: string): [string, string?] {
  const at = word.indexOf('=');
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}
