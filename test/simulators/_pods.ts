// Recorded pods, and some that no request has room for.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { GOLDEN, readVectors, type Vector } from '../kubelet/vectors.ts';

/** The recorded pod of this name. */
export function pod(id: string): Vector {
  const [vector] = readVectors(path.join(GOLDEN, `${id}.json`));
  if (vector === undefined) throw new Error(id);
  return vector;
}

/** Pods that no request has room for, or whose texts a platform would change. */
export const MADE: Readonly<Record<string, Made>> = {
  '300 variables': { env: many(300, (at) => 'x'.repeat(at % 700)) },
  '5,000 variables of 300 characters': {
    env: many(5000, (at) =>
      createHash('sha512').update(String(at)).digest('hex').repeat(3).slice(84),
    ),
  },
  'odd names and values': {
    env: [
      ['LINES', 'a\nb\r\n'],
      ['EMPTY', ''],
      ['BLANKS', ' a '],
      ['LONG', 'é'.repeat(300)],
      ['SHELL', '${x} `z` "q" \\ \'a\''],
      ['BATCH', 'Ref::input'],
      ['BRICKS', '{{secrets/a/b}}'],
      ['a.b-c', 'dots'],
      ['1abc', 'digit'],
      ['AWS_BATCH_X', 'reserved'],
      ['_UNION_X', 'reserved'],
      ['TRAINING_JOB_NAME', 'of the pod'],
    ],
  },
  'odd words': { argv: ['/probe', 'Ref::a', '', 'a\nb', 'x'.repeat(300), 'é', '--'] },
  '150 words': { argv: ['/probe', ...many(150, String).map(([, word]) => word)] },
};

/** Variables or words in place of the pod's. */
export interface Made {
  readonly env?: readonly (readonly [string, string])[];
  readonly argv?: readonly string[];
}

function many(count: number, value: (at: number) => string): [string, string][] {
  return Array.from({ length: count }, (_, at) => [`V_${at}`, value(at)]);
}

/** The recorded pod with other variables or words, and what a kubelet would give it then. */
export function made({ env, argv }: Made): Vector {
  const vector = structuredClone(pod('env-literals'));
  const [container] = vector.pod.spec.containers;
  const seen = vector.snapshot?.containers?.[container?.name ?? ''];
  if (container === undefined || seen === undefined) throw new Error(vector.id);
  const old = new Set((container.env ?? []).map(({ name }) => name));
  const given = (env ?? []).map(([name, value]) => ({ name, value }));
  container.env = given;
  seen.env = [...seen.env.filter(({ name }) => !old.has(name as string)), ...given];
  if (argv !== undefined) Object.assign(container, { command: argv });
  if (argv !== undefined) seen.argv = [...argv];
  return vector;
}
