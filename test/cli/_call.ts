// The built executable called as a person does, in a folder with a pod.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';
import type { Spawned } from '../support/spawned.ts';
import { callIn, spawned } from '../support/spawned.ts';

export const { bellhop } = built();
export const CANARY = 'canary-7d1f3b';
export const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-cli-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export const POD = `
apiVersion: v1
kind: Pod
metadata: { name: p, labels: { app: x } }
spec:
  securityContext: { runAsUser: 1000 }
  containers:
  - name: main
    image: i
    command: [env]
    envFrom:
    - secretRef: { name: s }
    - configMapRef: { name: c }
    env:
    - { name: user, value: "again $(user) $(later)" }
    - { name: later, value: x }
    - name: maybe
      valueFrom: { secretKeyRef: { name: s, key: nosuch, optional: true } }
    volumeMounts: [{ name: v, mountPath: /etc/creds }]
  volumes: [{ name: v, secret: { secretName: s, defaultMode: 0400 } }]
---
apiVersion: v1
kind: Secret
metadata: { name: s }
stringData: { user: ${CANARY}-u, my.key: ${CANARY}-k }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: c }
data: { PARAM: ${CANARY}-c }
`;
const pod = path.join(folder, 'pod.yaml');
writeFileSync(pod, POD);

/** May be executed, and is no program: the kernel says ENOEXEC. */
export const noProgram = path.join(folder, 'no-program');
writeFileSync(noProgram, 'text', { mode: 0o755 });

export type Result = Spawned;

/** Runs bellhop in the folder with this environment and PATH. */
export function call(words: readonly string[], env: Readonly<Record<string, string>> = {}): Result {
  return callIn(folder, words, env);
}

/** The same, while a server of this process answers. */
export async function callMeanwhile(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const variables = { PATH: process.env['PATH'] ?? '', ...env };
  return spawned([bellhop, ...words], { cwd: folder, env: variables });
}
