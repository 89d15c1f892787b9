// `npm start`: the main job on an example, and why each thing is there. Changes nothing outside of
// /tmp/bellhop-quickstart and bellhop's own folder in memory.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { buildIfNeeded } from './build.ts';

const root = path.join(import.meta.dir, '..');
const folder = path.join(root, 'examples/quickstart');
const DELIVERED = '/tmp/bellhop-quickstart';
const colours = process.stdout.isTTY && !process.env['NO_COLOR'];
const bold = (text: string): string => (colours ? `\u001b[1m${text}\u001b[22m` : text);
const dim = (text: string): string => (colours ? `\u001b[2m${text}\u001b[22m` : text);

/** Mounts made by a start as root go away with a mount namespace of their own. */
function ownNamespace(): string[] {
  const unshare = Bun.which('unshare');
  if (process.getuid?.() !== 0 || unshare === null) return [];
  const works = Bun.spawnSync([unshare, '--mount', 'true'], { stderr: 'ignore' }).exitCode === 0;
  return works ? [unshare, '--mount'] : [];
}

function show(bellhop: string, words: readonly string[]): void {
  console.log(bold(`$ bellhop ${words.join(' ')}`));
  const prefix = words[0] === 'run' ? ownNamespace() : [];
  const done = Bun.spawnSync([...prefix, bellhop, ...words], {
    cwd: folder,
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...process.env, COLUMNS: String(process.stdout.columns ?? 120) },
  });
  if (done.exitCode !== 0) process.exit(done.exitCode);
  console.log('');
}

const { launcher } = buildIfNeeded();
const bellhop = path.join(root, 'dist', launcher ? 'bellhop' : 'bellhop-runtime');
rmSync(DELIVERED, { recursive: true, force: true });
console.log(
  `${bold('examples/quickstart/app.yaml')} is a pod as it runs on Kubernetes: variables from a ConfigMap and`,
);
console.log('a Secret, three volumes, $(VAR) in its arguments. There is no Kubernetes here:\n');
show(bellhop, ['run', '-f', 'app.yaml']);
console.log(
  dim('The program found what the kubelet would have given it. Why each thing is there:\n'),
);
show(bellhop, ['explain', '-f', 'app.yaml']);
rmSync(DELIVERED, { recursive: true, force: true });
if (!launcher) {
  console.log(
    'No C compiler was found, so the launcher was not built; ARCHITECTURE.md says what that costs.',
  );
}
console.log(
  `Next: put ${bold('dist/bellhop')} and ${bold('dist/bellhop-runtime')} into an image and start it with`,
);
console.log(bold('  bellhop run -f pod.yaml -- python train.py'));
