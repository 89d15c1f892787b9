// Manifests that the bad cases are made from.
import type { Case } from './_run.ts';
import { CANARY } from './_run.ts';

/** What is given, the codes of the report, and a sentence in it. */
export type Row = readonly [string, Case, readonly string[], string];

export const POD = 'kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n';
export const SECRET = `\n---\n{kind: Secret, metadata: {name: s}, stringData: {k: ${CANARY}, other: ${CANARY}}}\n`;

export const container = (members: string, spec = ''): string =>
  `{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, ${members}}]${spec}}}${SECRET}`;
export const mounted = (source: string, mount = 'mountPath: /bellhop-test/m'): string =>
  container(`volumeMounts: [{name: v, ${mount}}]`, `, volumes: [{name: v, ${source}}]`);
export const pod = (text: string | Uint8Array, more: Omit<Case, 'files'> = {}): Case => ({
  files: { 'pod.yaml': text },
  ...more,
});

export function aliasBomb(levels: number): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let n = 1; n <= levels; n++)
    lines.push(
      `a${n}: &a${n} [${Array(9)
        .fill(`*a${n - 1}`)
        .join(', ')}]`,
    );
  return `kind: Pod\n${lines.join('\n')}\n`;
}
