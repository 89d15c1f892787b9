import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildIfNeeded } from '../../scripts/build.ts';
import { bundleShare, keepResults, machine, measure, printRows } from './measure.ts';

const ROUNDS = 60;
const VARIABLES = 30;
const FILES = 10;

/** A pod of 30 variables and 10 files from the embedded store. */
function podText(mountPath: string): string {
  const literals = Array.from({ length: VARIABLES / 2 }, (_, i) => {
    return `    - { name: LITERAL_${i}, value: "value-${i}" }`;
  });
  const secrets = Array.from({ length: VARIABLES / 2 }, (_, i) => {
    return `    - name: SECRET_${i}\n      valueFrom: { secretKeyRef: { name: s, key: key-${i % FILES} } }`;
  });
  const keys = Array.from({ length: FILES }, (_, i) => `  key-${i}: c2VjcmV0LXZhbHVl`);
  return [
    'apiVersion: v1\nkind: Pod\nmetadata: { name: bench }\nspec:\n  containers:\n  - name: main',
    '    image: bench\n    command: [/bin/true]\n    env:',
    ...literals,
    ...secrets,
    `    volumeMounts: [{ name: s, mountPath: ${mountPath} }]`,
    '  volumes: [{ name: s, secret: { secretName: s, defaultMode: 0400 } }]',
    '---\napiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata:',
    ...keys,
    '',
  ].join('\n');
}

/** `npm run bench run`: bellhop's own cost over starting the program directly. */
export async function bench(): Promise<void> {
  const { launcher } = buildIfNeeded();
  const dist = path.join(import.meta.dir, '../../dist');
  const bellhop = path.join(dist, launcher ? 'bellhop' : 'bellhop-runtime');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-bench-'));
  const pod = path.join(folder, 'pod.yaml');
  writeFileSync(pod, podText(path.join(folder, 'mnt')));
  const noMounts = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];
  const isRoot = process.getuid?.() === 0 && Bun.which('setpriv') !== null;
  const plain = isRoot ? noMounts : [];
  const contenders = [
    { name: '/bin/true directly', command: [...plain, '/bin/true'] },
    { name: 'bellhop run, no plan', command: [...plain, bellhop, 'run', '--', '/bin/true'] },
    { name: 'bellhop run, 30 vars + 10 files', command: [...plain, bellhop, 'run', '-f', pod] },
    {
      name: 'the same by bellhop-runtime alone',
      command: [...plain, path.join(dist, 'bellhop-runtime'), 'run', '-f', pod],
    },
  ];
  try {
    const rows = measure(contenders, ROUNDS);
    console.log(`${machine()}; ${ROUNDS} interleaved rounds\n`);
    printRows(rows);
    const share = await bundleShare(path.join(import.meta.dir, '../../src/main.ts'));
    printShare(share);
    keepResults('run', { rounds: ROUNDS, rows, bundleBytes: Object.fromEntries(share) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function printShare(share: ReadonlyMap<string, number>): void {
  const total = [...share.values()].reduce((sum, one) => sum + one, 0);
  console.log(`\nThe bundle: ${(total / 1024).toFixed(1)} KiB minified; by module:`);
  for (const [file, bytes] of [...share].toSorted(([, a], [, b]) => b - a).slice(0, 15)) {
    console.log(
      `  ${((100 * bytes) / total).toFixed(1).padStart(5)} %  ${file.replace(/^.*node_modules\//, '')}`,
    );
  }
}
