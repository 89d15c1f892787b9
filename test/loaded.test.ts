// What a command loads without being asked: valibot, whose schemas cost a start, stands behind an
// `import()` where not every call needs it (docs/decisions/0003-dependencies.md).
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'bun:test';

const ROOT = path.join(import.meta.dir, '..');
const transpiler = new Bun.Transpiler({ loader: 'ts' });
const known = new Map<string, ReadonlySet<string>>();

/** Packages that are loaded together with this file, which types and `import()` are not. */
function packagesOf(file: string): ReadonlySet<string> {
  const found = new Set<string>();
  // Before it is complete: imports may go in circles.
  const before = known.get(file);
  if (before !== undefined) return before;
  known.set(file, found);
  for (const { kind, path: to } of transpiler.scanImports(readFileSync(file, 'utf8'))) {
    if (kind !== 'import-statement') continue;
    if (!to.startsWith('.')) found.add(to);
    else for (const one of packagesOf(path.join(path.dirname(file), to))) found.add(one);
  }
  return found;
}

const COMMANDS = readdirSync(path.join(ROOT, 'src/cli')).filter((file) => {
  const text = readFileSync(path.join(ROOT, 'src/cli', file), 'utf8');
  return /^const command: Command = \{/m.test(text);
});
/** Each call of theirs reads a snapshot, or the webhook's section of bellhop.yaml. */
const NEED_IT = ['diff.ts', 'mutate.ts', 'webhook.ts'];

test('the program itself loads no schema library', () => {
  expect([...packagesOf(path.join(ROOT, 'src/main.ts'))]).not.toContain('valibot');
});

test.each(COMMANDS)('%s loads a schema library only if each call of it needs one', (file) => {
  const loads = packagesOf(path.join(ROOT, 'src/cli', file)).has('valibot');
  expect(loads).toBe(NEED_IT.includes(file));
});
