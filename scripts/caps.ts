// Compares the caps of AWS's targets with botocore's service models, and fails where they moved.
// `npm run caps`: with the botocore that the caps name; `npm run caps -- 1.45.0`: with another.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ALL_TARGETS } from '../src/targets/_all.gen.ts';
import type { Cap } from '../src/targets/_caps.ts';

const root = path.join(import.meta.dir, '..');
const PYTHON = process.env['PYTHON'] ?? 'python3';

/** What a service model says of one member. */
export interface ModelFacts {
  readonly max: number | null;
  readonly min: number | null;
  readonly pattern: string | null;
}

/** A cap of a target that is read from a service model. */
export interface ModelCap {
  readonly target: string;
  readonly cap: Cap;
  readonly model: string;
}

/** Every cap that names a member of a service model. */
export async function modelCaps(): Promise<readonly ModelCap[]> {
  const all = Object.entries(ALL_TARGETS).map(async ([target, load]) => {
    const { caps, adapt = [] } = (await load()).default;
    const all = [...caps, ...adapt.flatMap((one) => one.caps ?? [])];
    return all.flatMap((cap) =>
      cap.model === undefined ? [] : [{ target, cap, model: cap.model }],
    );
  });
  return (await Promise.all(all)).flat();
}

/** Where ours and the model's differ, one sentence each; a minimum of ours may be stricter. */
export function moved(
  caps: readonly ModelCap[],
  members: Readonly<Record<string, ModelFacts>>,
): string[] {
  return caps.flatMap(({ target, cap, model }) => {
    const facts = members[model];
    if (facts === undefined) return [`${target}: ${model}: the model does not have it`];
    const said = <T extends string | number | null>(what: string, ours: T, theirs: T): string[] => {
      return ours === theirs
        ? []
        : [`${target}: ${model}: ${what} is ${String(theirs)}, the target says ${String(ours)}`];
    };
    if (cap.kind === 'form') return said<string | null>('pattern', cap.pattern, facts.pattern);
    return said<number | null>('max', cap.max, facts.max);
  });
}

/** What the models of a botocore in this folder say of the caps' members. */
export async function modelsIn(
  folder: string,
  models: readonly string[],
): Promise<{ version: string; members: Record<string, ModelFacts> }> {
  const child = Bun.spawn([PYTHON, path.join(root, 'scripts/caps.py')], {
    stdin: new TextEncoder().encode(JSON.stringify(models)),
    stdout: 'pipe',
    stderr: 'inherit',
    env: { ...process.env, PYTHONPATH: folder },
  });
  const out = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error('botocore could not be asked');
  return JSON.parse(out) as { version: string; members: Record<string, ModelFacts> };
}

/** The version that the caps name as their source. */
export function versionOf(caps: readonly ModelCap[]): string {
  const versions = caps.map(({ cap }) => /botocore (\d+\.\d+\.\d+)/.exec(cap.source)?.[1]);
  const [only = ''] = [...new Set(versions)];
  return only;
}

/** A folder with this botocore; installed by pip on first use. */
async function installed(version: string): Promise<string> {
  const folder = path.join(root, `.cache/botocore-${version}`);
  if (existsSync(path.join(folder, 'botocore'))) return folder;
  const words = ['-m', 'pip', 'install', '--quiet', '--target', folder, `botocore==${version}`];
  const pip = Bun.spawn([PYTHON, ...words], { stdout: 'inherit', stderr: 'inherit' });
  if ((await pip.exited) !== 0) throw new Error(`botocore ${version} could not be installed`);
  return folder;
}

if (import.meta.main) {
  const caps = await modelCaps();
  const folder = await installed(process.argv[2] ?? versionOf(caps));
  const { version, members } = await modelsIn(folder, [...new Set(caps.map(({ model }) => model))]);
  const found = moved(caps, members);
  for (const one of found) console.error(one);
  console.log(`${caps.length} caps against botocore ${version}: ${found.length} differ`);
  process.exit(found.length === 0 ? 0 : 1);
}
